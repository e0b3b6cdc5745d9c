import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenizer, gramBuckets, hashGram, splitIdentifiers, stem, vocabularyWords } from '../../../src/core/embedding/index.ts'

describe('words of identifiers', () => {
  it.each([
    ['getHTTPServer2XX', 'get http server 2 xx'],
    ['XMLHttpRequest', 'xml http request'],
    ['snake_case_name', 'snake case name'],
    ['__init__', 'init'],
    ['MAX_VALUE', 'max value'],
    ['sha256sum', 'sha 256 sum'],
    ['aB ABc iOS', 'a b a bc i os'],
    ['$scope.apply(x1)', 'scope apply x 1'],
    ["don't re-use", 'don t re use'],
    ['', ''],
    ['+-*/ () {}', ''],
  ])('%s', (text, words) => {
    expect(splitIdentifiers(text).join(' ')).toBe(words)
  })

  it.each([
    ['Latin', 'Überprüfe die Größe', ['überprüfe', 'die', 'größe']],
    ['Cyrillic', 'ПолучитьИмяФайла из_списка', ['получить', 'имя', 'файла', 'из', 'списка']],
    ['Greek', 'ΕύρεσηΑρχείου με λέξη', ['εύρεση', 'αρχείου', 'με', 'λέξη']],
    ['Chinese', '查找文件', ['查找', '找文', '文件']],
    ['Japanese', 'データを読む', ['デー', 'ータ', 'タを', 'を読', '読む']],
    ['Korean', '파일 찾기', ['파일', '찾기']],
    ['Arabic', 'ابحث عن الملف', ['ابحث', 'عن', 'الملف']],
    ['characters beyond the first plane', '𠀀𠀁𠀂', ['𠀀𠀁', '𠀁𠀂']],
  ])('%s', (_script, text, words) => {
    expect(splitIdentifiers(text)).toEqual(words)
  })

  it('gives the same words for composed and decomposed text', () => {
    expect(splitIdentifiers('café naïve'.normalize('NFD'))).toEqual(splitIdentifiers('café naïve'))
  })

  it('gives lower-case words without spaces, of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const word of splitIdentifiers(text)) expect(word).toMatch(/^[^\s_\p{P}]+$/u)
      }),
    )
  })

  it('finds in a text whatever it finds in a run of it', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 8 }), (parts) => {
        expect(splitIdentifiers(parts.join(' '))).toEqual(parts.flatMap((part) => splitIdentifiers(part)))
      }),
    )
  })
})

describe('stem', () => {
  it.each([
    ['queries', 'query'],
    ['classes', 'class'],
    ['boxes', 'box'],
    ['caches', 'cache'],
    ['matches', 'match'],
    ['nodes', 'node'],
    ['indices', 'index'],
    ['bus', 'bus'],
    ['this', 'this'],
    ['status', 'status'],
    ['analysis', 'analysis'],
    ['as', 'as'],
    ['ies', 'ies'],
  ])('%s is %s', (word, stemmed) => {
    expect(stem(word)).toBe(stemmed)
  })
})

describe('tokens', () => {
  const tokenizer = createTokenizer(['get', 'file', 'name'], 64)

  it('hashes n-grams as FNV-1a does', () => {
    // the empty text is the offset basis; one unit is two rounds, over its low and its high byte
    expect(hashGram('', 0, 0)).toBe(0x81_1c_9d_c5)
    const once = Math.imul(0x81_1c_9d_c5 ^ 97, 0x01_00_01_93)
    expect(hashGram('a', 0, 1)).toBe(Math.imul(once, 0x01_00_01_93) >>> 0)
  })

  it('counts words, and an unknown word as shares of its n-grams', () => {
    expect(tokenizer.bag('getFileName files')).toEqual({
      ids: Int32Array.of(0, 1, 2),
      counts: Float64Array.of(1, 2, 1),
      words: 4,
      unknownWords: 0,
    })
    const { ids, counts, unknownWords } = tokenizer.bag('zyx')
    // <zy zyx yx> <zyx zyx> <zyx>
    expect(gramBuckets('zyx', 64)).toHaveLength(6)
    expect(unknownWords).toBe(1)
    expect(ids.every((id) => id >= 3 && id < 67)).toBe(true)
    expect(counts.reduce((sum, each) => sum + each, 0)).toBeCloseTo(6 / Math.sqrt(6))
  })

  it('keeps nothing of one text for the next', () => {
    const first = tokenizer.bag('get name of qwertz')
    tokenizer.bag('file file file')
    expect(tokenizer.bag('get name of qwertz')).toEqual(first)
  })

  it('counts the same whether texts come together or joined', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(tokenizer.bag(a, b)).toEqual(tokenizer.bag(`${a} ${b}`))
      }),
    )
  })

  it('gives every script tokens', () => {
    for (const text of ['größe', 'файл', 'αρχείο', '文件', 'ملف']) expect(tokenizer.bag(text).ids.length).toBeGreaterThan(0)
  })

  it('stems what the vocabulary is made of', () => {
    expect(vocabularyWords('allQueries of_classes')).toEqual(['all', 'query', 'of', 'class'])
  })
})
