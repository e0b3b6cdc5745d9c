import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { packagedGrammars, packagedParsing, packagedTables } from '../../support/parsing.ts'
import { render } from '../../support/render-facts.ts'

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures', 'languages')

// Every line of facts.txt was checked by hand against the source beside it. Who changes one checks it again; do not copy a program's output.
describe.each(readdirSync(fixtures).sort())('facts of %s', (language) => {
  const folder = join(fixtures, language)
  const source = readdirSync(folder).find((name) => name.startsWith('source.'))!
  const expected = readFileSync(join(folder, 'facts.txt'), 'utf8')
  const bytes = readFileSync(join(folder, source))

  it.skipIf(!existsSync(packagedParsing.addonFile))('by the addon (native/build/code.node)', async () => {
    const [facts] = await createFactReader({ ...packagedParsing, engines: ['native'] }).read([{ path: source, bytes }])
    expect(render(facts!, bytes)).toBe(expected)
  })

  const grammar = packagedTables().get(language)?.grammar
  // Swift's package has no WebAssembly.
  const binaryOnly = grammar !== undefined && packagedGrammars().entry(grammar)?.files['wasm'] === undefined

  it.skipIf(binaryOnly)('by the WebAssembly of its grammar, or by tokens where it has none', async () => {
    const [facts] = await createFactReader({ ...packagedParsing, engines: ['wasm'] }).read([{ path: source, bytes }])
    expect(render(facts!, bytes)).toBe(expected)
  })
})
