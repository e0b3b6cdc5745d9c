import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Chunk, chunkFile } from '../../src/core/analysis/index.ts'
import { factReader } from '../support/search.ts'

const reader = factReader()

/** Sources from parts that nest, with comments, blank lines, odd characters and lines that are too long. */
const word = fc.constantFrom('alpha', 'beta', 'gámma', 'дельта', '検索', 'x1', '😀')
const comment = fc.tuple(fc.constantFrom('# ', '#  '), fc.array(word, { maxLength: 6 })).map(([mark, words]) => mark + words.join(' '))
const statement = fc.oneof(
  fc
    .tuple(fc.constantFrom('a', 'b', 'c'), fc.array(word, { minLength: 1, maxLength: 30 }))
    .map(([name, words]) => `${name} = "${words.join(' ')}"`),
  fc.constantFrom('pass', '', '   ', 'a = [1, 2, 3]'),
  comment,
)
type Part = { head: string | null; body: Part[]; text: string }
const { part } = fc.letrec<{ part: Part }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    statement.map((text): Part => ({ head: null, body: [], text })),
    fc
      .tuple(fc.constantFrom('def', 'class'), fc.nat(30), fc.array(tie('part'), { minLength: 1, maxLength: 7 }))
      .map(([kind, id, body]): Part => ({ head: kind === 'def' ? `def f${id}(a, b):` : `class C${id}:`, body, text: '' })),
  ),
}))
function render({ head, body, text }: Part, indent = ''): string[] {
  if (head === null) return [text === '' ? '' : indent + text]
  return [indent + head, ...body.flatMap((each) => render(each, `${indent}    `)), `${indent}    return a`]
}
const source = fc.array(part, { maxLength: 12 }).map((parts) => `${parts.flatMap((each) => render(each)).join('\n')}\n`)
const limit = fc.constantFrom(40, 120, 400)

async function cut(text: string | Uint8Array, size: number, language = 'python'): Promise<Chunk[]> {
  const bytes = Buffer.from(text)
  const [facts] = await reader.read([{ language, bytes }])
  return chunkFile(bytes, facts ?? null, { language, limit: size })
}

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)
const sizeOf = (text: string): number => [...text.replace(/[\t-\r ]/g, '')].length

describe('chunks of any source', () => {
  it('hold every byte that is no white space exactly once, in order, and break no character', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(source, fc.string({ unit: 'grapheme', maxLength: 800 })), limit, async (text, size) => {
        const bytes = Buffer.from(text)
        const chunks = await cut(text, size)
        const covered = new Uint8Array(bytes.length)
        for (const { start, end } of chunks) for (let at = start; at < end; at++) covered[at]!++
        for (let at = 0; at < bytes.length; at++) if (covered[at] !== 1) expect([covered[at], isSpace(bytes[at]!)]).toEqual([0, true])
        for (const [index, { start, end, lineStart, lineEnd }] of chunks.entries()) {
          expect(start).toBeGreaterThanOrEqual(chunks[index - 1]?.end ?? 0)
          expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, end))).not.toThrow()
          expect(bytes.subarray(0, start).filter((byte) => byte === 10)).toHaveLength(lineStart - 1)
          expect(bytes.subarray(0, end).filter((byte) => byte === 10)).toHaveLength(lineEnd - 1)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('are within the limit, but for a single token', async () => {
    await fc.assert(
      fc.asyncProperty(source, limit, async (text, size) => {
        for (const { start, end } of await cut(text, size)) {
          const piece = Buffer.from(text).subarray(start, end).toString('utf8')
          if (sizeOf(piece) > size) expect(piece).toMatch(/^[^\s!-#%-/:-@[-^`{-~]+$/)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('are the same every time', async () => {
    await fc.assert(
      fc.asyncProperty(source, limit, async (text, size) => {
        expect(await cut(text, size)).toEqual(await cut(text, size))
      }),
      { numRuns: 30 },
    )
  })

  it('stay as they are where an edit is far away', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(source, { minLength: 6, maxLength: 12 }), limit, fc.nat(), word, async (sources, size, pick, added) => {
        // parts of their own: a function that is renamed by an edit inside of it would be another one
        const blocks = sources.map((text, id) => `def part${id}(a):\n${text.replace(/^/gm, '    ')}    return ${id}\n`)
        const at = pick % blocks.length
        const edited = blocks.with(
          at,
          blocks[at]!.replace(`    return ${at}\n`, `    ${added.replace(/\P{ASCII}/gu, 'y')} = ${at}\n    return ${at}\n`),
        )
        const [before, after] = [await cut(blocks.join('\n\n'), size), await cut(edited.join('\n\n'), size)]
        const kept = new Set(after.map(({ hash }) => hash))
        const lines = (to: number): number => blocks.slice(0, to).join('\n\n').split('\n').length
        // neighbours that are small may have been joined with the part
        const near = (chunk: Chunk): boolean => chunk.lineEnd >= lines(Math.max(0, at - 1)) && chunk.lineStart <= lines(at + 2) + 2
        const small = blocks.every((block) => sizeOf(block) > size / 5)
        fc.pre(small)
        expect(before.filter((chunk) => !near(chunk) && !kept.has(chunk.hash))).toEqual([])
      }),
      { numRuns: 30 },
    )
  })
})

describe('chunks of sources by hand', () => {
  it('keep comments and decorators with what follows, and name the path of a symbol', async () => {
    const body = (name: string): string =>
      `        ${Array.from({ length: 12 }, (_, i) => `${name}${i} = load("${name}", ${i})`).join('\n        ')}\n`
    const text = `import os\n\n\n# about the store\nclass Store:\n    """Keeps."""\n\n    # reads one\n    @cached\n    def read(self):\n${body('r')}\n    def write(self):\n${body('w')}`
    const chunks = await cut(text, 300)
    const read = chunks.find(({ symbol }) => symbol === 'Store.read')!
    expect(
      text
        .split('\n')
        .slice(read.lineStart - 1, read.lineStart + 2)
        .map((line) => line.trim()),
    ).toEqual(['# reads one', '@cached', 'def read(self):'])
    expect(read.kind).toBe('method')
    expect(chunks.map(({ symbol }) => symbol)).toContain('Store.write')
    expect(chunks.find(({ names }) => names.includes('Store'))!.lineStart).toBeLessThanOrEqual(4)
  })

  it('know nothing of a language but its lines, and stand a million characters in one line', async () => {
    const bytes = Buffer.from(`${'lorem ipsum, '.repeat(80_000)}\n`)
    const chunks = chunkFile(bytes, null, { language: 'text' })
    expect(chunks.length).toBeGreaterThan(500)
    expect(new Set(chunks.map(({ lineStart, kind }) => `${lineStart} ${kind}`))).toEqual(new Set(['1 lines']))
    expect(chunkFile(Buffer.alloc(0), null, { language: 'text' })).toEqual([])
    expect(chunkFile(Buffer.from([0xff, 0xfe, 0x80, 0x0a, 0x80]), null, { language: 'text' })).toHaveLength(1)
  })
})
