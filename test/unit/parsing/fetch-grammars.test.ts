import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { archiveOf } from '../../support/archive.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const platform = `${process.platform}-${process.arch}`

describe('grammar files from the registry', () => {
  const content = Buffer.from('not really a grammar '.repeat(50))
  const archive = archiveOf('prebuilds/here/grammar.node', content)
  const sha256 = createHash('sha256').update(content).digest('hex')
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`
  const asked: string[] = []
  let server: Server
  let registry: string

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url!)
      response.writeHead(request.url!.includes('missing') ? 404 : 200).end(archive)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  /** A copy of the script beside a manifest of its own. */
  async function fetchWith(entry: Record<string, unknown>, from = registry) {
    const folder = mkdtempSync(join(tmpdir(), 'singularity-fetch-'))
    mkdirSync(join(folder, 'scripts'))
    mkdirSync(join(folder, 'native'))
    cpSync(join(root, 'scripts', 'fetch-grammars.mjs'), join(folder, 'scripts', 'fetch-grammars.mjs'))
    const file = { path: 'prebuilds/here/grammar.node', size: content.length, sha256 }
    const grammar = { package: '@scope/tree-sitter-x', version: '1.2.3', integrity, symbol: 'x', files: { [platform]: file }, ...entry }
    writeFileSync(join(folder, 'native', 'grammars.json'), JSON.stringify({ grammars: { x: grammar } }))
    const child = spawn(process.execPath, [join(folder, 'scripts', 'fetch-grammars.mjs')], {
      env: { PATH: process.env['PATH'], npm_config_registry: from },
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const status = await new Promise((resolve) => child.on('close', resolve))
    const kept = join(folder, 'native', 'grammars')
    let files: string[] = []
    try {
      files = readdirSync(kept)
    } catch {
      // nothing was kept
    }
    return { status, said, files, read: (name: string) => readFileSync(join(kept, name)) }
  }

  it('are kept under a name with their version when archive and file are the pinned ones', async () => {
    const { status, files, read } = await fetchWith({})
    expect(status).toBe(0)
    expect(files).toEqual(['scope+tree-sitter-x-1.2.3.node'])
    expect(read(files[0]!)).toEqual(content)
    expect(asked.at(-1)).toBe('/base/@scope/tree-sitter-x/-/tree-sitter-x-1.2.3.tgz')
  })

  it.each([
    ['another archive', { integrity: integrity.replace(/.==$/, 'A==').replace('sha512-', 'sha512-A') }, 'is not the pinned one'],
    [
      'another file',
      { files: { [platform]: { path: 'prebuilds/here/grammar.node', size: content.length, sha256: '0'.repeat(64) } } },
      'is not the pinned file',
    ],
    ['no such package', { package: 'missing' }, 'answered 404'],
  ])('are not kept, and installing goes on: %s', async (_, entry, message) => {
    const { status, said, files } = await fetchWith(entry)
    expect(status).toBe(0)
    expect(said).toContain(message)
    expect(files).toEqual([])
  })

  it('need no network to go on without them', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    const { status, said, files } = await fetchWith({}, `http://127.0.0.1:${port}/`)
    expect(status).toBe(0)
    expect(said).toContain('there is no network (ECONNREFUSED)')
    expect(files).toEqual([])
  })
})
