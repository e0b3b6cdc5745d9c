import type { SpaceCard } from '../embedding/index.ts'

/**
 * The third leg's port: one vector space. The room `embedding` serves it (its `Embedder` has this shape); without it the search is by
 * words. Vectors of different `id`s are never compared.
 */
export type VectorSpace = {
  readonly id: string
  /**
   * Of a model whose scale and calibration are measured: called once before the rest, with what was kept with its vectors.
   * @throws EMBEDDING_MISMATCH
   */
  prepare?(kept: SpaceCard | undefined): Promise<SpaceCard>
  /** Of a model that takes its time, or money: pieces of one transaction, and most pieces that a search has made before it answers. */
  readonly pace?: { batch: number; beforeAnswer: number }
  /** int8 vectors, one per text; undefined for a text without any word. `name` is the symbol, never a path. */
  embedDocuments(chunks: readonly { name: string; text: string }[]): Promise<(Int8Array | undefined)[]>
  /** `abstains`: most of the query is unknown to the model. */
  embedQuery(text: string): { vector: Int8Array; abstains: boolean } | Promise<{ vector: Int8Array; abstains: boolean }>
  /** Squared integer distance -> similarity in [0, 1], by the model's stored monotone calibration. */
  similarity(squaredDistance: number): number
}
