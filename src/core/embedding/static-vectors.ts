import type { Chunk, QueryVector } from './embedder.ts'
import type { Model } from './model.ts'
import { createTokenizer, type Bag } from './tokenizer.ts'

/** A chunk's name counts this often beside its text: chosen on the dev part of the corpus, where 2 gives 0.02 less. */
export const NAME_COUNT = 16
/** A query of which more than this share is unknown has no vector to search with. */
const MOST_UNKNOWN = 0.5

export type StaticVectors = {
  embedDocument(chunk: Chunk): Int8Array | undefined
  embedQuery(text: string): QueryVector
}

/**
 * Static embeddings: the normalised sum of ln(1 + count) * weight * row over the tokens of a text. Plain arithmetic in double precision:
 * the same text gives the same bytes on every machine.
 */
export function createStaticVectors(model: Model): StaticVectors {
  const { dimensions, scale, queryNorm, words } = model.card
  const tokenizer = createTokenizer(model.vocabulary, model.card.buckets)
  const sum = new Float64Array(dimensions)

  /** The weighed sum of rows, eight columns at a time: their sums stay in registers. */
  function addRows(ids: Int32Array, factors: Float64Array): void {
    const { rows } = model
    for (let d = 0; d < dimensions; d += 8) {
      let s0 = 0
      let s1 = 0
      let s2 = 0
      let s3 = 0
      let s4 = 0
      let s5 = 0
      let s6 = 0
      let s7 = 0
      for (let at = 0; at < ids.length; at += 1) {
        const row = ids[at]! * dimensions + d
        const factor = factors[at]!
        s0 += factor * rows[row]!
        s1 += factor * rows[row + 1]!
        s2 += factor * rows[row + 2]!
        s3 += factor * rows[row + 3]!
        s4 += factor * rows[row + 4]!
        s5 += factor * rows[row + 5]!
        s6 += factor * rows[row + 6]!
        s7 += factor * rows[row + 7]!
      }
      sum[d] = s0
      sum[d + 1] = s1
      sum[d + 2] = s2
      sum[d + 3] = s3
      sum[d + 4] = s4
      sum[d + 5] = s5
      sum[d + 6] = s6
      sum[d + 7] = s7
    }
  }

  function embed(bag: Bag, weights: Float32Array): Int8Array | undefined {
    const { ids, counts } = bag
    for (let at = 0; at < ids.length; at += 1) counts[at] = weights[ids[at]!]! * Math.log(1 + counts[at]!)
    addRows(ids, counts)
    let square = 0
    for (let d = 0; d < dimensions; d += 1) square += sum[d]! * sum[d]!
    if (square === 0) return undefined
    const factor = scale / Math.sqrt(square)
    const vector = new Int8Array(dimensions)
    for (let d = 0; d < dimensions; d += 1) vector[d] = Math.max(-127, Math.min(127, Math.round(sum[d]! * factor)))
    return vector
  }

  /** Words that say little (the, of, returns) have short vectors and count little; an unknown word counts as a common telling one. */
  function unknownShare(bag: Bag): number {
    let known = 0
    for (const [at, id] of bag.ids.entries()) {
      if (id >= words) continue
      let square = 0
      const row = id * dimensions
      for (let d = 0; d < dimensions; d += 1) square += model.rows[row + d]! * model.rows[row + d]!
      known += bag.counts[at]! * Math.min(1, (Math.abs(model.queryWeights[id]!) * Math.sqrt(square)) / queryNorm)
    }
    return bag.words === 0 ? 1 : bag.unknownWords / (bag.unknownWords + known)
  }

  return {
    embedDocument: ({ name, text }) => embed(tokenizer.bag(text, name, NAME_COUNT), model.documentWeights),
    embedQuery(text) {
      const bag = tokenizer.bag(text)
      const share = unknownShare(bag)
      const vector = embed(bag, model.queryWeights)
      return { vector: vector ?? new Int8Array(dimensions), unknownShare: share, abstains: !vector || share > MOST_UNKNOWN }
    },
  }
}
