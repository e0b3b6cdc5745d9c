import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type LoadedFile = { file: string; text: string }

/** Every file Node loads for a command line that ends well, with its text: the bundle names the packages it is made of in comments. */
export function loadedFiles(args: readonly string[], options: { cwd: string; env: Record<string, string> }): LoadedFile[] {
  const folder = mkdtempSync(join(tmpdir(), 'singularity-loaded-'))
  try {
    const env = { ...options.env, NODE_V8_COVERAGE: folder }
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: options.cwd, env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
    const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: { url: string }[] })
    const urls = reports.flatMap(({ result }) => result.map(({ url }) => url)).filter((url) => url.startsWith('file:'))
    return urls.map((url) => ({ file: fileURLToPath(url), text: readFileSync(fileURLToPath(url), 'utf8') }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
