import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BUNDLED_MODEL, createStaticVectors, loadModel } from '../../../src/core/embedding/index.ts'

const bundled = join('templates_data', 'models', BUNDLED_MODEL)
const reference = JSON.parse(readFileSync(join('test', 'fixtures', 'embedding', 'reference.json'), 'utf8')) as {
  model: string
  queries: { text: string; vector: string }[]
  documents: { name: string; text: string; vector: string }[]
}
const floats = (text: string) => {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'))
  return new Float32Array(bytes.buffer)
}

describe('the bundled model', () => {
  it('is the file that was trained, and small', () => {
    const bytes = readFileSync(join(bundled, 'model.bin'))
    const { card } = loadModel(bundled, { verify: true })
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(card.sha256)
    expect(card.id).toBe(`${BUNDLED_MODEL}.${card.sha256.slice(0, 8)}`)
    expect(bytes.length).toBeLessThan(3_000_000)
  })

  it('gives the vectors of training before rounding, to 0.01 in cosine', () => {
    const model = loadModel(bundled)
    expect(reference.model).toBe(model.card.id)
    const vectors = createStaticVectors(model)
    const pairs = [
      ...reference.queries.map(({ text, vector }) => [vectors.embedQuery(text).vector, floats(vector)] as const),
      ...reference.documents.map(({ name, text, vector }) => [vectors.embedDocument({ name, text })!, floats(vector)] as const),
    ]
    expect(pairs.length).toBeGreaterThan(30)
    for (const [rounded, exact] of pairs) {
      let product = 0
      for (const [at, each] of rounded.entries()) product += each * exact[at]!
      expect(product / Math.hypot(...rounded) / Math.hypot(...exact)).toBeGreaterThan(0.99)
    }
  })
})

describe('a model folder that cannot be used', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'singularity-model-'))
    cpSync(bundled, folder, { recursive: true })
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const card = () => JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as Record<string, unknown>
  const spoil: Record<string, [() => void, RegExp]> = {
    'no model.json': [() => rmSync(join(folder, 'model.json')), /model\.json cannot be read/],
    'no model.bin': [() => rmSync(join(folder, 'model.bin')), /model\.bin cannot be read/],
    'cut weights': [() => truncateSync(join(folder, 'model.bin'), 1000), /cut off/],
    'cut words': [() => truncateSync(join(folder, 'model.bin'), readFileSync(join(folder, 'model.bin')).length - 4000), /words/],
    'another tokenizer': [() => writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...card(), tokenizer: 99 })), /tokenizer 99/],
    'other dimensions': [() => writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...card(), dimensions: 256 })), /cut off/],
  }
  it.each(Object.entries(spoil))('%s', (_what, [act, message]) => {
    act()
    expect(() => loadModel(folder)).toThrow(message)
    expect(() => loadModel(folder)).toThrow(expect.objectContaining({ code: 'MODEL_UNUSABLE', exitCode: 6 }))
  })

  it('notices a changed byte when asked to', () => {
    const bytes = readFileSync(join(folder, 'model.bin'))
    bytes[5000] = bytes[5000]! ^ 1
    writeFileSync(join(folder, 'model.bin'), bytes)
    expect(() => loadModel(folder)).not.toThrow()
    expect(() => loadModel(folder, { verify: true })).toThrow(/not the file that was trained/)
  })
})
