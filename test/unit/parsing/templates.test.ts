import { describe, expect, it } from 'vitest'
import { readTemplate } from '../../../src/core/parsing/index.ts'

const told = async (text: string) => {
  const { items, error } = await readTemplate(text)
  expect(error).toBe(null)
  return items.map(({ kind, name, line, lineEnd, column, params, hash, container }) =>
    [kind, name, `${line}-${lineEnd}:${column}`, params.join(' '), hash.join(' '), container].map(String).join('|'),
  )
}

describe('a template', () => {
  it('takes variables; what it makes itself is local', async () => {
    expect(
      await told('{{title}} {{{raw}}}\n{{#each items as |item at|}}{{item.name}}{{at}}{{@index}}{{../title}}{{this.x}}{{/each}}{{item}}'),
    ).toEqual([
      'variable|title|1-1:1|||null'.replace('1:1', '1:3'),
      'variable|raw|1-1:14|||null',
      'block|each|2-2:1|items||null',
      'variable|items|2-2:9|||null',
      'local|item.name|2-2:31|||each',
      'local|at|2-2:44|||each',
      'local|@index|2-2:50|||each',
      'variable|../title|2-2:60|||each',
      'variable|this.x|2-2:72|||each',
      'variable|item|2-2:91|||null',
    ])
  })

  it('calls helpers, with what they are given, also inside of each other', async () => {
    expect(await told('{{date (now "utc" 3) format="long" zone=zone}}')).toEqual([
      'helper|date|1-1:1||format zone|null',
      'helper|now|1-1:8|"utc" 3||null',
      'variable|zone|1-1:41|||null',
    ])
  })

  it('puts in partials and defines them', async () => {
    expect(await told('{{#*inline "row"}}\n{{x}}\n{{/inline}}\n{{> row a b=c}}{{#> layout}}\n{{> (lookup . "kind")}}{{/layout}}')).toEqual([
      'inline|row|1-3:1|"row"||null',
      'variable|x|2-2:3|||row',
      'partial|row|4-4:1|a|b|null',
      'variable|a|4-4:9|||null',
      'variable|c|4-4:13|||null',
      'partial|layout|4-5:16|||null',
      'partial|null|5-5:1|||layout',
      'helper|lookup|5-5:5|. "kind"||layout',
      'variable|.|5-5:13|||layout',
    ])
  })

  it('decides, in sections too; comments and escaped braces are text', async () => {
    expect(await told('{{! no }}{{!-- {{no}} --}}\\{{no}}{{#if a}}{{b}}{{else if c}}{{d}}{{else}}{{e}}{{/if}}{{#list}}x{{/list}}')).toEqual(
      [
        'block|if|1-1:34|a||null',
        'variable|a|1-1:40|||null',
        'variable|b|1-1:45|||if',
        'block|if|1-1:48|c||if',
        'variable|c|1-1:58|||if',
        'variable|d|1-1:63|||if',
        'variable|e|1-1:76|||if',
        'block|list|1-1:86|||null',
        'variable|list|1-1:89|||null',
      ],
    )
  })
})

describe('what is no template', () => {
  it.each([
    ['ok\n{{#if a}}\n', { line: 3, message: expect.stringContaining('Parse error on line 3') }],
    ['{{#if a}}\n{{/each}}', { line: 1, message: "if doesn't match each" }],
    ['{{a', { line: 1, message: expect.stringContaining('Parse error') }],
  ])('%j says where', async (text, error) => {
    expect(await readTemplate(text)).toEqual({ items: [], error })
  })

  it.each([
    ['blocks', `${'{{#a}}'.repeat(20_000)}${'{{/a}}'.repeat(20_000)}`],
    ['inverse blocks', `${'{{^a}}'.repeat(20_000)}${'{{/a}}'.repeat(20_000)}`],
    ['calls', `{{a ${'(b '.repeat(20_000)}1${')'.repeat(20_000)}}}`],
  ])('or nests so deep that it would take forever: %s', async (_name, text) => {
    expect(await readTemplate(text)).toEqual({ items: [], error: { line: null, message: 'nests deeper than 500' } })
  })

  it('is not what is long, or empty', async () => {
    expect((await readTemplate('{{#a}}({{^}}{{b}}{{/a}}\n'.repeat(1000))).items).toHaveLength(3000)
    expect(await readTemplate('')).toEqual({ items: [], error: null })
  })
})
