// Brings the sources of the training corpus, each checked against scripts/train/sources.json, into tmp/train/sources (git-ignored).
// usage: node scripts/train/fetch.mjs            what is missing
//        node scripts/train/fetch.mjs --pin      notes version and sha256 of entries that have none yet (new sources)
// Debian sources need `deb-src` in apt's lists; APT_CONFIG may name a private configuration.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cache, manifestFile, readManifest } from './places.mjs'

const { values } = parseArgs({ options: { pin: { type: 'boolean', default: false } } })
const sources = join(cache, 'sources')
const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** What each registry's own client brings: files of one version in an empty folder. */
const CLIENTS = {
  npm: ({ name, version }, folder) => run('npm', ['pack', '--silent', version ? `${name}@${version}` : name], folder),
  deb: ({ name, version }, folder) => run('apt-get', ['download', '-q', version ? `${name}=${version}` : name], folder),
  debsrc: ({ name, version }, folder) =>
    run('apt-get', ['source', '-q', '--download-only', '--only-source', version ? `${name}=${version}` : name], folder),
}

function run(program, args, cwd) {
  return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 })
}

function versionOf({ from }, folder, files) {
  if (from === 'npm') return JSON.parse(run('tar', ['-xzOf', files[0], 'package/package.json'], folder)).version
  if (from === 'deb') return run('dpkg-deb', ['-f', files[0], 'Version'], folder).trim()
  const description = readFileSync(
    join(
      folder,
      files.find((file) => file.endsWith('.dsc')),
    ),
    'utf8',
  )
  return /^Version: (.+)$/m.exec(description)[1]
}

const manifest = readManifest()
const failures = []
for (const source of manifest.sources) {
  const folder = join(sources, source.from, source.name.replace('/', '+'))
  if (existsSync(folder)) continue
  if (!source.files && !values.pin) continue
  const staging = `${folder}.part`
  rmSync(staging, { recursive: true, force: true })
  mkdirSync(staging, { recursive: true })
  try {
    CLIENTS[source.from](source, staging)
    const files = readdirSync(staging).filter((file) => !file.endsWith('.asc'))
    const sums = Object.fromEntries(files.sort().map((file) => [file, sha256(join(staging, file))]))
    if (!source.files) Object.assign(source, { version: versionOf(source, staging, files), files: sums })
    const wrong = Object.entries(source.files).filter(([file, sum]) => sums[file] !== sum)
    if (wrong.length > 0) throw new Error(`these files are not those of the manifest: ${wrong.map(([file]) => file).join(', ')}`)
    renameSync(staging, folder)
    console.log(`${source.from} ${source.name} ${source.version}`)
  } catch (error) {
    rmSync(staging, { recursive: true, force: true })
    failures.push(source.name)
    console.error(
      `${source.from} ${source.name}: ${String(error.stderr || error.message)
        .trim()
        .split('\n')
        .at(-1)}`,
    )
  }
}
if (values.pin) writeFileSync(manifestFile, `${JSON.stringify(manifest, null, 1)}\n`)
if (failures.length > 0) {
  console.error(`${failures.length} of ${manifest.sources.length} sources are missing: ${failures.join(' ')}`)
  process.exitCode = 1
}
