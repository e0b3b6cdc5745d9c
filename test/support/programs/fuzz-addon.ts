// Reads mutated sources of every golden language with an addon that watches its own memory. Arguments: addon, rounds, seed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGrammarFiles } from '../../../src/core/parsing/grammar-files.ts'
import { createNativeEngine } from '../../../src/core/parsing/fact-engines/native.ts'
import { readFacts } from '../../../src/core/parsing/facts-record.ts'
import { loadTables } from '../../../src/core/parsing/tables.ts'

const [addonFile, rounds, firstSeed] = process.argv.slice(2) as [string, string, string]
const root = process.cwd()
const tables = loadTables([join(root, 'templates_data', 'languages')])
const grammars = createGrammarFiles(join(root, 'native', 'grammars.json'), [join(root, 'native', 'grammars')])
const native = createNativeEngine({ tables, grammars, addonFile, threads: 2 })
if ('reason' in native) throw new Error(native.reason)

let seed = Number(firstSeed)
/** A number below `limit`; the same seed gives the same run. */
function below(limit: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
  return seed % limit
}

/** Pieces are left out, doubled, or get a random byte. */
function mutate(bytes: Buffer): Uint8Array {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const piece = Buffer.from(bytes.subarray(at, at + 1 + below(200)))
    at += piece.length
    const fate = below(40)
    if (fate < 3) continue
    if (fate < 6) parts.push(piece)
    if (fate === 6) piece[below(piece.length)] = below(256)
    parts.push(piece)
  }
  return new Uint8Array(Buffer.concat(parts))
}

const folder = join(root, 'test', 'fixtures', 'languages')
const sources = readdirSync(folder).flatMap((language) => {
  if (tables.get(language)?.grammar === undefined) return []
  const name = readdirSync(join(folder, language)).find((each) => each.startsWith('source.'))!
  return [{ language, bytes: readFileSync(join(folder, language, name)) }]
})
let read = 0
let partial = 0
for (const { language } of sources) await native.support(language)
for (let round = 0; round < Number(rounds); round++) {
  const files = sources.map(({ language, bytes }) => ({ language, bytes: mutate(bytes) }))
  const answers = await native.read(files, { deadlineMs: 60_000, maxBytes: 2 ** 30 })
  for (const [i, answer] of answers.entries()) {
    if (typeof answer === 'string') throw new Error(`${files[i]!.language} in round ${round}: ${answer}`)
    const facts = readFacts(answer, { language: files[i]!.language, tier: 1, engine: 'native' })
    // Every list is decoded: a wrong number in the record would throw or run over its end.
    JSON.stringify({ ...facts })
    const { physical, source, comment, blank } = facts.lines
    if (physical !== source + comment! + blank) throw new Error(`${facts.language} in round ${round}: lines do not add up`)
    read += 1
    if (facts.partial !== null) partial += 1
  }
}
console.log(`${read} mutated files read, ${partial} of them partial`)
