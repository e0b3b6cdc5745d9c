// Unpacks the sources one by one and writes their pairs to tmp/train/pairs/<source>.jsonl; notes each licence in the manifest.
// usage: node scripts/train/mine.mjs [--again]
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { extractPairs, isWanted } from './extract.mjs'
import { licenceOf } from './licences.mjs'
import { cache, manifestFile, readManifest } from './places.mjs'

const { values } = parseArgs({ options: { again: { type: 'boolean', default: false } } })
const pairsFolder = join(cache, 'pairs')
mkdirSync(pairsFolder, { recursive: true })

function unpack({ from }, folder, target) {
  const run = (program, ...args) => execFileSync(program, args, { cwd: target, stdio: ['ignore', 'ignore', 'pipe'] })
  const files = readdirSync(folder)
  for (const name of files) {
    const file = join(folder, name)
    if (from === 'deb') run('dpkg-deb', '-x', file, target)
    else if (from === 'npm') run('tar', '-xzf', file)
    else if (name.includes('.orig') && !name.endsWith('.asc')) run('tar', '-xf', file, '--strip-components=1')
    else if (name.includes('.debian.tar')) run('tar', '-xf', file)
  }
}

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.isFile()) yield path
  }
}

/** A path as Debian's copyright file names it: below the root of the source. Packages move files, so the end of it must do. */
const innerPath = (path) =>
  path.replace(
    /^usr\/(?:share|lib)\/(?:gocode\/src\/[^/]+\/[^/]+\/[^/]+\/|cargo\/registry\/[^/]+\/|python3\/dist-packages\/|ruby\/vendor_ruby\/|php\/)?|^package\//,
    '',
  )

const manifest = readManifest()
const total = {}
for (const source of manifest.sources) {
  const folder = join(cache, 'sources', source.from, source.name.replace('/', '+'))
  const out = join(pairsFolder, `${source.from}-${source.name.replace('/', '+')}.jsonl`)
  if (!existsSync(folder) || (existsSync(out) && !values.again)) continue
  const target = mkdtempSync(join(cache, 'unpacked-'))
  try {
    unpack(source, folder, target)
    const licence = licenceOf(target, source)
    const rows = []
    let refused = 0
    for (const file of licence ? walk(target) : []) {
      const path = relative(target, file)
      if (!isWanted(path, source.language) || statSync(file).size > 1_500_000) continue
      if (!licence.allows(innerPath(path))) {
        refused += 1
        continue
      }
      for (const pair of extractPairs(path, readFileSync(file, 'utf8'), source.language)) rows.push(JSON.stringify({ ...pair, path }))
    }
    if (!licence) console.error(`${source.name}: its licence cannot be read, nothing is taken`)
    source.licence = licence ? licence.licence : 'unread'
    writeFileSync(out, rows.map((row) => `${row}\n`).join(''))
    const count = (kind) => rows.filter((row) => row.startsWith(`{"kind":"${kind}"`)).length
    total[source.language] = (total[source.language] ?? 0) + count('doc')
    console.log(
      `${source.language} ${source.name} [${source.licence}] doc ${count('doc')}, name ${count('name')}, heading ${count('heading')}, files refused ${refused}`,
    )
  } finally {
    rmSync(target, { recursive: true, force: true })
  }
}
writeFileSync(manifestFile, `${JSON.stringify(manifest, null, 1)}\n`)
console.log(total)
