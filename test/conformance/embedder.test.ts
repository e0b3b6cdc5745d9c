import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  BUNDLED_MODEL,
  distance,
  openBundledEmbedder,
  openLocalEmbedder,
  readModelFolder,
  type Chunk,
  type Embedder,
  type FloatEmbedder,
} from '../../src/core/embedding/index.ts'
import { writeTinyModel } from '../support/onnx.ts'

const temporary = mkdtempSync(join(tmpdir(), 'singularity-embedders-'))
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

/** What the search does first: scale and calibration are measured then. */
async function prepared(embedder: FloatEmbedder): Promise<Embedder> {
  return { ...embedder, ...(await embedder.prepare(undefined)) }
}

const ADAPTERS: Record<string, () => Promise<Embedder>> = {
  bundled: () => Promise.resolve(openBundledEmbedder(join('templates_data', 'models', BUNDLED_MODEL))),
  local: () =>
    prepared(
      openLocalEmbedder(readModelFolder(writeTinyModel(join(temporary, 'tiny'))), {
        childFile: join(import.meta.dirname, '..', '..', 'dist', 'model-child.js'),
        runtimeFolders: [join(import.meta.dirname, '..', '..')],
        threads: 1,
        batch: 32,
        timeoutMs: 60_000,
      }),
    ),
}

const CHUNKS: Chunk[] = [
  { name: 'readConfigFile', text: 'function readConfigFile(path) { return JSON.parse(fs.readFileSync(path, "utf8")) }' },
  { name: 'sortByDate', text: 'function sortByDate(list) { return [...list].sort((a, b) => a.date - b.date) }' },
  { name: 'sendMail', text: 'async function sendMail(to, subject, body) { await smtp.send({ to, subject, body }) }' },
  {
    name: 'drawCircle',
    text: 'function drawCircle(context, x, y, radius) { context.arc(x, y, radius, 0, 2 * Math.PI); context.stroke() }',
  },
]

describe.each(Object.entries(ADAPTERS))('%s', (_name, open) => {
  const opened = open()
  afterAll(async () => (await opened).close())

  it('gives int8 vectors of its dimensions and scale', async () => {
    const embedder = await opened
    const [vector] = await embedder.embedDocuments(CHUNKS)
    expect(vector).toBeInstanceOf(Int8Array)
    expect(vector).toHaveLength(embedder.dimensions)
    const length = Math.sqrt(vector!.reduce((sum, each) => sum + each * each, 0))
    expect(Math.abs(length / embedder.scale - 1)).toBeLessThan(0.05)
  })

  it('gives the same vector for the same text, whatever came before', async () => {
    const embedder = await opened
    const [first] = await embedder.embedDocuments(CHUNKS)
    const again = await embedder.embedDocuments(CHUNKS.toReversed())
    expect(again.at(-1)).toEqual(first)
    expect(await embedder.embedQuery('read a file')).toEqual(await embedder.embedQuery('read a file'))
  })

  it.each([
    ['load the settings from a json file', 'readConfigFile'],
    ['order entries by their date', 'sortByDate'],
    ['deliver an email message', 'sendMail'],
    ['paint a round shape on the canvas', 'drawCircle'],
  ])('finds what is meant: %s', async (query, name) => {
    const embedder = await opened
    const { vector, abstains } = await embedder.embedQuery(query)
    const documents = await embedder.embedDocuments(CHUNKS)
    expect(abstains).toBe(false)
    const distances = documents.map((document) => distance(vector, document!))
    expect(CHUNKS[distances.indexOf(Math.min(...distances))]!.name).toBe(name)
  })

  it('has a similarity in [0, 1] that falls with distance', async () => {
    const embedder = await opened
    const most = 4 * embedder.scale ** 2
    const values = Array.from({ length: 200 }, (_, at) => embedder.similarity((most * at) / 199))
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThanOrEqual(1)
    expect(values).toEqual(values.toSorted((a, b) => b - a))
    expect(values[0]).toBeGreaterThan(values.at(-1)! + 0.5)
  })

  it('stays silent where a query is empty or mostly unknown', async () => {
    const embedder = await opened
    for (const query of ['', '   ', '?!', 'xqzzvk wprtlgh', 'неведомый зверь', '天地玄黃宇宙洪荒', 'qwpzx the vbnmq of jkhgf']) {
      const { abstains, unknownShare } = await embedder.embedQuery(query)
      expect(abstains, query).toBe(true)
      expect(unknownShare, query).toBeGreaterThan(0.5)
    }
    expect((await embedder.embedQuery('sort a list of numbers')).abstains).toBe(false)
  })

  it('has no vector for a chunk without a word', async () => {
    const embedder = await opened
    expect(await embedder.embedDocuments([{ name: '', text: '{ } // --' }])).toEqual([undefined])
  })
})
