import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')

/** One file of a tar archive. */
function entry(path: string, content: string): Buffer {
  const head = Buffer.alloc(512)
  head.write(path, 0)
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  head.write('0ustar\0', 156)
  return Buffer.concat([head, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)])
}

const archive = gzipSync(
  Buffer.concat([
    entry('package/package.json', '{"name":"runtime","version":"1.2.3","scripts":{"install":"touch /ran"}}'),
    entry('package/dist/index.js', 'module.exports = 1'),
    entry('package/dist/index.d.ts', 'export {}'),
    entry(`package/bin/${process.platform}/${process.arch}/native.node`, 'ours'),
    entry('package/bin/another/platform/native.node', 'not ours'),
    entry('package/dist/../../../escaped.js', 'outside'),
    Buffer.alloc(1024),
  ]),
)
const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`

let folder: string
let server: Server
let asked: string[]
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-runtime-'))
  for (const name of ['scripts', 'native']) mkdirSync(join(folder, name))
  for (const name of ['fetch-runtime.mjs', 'fetch-grammars.mjs']) cpSync(join(root, 'scripts', name), join(folder, 'scripts', name))
  asked = []
  server = createServer((request, response) => {
    asked.push(request.url!)
    response.end(archive)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function fetchInto(into: string, pinned = integrity): Promise<{ status: unknown; said: string; report: { packages?: unknown } }> {
  const keep = ['package.json', 'dist/', 'bin/{platform}/{arch}/']
  const manifest = { packages: [{ package: '@scope/runtime', version: '1.2.3', integrity: pinned, keep }] }
  writeFileSync(join(folder, 'native', 'embedding-runtime.json'), JSON.stringify(manifest))
  const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const child = spawn(process.execPath, [join(folder, 'scripts', 'fetch-runtime.mjs'), '--into', into], {
    env: { PATH: process.env['PATH'], npm_config_registry: registry },
  })
  let [said, answer] = ['', '']
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  const status = await new Promise((resolve) => child.on('close', resolve))
  return { status, said, report: answer === '' ? {} : (JSON.parse(answer) as { packages: unknown }) }
}

it('keeps what this platform needs of the pinned archive, and comes again at no cost', async () => {
  const into = join(folder, 'good')
  expect(await fetchInto(into)).toMatchObject({ status: 0, report: { packages: [{ name: '@scope/runtime', state: 'fetched' }] } })
  expect(asked).toEqual(['/@scope/runtime/-/runtime-1.2.3.tgz'])
  const kept = join(into, 'node_modules', '@scope', 'runtime')
  const files = readdirSync(kept, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
  expect(files.map(({ name }) => name).toSorted()).toEqual(['.integrity', 'index.js', 'native.node', 'package.json'])
  expect(readFileSync(join(kept, 'bin', process.platform, process.arch, 'native.node'), 'utf8')).toBe('ours')
  expect(existsSync(join(into, 'escaped.js'))).toBe(false)
  expect(await fetchInto(into)).toMatchObject({ status: 0, report: { packages: [{ state: 'present' }] } })
  expect(asked).toHaveLength(1)
})

it('keeps nothing of an archive that is another one', async () => {
  const into = join(folder, 'bad')
  const { status, said } = await fetchInto(into, `sha512-${Buffer.alloc(64).toString('base64')}`)
  expect({ status, said }).toEqual({ status: 1, said: 'the archive is not the pinned one\n' })
  expect(existsSync(join(into, 'node_modules'))).toBe(false)
})
