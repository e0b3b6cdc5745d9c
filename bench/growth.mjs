// How the index grows with a repository: time, memory and disk. The files are real ones of installed packages and Debian's Python; when
// they run out, copies follow whose names of several words get a number each, so that no blob and hardly a chunk is there twice.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { makeRepository, program, root, round, withFolder } from './common.mjs'

export const GROWTH_TARGETS = { residentMegabytes: 1000 }

const launcher = join(root, 'native', 'build', 'launcher')
const BYTES = { least: 500, most: 40_000 }
const LONGEST_LINE = 500
const SEVERAL_WORDS = /\b[a-z]+(?:[A-Z_][A-Za-z]+)+\b/g

/** Readable sources of this machine, in an order that mixes packages. */
function realFiles() {
  const list = (folder, names) =>
    execFileSync('find', [folder, '-type', 'f', '(', ...names.flatMap((name, i) => [...(i > 0 ? ['-o'] : []), '-name', name]), ')'], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
      .split('\n')
      .filter(Boolean)
  const python = readdirSync('/usr/lib').filter((name) => /^python3\.\d+$/.test(name))
  const all = [
    ...list(join(root, 'node_modules'), ['*.js', '*.mjs', '*.ts', '*.md']),
    ...python.flatMap((name) => list(join('/usr/lib', name), ['*.py'])),
  ]
  const keyed = all
    .map((path) => [createHash('sha1').update(path.replace(root, '')).digest('hex'), path])
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return keyed
    .map(([, path]) => path)
    .filter((path) => {
      const { size } = statSync(path)
      return size >= BYTES.least && size <= BYTES.most
    })
}

function* sources(count) {
  const paths = realFiles()
  const seen = new Set()
  let made = 0
  for (let copy = 0; made < count; copy++)
    for (const path of paths) {
      const text = readFileSync(path, 'utf8')
      if (text.split('\n').some((line) => line.length > LONGEST_LINE)) continue
      const content = copy === 0 ? text : text.replace(SEVERAL_WORDS, (name) => `${name}${copy}`)
      const key = createHash('sha1').update(content).digest('base64')
      if (seen.has(key)) continue
      seen.add(key)
      yield { name: `${made % 97}/part${made % 13}/file${made}${extname(path)}`, content }
      if (++made === count) return
    }
}

const sizeOf = (folder) =>
  readdirSync(folder, { withFileTypes: true }).reduce(
    (sum, each) => sum + (each.isDirectory() ? sizeOf(join(folder, each.name)) : statSync(join(folder, each.name)).size),
    0,
  )

/** One repository of so many files: the first index, the same again after ten changes, and what lies on disk. */
const measureOne = (count) =>
  withFolder((folder) => {
    const repository = makeRepository(folder, null)
    let bytes = 0
    const changed = []
    for (const { name, content } of sources(count)) {
      const path = join(repository.path, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
      bytes += content.length
      if (changed.length < 10) changed.push([path, content])
    }
    repository.commit('feat: files')
    const index = () => {
      const started = performance.now()
      const { status, output, stderr } = spawnSync(
        launcher,
        ['run', '--report-fd', '3', '--', process.execPath, program, 'index', '--json'],
        {
          cwd: repository.path,
          env: repository.env,
          stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
          encoding: 'utf8',
          maxBuffer: 1 << 26,
        },
      )
      if (status !== 0) throw new Error(`index ended with ${status}: ${stderr}`)
      const used = JSON.parse(output[3])
      return {
        seconds: round((performance.now() - started) / 1000, 1),
        cpuSeconds: round((used.user_us + used.system_us) / 1e6, 1),
        residentMegabytes: Math.round(used.maxrss_kb / 1024),
        chunks: JSON.parse(output[1]).data.chunks,
      }
    }
    const first = index()
    for (const [path, content] of changed) writeFileSync(path, `${content}\n`)
    const again = index()
    const disk = sizeOf(join(repository.path, '.git', 'singularity'))
    return {
      name: `${count} files`,
      megabytes: round(bytes / 1e6, 1),
      chunks: first.chunks,
      seconds: first.seconds,
      cpuSeconds: first.cpuSeconds,
      cpuMsPerFile: round((first.cpuSeconds * 1000) / count, 2),
      residentMegabytes: Math.max(first.residentMegabytes, again.residentMegabytes),
      againCpuSeconds: again.cpuSeconds,
      diskMegabytes: round(disk / 1e6, 1),
      diskPerByte: round(disk / bytes),
    }
  })

/** @param sizes numbers of files */
export async function measureGrowth({ sizes }) {
  const rows = []
  for (const count of sizes) {
    rows.push(await measureOne(count))
    console.error(`  ${JSON.stringify(rows.at(-1))}`)
  }
  return { targets: GROWTH_TARGETS, rows }
}
