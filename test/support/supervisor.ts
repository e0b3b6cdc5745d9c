import { buildSync } from 'esbuild'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Bundles a test program so that a plain node can run it (and be killed). Answers its path. */
export function buildProgram(name: string): string {
  const outfile = join(ROOT, 'tmp', `${name}-${process.pid}.mjs`)
  mkdirSync(join(ROOT, 'tmp'), { recursive: true })
  buildSync({
    entryPoints: [join(ROOT, 'test', 'support', 'programs', `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  return outfile
}
