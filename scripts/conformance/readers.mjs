// Our side: facts by the program's own reader, bundled from the sources for one run.
import { mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** The rooms `parsing` and `analysis`. */
export async function loadRooms() {
  // inside the project, so that packages resolve
  const folder = mkdtempSync(join(root, '.conformance-'))
  try {
    const outfile = join(folder, 'rooms.mjs')
    await build({
      stdin: {
        contents:
          "export { createFactReader } from './src/core/parsing/index.ts'; export { measureFile } from './src/core/analysis/metrics.ts'",
        resolveDir: root,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['web-tree-sitter', 'tree-sitter', '@ast-grep/napi', '*.node'],
      outfile,
    })
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const readerDeps = {
  tableFolders: [join(root, 'templates_data', 'languages')],
  manifestFile: join(root, 'native', 'grammars.json'),
  grammarFolders: [join(root, 'native', 'grammars')],
  addonFile: join(root, 'native', 'build', 'code.node'),
  threads: 2,
  // An oracle has all the time it wants.
  limits: { deadlineMs: 60_000 },
}
