import type { PastFigures } from './artifact.ts'
import type { KnowledgeHit } from './knowledge.ts'
import type { QueryClass } from './query.ts'

export type SearchKind = 'code' | 'symbol' | 'knowledge'

export type SearchRequest = {
  text: string
  kind?: SearchKind | undefined
  language?: string | undefined
  /** A glob over repo-relative paths. */
  path?: string | undefined
  /** 10; 5 for knowledge. */
  limit?: number | undefined
  /** Words only, without the model. */
  lexical?: boolean | undefined
  explain?: boolean | undefined
}

/** `exact`: the bytes as they lie here; `behind`: some files are older in the index; `none`: there is no index. */
export type Freshness = {
  state: 'exact' | 'behind' | 'none'
  /** Files the index does not know as they are; `null` where git did not answer in time, or there is no index. */
  behindFiles: number | null
  /** Somebody writes the index now. */
  building: boolean
}

export type Explanation = {
  legs: { name: string; rank: number; score: number }[]
  factors: { name: string; factor: number }[]
}

export type SearchHit = {
  /** Of the bytes and the name: the same piece of code has the same id wherever it stands. */
  id: string
  path: string
  /** 1-based, inclusive. */
  line: number
  lineEnd: number
  symbol: string | null
  kind: string
  language: string
  content: string
  similarity: number | null
  lexical: number | null
  score: number
  explain: Explanation | null
  /** What became of changes in its file, where that is asked for. */
  past?: PastFigures
}

export type SearchAnswer = {
  query: string
  class: QueryClass
  mode: 'hybrid' | 'lexical' | 'text'
  model: string | null
  freshness: Freshness
  hits: SearchHit[]
  /** What was found of `--kind knowledge`; empty for code. */
  artifacts: KnowledgeHit[]
  /** Hits that were left out because their similarity is below the floor. */
  belowFloor: number
  tookMs: number
  /** Why there is less than there could be: an index that cannot be read, a model that does not answer. */
  note: string | null
}
