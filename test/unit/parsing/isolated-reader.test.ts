import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { keptName } from '../../../src/core/parsing/grammar-files.ts'
import { createIsolatedReader, type FactFile, type IsolatedReaderDeps } from '../../../src/core/parsing/index.ts'
import { packagedGrammars, packagedParsing } from '../../support/parsing.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const require = createRequire(import.meta.url)
const hasCompiler = spawnSync('cc', ['--version']).status === 0

/** The Python grammar with a scanner that kills or hangs the process where it meets certain letters. */
const PLANTED = `
#include <dlfcn.h>
#include <stdlib.h>
#include "parser.h"
static TSLanguage mine;
static bool (*scan)(void *, TSLexer *, const bool *);
static bool planted(void *payload, TSLexer *lexer, const bool *valid) {
  if (lexer->lookahead == 0x2620) abort();
  if (lexer->lookahead == 0x231b) for (;;) {}
  return scan(payload, lexer, valid);
}
const TSLanguage *tree_sitter_python(void) {
  void *real = dlopen(REAL, RTLD_LAZY | RTLD_LOCAL);
  mine = *((const TSLanguage *(*)(void))dlsym(real, "tree_sitter_python"))();
  scan = mine.external_scanner.scan;
  mine.external_scanner.scan = planted;
  return &mine;
}
`

describe.skipIf(process.platform !== 'linux' || !hasCompiler)('a grammar that crashes (cc)', () => {
  let deps: IsolatedReaderDeps
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'singularity-isolated-'))
    const childFile = join(folder, 'fact-child.mjs')
    await build({
      entryPoints: [join(root, 'src', 'commands', '_cli', 'fact-child.ts')],
      outfile: childFile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      external: ['web-tree-sitter', 'tree-sitter', '*.node'],
      logLevel: 'silent',
    })
    const platform = `${process.platform}-${process.arch}`
    const entry = packagedGrammars().entry('python')!
    const target = join(folder, keptName(entry, platform, 'python'))
    const source = join(folder, 'planted.c')
    writeFileSync(source, PLANTED)
    const vendored = join(dirname(require.resolve('tree-sitter/package.json')), 'vendor', 'tree-sitter', 'lib', 'src')
    const real = JSON.stringify(join(packagedParsing.grammarFolders[0]!, keptName(entry, platform, 'python')))
    const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', `-DREAL=${real}`, '-I', vendored, '-o', target, source], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const bytes = readFileSync(target)
    const file = { path: 'planted', size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    const manifestFile = join(folder, 'grammars.json')
    writeFileSync(manifestFile, JSON.stringify({ grammars: { python: { ...entry, files: { [platform]: file } } } }))
    deps = {
      ...packagedParsing,
      manifestFile,
      grammarFolders: [folder],
      engines: ['native'],
      childFile,
      quarantineFolder: join(folder, 'quarantine'),
    }
  })

  const file = (i: number, body = ''): FactFile => ({
    path: `m${i}.py`,
    bytes: new TextEncoder().encode(`def f${i}():\n    return ${i}\n${body}`),
  })

  it('is found by halving: the other files keep their facts, the one is read by tokens and never parsed again', async () => {
    const files = Array.from({ length: 9 }, (_, i) => file(i, i === 5 ? 'x = "☠"\n' : ''))
    const reader = createIsolatedReader(deps)
    const facts = await reader.read(files)
    expect(facts.map(({ tier, partial }) => `${tier} ${partial ?? 'whole'}`)).toEqual(
      files.map((_, i) => (i === 5 ? '2 quarantined' : '1 whole')),
    )
    expect(facts.map((each) => each.functions[0]!.name)).toEqual(files.map((_, i) => `f${i}`))
    expect(facts[5]!.functions[0]!.cognitive).toBeNull()
    expect(reader.quarantined()).toMatchObject([{ path: 'm5.py', language: 'python' }])

    // Another process knows it too: with a child that cannot run, only the remembered file is answered.
    const later = createIsolatedReader({ ...deps, childFile: join(folder, 'no-such-child.mjs') })
    const [again] = await later.read([files[5]!])
    expect(again).toMatchObject({ tier: 2, partial: 'quarantined' })
    expect(later.quarantined()).toEqual([])
    expect(later.remembered()).toBe(1)
  })

  it('that kills a child which stays is found the same way, and what comes after is read by a new one', async () => {
    const reader = createIsolatedReader({ ...deps, quarantineFolder: join(folder, 'quarantine-of-who-stays') })
    const leave = reader.stay()
    try {
      expect((await reader.read([file(1)]))[0]).toMatchObject({ tier: 1, partial: null })
      const facts = await reader.read([file(1, 'y = 2\n'), file(2, 'x = "☠"\n')])
      expect(facts.map(({ tier, partial }) => `${tier} ${partial ?? 'whole'}`)).toEqual(['1 whole', '2 quarantined'])
      const [again] = await reader.read([file(1, 'y = 3\n')])
      expect(again).toMatchObject({ tier: 1, partial: null, functions: [{ name: 'f1' }] })
    } finally {
      leave()
    }
  })

  it('that never ends is ended, and its file remembered', async () => {
    const reader = createIsolatedReader({ ...deps, graceMs: 5000, limits: { deadlineMs: 1 } })
    const [facts] = await reader.read([file(7, 'x = "⌛"\n')])
    expect(facts).toMatchObject({ tier: 2, partial: 'quarantined' })
  })

  it('does not quarantine a file for its content alone: changed bytes are parsed again', async () => {
    const [facts] = await createIsolatedReader(deps).read([file(5, 'x = "1"\n')])
    expect(facts).toMatchObject({ tier: 1, partial: null })
  })
})
