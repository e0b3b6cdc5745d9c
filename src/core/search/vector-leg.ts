/** A chunk by its content hash, with how near its meaning is: the model's calibrated similarity, 0 to 1. */
export type VectorHit = { hash: string; similarity: number }

/** The third leg of the search, behind one door: the room `embedding` serves it, without it the search is by words. */
export type VectorLeg = {
  /** Names the model and its version; stored with the vectors. */
  readonly model: string
  /** Makes vectors of texts that have none yet. Called for new chunks, before their batch is written. */
  embed(texts: readonly { hash: string; header: string; body: string }[]): Promise<Map<string, Uint8Array>>
  /** The nearest of `candidates`; `null` where the model does not know most of the query's words. */
  search(query: string, candidates: Iterable<{ hash: string; vector: Uint8Array }>, most: number): Promise<VectorHit[] | null>
}
