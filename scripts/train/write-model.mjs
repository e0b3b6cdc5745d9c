// From trained numbers to templates_data/models/code-1: int8 rows, the scale of all vectors, the calibration. Dev pairs only.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readPart } from './corpus.mjs'
import { extractPairs } from './extract.mjs'
import { floatVectors, readFloat } from './float.mjs'
import { root, splitFile } from './places.mjs'
import { makePools } from './retrieval.mjs'

/** Texts whose vectors before rounding the tests compare with. */
const referenceFile = join(root, 'test', 'fixtures', 'embedding', 'reference.json')
export const modelFolder = join(root, 'templates_data', 'models', 'code-1')
const digits = (value, count = 4) => Number(value.toFixed(count))

/** Rows to int8, each with its own scale, which goes into the two weights of the token. */
function quantise({ vocabulary, buckets, options, rows, queryWeights, documentWeights }) {
  const D = options.dimensions
  const size = vocabulary.length + buckets
  const bytes = new Int8Array(size * D)
  const query = new Float32Array(size)
  const document = new Float32Array(size)
  for (let id = 0; id < size; id += 1) {
    const row = rows.subarray(id * D, (id + 1) * D)
    const most = row.reduce((greatest, each) => Math.max(greatest, Math.abs(each)), 1e-12)
    for (let d = 0; d < D; d += 1) bytes[id * D + d] = Math.round((row[d] * 127) / most)
    query[id] = (queryWeights[id] * most) / 127
    document[id] = (documentWeights[id] * most) / 127
  }
  const words = Buffer.from(vocabulary.join('\n'), 'utf8')
  return Buffer.concat([Buffer.from(bytes.buffer), Buffer.from(query.buffer), Buffer.from(document.buffer), words])
}

const offTopic = JSON.parse(readFileSync(join(import.meta.dirname, 'off-topic.json'), 'utf8'))
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]

/**
 * What a similarity says: 0.7 is the cosine that the best of 1,000 functions reaches for one in twenty questions about daily life,
 * 0.95 the one that a tenth of the right answers exceed; straight lines between.
 */
function calibrate(truths, nulls) {
  const floor = quantile(nulls, 0.95)
  return [
    [0, 0],
    [digits(floor), 0.7],
    [digits(Math.max(floor + 0.05, quantile(truths, 0.9))), 0.95],
    [1, 1],
  ]
}

export async function writeModel(embedding) {
  const { createStaticVectors, TOKENIZER_VERSION, distance, cosineOf, createTokenizer } = embedding
  const float = readFloat()
  const bytes = quantise(float)
  const size = float.vocabulary.length + float.buckets
  const D = float.options.dimensions
  const card = {
    id: '',
    tokenizer: TOKENIZER_VERSION,
    dimensions: D,
    words: float.vocabulary.length,
    buckets: float.buckets,
    scale: 1,
    queryNorm: 1,
    calibration: [],
    sha256: '',
  }
  const own = new Uint8Array(bytes.subarray(0, size * D + size * 8)).buffer
  const model = {
    card,
    vocabulary: float.vocabulary,
    rows: new Int8Array(own, 0, size * D),
    queryWeights: new Float32Array(own, size * D, size),
    documentWeights: new Float32Array(own, size * D + size * 4, size),
  }
  const pools = makePools(readPart('dev'), 1000, 1)
  const tokenizer = createTokenizer(float.vocabulary, float.buckets)

  const norms = []
  for (const { pairs } of pools) {
    for (const { query } of pairs) {
      const bag = tokenizer.bag(query)
      for (const id of bag.ids) {
        if (id >= float.vocabulary.length) continue
        norms.push(Math.abs(float.queryWeights[id]) * Math.hypot(...float.rows.subarray(id * D, (id + 1) * D)))
      }
    }
  }
  norms.sort((a, b) => a - b)
  card.queryNorm = digits(norms[Math.floor(norms.length / 2)])

  // a fine scale first, to see how far the components reach
  const { greatest } = components(createStaticVectors, { ...model, card: { ...card, scale: 120 } }, pools)
  card.scale = Math.floor((127 * 120) / greatest)
  const vectors = createStaticVectors(model)
  const truths = []
  const nulls = []
  for (const { pairs } of pools) {
    const documents = pairs.map(({ name, body }) => vectors.embedDocument({ name, text: body }))
    for (const [at, { query }] of pairs.entries())
      truths.push(cosineOf(distance(vectors.embedQuery(query).vector, documents[at]), card.scale))
    for (const query of offTopic) {
      const { vector, abstains } = vectors.embedQuery(query)
      if (!abstains) nulls.push(Math.max(...documents.map((document) => cosineOf(distance(vector, document), card.scale))))
    }
  }
  truths.sort((a, b) => a - b)
  nulls.sort((a, b) => a - b)
  card.calibration = calibrate(truths, nulls)
  card.sha256 = createHash('sha256').update(bytes).digest('hex')
  card.id = `code-1.${card.sha256.slice(0, 8)}`
  const { parts, salt } = JSON.parse(readFileSync(splitFile, 'utf8'))
  const training = {
    options: float.options,
    pairs: float.pairs,
    split: salt,
    train: parts.train.sha256,
    dev: parts.dev.sha256,
    sources: 'scripts/train/sources.json',
  }
  mkdirSync(modelFolder, { recursive: true })
  writeFileSync(join(modelFolder, 'model.bin'), bytes)
  writeFileSync(join(modelFolder, 'model.json'), `${JSON.stringify({ ...card, training }, null, 1)}\n`)
  writeReference(embedding, card.id)
  const above = (list) => ((list.filter((x) => x >= card.calibration[1][0]).length / list.length) * 100).toFixed(1)
  return `${card.id}: ${(bytes.length / 1e6).toFixed(2)} MB, scale ${card.scale}; at 0.7 and above: ${above(truths)} % of the true answers, ${above(nulls)} % of the best hits off topic; ${nulls.length} of ${pools.length * offTopic.length} such questions were not refused as unknown`
}

/** The greatest component of 99.99 % of the dev vectors. */
function components(createStaticVectors, model, pools) {
  const vectors = createStaticVectors(model)
  const counts = new Float64Array(128)
  for (const { pairs } of pools) {
    for (const { query, name, body } of pairs) {
      for (const vector of [vectors.embedQuery(query).vector, vectors.embedDocument({ name, text: body })])
        for (const each of vector) counts[Math.min(127, Math.abs(each))] += 1
    }
  }
  const total = counts.reduce((sum, each) => sum + each, 0)
  let above = 0
  let greatest = 127
  while (greatest > 1 && (above += counts[greatest]) < total * 0.0001) greatest -= 1
  return { greatest }
}

/** Functions of this program and their comments, with their vectors before rounding. */
function writeReference(embedding, model) {
  const vectors = floatVectors(embedding)
  const base64 = (vector) => Buffer.from(Float32Array.from(vector).buffer).toString('base64')
  const folder = join(root, 'src', 'core', 'embedding')
  const pairs = readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .flatMap((name) => extractPairs(name, readFileSync(join(folder, name), 'utf8'), 'typescript'))
    .slice(0, 24)
  const queries = pairs.map(({ query, name }) => query || name)
  const reference = {
    model,
    queries: queries.map((text) => ({ text, vector: base64(vectors.embedQuery(text).vector) })),
    documents: pairs.map(({ name, body }) => ({ name, text: body, vector: base64(vectors.embedDocument({ name, text: body })) })),
  }
  mkdirSync(dirname(referenceFile), { recursive: true })
  writeFileSync(referenceFile, `${JSON.stringify(reference, null, 1)}\n`)
}
