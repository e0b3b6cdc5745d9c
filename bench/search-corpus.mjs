// A repository of so many chunks: sources of the packages that lie here and of Debian's Python library, no content twice.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeRepository, root } from './common.mjs'

const ROOTS = ['/usr/lib/python3.11', '/usr/lib/python3/dist-packages', join(root, 'node_modules')]
const SOURCES = /\.(?:[cm]?[jt]sx?|py|c|cc|h|go|rs|rb|java|sh|md)$/
/** Files the index leaves out by their names or lines; small ones are mostly re-exports. */
const SKIPPED = /\.min\.|(?:^|\/)(?:__pycache__|\.git)(?:\/|$)/
const [LEAST_BYTES, MOST_BYTES, LONGEST_LINE] = [300, 200_000, 400]
/** Bytes of such sources that make one chunk, about. */
const BYTES_PER_CHUNK = 650

function* filesBelow(folder, prefix) {
  const entries = readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = `${prefix}/${entry.name}`
    if (SKIPPED.test(path)) continue
    if (entry.isDirectory()) yield* filesBelow(join(folder, entry.name), path)
    else if (entry.isFile() && SOURCES.test(entry.name)) yield { path, file: join(folder, entry.name) }
  }
}

/** Fills a new repository below `folder` with about so many chunks, fewer where this machine has no more sources. */
export function makeSearchRepository(folder, chunks) {
  const repository = makeRepository(folder, null, `search-${chunks}`)
  const seen = new Set()
  let left = chunks * BYTES_PER_CHUNK
  let files = 0
  for (const [at, from] of ROOTS.entries()) {
    for (const { path, file } of existsSync(from) ? filesBelow(from, `part${at}`) : []) {
      if (left <= 0) break
      const bytes = readFileSync(file)
      if (bytes.length < LEAST_BYTES || bytes.length > MOST_BYTES) continue
      const text = bytes.toString('latin1')
      if (text.split('\n').some((line) => line.length > LONGEST_LINE)) continue
      const hash = createHash('sha1').update(bytes).digest('base64')
      if (seen.has(hash)) continue
      seen.add(hash)
      // folders of other projects are left out of the index
      const target = join(
        repository.path,
        path.replaceAll(/(?:^|\/)(node_modules|vendor|vendored|third[-_]party|dist-packages)(?=\/)/g, '/of'),
      )
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, bytes)
      left -= bytes.length
      files++
    }
  }
  repository.commit('feat: start')
  return { ...repository, files }
}
