import { buildSync } from 'esbuild'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadedFiles } from '../support/loaded-files.ts'
import { startMockModels } from '../support/models.ts'

// Bundled and split as the program itself is: what is imported late stands in files of its own, and must keep its names there.
const folder = join(import.meta.dirname, '..', '..', 'tmp', `load-llm-${process.pid}`)
const program = join(folder, 'load-llm.js')
beforeAll(() => {
  buildSync({
    entryPoints: [join(import.meta.dirname, '..', 'support', 'programs', 'load-llm.ts')],
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'error',
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const HEAVY = ['openai', '@anthropic-ai/sdk', 'undici', 'ajv', 'jsonrepair']

/** The heavy packages of which a process loads anything; a bundle names them in comments. */
function heavy(args: readonly string[]): string[] {
  const files = loadedFiles([program, ...args], { cwd: process.cwd(), env: {} })
  expect(files.map(({ file }) => file)).toContain(program)
  return HEAVY.filter((name) => files.some(({ text }) => text.includes(`// node_modules/${name}/`)))
}

/** Runs the program beside the mock: a synchronous wait would keep the mock from answering. */
async function run(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, ...args], { env: { OPENAI_LOG: 'debug', ANTHROPIC_LOG: 'debug' } })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

describe('the room of the models', () => {
  it.each(['responses', 'chat', 'messages'])('loads no SDK for an adapter that sends nothing: %s', (api) => {
    expect(heavy([api])).toEqual([])
  })

  it.each([
    ['responses', ['openai', 'undici']],
    ['messages', ['@anthropic-ai/sdk', 'undici']],
  ])('loads the one SDK of an adapter that sends: %s', (api, loaded) => {
    expect(heavy([api, 'http://127.0.0.1:9/v1', 'unanswered'])).toEqual(loaded)
  })

  it.each(['responses', 'chat', 'messages'] as const)('a process that sends by %s writes nothing, and ends by itself', async (api) => {
    const mock = await startMockModels({ fallback: { text: 'x'.repeat(200) } })
    expect(await run([api, mock.baseUrl(api)])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(mock.requests).toHaveLength(1)
    await mock.close()
  })
})
