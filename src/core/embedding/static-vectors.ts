import type { Chunk, QueryVector } from './embedder.ts'
import type { Model } from './model.ts'
import { createTokenizer, type Bag } from './tokenizer.ts'

/** A chunk's name counts this often beside its text. */
export const NAME_COUNT = 2
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

  function embed(bag: Bag, weights: Float32Array): Int8Array | undefined {
    const { rows } = model
    sum.fill(0)
    for (let at = 0; at < bag.ids.length; at += 1) {
      const id = bag.ids[at]!
      const weight = weights[id]! * Math.log(1 + bag.counts[at]!)
      const row = id * dimensions
      for (let d = 0; d < dimensions; d += 1) sum[d]! += weight * rows[row + d]!
    }
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
    embedDocument: ({ name, text }) => embed(tokenizer.bag(...Array<string>(NAME_COUNT).fill(name), text), model.documentWeights),
    embedQuery(text) {
      const bag = tokenizer.bag(text)
      const vector = embed(bag, model.queryWeights)
      const share = unknownShare(bag)
      return { vector: vector ?? new Int8Array(dimensions), unknownShare: share, abstains: !vector || share > MOST_UNKNOWN }
    },
  }
}
