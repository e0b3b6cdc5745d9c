/** What is searched for: `name` is the symbol of the chunk, empty where it has none. A path is never part of it. */
export type Chunk = { name: string; text: string }

export type QueryVector = {
  vector: Int8Array
  /** 0 to 1: how much of the query the model has never seen. */
  unknownShare: number
  /** True where the vector says nothing: empty, or mostly unknown. The vector leg of a search then has to stay silent. */
  abstains: boolean
}

/**
 * One vector space. Vectors of different `id`s must never be compared; within one, all are int8 with the one constant `scale`, so that
 * integer distances order them.
 */
export type Embedder = {
  id: string
  dimensions: number
  scale: number
  /** One vector per chunk; undefined for a chunk without any word, which is not to be stored. */
  embedDocuments(chunks: readonly Chunk[]): Promise<(Int8Array | undefined)[]>
  embedQuery(text: string): QueryVector | Promise<QueryVector>
  /** Squared integer distance -> similarity in [0, 1] by the model's stored monotone calibration. */
  similarity(squaredDistance: number): number
  close(): Promise<void>
}
