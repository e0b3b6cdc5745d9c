import { SCORE_WEIGHTS, codeFactor, figuresOf } from './artifact.ts'
import { readDocuments } from './documents.ts'
import { type KnowledgeAnswer, searchKnowledge } from './knowledge.ts'
import type { Query } from './query.ts'
import type { SearchHit, SearchRequest } from './result.ts'
import type { SearchDeps } from './service-deps.ts'

/** Further hits that the past may bring into the answer. */
const MORE = 20

/** What the past says: artifacts that are known, and how changes of a file ended. */
export function createKnowledge(deps: SearchDeps, floor: number) {
  const vectors = new Map<string, Int8Array | undefined>()

  async function find(query: Query, request: SearchRequest, limit: number): Promise<KnowledgeAnswer> {
    const [artifacts, documents, weights, space] = await Promise.all([
      deps.artifacts?.() ?? [],
      readDocuments(deps.git),
      deps.weights?.() ?? SCORE_WEIGHTS,
      request.lexical === true ? undefined : deps.space?.(),
    ])
    return searchKnowledge([...artifacts, ...documents], query, request, limit, { weights, floor, now: deps.now(), space, known: vectors })
  }

  /** Ranks code with the past of its files in it; as it is where nobody asked for that. `search` is given how many hits are needed. */
  async function withPast<T extends { hits: SearchHit[] }>(limit: number, search: (limit: number) => Promise<T>): Promise<T> {
    const [past, { halfLifeDays }] = await Promise.all([deps.codePast?.(), deps.weights?.() ?? SCORE_WEIGHTS])
    if (past === undefined || past.most === 0) return search(limit)
    const found = await search(limit + MORE)
    const hits = found.hits.map((hit, at) => {
      const known = past.byPath.get(hit.path)
      if (known === undefined) return { at, hit }
      const figures = figuresOf(known, deps.now(), halfLifeDays)
      const factor = codeFactor(figures, past.most)
      const explain = hit.explain && { ...hit.explain, factors: [...hit.explain.factors, { name: 'past', factor }] }
      return { at, hit: { ...hit, score: hit.score * factor, past: figures, explain } }
    })
    const ranked = hits.sort((a, b) => b.hit.score - a.hit.score || a.at - b.at).map(({ hit }) => hit)
    return { ...found, hits: ranked.slice(0, limit) }
  }

  return { find, withPast }
}
