import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  LANGUAGE_IDS,
  astEqual,
  availableLanguages,
  createByteOffsets,
  decodeSource,
  findKinds,
  languageOf,
  parseSource,
  parses,
  spanOf,
  walk,
  type LanguageId,
} from '../../../src/core/parsing/index.ts'

const VALID: Record<LanguageId, string> = {
  javascript: 'const a = <b>{c?.d ?? 1}</b>\n',
  typescript: 'type A<T> = { a: T }\nconst a = <T,>(b: T): b is T => true\n',
  tsx: 'const a = (b: number) => <b>{b}</b>\n',
  html: '<p>a</p>\n',
  css: 'a { color: red }\n',
  python: 'def f(a, /, *, b):\n    match a:\n        case [1, *_]:\n            return f"{a!r}"\n',
  go: 'package p\n\nfunc F[T any](a []T) int { return len(a) }\n',
  rust: 'fn f(a: &[u8]) -> Result<(), ()> { g(a)?; Ok(()) }\n',
  java: 'class A { int f() { return 1; } }\n',
  ruby: 'def f(a) = a.map(&:to_s)\n',
  c: '#include <a.h>\nint f(void) { return 1; }\n',
}

describe('languages', () => {
  it.each(LANGUAGE_IDS)('%s: the grammar loads, accepts valid text and notices broken text', (id) => {
    expect(availableLanguages().has(id)).toBe(true)
    expect(parseSource(VALID[id], id)?.errorCount()).toBe(0)
    if (id !== 'html' && id !== 'css') expect(parses(`${VALID[id]}\n)) = ((`, id)).toBe(false)
  })

  it('knows a file by its extension, then by its interpreter line', () => {
    expect(languageOf('src/a.b/c.mjs')).toBe('javascript')
    expect(languageOf('a.d.ts')).toBe('typescript')
    expect(languageOf('a/B.PY')).toBe('python')
    expect(languageOf('bin/run', '#!/usr/bin/env node')).toBe('javascript')
    expect(languageOf('bin/run', '#!/usr/bin/python3.11')).toBe('python')
    expect(languageOf('.rb')).toBeUndefined()
    expect(languageOf('README.md')).toBeUndefined()
  })

  it('counts a token the parser had to invent as an error', () => {
    expect(parses('if (a { b }', 'javascript')).toBe(false)
    expect(parses('', 'javascript')).toBe(true)
  })
})

describe('walking', () => {
  it('visits in source order and stays out of refused nodes', () => {
    const { root } = parseSource('f(1); g(function () { h(2) })', 'javascript')!
    const names: string[] = []
    walk(root, (node) => {
      if (node.kind() === 'identifier') names.push(node.text())
      return node.kind() !== 'function_expression'
    })
    expect(names).toEqual(['f', 'g'])
    expect(findKinds(root, ['number']).map((node) => node.text())).toEqual(['1', '2'])
  })

  it('gives offsets that slice the text, whatever letters stand before', () => {
    const text = 'const é = "😀"; f(1)\n'
    const node = findKinds(parseSource(text, 'javascript')!.root, ['call_expression'])[0]!
    const span = spanOf(node)
    expect(text.slice(span.start, span.end)).toBe('f(1)')
    const toBytes = createByteOffsets(text)
    expect(Buffer.from(text).subarray(toBytes(span.start), toBytes(span.end)).toString()).toBe('f(1)')
  })
})

describe('byte offsets', () => {
  it('agree with the encoder at every boundary of a code point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const toBytes = createByteOffsets(text)
        let offset = 0
        for (const letter of text) {
          expect(toBytes(offset)).toBe(Buffer.byteLength(text.slice(0, offset)))
          offset += letter.length
        }
        expect(toBytes(offset)).toBe(Buffer.byteLength(text))
      }),
    )
  })

  it('refuse what is not UTF-8 text', () => {
    expect(decodeSource(Buffer.from([0x61, 0xff, 0x62]))).toBeUndefined()
    expect(decodeSource(Buffer.from('a\0b'))).toBeUndefined()
    expect(decodeSource(Buffer.from('\ufeffa'))).toBe('\ufeffa')
  })
})

describe('astEqual', () => {
  const equal: [LanguageId, string, string][] = [
    ['javascript', 'f( a,b )', 'f(a, b);\n'],
    ['javascript', "x = 'a'", 'x = "a";'],
    ['javascript', 'x = [1, 2,]', 'x = [\n  1, // one\n  2\n]'],
    ['typescript', 'type A = { a: 1, b: 2 }', 'type A = {\n  a: 1,\n  b: 2,\n}'],
    ['python', 'x = (1,2,)\n', 'x = (\n    1,\n    2\n)\n'],
    ['go', 'package p\nfunc f(){g( 1 )}', 'package p\n\nfunc f() { g(1) }\n'],
    ['rust', 'fn f(){g(1,)}', 'fn f() {\n    g(1)\n}\n'],
    ['c', 'int f(){return 1;}', 'int f() { /* why */ return 1; }'],
  ]
  it.each(equal)('%s: %j = %j', (language, a, b) => {
    expect(astEqual(a, b, language)).toBe(true)
  })

  const different: [LanguageId, string, string][] = [
    ['javascript', 'return_(); a\n(b)', 'return_(); a; (b)'],
    ['javascript', 'function f() { return a }', 'function f() { return\na }'],
    ['javascript', 'x = [1,,]', 'x = [1,]'],
    ['javascript', 'x = `a `', 'x = `a`'],
    ['javascript', "x = 'a\\n'", 'x = "an"'],
    ['javascript', '<p>a b</p>', '<p>a  b</p>'],
    ['javascript', '// eslint-disable-next-line\nf()', 'f()'],
    ['javascript', '"use strict"; f()', 'f()'],
    ['javascript', 'for (;;) {}', 'for (;a;) {}'],
    ['javascript', 'if (a) ; b()', 'if (a) b()'],
    ['javascript', 'a = b + (c + d)', 'a = b + c + d'],
    ['javascript', 'f(', 'f( '],
    ['python', 'if a:\n    b()\n    c()\n', 'if a:\n    b()\nc()\n'],
    ['python', 'x = (1,)\n', 'x = (1)\n'],
    ['python', 'x[1,]\n', 'x[1]\n'],
    ['python', 'def f():\n    "doc"\n', 'def f():\n    "docs"\n'],
    ['python', 'x = 1  # type: ignore\n', 'x = 1\n'],
    ['ruby', 'x = <<~E\n  a\nE\n', 'x = <<~E\n  b\nE\n'],
    ['go', '//go:build linux\n\npackage p\n', 'package p\n'],
    ['go', 'package p\n\n// #include <a.h>\nimport "C"\n', 'package p\n\nimport "C"\n'],
    ['c', '#define A 1\nint a;', '#define A 2\nint a;'],
  ]
  it.each(different)('%s: %j is not %j', (language, a, b) => {
    expect(astEqual(a, b, language)).toBe(false)
  })
})
