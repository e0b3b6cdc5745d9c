import { type Artifact, type PastFigures, type ScoreWeights, figuresOf, scoreOf } from './artifact.ts'
import { createWanted } from './indexed-search.ts'
import type { Query } from './query.ts'
import type { Explanation, SearchRequest } from './result.ts'
import type { VectorSpace } from './vector-space.ts'
import { splitIdentifiers } from '../embedding/index.ts'

export type KnowledgeHit = Artifact &
  PastFigures & { similarity: number | null; lexical: number; score: number; explain: Explanation | null }

export type KnowledgeAnswer = { artifacts: KnowledgeHit[]; belowFloor: number; model: string | null }

export type KnowledgeDeps = {
  weights: ScoreWeights
  /** Less similar artifacts are found only by their words. */
  floor: number
  now: number
  /** Without it the words of the query alone decide. */
  space: VectorSpace | undefined
  /** Vectors by content, kept between the queries of one process. */
  known: Map<string, Int8Array | undefined>
}

/** Near ones beyond these are not counted as below the floor. */
const MOST = 100
/** What holds so much of the query's words is found by them. */
const ENOUGH_WORDS = 0.6

/** Finds what is known by its meaning and its words, and ranks it by the seeds' score. */
export async function searchKnowledge(
  all: readonly Artifact[],
  query: Query,
  request: SearchRequest,
  limit: number,
  { weights, floor, now, space, known }: KnowledgeDeps,
): Promise<KnowledgeAnswer> {
  const wanted = createFilter(request)
  const artifacts = all.filter(wanted)
  const shares = lexicalShares(artifacts, query.words)
  const similarities = request.lexical === true || space === undefined ? null : await similaritiesOf(artifacts, query, space, known)
  const found = artifacts.map((artifact, at) => {
    const [similarity, lexical] = [similarities?.[at] ?? null, shares[at]!]
    const relevance = similarities === null ? lexical : (similarity ?? 0)
    const figures = figuresOf(artifact.past, now, weights.halfLifeDays)
    return { ...artifact, ...figures, similarity, lexical, relevance, score: scoreOf({ ...figures, similarity: relevance }, weights) }
  })
  const near = found
    .filter(({ relevance, lexical }) => relevance > 0 || lexical > 0)
    .sort((a, b) => b.relevance - a.relevance || byId(a, b))
  const good = near.filter(({ relevance, lexical }) => lexical >= ENOUGH_WORDS || (similarities !== null && relevance >= floor))
  const belowFloor = similarities === null ? 0 : near.slice(0, MOST).filter((each) => each.relevance > 0 && !good.includes(each)).length
  const hits = good
    .sort((a, b) => b.score - a.score || byId(a, b))
    .slice(0, limit)
    .map(({ relevance, ...hit }, at) => ({ ...hit, explain: request.explain === true ? explain(hit, relevance, at, weights) : null }))
  return { artifacts: hits, belowFloor, model: similarities === null ? null : space!.id }
}

const byId = (a: Artifact, b: Artifact): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

function createFilter({ language, path }: SearchRequest): (artifact: Artifact) => boolean {
  const inPath = path === undefined ? null : createWanted({ path })
  return (artifact) =>
    (language === undefined || artifact.languages.includes(language)) &&
    (inPath === null || (artifact.path !== null && inPath(artifact.path, '')))
}

/** How much of the query's words stand in each, a rare word counting more than one that is everywhere. */
function lexicalShares(artifacts: readonly Artifact[], words: readonly string[]): number[] {
  const texts = artifacts.map(({ id, name, content }) => new Set(splitIdentifiers(`${id} ${name} ${content}`)))
  const weights = words.map((word) => Math.log(1 + texts.length / (1 + texts.filter((text) => text.has(word)).length)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return texts.map((text) => {
    if (words.length > 0 && words.every((word) => text.has(word))) return 1
    const held = words.reduce((sum, word, at) => sum + (text.has(word) ? weights[at]! : 0), 0)
    return total === 0 ? 0 : held / total
  })
}

/** `null` where the model says nothing about the query. */
async function similaritiesOf(
  artifacts: readonly Artifact[],
  query: Query,
  space: VectorSpace,
  known: KnowledgeDeps['known'],
): Promise<(number | null)[] | null> {
  const { vector, abstains } = await space.embedQuery(query.text)
  if (abstains) return null
  const key = ({ name, content }: Artifact): string => `${name}\0${content}`
  const missing = artifacts.filter((artifact) => !known.has(key(artifact)))
  const vectors = await space.embedDocuments(missing.map(({ name, content }) => ({ name, text: content })))
  for (const [at, artifact] of missing.entries()) known.set(key(artifact), vectors[at])
  return artifacts.map((artifact) => {
    const own = known.get(key(artifact))
    return own === undefined ? null : space.similarity(distanceOf(vector, own))
  })
}

function distanceOf(a: Int8Array, b: Int8Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += (a[at]! - b[at]!) ** 2
  return sum
}

type Found = Pick<KnowledgeHit, 'successRate' | 'recency' | 'lexical' | 'similarity'>

function explain({ successRate, recency, lexical, similarity }: Found, relevance: number, at: number, weights: ScoreWeights): Explanation {
  return {
    legs: [
      { name: 'vector', rank: at + 1, score: similarity ?? 0 },
      { name: 'words', rank: at + 1, score: lexical },
    ],
    factors: [
      { name: 'similarity', factor: weights.similarity * relevance },
      { name: 'success', factor: weights.success * (successRate ?? 0.5) },
      { name: 'recency', factor: weights.recency * (recency ?? 0) },
    ],
  }
}
