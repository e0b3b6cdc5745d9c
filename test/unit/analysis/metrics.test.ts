import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkLimits,
  measureFile,
  measureHalstead,
  measureMaintainability,
  parseLimit,
  PROFILES,
  readRequest,
  replyOf,
  sumFiles,
} from '../../../src/core/analysis/index.ts'
import { createFactReader, readFacts, type FileFacts } from '../../../src/core/parsing/index.ts'
import { packagedParsing } from '../../support/parsing.ts'

const reader = createFactReader({ ...packagedParsing, engines: ['wasm'] })

async function factsOf(language: string, text: string): Promise<FileFacts> {
  const [facts] = await reader.read([{ language, bytes: Buffer.from(text) }])
  return facts!
}

const measure = async (language: string, text: string, profile: (typeof PROFILES)[number] = 'default') =>
  measureFile(await factsOf(language, text), profile)

describe('figures counted by hand', () => {
  it('main: complexity 1, cognitive 0, one line of code', async () => {
    const file = await measure('rust', 'fn main() { println!("Hello"); }')
    expect(file).toMatchObject({
      tier: 1,
      partial: null,
      cyclomatic: 1,
      cognitive: 0,
      lines: { physical: 1, source: 1, comment: 0, blank: 0 },
    })
    expect(file.functions).toMatchObject([
      {
        name: 'main',
        kind: 'function',
        line_start: 1,
        line_end: 1,
        line_count: 1,
        parameters: [],
        cyclomatic: 1,
        cognitive: 0,
        nesting: 0,
      },
    ])
  })

  it('a reference to what goes away is no decision of C++', async () => {
    const moved = await measure('cpp', 'int f(A&& a, const B&& b) { auto&& c = a; return a.x && b.y ? 1 : 2; }')
    expect(moved.functions).toMatchObject([{ name: 'f', cyclomatic: 3 }])
    const folded = await measure('cpp', 'template <class... T> bool all(T&&... each) { return (... && each); }')
    expect(folded.functions).toMatchObject([{ name: 'all', cyclomatic: 2 }])
    const label = await measure('c', 'void g(void) { void *p = &&done; done: return; }')
    expect(label.functions).toMatchObject([{ name: 'g', cyclomatic: 1 }])
    const closure = await measure('rust', 'fn h(y: &&u8) { k(|| 1); let x = &&y; }')
    expect(closure.functions).toMatchObject([{ name: 'h', cyclomatic: 1 }, { cyclomatic: 1 }])
  })

  it('a static initialiser of Java is a function, as a static block of JavaScript is', async () => {
    const { functions } = await measure('java', 'class A { static { if (a) b(); } int c = d ? 1 : 2; }')
    expect(functions).toMatchObject([{ name: null, kind: 'static_block', cyclomatic: 2 }])
  })

  it.each(['native', 'wasm'] as const)('values of class fields are functions for eslint only (%s)', async (engine) => {
    const text = [
      'function make(a = 1) {',
      '  return class {',
      '    [a ? "b" : "c"] = a?.d || (a && 2)', // the name counts for make, the value by itself: 1 + ?. + || + &&
      '    run = (x) => (x ? 1 : 2)', // 1 for the value, 2 for the arrow function
      '    inner = class { y = a ?? 0 }', // the inner value by itself: 2
      '    static { if (a) a() }',
      '    none',
      '  }',
      '}',
    ].join('\n')
    const [facts] = await createFactReader({ ...packagedParsing, engines: [engine] }).read([
      { language: 'javascript', bytes: Buffer.from(text) },
    ])
    const listed = (profile: 'eslint' | 'sonar') =>
      measureFile(facts!, profile).functions.map(({ kind, line_start, cyclomatic }) => `${line_start} ${kind} ${cyclomatic}`)
    expect(listed('eslint').toSorted()).toEqual([
      '1 function 3',
      '3 field_initializer 4',
      '4 field_initializer 1',
      '4 lambda 2',
      '5 field_initializer 1',
      '5 field_initializer 2',
      '6 static_block 2',
    ])
    expect(listed('sonar')).toEqual(['1 function 5', '4 lambda 2', '6 static_block 2'])
    // nothing is counted twice, nothing is lost
    expect(measureFile(facts!, 'eslint').cyclomatic).toBe(1 + 2 + 3 + 1 + 1 + 1)
  })

  const SCRIPT = [
    '// a comment',
    'export function pick(list, wanted = 1) {',
    '  for (const each of list) {',
    '    if (each === wanted && each > 0 || !wanted) return each?.value ?? null',
    '  }',
    '  try {',
    '    return list.map((each) => (each ? 1 : 2))',
    '  } catch {',
    '    return undefined',
    '  }',
    '}',
    '',
  ].join('\n')

  it.each([
    // for, if, &&, ||, ??, catch
    ['default', 7, 2],
    // and the default value, and ?.
    ['eslint', 9, 2],
    // for, if, &&, ||, catch
    ['rca', 6, 2],
    // for, if, &&, ||, ??
    ['sonar', 6, 2],
  ] as const)('of a function in the profile %s', async (profile, outer, inner) => {
    const file = await measure('javascript', SCRIPT, profile)
    expect(file.functions.map(({ name, cyclomatic }) => [name, cyclomatic])).toEqual([
      ['pick', outer],
      [null, inner],
    ])
    expect(file.cyclomatic).toBe(outer + inner - 1)
  })

  it('of functions by themselves, and of the file with functions inside one level deeper', async () => {
    const file = await measure('javascript', SCRIPT)
    // pick: for 1, if 2, && 1, catch 1. The lambda alone: ?: 1; inside of pick: 2.
    expect(file.functions.map(({ cognitive, nesting }) => [cognitive, nesting])).toEqual([
      [5, 2],
      [1, 1],
    ])
    expect(file.cognitive).toBe(7)
    expect(file.lines).toMatchObject({ physical: 11, source: 10, comment: 1, blank: 0 })
    expect(file.functions[0]).toMatchObject({ line_start: 2, line_end: 11, line_count: 10, parameters: ['list', 'wanted'] })
  })

  it('of Halstead', async () => {
    // operators: function ( { return + ;    operands: add a b a b
    const { functions } = await measure('javascript', 'function add(a, b) { return a + b; }')
    const { n1, n2, N1, N2, volume, difficulty, effort } = functions[0]!.halstead!
    // `function`, `(`, `,`, `{`, `return`, `+`, `;` once each
    expect([n1, n2, N1, N2]).toEqual([7, 3, 7, 5])
    expect(volume).toBeCloseTo(12 * Math.log2(10), 10)
    expect(difficulty).toBeCloseTo((7 / 2) * (5 / 3), 10)
    expect(effort).toBeCloseTo(volume * difficulty, 10)
  })

  it('of maintainability', () => {
    const figures = measureMaintainability({ volume: 100, cyclomatic: 10, lines: { source: 75, comment: 25 } })!
    // 171 - 5.2·4.60517 - 0.23·10 - 16.2·4.31749
    expect(figures.original).toBeCloseTo(74.8098, 3)
    expect(figures.visual_studio).toBeCloseTo(43.7484, 3)
    // 171 - 5.2·6.64386 - 2.3 - 16.2·6.22882 + 50·sin(sqrt(0.6))
    expect(figures.sei).toBeCloseTo(68.2165, 3)
    expect(measureMaintainability({ volume: 1e9, cyclomatic: 900, lines: { source: 9e4, comment: 0 } })!.visual_studio).toBe(0)
  })

  it('without operands, operators or lines', () => {
    expect(measureHalstead({ n1: 1, n2: 0, N1: 3, N2: 0 })).toEqual({ n1: 1, n2: 0, N1: 3, N2: 0, volume: 0, difficulty: 0, effort: 0 })
    expect(measureHalstead({ n1: 0, n2: 0, N1: 0, N2: 0 })).toMatchObject({ volume: 0, difficulty: 0, effort: 0 })
    expect(measureMaintainability({ volume: 0, cyclomatic: 1, lines: { source: 1, comment: 0 } })).toBeNull()
  })
})

describe('what a tier cannot know', () => {
  it('is null for tokens', async () => {
    const file = await measure('gleam', 'pub fn main() {\n  case 1 { _ -> 2 }\n}\n', 'sonar')
    expect(file).toMatchObject({
      tier: 2,
      engine: 'scanner',
      error_ratio: null,
      cyclomatic: null,
      cognitive: null,
      halstead: null,
      maintainability: null,
    })
    expect(file.lines.logical).toBeNull()
    expect(file.functions).toMatchObject([
      { name: 'main', parameters: null, cyclomatic: null, cognitive: null, nesting: null, halstead: null },
    ])
    expect((await measure('gleam', 'pub fn main() {\n  case 1 { _ -> 2 }\n}\n')).cyclomatic).toBe(2)
  })

  it('is null for text', async () => {
    expect(await measure('text', 'if if if\n\n')).toMatchObject({
      tier: 3,
      lines: { physical: 2, source: 1, logical: null, comment: null, blank: 1 },
      cyclomatic: null,
      functions: [],
    })
  })

  it('is left out of sums', async () => {
    const files = [await measure('text', 'a\n'), await measure('rust', 'fn a() {}\n// b\n'), await measure('rust', 'fn c() { if d {} }\n')]
    expect(sumFiles(files, 2)).toMatchObject({
      files: 3,
      skipped: 2,
      functions: 2,
      cyclomatic: 3,
      cognitive: 1,
      lines: { physical: 4, source: 3, comment: 1, blank: 0 },
      languages: [
        { language: 'rust', files: 2, functions: 2 },
        { language: 'text', files: 1, functions: 0 },
      ],
    })
    expect(sumFiles([files[0]!], 0)).toMatchObject({ cyclomatic: null, cognitive: null, lines: { comment: null } })
  })
})

describe('limits', () => {
  it('are passed by functions and files', async () => {
    const file = await measure('rust', '\nfn a() {}\nfn b(x: u8) { if x > 1 {} }\n')
    const check = (...texts: string[]) => checkLimits('a.rs', file, texts.map(parseLimit))
    expect(check('cyclomatic>1')).toEqual([{ rule: 'cyclomatic', path: 'a.rs', line: 3, value: 2, limit: 1 }])
    expect(check('cyclomatic>2', 'cognitive >= 2', 'file.visual_studio<0')).toEqual([])
    expect(check('cyclomatic>=1', 'file.functions>1').map(({ line, rule }) => [line, rule])).toEqual([
      [1, 'file.functions'],
      [2, 'cyclomatic'],
      [3, 'cyclomatic'],
    ])
  })

  it('are not passed by what is not known', async () => {
    const file = await measure('gleam', 'pub fn main() {\n  1\n}\n')
    expect(
      checkLimits('a.gleam', file, ['cognitive>=0', 'parameters<9', 'file.comment>=0'].map(parseLimit)).map(({ rule }) => rule),
    ).toEqual(['file.comment'])
  })

  it.each(['', 'cyclomatic', 'cyclomatic>', 'cyclomatic=5', '>5', 'cyclomatic>many', 'cyclo>5', 'file.cyclo>5', 'cyclomatic>5; rm'])(
    'that are none are refused: %s',
    (text) => expect(() => parseLimit(text)).toThrow(expect.objectContaining({ code: 'USAGE' })),
  )

  it('say which name was meant', () => {
    expect(() => parseLimit('cyclomatc>9')).toThrow(
      expect.objectContaining({ hints: expect.arrayContaining(["--fail-on 'cyclomatic>9'"]) }),
    )
  })
})

describe('the request of the seeds', () => {
  it('gets the reply of the seeds', async () => {
    const request = readRequest({
      content: 'fn main() { println!("Hello"); }',
      language: 'rust',
      options: { extract_functions: true, calculate_metrics: true, generate_ast: false },
    })
    expect(replyOf(request, await factsOf('rust', request.content), 'default', null)).toEqual({
      language: 'rust',
      functions: [{ name: 'main', line_start: 1, line_end: 1, complexity: 1, parameters: [] }],
      metrics: { lines_of_code: 1, cyclomatic_complexity: 1, cognitive_complexity: 0 },
      ast: null,
    })
  })

  it('leaves out what was not asked for', async () => {
    const request = readRequest({ content: 'fn a() {}', language: 'rust', options: { extract_functions: false, calculate_metrics: false } })
    expect(replyOf(request, await factsOf('rust', 'fn a() {}'), 'default', null)).toEqual({
      language: 'rust',
      functions: [],
      metrics: null,
      ast: null,
    })
  })

  it.each([undefined, null, [], 'text', {}, { content: 1, language: 'rust' }, { content: '' }, { content: '', language: 'rust', more: 1 }])(
    'is refused where it is none: %j',
    (value) => expect(() => readRequest(value)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' })),
  )

  it.each([[{ options: null }], [{ options: { generate_ast: 'yes' } }], [{ options: { faster: true } }]])('with odd options: %j', (more) =>
    expect(() => readRequest({ content: '', language: 'rust', ...more })).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' })),
  )
})

it('a syntax tree nests as its source does, and is cut where it is too deep', async () => {
  const tree = (await reader.tree({ language: 'rust', bytes: Buffer.from('fn é() {}\n') }))!
  expect(tree).toMatchObject({ kind: 'source_file', named: true, line_start: 1, byte_start: 0, byte_end: 11 })
  const [item] = tree.children!
  expect(item).toMatchObject({ kind: 'function_item', byte_end: 10, missing: false })
  expect(item!.children!.map(({ kind, field }) => [kind, field])).toEqual([
    ['fn', null],
    ['identifier', 'name'],
    ['parameters', 'parameters'],
    ['block', 'body'],
  ])
  const deep = await reader.tree({ language: 'javascript', bytes: Buffer.from('['.repeat(5000)) })
  expect(() => JSON.stringify(deep)).not.toThrow()
  expect(await reader.tree({ language: 'text', bytes: Buffer.from('a') })).toBeNull()
})

it('a record read back gives the same figures', async () => {
  const [answer] = await reader.readRecords([{ language: 'rust', bytes: Buffer.from('fn a() { if b {} }') }])
  const again = readFacts(Int32Array.from(answer!.record), answer!.origin)
  expect(measureFile(again, 'default')).toEqual(measureFile(readFacts(answer!.record, answer!.origin), 'default'))
})

it('the sums of any files are those of their parts', () => {
  const lines = fc.record({ source: fc.nat(99), comment: fc.option(fc.nat(9)), blank: fc.nat(9), logical: fc.option(fc.nat(9)) })
  const file = fc.record({
    language: fc.constantFrom('rust', 'go', 'text'),
    lines,
    cyclomatic: fc.option(fc.nat(9)),
    cognitive: fc.option(fc.nat(9)),
  })
  fc.assert(
    fc.property(fc.array(file), (parts) => {
      const files = parts.map((each) => {
        const physical = each.lines.source + (each.lines.comment ?? 0) + each.lines.blank
        return { ...each, lines: { ...each.lines, physical }, functions: [], partial: null } as never
      })
      const { languages, ...totals } = sumFiles(files, 0)
      expect(languages.reduce((sum, each) => sum + each.files, 0)).toBe(totals.files)
      for (const part of ['physical', 'source', 'blank'] as const)
        expect(languages.reduce((sum, each) => sum + each.lines[part], 0)).toBe(totals.lines[part])
      expect(totals.lines.source + (totals.lines.comment ?? 0) + totals.lines.blank).toBe(totals.lines.physical)
    }),
  )
})
