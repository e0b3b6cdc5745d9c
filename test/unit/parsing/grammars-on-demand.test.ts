import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createApp, type AppContext } from '../../../src/core/app.ts'
import { keptName, type GrammarManifest } from '../../../src/core/parsing/grammar-files.ts'
import { archiveOf } from '../../support/archive.ts'
import { createRepository, type TestRepository } from '../../support/repository.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const platform = `${process.platform}-${process.arch}`
const DAY = 24 * 3_600_000

describe('a grammar at the first file of its language', () => {
  const folder = mkdtempSync(join(tmpdir(), 'singularity-demand-'))
  const asked: string[] = []
  const said: string[] = []
  let answers = true
  let now = 1e12
  let archive: Buffer
  let repository: TestRepository
  let state = 0
  const server = createServer((request, response) => {
    asked.push(request.url!)
    response.writeHead(answers ? 200 : 404).end(archive)
  })

  beforeAll(async () => {
    // an installation that has no grammar yet, and a registry with one
    const { grammars } = JSON.parse(readFileSync(join(root, 'native', 'grammars.json'), 'utf8')) as GrammarManifest
    const lua = grammars['lua']!
    const file = lua.files[platform]!
    archive = archiveOf(file.path, readFileSync(join(root, 'native', 'grammars', keptName(lua, platform, 'lua'))))
    const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`
    for (const path of ['native/build', 'scripts']) mkdirSync(join(folder, path), { recursive: true })
    writeFileSync(
      join(folder, 'native', 'grammars.json'),
      JSON.stringify({ grammars: { lua: { ...lua, integrity, heavy: true, files: { [platform]: file } } } }),
    )
    cpSync(join(root, 'scripts', 'fetch-grammars.mjs'), join(folder, 'scripts', 'fetch-grammars.mjs'))
    cpSync(join(root, 'native', 'build', 'code.node'), join(folder, 'native', 'build', 'code.node'))
    symlinkSync(join(root, 'templates_data'), join(folder, 'templates_data'))
    repository = createRepository({ 'a.lua': 'local function f() return 1 end\n', 'b.txt': 'text\n' })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  beforeEach(() => {
    asked.length = 0
    said.length = 0
    answers = true
    state++
  })
  afterAll(async () => {
    repository.cleanup()
    rmSync(folder, { recursive: true, force: true })
    await new Promise((resolve) => server.close(resolve))
  })

  /** A program of its own on the same state; answers how Lua is read in the end. */
  async function prepare(flags: AppContext['flags'] = {}) {
    const { port } = server.address() as AddressInfo
    const app = createApp({
      cwd: repository.root,
      flags,
      env: { PATH: process.env['PATH'], npm_config_registry: `http://127.0.0.1:${port}/` },
      home: folder,
      stateHome: join(folder, `state-${state}`),
      configHome: join(folder, 'config'),
      clock: { now: () => now, monotonic: () => now, uptime: () => now },
      version: '0.0.0-test',
      ci: false,
      packageRoot: folder,
      warn: (text) => said.push(text),
    })
    await app.search.prepared(new AbortController().signal)
    const { tier } = (await app.code.languages()).find(({ id }) => id === 'lua')!
    await app.close()
    return tier
  }

  it('comes by itself, once', async () => {
    expect(await prepare()).toBe(1)
    expect(asked).toEqual(['/@tree-sitter-grammars/tree-sitter-lua/-/tree-sitter-lua-0.4.1.tgz'])
    expect(said).toEqual(['fetching the grammar of Lua, once'])
    expect(await prepare()).toBe(1)
    expect(asked).toHaveLength(1)
  })

  it('does not come where the network is switched off: one line has the command', async () => {
    expect(await prepare({ offline: true })).toBe(2)
    expect(asked).toEqual([])
    expect(said).toEqual(['Lua: read by tokens, the grammar is not here: singularity code languages add lua'])
  })

  it('is not asked for again on the same day where it could not be had', async () => {
    answers = false
    expect(await prepare()).toBe(2)
    expect(await prepare()).toBe(2)
    expect(asked).toHaveLength(1)
    expect(said.filter((line) => line.includes('singularity code languages add lua'))).toHaveLength(2)
    now += DAY
    answers = true
    expect(await prepare()).toBe(1)
    expect(asked).toHaveLength(2)
  })
})
