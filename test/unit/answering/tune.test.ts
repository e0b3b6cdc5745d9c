import { join } from 'node:path'
import { test } from 'vitest'
import { refusingGate } from '../../../src/core/answering/gates.ts'
import { loadLexicon } from '../../../src/core/answering/lexicon.ts'
import { meaningOf } from '../../../src/core/answering/meaning.ts'
import { mutations, paraphrases, subjectPairs } from '../../support/request-pairs.ts'
const lexicon = loadLexicon(join(import.meta.dirname, '..', '..', '..', 'templates_data'))
const gate = (p: { a: string; b: string }) => refusingGate(meaningOf(p.a, lexicon), meaningOf(p.b, lexicon))
const show = (t: string) => {
  const m = meaningOf(t, lexicon)
  return `${m.frame} | ${m.tokens.map((x) => (x.slot ? `<${x.text}>` : x.text + (x.free ? '/f' : '') + (x.optional ? '/o' : '') + (x.kind ? '/k' : ''))).join(' ')} | n${m.negations} ${m.poles.join(',')} ${m.direction}`
}
test('tune', () => {
  const dev = paraphrases('dev')
  for (const p of dev.same) {
    const g = gate(p)
    if (g) console.log(g, '\n  ', p.a, '  =>  ', show(p.a), '\n  ', p.b, '  =>  ', show(p.b))
  }
  console.log('dev pass', dev.same.filter((p) => !gate(p)).length, '/', dev.same.length)
  const leaks = mutations().filter((p) => !gate(p))
  for (const p of leaks) console.log('LEAK', p.kind, p.a, '|||', p.b, '\n', show(p.a), '\n', show(p.b))
  console.log('mutations', mutations().length, 'leaks', leaks.length)
  for (const p of dev.changed.filter((x) => !gate(x))) console.log('DEVLEAK', p.kind, p.a, '|||', p.b)
  const h = paraphrases('held-out')
  console.log(
    'HELD OUT',
    h.same.filter((p) => !gate(p)).length,
    '/',
    h.same.length,
    'leaks',
    h.changed.filter((p) => !gate(p)).length,
    '/',
    h.changed.length,
  )
  const s = subjectPairs()
  const bad = s.filter((p) => !gate(p))
  console.log('subjects', s.length, 'leaks', bad.length, bad.slice(0, 10))
})
test('counts', () => {
  const n: Record<string, number> = {}
  for (const p of paraphrases('held-out').same) {
    const g = gate(p) ?? 'pass'
    const [a, b] = [meaningOf(p.a, lexicon), meaningOf(p.b, lexicon)]
    let key: string = g
    if (g === 'content') {
      const x = new Set(a.tokens.map((t) => t.text)),
        y = new Set(b.tokens.map((t) => t.text))
      const l = a.tokens.filter((t) => !t.optional && !y.has(t.text)).length,
        r = b.tokens.filter((t) => !t.optional && !x.has(t.text)).length
      key = a.frame !== b.frame ? 'content frame ' + [a.frame, b.frame].sort().join('/') : `content ${Math.min(l, 2)}-${Math.min(r, 2)}`
    }
    if (g === 'polarity') key = a.negations !== b.negations ? 'pol neg' : 'pol axis'
    n[key] = (n[key] ?? 0) + 1
  }
  console.log(n)
})
