import { composed, scanRuns, splitRun } from './words.ts'

/** Part of a model's identity: whatever changes the tokens of any text raises it, and the model is trained anew. */
export const TOKENIZER_VERSION = 1

const SHORTEST_GRAM = 3
const LONGEST_GRAM = 5
/** Hashed n-grams are taken from this many first units of a word. */
const GRAM_UNITS = 24
/** Identifiers whose tokens are remembered: source code says the same names again and again. */
const REMEMBERED = 40_000

/** Counts of tokens: `ids[i]` occurs `counts[i]` times. An unknown word counts as parts of its hashed n-grams. */
export type Bag = { ids: Int32Array; counts: Float64Array; words: number; unknownWords: number }

/** Tokens of one identifier or word, `share` is what each adds to its count. */
type Tokens = { ids: number[]; shares: number[]; words: number; unknown: number }

export type Tokenizer = {
  /** Rows a table of this tokenizer has: words first, then buckets. */
  size: number
  words: number
  /** Tokens of a text; those of its `name`, if it has one, count `nameCount` times beside. */
  bag(text: string, name?: string, nameCount?: number): Bag
}

/** Plurals of mathematics that no rule gives. */
const IRREGULAR: Readonly<Record<string, string>> = { indices: 'index', vertices: 'vertex', matrices: 'matrix' }

/** English plurals without a dictionary: queries -> query, classes -> class, boxes -> box, nodes -> node; bus, class, this stay. */
export function stem(word: string): string {
  const { length } = word
  if (length < 4 || word.charCodeAt(length - 1) !== 115) return word
  if (word.endsWith('ices') && Object.hasOwn(IRREGULAR, word)) return IRREGULAR[word]!
  if (word.endsWith('ies')) return length > 4 ? `${word.slice(0, -3)}y` : word
  if (/(?:ss|us|is|as|os)$/.test(word)) return word
  if (/(?:sses|shes|[lnrt]ches|xes|zzes)$/.test(word)) return word.slice(0, -2)
  return word.slice(0, -1)
}

/** Stemmed words of a text, as the vocabulary sees them. */
export function vocabularyWords(text: string): string[] {
  const plain = composed(text)
  const words: string[] = []
  scanRuns(plain, (start, end) => {
    for (const word of splitRun(plain.slice(start, end))) words.push(stem(word))
  })
  return words
}

/** FNV-1a over the two bytes of each UTF-16 unit (Fowler, Noll, Vo). */
export function hashGram(text: string, start: number, end: number): number {
  let hash = 0x81_1c_9d_c5
  for (let at = start; at < end; at += 1) {
    const unit = text.charCodeAt(at)
    hash = Math.imul(hash ^ (unit & 255), 0x01_00_01_93)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01_00_01_93)
  }
  return hash >>> 0
}

/** Buckets of a word's 3- to 5-grams, its ends marked. */
export function gramBuckets(word: string, buckets: number): number[] {
  const marked = `<${word.slice(0, GRAM_UNITS)}>`
  const found: number[] = []
  for (let size = SHORTEST_GRAM; size <= LONGEST_GRAM; size += 1) {
    for (let at = 0; at + size <= marked.length; at += 1) found.push(hashGram(marked, at, at + size) % buckets)
  }
  return found
}

/** Counts tokens in a table as large as the vocabulary; one is reused for many texts. */
class BagBuilder {
  readonly #counts: Float64Array
  readonly #touched: Int32Array
  #length = 0
  #words = 0
  #unknown = 0

  constructor(size: number) {
    this.#counts = new Float64Array(size)
    this.#touched = new Int32Array(size)
  }

  add(tokens: Tokens, times: number): void {
    const { ids, shares } = tokens
    for (let at = 0; at < ids.length; at += 1) {
      const id = ids[at]!
      if (this.#counts[id] === 0) this.#touched[this.#length++] = id
      this.#counts[id]! += times * shares[at]!
    }
    this.#words += tokens.words
    this.#unknown += tokens.unknown
  }

  /** The bag so far, in the order of first occurrence; the builder is empty again. */
  take(): Bag {
    const ids = this.#touched.slice(0, this.#length)
    const counts = new Float64Array(this.#length)
    for (let at = 0; at < ids.length; at += 1) {
      counts[at] = this.#counts[ids[at]!]!
      this.#counts[ids[at]!] = 0
    }
    const bag = { ids, counts, words: this.#words, unknownWords: this.#unknown }
    this.#length = 0
    this.#words = 0
    this.#unknown = 0
    return bag
  }
}

/**
 * Texts to bags of tokens. `vocabulary` holds stemmed lower-case words; a word outside it becomes its hashed n-grams, each with
 * 1/sqrt(n) so that many of them weigh as one word.
 */
export function createTokenizer(vocabulary: readonly string[], buckets: number): Tokenizer {
  const known = new Map(vocabulary.map((word, id) => [word, id]))
  const size = vocabulary.length + buckets
  const remembered = new Map<string, Tokens>()
  const builder = new BagBuilder(size)

  function tokensOf(run: string): Tokens {
    const found = remembered.get(run)
    if (found) return found
    const tokens: Tokens = { ids: [], shares: [], words: 0, unknown: 0 }
    for (const raw of splitRun(run)) {
      const word = stem(raw)
      const id = known.get(word)
      tokens.words += 1
      if (id === undefined) {
        tokens.unknown += 1
        const grams = gramBuckets(word, buckets)
        for (const gram of grams) {
          tokens.ids.push(vocabulary.length + gram)
          tokens.shares.push(1 / Math.sqrt(grams.length))
        }
      } else {
        tokens.ids.push(id)
        tokens.shares.push(1)
      }
    }
    if (remembered.size >= REMEMBERED) remembered.clear()
    // a copy: a slice would keep the whole text it was cut from in memory
    if (run.length <= 64) remembered.set(Buffer.from(run, 'utf16le').toString('utf16le'), tokens)
    return tokens
  }

  function addText(text: string, times: number): void {
    const plain = composed(text)
    scanRuns(plain, (start, end) => builder.add(tokensOf(plain.slice(start, end)), times))
  }

  return {
    size,
    words: vocabulary.length,
    bag(text, name = '', nameCount = 1) {
      addText(text, 1)
      addText(name, nameCount)
      return builder.take()
    },
  }
}
