import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findKinds, parseSource, parses, type LanguageId } from '../../../src/core/parsing/index.ts'
import { applyEdits, composeEdits, type TextEdit } from '../../../src/core/rules/edits.ts'
import { isGenerated, isMinified, isVendored, parsePack, rewrite, type Rule } from '../../../src/core/rules/index.ts'
import { SingularityError } from '../../../src/core/kernel/index.ts'

function ruleOf(part: Partial<Rule>): Rule {
  return {
    id: 'test/rule',
    version: 1,
    languages: ['javascript', 'python', 'go'],
    title: 'A rule',
    reason: 'Because it is used in a test.',
    reference: 'https://example.org',
    literals: [],
    rule: { kind: 'call_expression' },
    fix: '',
    safety: 'safe',
    requires: {},
    value: 1,
    invalid: [],
    valid: [],
    origin: 'test',
    ...part,
  }
}

function text(rule: Rule, before: string, language: LanguageId = 'javascript'): string {
  const result = rewrite(rule, before, language)
  return typeof result === 'string' ? result : result.text
}

const POW = ruleOf({ rule: { kind: 'call_expression', pattern: 'pow($A, $B)' }, fix: '$A ** $B' })
const NEGATE = ruleOf({ rule: { kind: 'call_expression', pattern: 'not($A)' }, fix: '!$A' })
const CALL = ruleOf({ rule: { kind: 'call_expression', pattern: 'get($A)' }, fix: '$A.value' })

describe('substitution', () => {
  it.each([
    ['x = pow(a + 1, b)', 'x = (a + 1) ** b'],
    ['x = pow(a, b + 1)', 'x = a ** (b + 1)'],
    ['x = pow(-a, b)', 'x = (-a) ** b'],
    ['x = pow(await a, b)', 'x = (await a) ** b'],
    ['x = -pow(a, b)', 'x = -(a ** b)'],
    ['x = pow(a, b).c', 'x = (a ** b).c'],
    ['x = pow(a, b)(c)', 'x = (a ** b)(c)'],
    ['x = c ? pow(a, b) : d', 'x = c ? a ** b : d'],
    ['x = pow(a ? b : c, d => e)', 'x = (a ? b : c) ** (d => e)'],
    ['f(pow(a, b), ...pow(c, d))', 'f(a ** b, ...c ** d)'],
    ['x = pow(pow(a, b), c)', 'x = (a ** b) ** c'],
    ['x = pow(a, pow(b, c))', 'x = a ** b ** c'],
  ])('%s -> %s', (before, after) => {
    expect(text(POW, before)).toBe(after)
    expect(parses(after, 'javascript')).toBe(true)
  })

  it.each([
    ['x = not(a && b)', 'x = !(a && b)'],
    ['x = not(a.b(c))', 'x = !a.b(c)'],
    ['x = not(a = b)', 'x = !(a = b)'],
    ['x = not(not(a))', 'x = !!a'],
    ['x = not(a).b', 'x = (!a).b'],
    ['x = not(function () {})', 'x = !(function () {})'],
  ])('%s -> %s', (before, after) => expect(text(NEGATE, before)).toBe(after))

  it.each([
    ['x = get(1)', 'x = (1).value'],
    ['x = get(new A)', 'x = (new A).value'],
    ['x = get(a?.b)', 'x = a?.b.value'],
    ['x = get(a, b)', 'x = get(a, b)'],
    ['x = get(() => a)', 'x = (() => a).value'],
  ])('%s -> %s', (before, after) => expect(text(CALL, before)).toBe(after))

  it('keeps whatever expression is put in as one operand of its new place', () => {
    const expressions = [
      'a',
      '-a',
      '!a',
      'a + b',
      'a ** b',
      'a || b',
      'a ?? b',
      'a, b',
      'a = b',
      'a ? b : c',
      'a => b',
      'await a',
      'typeof a',
      'new A',
      'new A()',
      'a.b',
      'a?.b',
      'a()',
      '`a`',
      '{}',
      '[]',
      'function () {}',
      'class {}',
      'a++',
      '++a',
      '1',
      '/a/',
      'void 0',
      'a in b',
    ]
    const templates = [
      '!$A',
      '$A.b',
      '$A ** b',
      'b ** $A',
      '$A + b',
      'b - $A',
      '$A ?? b',
      '$A || b',
      'b && $A',
      'f($A)',
      '[$A]',
      '{ ...$A }',
      '$A ? b : c',
      'b ? $A : c',
      '$A[b]',
      'b[$A]',
      '-$A',
      '+$A',
      'new $A()',
      '$A(b)',
      'typeof $A',
      'b instanceof $A',
      '`${$A}`',
    ]
    for (const expression of expressions) {
      for (const fix of templates) {
        const rule = ruleOf({ rule: { kind: 'call_expression', pattern: 'probe($A)' }, fix })
        for (const before of [
          `x = probe((${expression}))`,
          `x = probe(${expression})`,
          `x = z + probe(${expression}) ** 2`,
          `async function f() { return probe(${expression}) }`,
        ]) {
          if (!parses(before, 'javascript')) continue
          const after = text(rule, before)
          expect(parses(after, 'javascript'), `${before} by ${fix} -> ${after}`).toBe(true)
          if (after === before) continue
          // The expression must still be one node of the tree (or stand in parentheses).
          const wanted = new Set([expression, `(${expression})`])
          const kinds = [
            ...new Set(
              findKinds(parseSource(before, 'javascript')!.root, ['arguments']).flatMap((node) =>
                node.children().map((child) => String(child.kind())),
              ),
            ),
          ].filter((kind) => /^[a-z_]+$/.test(kind))
          const nodes = findKinds(parseSource(after, 'javascript')!.root, [...kinds, 'parenthesized_expression'])
          expect(
            nodes.some((node) => wanted.has(node.text())),
            `${before} by ${fix} -> ${after}`,
          ).toBe(true)
        }
      }
    }
  })

  it('does not lose comments, optional chains or type arguments, and leaves such a place alone', () => {
    for (const place of ['x = pow(a, /* why */ b)', 'x = pow(a, // why\n b)']) expect(text(POW, place)).toBe(place)
    const method = ruleOf({
      rule: { kind: 'call_expression', pattern: '$A.old($B)' },
      fix: '$A.next($B)',
      languages: ['javascript', 'typescript'],
    })
    expect(text(method, 'a?.old(b)')).toBe('a?.old(b)')
    expect(text(method, 'a.old<B>(b)', 'typescript')).toBe('a.old<B>(b)')
    expect(text(method, 'a?.b.old(c /* kept */.d)')).toBe('a?.b.next(c /* kept */.d)')
  })

  it('does not start a statement with what reads otherwise', () => {
    const object = ruleOf({ rule: { kind: 'call_expression', pattern: 'make($A)' }, fix: '{ ...$A }' })
    expect(text(object, 'make(a)')).toBe('make(a)')
    expect(text(object, 'a()\nmake(b).c')).toBe('a()\nmake(b).c')
    expect(text(object, 'x = () => make(a)')).toBe('x = () => ({ ...a })')
    expect(text(object, 'x = () => make(a).b')).toBe('x = () => ({ ...a }).b')
  })

  it('copies lists of arguments as they are written', () => {
    const rename = ruleOf({ rule: { kind: 'call_expression', pattern: 'old($$$ARGS)' }, fix: 'next($$$ARGS)' })
    expect(text(rename, 'old(a, /* b */ ...c,\n  d => e)')).toBe('next(a, /* b */ ...c,\n  d => e)')
    expect(text(rename, 'old()')).toBe('next()')
  })
})

describe('passes', () => {
  it('rewrites nested matches too, and a second run finds nothing', () => {
    const once = text(POW, 'x = pow(pow(pow(a, b), c), pow(d, e))')
    expect(once).toBe('x = ((a ** b) ** c) ** d ** e')
    expect(text(POW, once)).toBe(once)
  })

  it('gives up on a rule that rewrites its own work for ever', () => {
    const endless = ruleOf({ rule: { kind: 'call_expression', pattern: 'f($A)' }, fix: 'f(f($A))' })
    expect(rewrite(endless, 'f(a)', 'javascript')).toBe('never-settles')
  })

  it('refuses a result that does not parse, and a file that does not parse', () => {
    const broken = ruleOf({ rule: { kind: 'call_expression', pattern: 'f($A)' }, fix: '$A +' })
    expect(rewrite(broken, 'x = f(a)', 'javascript')).toBe('breaks-syntax')
    expect(rewrite(POW, 'x = pow(a, b)\n)) = ((', 'javascript')).toBe('does-not-parse')
  })

  it('gives edits of the text it was given, whatever stands before them', () => {
    const before = '// é 😀\nx = pow(pow(a, "ß"), c)\ny = pow(d, e)\n'
    const result = rewrite(POW, before, 'javascript')
    if (typeof result === 'string') throw new Error(result)
    expect(applyEdits(before, result.edits)).toBe(result.text)
    expect(result.text).toBe('// é 😀\nx = (a ** "ß") ** c\ny = d ** e\n')
    expect(new Set(result.edits.map((edit) => edit.group)).size).toBe(2)
  })

  it('composes edits of edits exactly', () => {
    const edits = (length: number): fc.Arbitrary<TextEdit[]> =>
      fc.array(fc.tuple(fc.nat(length), fc.nat(length), fc.string({ maxLength: 5 })), { maxLength: 6 }).map((list) => {
        const taken: TextEdit[] = []
        let group = 0
        for (const [a, b, replacement] of list) {
          const [start, end] = [Math.min(a, b), Math.max(a, b)]
          if (taken.every((other) => end < other.start || start > other.end)) taken.push({ start, end, text: replacement, group: group++ })
        }
        return taken.sort((x, y) => x.start - y.start)
      })
    fc.assert(
      fc.property(
        fc
          .string({ minLength: 1, maxLength: 40 })
          .chain((base) => fc.tuple(fc.constant(base), edits(base.length)))
          .chain(([base, first]) => {
            const middle = applyEdits(base, first)
            return fc.tuple(fc.constant(base), fc.constant(first), edits(middle.length))
          }),
        ([base, first, second]) => {
          const composed = composeEdits(
            first,
            second.map((edit) => ({ ...edit, group: edit.group + 100 })),
          )
          expect(applyEdits(base, composed)).toBe(applyEdits(applyEdits(base, first), second))
          for (let i = 1; i < composed.length; i++) expect(composed[i]!.start).toBeGreaterThanOrEqual(composed[i - 1]!.end)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('files nobody wrote', () => {
  it('are known by name, by their first lines, by their folder and by their lines', () => {
    expect(isGenerated('a/b.pb.go', '')).toBe(true)
    expect(isGenerated('a.js', '// Code generated by x. DO NOT EDIT.\n')).toBe(true)
    expect(isGenerated('a.js', `${'// line\n'.repeat(30)}// DO NOT EDIT\n`)).toBe(false)
    expect(isGenerated('a/generator.ts', 'export const a = 1\n')).toBe(false)
    expect(isVendored('vendor/a/b.go')).toBe(true)
    expect(['node_modules/a.js', 'a/third_party/b.c', '.venv/a.py', 'lib/dist/a.js'].every(isVendored)).toBe(true)
    expect(isGenerated('a/jquery.min.js', '') && isGenerated('zz_generated.deepcopy.go', '') && isGenerated('a_pb2.py', '')).toBe(true)
    expect(isVendored('src/vendors.js')).toBe(false)
    expect(isMinified('x'.repeat(1_000_000))).toBe(true)
    expect(isMinified('const a = 1\n'.repeat(1_000))).toBe(false)
  })
})

describe('packs of a repository', () => {
  const rule = {
    id: 'own/a',
    version: 1,
    languages: ['javascript'],
    title: 'Our own rule',
    reason: 'We prefer the new function here.',
    reference: 'https://example.org/a',
    literals: ['old('],
    rule: { kind: 'call_expression', pattern: 'old($A)' },
    fix: 'next($A)',
    safety: 'safe',
    requires: {},
    value: 1,
    invalid: [{ before: 'old(a)', after: 'next(a)' }],
    valid: ['next(a)'],
  }
  const pack = (change: object): string => JSON.stringify({ pack: 'own', rules: [{ ...rule, ...change }] })

  it('are read with their origin', () => {
    expect(parsePack(pack({}), '.singularity/rules/own.json', '.singularity/rules/own.json')[0]).toMatchObject({
      id: 'own/a',
      origin: '.singularity/rules/own.json',
    })
  })

  it.each([
    ['no JSON', '{', /not JSON/],
    ['no examples', pack({ invalid: [] }), /own\/a: \/invalid must NOT have fewer than 1/],
    ['a field nobody knows', pack({ extra: 1 }), /\(extra\)/],
    ['no kind to start from', pack({ rule: { pattern: 'old($A)' } }), /kind/],
    [
      'a kind the grammar lacks',
      pack({ rule: { kind: 'no_such_kind' }, fix: 'a' }),
      /own\/a does not compile for javascript.*no_such_kind/s,
    ],
    ['a variable nobody captures', pack({ fix: 'next($B)' }), /uses \$B/],
    ['an effect that would happen twice', pack({ fix: 'next($A, $A)' }), /writes \$A twice/],
    ['a reference that is no link', pack({ reference: 'example' }), /reference/],
  ])('%s: RULE_INVALID', (_name, content, message) => {
    try {
      parsePack(content, '.singularity/rules/own.json', 'own')
      expect.unreachable()
    } catch (error) {
      expect(SingularityError.isInstance(error) && error.code).toBe('RULE_INVALID')
      expect(String(error)).toMatch(message)
      expect(String(error)).toContain('.singularity/rules/own.json')
    }
  })
})
