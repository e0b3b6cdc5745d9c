// Brings the grammar files that native/grammars.json pins: reads each package's archive from the registry that npm is configured for,
// checks its integrity, and keeps this platform's binary and the .wasm, each checked once more. Never fails an installation: what is
// missing is tier 2 until it is here. `node scripts/fetch-grammars.mjs [--all] [--into FOLDER] [NAME...]`.
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const native = join(dirname(fileURLToPath(import.meta.url)), '..', 'native')
const platform = `${process.platform}-${process.arch}`

const digest = (algorithm, bytes, encoding) => createHash(algorithm).update(bytes).digest(encoding)

/** Files of a tar archive: 512-byte headers with a name, an octal length, a type, and for long names a prefix. */
export function* entriesOf(archive) {
  const text = (at, length) => {
    const field = archive.subarray(at, at + length)
    const end = field.indexOf(0)
    return field.toString('utf8', 0, end < 0 ? length : end)
  }
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12).trim(), 8)
    if (!Number.isSafeInteger(size)) throw new Error('the archive is damaged')
    const prefix = text(at + 257, 6).startsWith('ustar') ? text(at + 345, 155) : ''
    const type = archive[at + 156]
    if (type === 0x30 || type === 0)
      yield { path: (prefix ? `${prefix}/` : '') + text(at, 100), bytes: archive.subarray(at + 512, at + 512 + size) }
    at += 512 + Math.ceil(size / 512) * 512
  }
}

/** The kept name; src/core/parsing/grammar-files.ts has the same rule. */
const keptName = (entry, key, name) =>
  key === 'wasm' ? `${name}-${entry.version}.wasm` : `${entry.package.replace('/', '+').replace('@', '')}-${entry.version}.node`

/** What the client is configured for: its environment inside a script, else what it says. */
export function registryOf(packageName) {
  const scope = packageName.startsWith('@') ? packageName.slice(0, packageName.indexOf('/')) : undefined
  const ask = (key) => {
    const value = process.env[`npm_config_${key}`]
    if (value) return value
    try {
      const answer = execFileSync('npm', ['config', 'get', key], { encoding: 'utf8', shell: process.platform === 'win32' }).trim()
      return answer === 'undefined' ? undefined : answer
    } catch {
      return undefined
    }
  }
  const registry = (scope && ask(`${scope}:registry`)) || ask('registry')
  if (!registry) throw new Error('npm has no registry configured')
  return registry.endsWith('/') ? registry : `${registry}/`
}

export async function download(entry, registry, { timeoutMs = 60_000 } = {}) {
  const base = entry.package.slice(entry.package.indexOf('/') + 1)
  const url = `${registry}${entry.package}/-/${base}-${entry.version}.tgz`
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch((error) => {
    throw Object.assign(new Error(error.cause?.code ?? error.message), { offline: true })
  })
  if (!answer.ok) throw new Error(`the registry answered ${answer.status}`)
  const archive = Buffer.from(await answer.arrayBuffer())
  if (`sha512-${digest('sha512', archive, 'base64')}` !== entry.integrity) throw new Error('the archive is not the pinned one')
  return archive
}

const isKept = (path, { size, sha256 }) => {
  const info = statSync(path, { throwIfNoEntry: false })
  return info?.size === size && digest('sha256', readFileSync(path), 'hex') === sha256
}

/**
 * Fetches the named grammars, or all that are not heavy.
 * @returns what was written and what could not be had, with the reason
 */
export async function fetchGrammars({ names, all = false, into = join(native, 'grammars'), log = console.error } = {}) {
  const { grammars } = JSON.parse(readFileSync(join(native, 'grammars.json'), 'utf8'))
  const wanted = Object.entries(grammars).filter(([name, entry]) => (names?.length ? names.includes(name) : all || !entry.heavy))
  const report = { written: [], failed: [], bytes: 0 }
  for (const name of names ?? []) if (!grammars[name]) report.failed.push({ name, reason: 'no grammar of this name is pinned' })
  /** Package and version to the files that are missing of it: one archive may hold several languages. */
  const missing = new Map()
  for (const [name, entry] of wanted)
    for (const key of [platform, 'wasm']) {
      const file = entry.files[key]
      const target = join(into, keptName(entry, key, name))
      if (!file || isKept(target, file)) continue
      const archive = `${entry.package}@${entry.version}`
      if (!missing.has(archive)) missing.set(archive, { entry, files: new Map() })
      missing.get(archive).files.set(`package/${file.path}`, { target, file, name })
    }
  if (missing.size === 0) return report
  mkdirSync(into, { recursive: true })
  const registries = new Map()
  const work = [...missing.values()]
  let offline
  const worker = async () => {
    for (let next = work.shift(); next; next = work.shift()) {
      const { entry, files } = next
      try {
        // Without a network one attempt is enough.
        if (offline) throw offline
        const scope = entry.package.startsWith('@') ? entry.package.split('/')[0] : ''
        if (!registries.has(scope)) registries.set(scope, registryOf(entry.package))
        const archive = await download(entry, registries.get(scope))
        report.bytes += archive.length
        for (const { path, bytes } of entriesOf(gunzipSync(archive))) {
          // Archives may name their top folder as they like.
          const kept = files.get(`package/${path.slice(path.indexOf('/') + 1)}`)
          if (!kept) continue
          if (bytes.length !== kept.file.size || digest('sha256', bytes, 'hex') !== kept.file.sha256)
            throw new Error(`${path} is not the pinned file`)
          const temporary = `${kept.target}.${process.pid}`
          writeFileSync(temporary, bytes, { mode: 0o644 })
          renameSync(temporary, kept.target)
          report.written.push(kept.name)
        }
      } catch (error) {
        for (const { target } of files.values()) rmSync(`${target}.${process.pid}`, { force: true })
        if (error.offline) offline = error
        report.failed.push({ name: `${entry.package}@${entry.version}`, reason: error.message })
      }
    }
  }
  await Promise.all([worker(), worker(), worker(), worker()])
  if (report.written.length > 0) log(`grammars: ${new Set(report.written).size} languages written to ${into}`)
  if (offline)
    log(`grammars: ${report.failed.length} missing, there is no network (${offline.message}); files are read by tokens until they are here`)
  else
    for (const { name, reason } of report.failed)
      log(`grammars: ${name} is missing (${reason}); its files are read by tokens until it is here`)
  return report
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2)
  const at = words.indexOf('--into')
  const into = at < 0 ? undefined : words.splice(at, 2)[1]
  try {
    await fetchGrammars({ names: words.filter((word) => !word.startsWith('-')), all: words.includes('--all'), ...(into && { into }) })
  } catch (error) {
    console.error(`grammars: not fetched: ${error.message}`)
  }
}
