// The room `embedding` as the program has it: training and use share one tokenizer.
import { build } from 'esbuild'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cache, root } from './places.mjs'

export async function loadEmbedding() {
  mkdirSync(cache, { recursive: true })
  const outfile = join(cache, `embedding-${process.pid}.mjs`)
  await build({
    entryPoints: [join(root, 'src/core/embedding/index.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  })
  try {
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(outfile)
  }
}
