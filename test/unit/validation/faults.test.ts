import { describe, expect, test } from 'vitest'
import type { LanguageId } from '../../../src/core/parsing/index.ts'
import { listFunctions, plantFaults } from '../../../src/core/validation/faults/faults.ts'

const SAMPLES: Record<string, { language: LanguageId; text: string }> = {
  javascript: {
    language: 'javascript',
    text: 'export function big(n) {\n  if (n > 10) {\n    return true\n  }\n  log(n)\n  return n + 1\n}\n',
  },
  typescript: { language: 'typescript', text: 'export const big = (n: number): boolean => {\n  return n >= 10 && flag\n}\n' },
  python: { language: 'python', text: 'def big(n):\n    if n > 10:\n        return True\n    log(n)\n    return n + 1\n' },
  go: { language: 'go', text: 'package a\n\nfunc Big(n int) bool {\n\tif n > 10 {\n\t\treturn true\n\t}\n\tlog(n)\n\treturn n+1 > 3\n}\n' },
  rust: { language: 'rust', text: 'pub fn big(n: i32) -> bool {\n    if n > 10 {\n        return true;\n    }\n    n + 1 > 3\n}\n' },
}

describe('planted faults', () => {
  test.each(Object.entries(SAMPLES))('%s: every fault changes the text, parses, and names its function', (_name, { language, text }) => {
    const faults = plantFaults({ text, language, seed: 1, max: 20 })
    expect(faults.length).toBeGreaterThanOrEqual(1)
    for (const { start, end, text: replacement, functionName } of faults) {
      const bytes = Buffer.from(text)
      expect(Buffer.concat([bytes.subarray(0, start), Buffer.from(replacement), bytes.subarray(end)]).toString()).not.toBe(text)
      expect(functionName.toLowerCase()).toBe('big')
    }
  })

  test('are the same for the same seed, keep to the lines asked for, and count bytes', () => {
    const text = `const s = 'äöü'\n${SAMPLES['javascript']!.text}`
    const options = { text, language: 'javascript' as const, seed: 3, max: 5 }
    expect(plantFaults(options)).toEqual(plantFaults(options))
    const [fault] = plantFaults({ ...options, lines: new Set([3]) })
    expect(fault).toMatchObject({ line: 3, kind: 'condition', text: '(!((n > 10)))' })
    expect(Buffer.from(text).subarray(fault!.start, fault!.end).toString()).toBe('(n > 10)')
  })

  test('strings and comments are left alone', () => {
    expect(plantFaults({ text: '// 1 > 2\nconst a = "3 > 4"\n', language: 'javascript', seed: 1, max: 9 })).toEqual([])
  })

  const TYPED: Record<string, { language: LanguageId; text: string; kinds: string[] }> = {
    go: {
      language: 'go',
      text: 'package a\n\nfunc F(n int) (bool, error) {\n\treturn n > 3, nil\n}\n\nfunc G() int {\n\treturn 4\n}\n',
      kinds: ['return', 'return'],
    },
    rust: { language: 'rust', text: 'fn f(n: i32) -> bool {\n    return n > 3;\n}\n', kinds: ['return'] },
    c: { language: 'c', text: 'int f(int n) {\n  return 4;\n}\n', kinds: ['return'] },
    java: { language: 'java', text: 'class A {\n  boolean f(int n) {\n    return n > 3;\n  }\n}\n', kinds: ['return'] },
  }
  test.each(Object.entries(TYPED))('%s: what is returned is negated or one higher', (_name, { language, text, kinds }) => {
    expect(plantFaults({ text, language, seed: 1, max: 9 }).map(({ kind }) => kind)).toEqual(kinds)
  })

  test('arguments change places and a default is lost', () => {
    const of = (text: string) => plantFaults({ text, language: 'javascript', seed: 1, max: 9 }).map(({ text: to }) => to)
    expect(of('const a = f(x, y)\n')).toEqual(['y, x'])
    expect(of('const a = b ?? c\n')).toEqual(['b'])
  })

  test('a language without a table falls back to tokens outside strings and comments', () => {
    const text = '/* 1 > 2 */\na { width: 10px }\nb { z-index: 4 }\nc::after { content: "7" }\n'
    expect(plantFaults({ text, language: 'css', seed: 1, max: 9 })).toMatchObject([{ line: 3, kind: 'number', text: '5' }])
  })

  test('functions are listed with the lines that run when they are called', () => {
    const python = 'class A:\n    def one(self, a,\n            b):\n        return 1\n\ndef two(): return 2\n'
    expect(listFunctions(python, 'python')).toEqual([
      { name: 'one', line: 2, lines: [4] },
      { name: 'two', line: 6, lines: [6] },
    ])
    const script = 'export const a = (n) => {\n  return n\n}\nfunction b() { return 1 }\n'
    expect(listFunctions(script, 'javascript')).toEqual([
      { name: 'a', line: 1, lines: [2, 3] },
      { name: 'b', line: 4, lines: [4] },
    ])
    expect(listFunctions('package a\n\nfunc (s *T) Set(v int) {\n\ts.v = v\n}\n', 'go')).toEqual([{ name: 'Set', line: 3, lines: [4, 5] }])
  })

  test('declarations without a body are neither functions nor places for faults', () => {
    const text =
      'class A:\n    @overload\n    def one(self, a: bool = True) -> int: ...\n    def two(self):\n        """Told."""\n        ...\n'
    expect(listFunctions(text, 'python')).toEqual([])
    expect(plantFaults({ text, language: 'python', seed: 1, max: 9 })).toEqual([])
  })
})
