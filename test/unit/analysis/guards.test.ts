import { expect, test } from 'vitest'
import { countDecisions, measureGuards } from '../../../src/core/analysis/index.ts'

test('decision points are counted per language', () => {
  expect(countDecisions('if (a && b) f()\nelse g(c ? 1 : 2)\n', 'javascript')).toBe(3)
  expect(countDecisions('if a and b:\n    pass\nelif c:\n    pass\n', 'python')).toBe(3)
  expect(countDecisions('package a\n\nfunc f() {\n\tfor a || b {\n\t}\n}\n', 'go')).toBe(2)
  expect(countDecisions('a { color: red }\n', 'css')).toBeNull()
})

test('a rise blocks a rule and is only told of a patch', () => {
  const pairs = [{ before: 'f()\n', after: 'if (a) f()\n', language: 'javascript' as const }]
  expect(measureGuards(pairs, true)).toMatchObject([{ name: 'complexity', ok: false, detail: '0 -> 1' }, { ok: true }, { ok: true }])
  expect(measureGuards(pairs, false)[0]).toMatchObject({ ok: null })
  const longer = [{ before: 'f()\n', after: 'f()\n'.repeat(200), language: undefined }]
  expect(measureGuards(longer, true).map(({ ok }) => ok)).toEqual([false, false])
})

test('size may grow with the number of sites, not more', () => {
  const pair = (added: number) => [{ before: 'f()\n'.repeat(40), after: 'f()\n'.repeat(40 + added), language: undefined }]
  expect(measureGuards(pair(30), true, 1).map(({ ok }) => ok)).toEqual([false, true])
  expect(measureGuards(pair(30), true, 10).map(({ ok }) => ok)).toEqual([true, true])
  expect(measureGuards(pair(31), true, 10).map(({ ok }) => ok)).toEqual([false, true])
})
