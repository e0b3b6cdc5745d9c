// The numbers as trained, before rounding to int8.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache } from './places.mjs'

export function readFloat() {
  const { vocabulary, buckets, options, pairs } = JSON.parse(readFileSync(join(cache, 'float-vocabulary.json'), 'utf8'))
  const floats = (name) => {
    const bytes = readFileSync(join(cache, `float-${name}.bin`))
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  }
  return {
    vocabulary,
    buckets,
    options,
    pairs,
    rows: floats('rows'),
    queryWeights: floats('queryWeights'),
    documentWeights: floats('documentWeights'),
  }
}

/** Embeds bags by trained numbers before rounding: the sum of weight x log(1 + count) x row, of length 1. */
export function floatEmbedder(rows, dimensions) {
  return (bag, weights) => {
    const sum = new Float64Array(dimensions)
    for (let at = 0; at < bag.ids.length; at += 1) {
      const factor = weights[bag.ids[at]] * Math.log(1 + bag.counts[at])
      for (let d = 0; d < dimensions; d += 1) sum[d] += factor * rows[bag.ids[at] * dimensions + d]
    }
    const norm = Math.hypot(...sum) || 1
    return sum.map((each) => each / norm)
  }
}

/** Float64 vectors of the trained numbers before rounding: the reference that int8 is held to. */
export function floatVectors(embedding) {
  const { vocabulary, buckets, options, rows, queryWeights, documentWeights } = readFloat()
  const tokenizer = embedding.createTokenizer(vocabulary, buckets)
  const D = options.dimensions
  const embed = floatEmbedder(rows, D)
  return {
    embedQuery: (text) => ({ vector: embed(tokenizer.bag(text), queryWeights), abstains: false }),
    embedDocument: ({ name, text }) => embed(tokenizer.bag(text, name, embedding.NAME_COUNT), documentWeights),
    distance: (a, b) => {
      let sum = 0
      for (let d = 0; d < D; d += 1) sum += (a[d] - b[d]) ** 2
      return sum
    },
  }
}
