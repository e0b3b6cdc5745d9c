// Counts what each rule finds in real repositories: node scripts/rule-hits.mjs FOLDER... [--markdown] [--samples N] [--all]
// Each FOLDER is a clone, or a folder of clones; its committed HEAD is read. --all ignores the declared platforms.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const options = process.argv.slice(2)
const flag = name => options.includes(name)
const samples = flag('--samples') ? Number(options[options.indexOf('--samples') + 1]) : 0
const given = options.filter((option, i) => !option.startsWith('--') && options[i - 1] !== '--samples').map(path => resolve(path))
if (given.length === 0) {
  console.error('usage: node scripts/rule-hits.mjs FOLDER... [--markdown] [--samples N] [--all]')
  process.exit(2)
}
const clones = given.flatMap(path => (existsSync(join(path, '.git')) ? [path] : readdirSync(path).map(name => join(path, name)).filter(item => existsSync(join(item, '.git')))))

// The sources are TypeScript: a throw-away bundle inside the project, so that packages resolve.
const folder = mkdtempSync(join(root, '.rule-hits-'))
let rooms
try {
  const bundle = join(folder, 'src', 'bundle.mjs')
  await build({
    stdin: { contents: "export * from './src/core/rules/index.ts'; export { parses, languageOf } from './src/core/parsing/index.ts'", resolveDir: root, loader: 'ts' },
    bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: bundle, logLevel: 'error',
  })
  rooms = await import(pathToFileURL(bundle).href)
} finally {
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
}
const { languageOf, loadBuiltInRules, parses, scanRules } = rooms

// What tests, fixtures and settings look like; the program itself asks the test plan.
const PROTECTED = /(?:^|\/)(?:tests?|__tests__|specs?|testdata|fixtures?|__snapshots__|e2e|examples?|benchmarks?|\.github)\/|(?:[._-](?:test|spec|config)\.\w+|_test\.(?:go|py|rb)|(?:^|\/)(?:test_[^/]*|conftest)\.py|Test\.java|(?:^|\/)\.[^/]*)$/i

const rules = loadBuiltInRules()
const columns = []
for (const clone of clones) {
  const reader = openTree(clone)
  const started = performance.now()
  let unparsable = 0
  const shown = new Map()
  const report = await scanRules({
    reader, rules, paths: [], isProtected: path => PROTECTED.test(path), ignorePlatform: flag('--all'),
    onRewrite(rule, path, before, after) {
      const language = languageOf(path)
      if (!parses(after, language)) unparsable++
      if (samples > 0) show(rule, path, before, after, shown, basename(clone))
    },
  })
  const hits = new Map()
  for (const { rule, sites } of report.findings) hits.set(rule.id, (hits.get(rule.id) ?? 0) + sites.length)
  columns.push({ name: basename(clone), commit: reader.commit, hits, files: report.files, bytes: report.bytes, seconds: (performance.now() - started) / 1000, unparsable, skipped: report.skipped })
}

function show(rule, path, before, after, shown, name) {
  if ((shown.get(rule.id) ?? 0) >= samples) return
  shown.set(rule.id, (shown.get(rule.id) ?? 0) + 1)
  const old = new Set(before.split('\n'))
  const now = new Set(after.split('\n'))
  const gone = before.split('\n').filter(line => !now.has(line)).slice(0, 3)
  const come = after.split('\n').filter(line => !old.has(line)).slice(0, 3)
  console.log([`${rule.id}  ${name}/${path}`, ...gone.map(line => `  - ${line.trim()}`), ...come.map(line => `  + ${line.trim()}`)].join('\n'))
}

/** Reads a commit's files in one git process. */
function openTree(clone) {
  const git = (...args) => execFileSync('git', ['-C', clone, ...args], { maxBuffer: 1 << 30 })
  const commit = git('rev-parse', 'HEAD').toString().trim()
  const entries = git('ls-tree', '-r', '-z', '-l', 'HEAD').toString().split('\0').filter(Boolean).map(line => {
    const [meta, path] = [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]
    const [mode, , oid, size] = meta.split(/ +/)
    return { path, mode, oid, size: size === '-' ? null : Number(size) }
  })
  const byPath = new Map(entries.map(entry => [entry.path, entry]))
  const wanted = entries.filter(entry => entry.size !== null && entry.size < 1_000_000)
  const blobs = new Map()
  const output = execFileSync('git', ['-C', clone, 'cat-file', '--batch'], { input: wanted.map(entry => entry.oid).join('\n') + '\n', maxBuffer: 2 ** 31 - 1 })
  let at = 0
  for (const { oid } of wanted) {
    const end = output.indexOf(10, at)
    const size = Number(output.subarray(at, end).toString().split(' ')[2])
    blobs.set(oid, output.subarray(end + 1, end + 1 + size))
    at = end + size + 2
  }
  const read = async path => blobs.get(byPath.get(path)?.oid)
  return { tree: commit, commit: commit.slice(0, 10), entries: async () => entries, entry: async path => byPath.get(path), read, text: async path => (await read(path))?.toString() }
}

const rows = rules.map(rule => ({ rule, total: columns.reduce((sum, { hits }) => sum + (hits.get(rule.id) ?? 0), 0) }))
const separator = flag('--markdown') ? ' | ' : '\t'
const line = cells => (flag('--markdown') ? `| ${cells.join(separator)} |` : cells.join(separator))
if (samples === 0) {
  console.log(line(['rule', 'safety', 'all', ...columns.map(({ name }) => name)]))
  if (flag('--markdown')) console.log(line(['---', '---', '--:', ...columns.map(() => '--:')]))
  for (const { rule, total } of rows) console.log(line([rule.id, rule.safety, total, ...columns.map(({ hits }) => hits.get(rule.id) ?? '')]))
  console.log(line(['**sum**', '', rows.reduce((sum, { total }) => sum + total, 0), ...columns.map(({ hits }) => [...hits.values()].reduce((a, b) => a + b, 0))]))
}
for (const { name, commit, files, bytes, seconds, unparsable, skipped } of columns) {
  const left = Object.entries(skipped).filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${reason}`).join(', ')
  console.error(`${name} ${commit}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB, ${seconds.toFixed(1)} s, ${unparsable} rewritten files that do not parse${left === '' ? '' : `; left alone: ${left}`}`)
}
const idle = rows.filter(({ total }) => total === 0).map(({ rule }) => rule.id)
console.error(`${rows.length - idle.length} of ${rows.length} rules fired; never: ${idle.join(' ') || 'none'}`)
