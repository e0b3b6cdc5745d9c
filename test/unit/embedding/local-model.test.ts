import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { type FloatEmbedder, distance, openLocalEmbedder, readModelFolder } from '../../../src/core/embedding/index.ts'
import { type TinyModel, writeTinyModel } from '../../support/onnx.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const temporary = mkdtempSync(join(tmpdir(), 'singularity-model-'))
const opened: FloatEmbedder[] = []
let made = 0
afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())))
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

const write = (model: TinyModel = {}): string => writeTinyModel(join(temporary, `model-${++made}`), model)
function open(folder: string, { timeoutMs = 60_000, batch = 32, runtimeFolders = [root] } = {}): FloatEmbedder {
  const childFile = join(root, 'dist', 'model-child.js')
  const embedder = openLocalEmbedder(readModelFolder(folder), { childFile, runtimeFolders, threads: 1, batch, timeoutMs })
  opened.push(embedder)
  return embedder
}
const TEXTS = ['read the config', 'sort', 'send a mail message to somebody who waits for it', 'draw', 'load json settings']
const chunks = TEXTS.map((text) => ({ name: '', text }))

it('gives each text the vector it has alone, whatever stands beside it and how many run at once', async () => {
  const folder = write()
  const [together, single] = [open(folder), open(folder, { batch: 1 })]
  await Promise.all([together.prepare(undefined), single.prepare(undefined)])
  expect(await together.embedDocuments(chunks)).toEqual(await single.embedDocuments(chunks))
})

it.each([
  ['mean', {}],
  ['cls', { '1_Pooling/config.json': '{"word_embedding_dimension":16,"pooling_mode_cls_token":true}' }],
  ['last', { '1_Pooling/config.json': '{"word_embedding_dimension":16,"pooling_mode_lasttoken":true}' }],
  ['max', { '1_Pooling/config.json': '{"word_embedding_dimension":16,"pooling_mode_max_tokens":true}' }],
  ['cls', { 'embedding.json': '{"pooling":"cls"}' }],
])('pools as the files of the model say: %s', async (pooling, files) => {
  // the special tokens point in directions of their own: [CLS] to 13, [SEP] to 14
  const folder = write({
    files,
    table(table) {
      table[2 * 16 + 13] = 2
      table[3 * 16 + 14] = 2
    },
  })
  expect(readModelFolder(folder).pooling).toBe(pooling)
  const embedder = open(folder)
  await embedder.prepare(undefined)
  const [vector] = await embedder.embedDocuments([{ name: '', text: 'read' }])
  const strong = [...vector!.keys()].filter((at) => vector![at]! > 60)
  expect(strong).toEqual({ mean: [13, 14], cls: [13], last: [14], max: [13, 14] }[pooling])
})

it('puts prefixes in front, cuts long texts before the token that ends them, and keeps the first dimensions where told to', async () => {
  const sentence = JSON.stringify({ prompts: { query: 'sort ', document: 'send ' } })
  const files = { 'config_sentence_transformers.json': sentence, 'sentence_bert_config.json': '{"max_seq_length":5}' }
  const model = readModelFolder(write({ files }))
  expect(model).toMatchObject({ queryPrefix: 'sort ', documentPrefix: 'send ', maxTokens: 5, width: 16, dimensions: 16 })
  const embedder = open(model.folder)
  await embedder.prepare(undefined)
  const [short, long, same] = await embedder.embedDocuments([
    { name: '', text: 'read draw' },
    { name: '', text: `read draw ${'wait '.repeat(500)}` },
    { name: 'read', text: 'draw wait' },
  ])
  // of the long one: [CLS] send read draw [SEP]
  expect(long).toEqual(short)
  expect(same).toEqual(short)
  expect((await embedder.embedQuery('read draw')).vector).not.toEqual(short)

  const less = open(write({ files: { 'embedding.json': '{"dimensions":8,"query_prefix":""}' } }))
  expect(await less.prepare(undefined)).toMatchObject({ dimensions: 8 })
  expect((await less.embedQuery('read')).vector).toHaveLength(8)
})

it('feeds what the graph asks for, and takes what it pools itself', async () => {
  const inputs = ['token_type_ids', 'position_ids']
  const [whole, narrow, pooled] = [open(write({ inputs })), open(write({ int32: true })), open(write({ pools: true }), { batch: 1 })]
  await Promise.all([whole.prepare(undefined), narrow.prepare(undefined), pooled.prepare(undefined)])
  const vectors = await whole.embedDocuments(chunks)
  expect(await narrow.embedDocuments(chunks)).toEqual(vectors)
  expect(await pooled.embedDocuments(chunks)).toEqual(vectors)
  await expect(open(write({ inputs: ['pixel_values'] })).prepare(undefined)).rejects.toMatchObject({
    code: 'MODEL_UNUSABLE',
    message: expect.stringContaining('it wants an input pixel_values'),
  })
})

it('abstains where it knows no word of a question, whatever stands in front of it', async () => {
  const embedder = open(write({ files: { 'config_sentence_transformers.json': '{"prompts":{"query":"read "}}' } }))
  await embedder.prepare(undefined)
  expect(await embedder.embedQuery('qwpzx vbnmq')).toMatchObject({ abstains: true, unknownShare: 1 })
  expect(await embedder.embedQuery('mail')).toMatchObject({ abstains: false })
})

it('has one scale and a calibration per model, the same from run to run; what was kept wins', async () => {
  const folder = write()
  const [one, other] = [open(folder), open(folder)]
  const card = await one.prepare(undefined)
  expect(await other.prepare({ ...card, scale: 50 })).toEqual({ ...card, scale: 50 })
  expect(await open(folder).prepare(undefined)).toEqual(card)
  const curve = card.calibration
  expect(curve).toEqual(curve.toSorted(([a], [b]) => a - b))
  expect(curve.at(-1)).toEqual([1, 1])
  const [full] = await one.embedDocuments(chunks)
  const [half] = await other.embedDocuments(chunks)
  expect(Math.abs(Math.hypot(...full!) / card.scale - 1)).toBeLessThan(0.02)
  expect(Math.abs(Math.hypot(...half!) / 50 - 1)).toBeLessThan(0.02)
  const { vector } = await one.embedQuery('load the settings')
  expect(one.similarity(distance(vector, full!))).toBeGreaterThan(0.6)
  expect(one.similarity(distance(vector, (await one.embedDocuments(chunks))[3]!))).toBeLessThan(0.5)
  await expect(open(folder).prepare({ ...card, dimensions: 12 })).rejects.toMatchObject({ code: 'EMBEDDING_MISMATCH', exitCode: 6 })
})

it('is another model when anything that decides its vectors is another', () => {
  const id = (model: TinyModel = {}): string => readModelFolder(writeTinyModel(join(temporary, `n-${++made}`, 'same'), model)).id
  const ids = [
    id(),
    id({ table: (table) => (table[100] = 0.5) }),
    id({ files: { 'embedding.json': '{"pooling":"cls"}' } }),
    id({ files: { 'embedding.json': '{"query_prefix":"query: "}' } }),
    id({ files: { 'embedding.json': '{"max_tokens":8}' } }),
    id({ files: { 'onnx/model.onnx_data': 'weights' } }),
  ]
  expect(new Set(ids).size).toBe(ids.length)
  expect(id({ files: { 'README.md': 'says nothing' } })).toBe(ids[0])
})

const NAN = (table: Float32Array): void => void table.fill(Number.NaN)
it.each<[string, TinyModel, string | RegExp]>([
  ['weights that are cut off', { cutAt: 600 }, /cannot be used: /],
  ['weights that are none', { files: { 'onnx/model.onnx': 'no model at all' } }, /cannot be used: /],
  ['vectors that are no numbers', { table: NAN }, 'not finite'],
  ['vectors of zeros', { table: (table) => void table.fill(0) }, 'zeros'],
  [
    'another width than its files say',
    { files: { '1_Pooling/config.json': '{"word_embedding_dimension":32}' } },
    'makes 16 dimensions, its files say 32',
  ],
  ['a tokenizer that is no JSON', { files: { 'tokenizer.json': '{' } }, /JSON/],
  ['tokens that the weights do not know', { rows: 6 }, /cannot be used: .*indices/],
])('tells %s, and goes on', async (_name, model, message) => {
  const embedder = open(write(model))
  await expect(embedder.prepare(undefined)).rejects.toMatchObject({
    code: 'MODEL_UNUSABLE',
    exitCode: 6,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  })
})

it.each([
  ['no folder', { folder: 'nowhere' }, 'it is not a folder'],
  ['no tokenizer', { files: { 'tokenizer.json': null } }, 'tokenizer.json is missing'],
  ['no weights', { files: { 'onnx/model.onnx': null } }, 'onnx/model.onnx is missing'],
  ['no size', { files: { 'config.json': null, '1_Pooling/config.json': null } }, 'how many dimensions'],
  ['a layer behind the pooling', { files: { 'modules.json': '[{"type":"sentence_transformers.models.Dense"}]' } }, 'Dense'],
  [
    'a pooling nobody knows',
    { files: { '1_Pooling/config.json': '{"word_embedding_dimension":16,"pooling_mode_weightedmean_tokens":true}' } },
    'weightedmean',
  ],
  ['files that are no JSON', { files: { 'config.json': 'width: 16' } }, 'config.json is not JSON'],
])('refuses a folder with %s before anything runs', (_name, { folder, ...model }: TinyModel & { folder?: string }, message) => {
  expect(() => readModelFolder(folder ?? write(model))).toThrow(message)
})

it('says which numbers do not match', () => {
  expect(() => readModelFolder(write(), 768)).toThrow('makes 16 dimensions, 768 are set')
})

it('ends a run that would never end', async () => {
  const embedder = open(write({ ends: false }), { timeoutMs: 300 })
  await expect(embedder.prepare(undefined)).rejects.toMatchObject({
    code: 'MODEL_UNUSABLE',
    message: expect.stringContaining('took longer than'),
    hints: expect.arrayContaining([expect.stringContaining('embedding.timeout')]),
  })
})

it('tells that the process died, and does not die with it', async () => {
  const folder = mkdtempSync(join(temporary, 'child-'))
  const model = (text: string): FloatEmbedder => {
    writeFileSync(join(folder, 'child.mjs'), text)
    const options = { runtimeFolders: [root], threads: 1, batch: 32, timeoutMs: 60_000 }
    const embedder = openLocalEmbedder(readModelFolder(write()), { ...options, childFile: join(folder, 'child.mjs') })
    opened.push(embedder)
    return embedder
  }
  const crash = "console.error('out of memory'); process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000)"
  await expect(model(crash).prepare(undefined)).rejects.toMatchObject({
    code: 'MODEL_UNUSABLE',
    message: expect.stringContaining('died (SIGSEGV): out of memory'),
  })
  await expect(model('process.exit(3)').prepare(undefined)).rejects.toMatchObject({ message: expect.stringContaining('died (exit 3)') })
})

it('names the command where its runtime is not here; the pinned versions are the tested ones', async () => {
  await expect(open(write(), { runtimeFolders: [temporary] }).prepare(undefined)).rejects.toMatchObject({
    code: 'RUNTIME_MISSING',
    exitCode: 6,
    hints: ['singularity embedding install'],
  })
  const read = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'))
  const { packages } = read('native/embedding-runtime.json') as { packages: { package: string; version: string; integrity: string }[] }
  const lock = read('package-lock.json') as { packages: Record<string, { version: string; integrity: string }> }
  for (const { package: name, version, integrity } of packages)
    expect(lock.packages[`node_modules/${name}`]).toMatchObject({ version, integrity })
})
