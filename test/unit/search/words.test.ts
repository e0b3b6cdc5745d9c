import { describe, expect, it } from 'vitest'
import { readQuery } from '../../../src/core/search/query.ts'
import { splitIdentifiers } from '../../../src/core/embedding/index.ts'
import { queryWords } from '../../../src/core/search/words.ts'

describe('words', () => {
  it.each([
    ['parseHTTPHeader2', ['parse', 'http', 'header', '2']],
    ['snake_case_name', ['snake', 'case', 'name']],
    ['MAX_SIZE kebab-case', ['max', 'size', 'kebab', 'case']],
    ['utf8', ['utf', '8']],
    ['größeÄndern', ['größe', 'ändern']],
    ['cafe\u0301', ['café']],
    ['検索エンジン', ['検索', '索エ', 'エン', 'ンジ', 'ジン']],
    ['一', ['一']],
    ['Привет, мир', ['привет', 'мир']],
    ['=> && {}', []],
  ])('%s', (text, words) => expect(splitIdentifiers(text)).toEqual(words))

  it('of a query leave out what is no subject, unless nothing else is left, and are bounded', () => {
    expect(queryWords('where is the retry delay of a job')).toEqual(['retry', 'delay', 'job'])
    expect(queryWords('what is it')).toEqual(['what', 'is', 'it'])
    expect(queryWords(Array.from({ length: 500 }, (_, i) => `w${'x'.repeat(i % 90)}`).join(' '))).toHaveLength(48)
  })
})

describe('query classes', () => {
  it.each([
    ['parseDate', 'symbol'],
    ['Store.read', 'symbol'],
    ['std::vec::Vec', 'symbol'],
    ['main()', 'symbol'],
    ['delay', 'symbol'],
    ['src/core/git', 'path'],
    ['package.json', 'path'],
    ['./a/b.ts', 'path'],
    ['"cannot open" file', 'quoted'],
    ['TypeError: x is not a function', 'error'],
    ['fatal: not a git repository', 'error'],
    ['ENOENT no such file', 'error'],
    ['where is the retry delay computed', 'natural'],
    ['error handling', 'natural'],
  ])('%s: %s', (text, name) => expect(readQuery(text).class).toBe(name))

  it('know the names in a question that are written like names', () => {
    expect(readQuery('who calls parseDate and Store.read?').symbols).toEqual([
      { name: 'parseDate', container: null },
      { name: 'read', container: 'Store' },
    ])
  })
})
