import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keptName } from '../../../src/core/parsing/grammar-files.ts'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { LanguageTableError, loadTables } from '../../../src/core/parsing/tables.ts'
import { packagedGrammars, packagedParsing, packagedTables } from '../../support/parsing.ts'

const folderWith = (table: unknown) => {
  const folder = mkdtempSync(join(tmpdir(), 'singularity-tables-'))
  writeFileSync(join(folder, 'own.json'), typeof table === 'string' ? table : JSON.stringify(table))
  return folder
}

describe('language of a file', () => {
  it.each([
    ['src/app.TS', '', 'typescript'],
    ['src/app.d.ts', '', 'typescript'],
    ['SConstruct', '', 'python'],
    ['Rakefile', '', 'ruby'],
    ['bin/tool', '#!/usr/bin/env -S python3.11 -u', 'python'],
    ['bin/tool', '#!/usr/bin/node', 'javascript'],
    ['bin/tool', 'no such line', undefined],
    ['notes.txt', '#!/usr/bin/node', undefined],
    ['.gitignore', '', undefined],
  ])('%s %s', (path, firstLine, language) => {
    expect(packagedTables().detect(path, firstLine)).toBe(language)
  })
})

describe('tables that are none', () => {
  it.each([
    ['{', 'cannot be read'],
    ['[]', 'is no object'],
    [{ id: 'X', name: 'X', extensions: [] }, 'no usable "id"'],
    [{ id: 'x', name: 'X', extensions: 'x' }, '"extensions" is no list'],
    [{ id: 'x', name: 'X', extensions: [], colour: 1 }, 'unknown word "colour"'],
    [{ id: 'x', name: 'X', extensions: [], roles: { verb: [] } }, 'unknown role "verb"'],
    [{ id: 'x', name: 'X', extensions: [], roles: { nest: [{ in: 'y' }] } }, 'rule without a kind'],
    [{ id: 'x', name: 'X', extensions: [], extends: 'nothing' }, 'cannot extend nothing'],
    [{ id: 'x', name: 'X', extensions: [], extends: 'x' }, 'cannot extend x'],
  ])('%j', (table, message) => {
    expect(() => loadTables([folderWith(table)])).toThrow(LanguageTableError)
    expect(() => loadTables([folderWith(table)])).toThrow(message)
  })

  it('names the node kinds and fields that the grammar does not have, and reads the language by tokens', async () => {
    const folder = folderWith({
      id: 'python',
      name: 'Python',
      extensions: ['py'],
      grammar: 'python',
      roles: { branch: ['if_statement', 'fi_statement'], nest: [{ kind: 'if_statement', body: 'corpse' }] },
      scanner: { line_comments: ['#'] },
    })
    for (const engine of ['native', 'wasm'] as const) {
      const reader = createFactReader({ ...packagedParsing, tableFolders: [...packagedParsing.tableFolders, folder], engines: [engine] })
      const state = await reader.language('python')
      expect(state).toMatchObject({ tier: 2, engine: 'scanner' })
      expect(state.reason).toContain('fi_statement, field corpse')
    }
  })
})

describe('grammar files', () => {
  it('are not loaded when they are damaged: a truncated one would kill the process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'singularity-grammars-'))
    const entry = packagedGrammars().entry('python')!
    for (const key of [`${process.platform}-${process.arch}`, 'wasm']) {
      const name = keptName(entry, key, 'python')
      copyFileSync(join(packagedParsing.grammarFolders[0]!, name), join(folder, name))
      truncateSync(join(folder, name), 100_000)
    }
    const reader = createFactReader({ ...packagedParsing, grammarFolders: [folder] })
    const state = await reader.language('python')
    expect(state).toMatchObject({ tier: 2, engine: 'scanner', version: null })
    expect(state.reason).toContain('is damaged')
    const [facts] = await reader.read([{ path: 'a.py', bytes: new TextEncoder().encode('def f():\n    return 1\n') }])
    expect(facts!.functions.map(({ name, cognitive }) => ({ name, cognitive }))).toEqual([{ name: 'f', cognitive: null }])
  })

  it('are tier 2 where they are missing, and text where no table knows the language', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'singularity-grammars-'))
    mkdirSync(join(empty, 'nothing'))
    const reader = createFactReader({ ...packagedParsing, grammarFolders: [empty] })
    expect((await reader.language('go')).reason).toContain('is not here')
    const [facts] = await reader.read([{ path: 'notes.unknown', bytes: new TextEncoder().encode('one\n\ntwo') }])
    expect(facts).toMatchObject({ tier: 3, engine: 'text', lines: { physical: 3, source: 2, blank: 1, comment: null, logical: null } })
  })

  it('that the manifest pins have the kept sizes and hashes in hexadecimal', () => {
    const { grammars } = JSON.parse(readFileSync(packagedParsing.manifestFile, 'utf8')) as {
      grammars: Record<string, { integrity: string; files: Record<string, { size: number; sha256: string }> }>
    }
    for (const entry of Object.values(grammars)) {
      expect(entry.integrity).toMatch(/^sha512-[\w+/]{86}==$/)
      for (const { size, sha256 } of Object.values(entry.files)) expect(`${size} ${sha256}`).toMatch(/^\d+ [0-9a-f]{64}$/)
    }
  })
})
