import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import { TOKENIZER_VERSION } from './tokenizer.ts'
import type { Curve } from './vector.ts'

/** model.json beside model.bin: what the numbers mean. */
export type ModelCard = {
  id: string
  tokenizer: number
  dimensions: number
  words: number
  buckets: number
  /** Unit vectors are multiplied by this one number, then rounded to int8. */
  scale: number
  /** Length that a known word of a query has at the median: what an unknown word weighs against. */
  queryNorm: number
  /** Cosine -> similarity in [0, 1]. */
  calibration: Curve
  sha256: string
}

/** The table of a static model. Row `i` is a word, or from `card.words` on a bucket of hashed n-grams. */
export type Model = {
  card: ModelCard
  vocabulary: string[]
  rows: Int8Array
  /** Per row: scale of the row times weight of the token on that side. */
  queryWeights: Float32Array
  documentWeights: Float32Array
}

/**
 * Reads a model folder (model.json, model.bin: int8 rows, float32 query weights, float32 document weights, UTF-8 words by line).
 *
 * @throws {SingularityError} MODEL_UNUSABLE where files are missing, cut, of another tokenizer, or (with `verify`) of another hash
 */
export function loadModel(folder: string, { verify = false } = {}): Model {
  const card = readCard(folder)
  const bytes = readBytes(folder)
  const size = card.words + card.buckets
  const table = size * card.dimensions
  const numbers = table + size * 8
  if (card.tokenizer !== TOKENIZER_VERSION)
    throw unusable(folder, `it was trained with tokenizer ${card.tokenizer}, this program has ${TOKENIZER_VERSION}`)
  if (bytes.byteLength < numbers) throw unusable(folder, 'model.bin is cut off')
  if (verify && createHash('sha256').update(bytes).digest('hex') !== card.sha256)
    throw unusable(folder, 'model.bin is not the file that was trained')
  const vocabulary = bytes.toString('utf8', numbers).split('\n')
  if (vocabulary.length !== card.words) throw unusable(folder, `model.bin has ${vocabulary.length} words, model.json says ${card.words}`)
  // copied: a buffer of the pool need not lie on a multiple of four
  const own = new Uint8Array(bytes.subarray(0, numbers)).buffer
  return {
    card,
    vocabulary,
    rows: new Int8Array(own, 0, table),
    queryWeights: new Float32Array(own, table, size),
    documentWeights: new Float32Array(own, table + size * 4, size),
  }
}

function readCard(folder: string): ModelCard {
  try {
    return JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as ModelCard
  } catch (error) {
    throw unusable(folder, `model.json cannot be read (${(error as Error).message})`)
  }
}

function readBytes(folder: string): Buffer {
  try {
    return readFileSync(join(folder, 'model.bin'))
  } catch (error) {
    throw unusable(folder, `model.bin cannot be read (${(error as Error).message})`)
  }
}

function unusable(folder: string, why: string): SingularityError {
  return new SingularityError('MODEL_UNUSABLE', `The embedding model in ${folder} cannot be used: ${why}`)
}
