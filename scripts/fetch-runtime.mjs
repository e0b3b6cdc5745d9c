// Brings the runtime of opt-in embedding models into a folder of the user: reads the archives that native/embedding-runtime.json pins
// from the registry that npm is configured for, checks their integrity, and keeps this platform's files. No script of a package runs.
// `node scripts/fetch-runtime.mjs --into FOLDER [--dry-run]`; the last line of standard output says what was done, as JSON.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { download, entriesOf, registryOf } from './fetch-grammars.mjs'

const manifest = join(dirname(fileURLToPath(import.meta.url)), '..', 'native', 'embedding-runtime.json')
const DOWNLOAD_MS = 15 * 60_000

const keptBy = (keep) => {
  const patterns = keep.map((each) => each.replace('{platform}', process.platform).replace('{arch}', process.arch))
  return (path) => patterns.some((each) => (each.endsWith('/') ? path.startsWith(each) : path === each))
}

function isHere(folder, { version, integrity }) {
  try {
    return (
      readFileSync(join(folder, '.integrity'), 'utf8') === integrity &&
      JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version === version
    )
  } catch {
    return false
  }
}

/** One package: written beside its place, then moved there whole. */
async function fetchPackage(entry, folder, registry) {
  const archive = await download(entry, registry, { timeoutMs: DOWNLOAD_MS })
  const isKept = keptBy(entry.keep)
  const temporary = `${folder}.${process.pid}`
  let bytes = 0
  try {
    for (const { path, bytes: content } of entriesOf(gunzipSync(archive))) {
      const inner = normalize(path.slice(path.indexOf('/') + 1))
      if (!isKept(inner.split(sep).join('/')) || inner.startsWith('..') || /\.(?:map|d\.ts|d\.mts)$/.test(inner)) continue
      mkdirSync(dirname(join(temporary, inner)), { recursive: true })
      writeFileSync(join(temporary, inner), content)
      bytes += content.length
    }
    if (!existsSync(join(temporary, 'package.json'))) throw new Error(`the archive of ${entry.package} holds no package`)
    writeFileSync(join(temporary, '.integrity'), entry.integrity)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(dirname(folder), { recursive: true })
    renameSync(temporary, folder)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return { downloaded: archive.length, kept: bytes }
}

const words = process.argv.slice(2)
const into = words[words.indexOf('--into') + 1]
const { packages } = JSON.parse(readFileSync(manifest, 'utf8'))
const report = { packages: [], downloaded: 0, kept: 0 }
try {
  for (const entry of packages) {
    const folder = join(into, 'node_modules', entry.package)
    const state = isHere(folder, entry) ? 'present' : words.includes('--dry-run') ? 'missing' : 'fetched'
    if (state === 'fetched') {
      const { downloaded, kept } = await fetchPackage(entry, folder, registryOf(entry.package))
      report.downloaded += downloaded
      report.kept += kept
    }
    report.packages.push({ name: entry.package, version: entry.version, state })
  }
  console.log(JSON.stringify(report))
} catch (error) {
  console.error(error.offline ? `the registry cannot be reached (${error.message})` : error.message)
  process.exitCode = 1
}
