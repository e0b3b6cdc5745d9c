// Counts what each rule finds in real repositories: node scripts/rule-hits.mjs FOLDER... [--markdown] [--samples N]
// Each FOLDER is a clone, or a folder of clones; its committed HEAD is read. 'found' ignores the declared
// platforms, 'allowed' is what they let through. Times include a second parse of every rewritten file.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const options = process.argv.slice(2)
const flag = (name) => options.includes(name)
const samples = flag('--samples') ? Number(options[options.indexOf('--samples') + 1]) : 0
const given = options.filter((option, i) => !option.startsWith('--') && options[i - 1] !== '--samples').map((path) => resolve(path))
if (given.length === 0) {
  console.error('usage: node scripts/rule-hits.mjs FOLDER... [--markdown] [--samples N]')
  process.exit(2)
}
const clones = given.flatMap((path) =>
  existsSync(join(path, '.git'))
    ? [path]
    : readdirSync(path)
        .map((name) => join(path, name))
        .filter((item) => existsSync(join(item, '.git'))),
)

// The sources are TypeScript: a throw-away bundle inside the project, so that packages resolve.
const folder = mkdtempSync(join(root, '.rule-hits-'))
let rooms
try {
  const bundle = join(folder, 'src', 'bundle.mjs')
  await build({
    stdin: {
      contents: "export * from './src/core/rules/index.ts'; export { parses, languageOf } from './src/core/parsing/index.ts'",
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile: bundle,
    logLevel: 'error',
  })
  rooms = await import(pathToFileURL(bundle).href)
} finally {
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
}
const { languageOf, loadBuiltInRules, parses, scanRules } = rooms

// What tests, fixtures and settings look like; the program itself asks the test plan.
const PROTECTED =
  /(?:^|\/)(?:tests?|__tests__|specs?|testdata|fixtures?|__snapshots__|e2e|examples?|benchmarks?|\.github)\/|(?:[._-](?:test|spec|config)\.\w+|_test\.(?:go|py|rb)|(?:^|\/)(?:test_[^/]*|conftest)\.py|Test\.java|(?:^|\/)\.[^/]*)$/i

const rules = loadBuiltInRules()
const columns = []
for (const clone of clones) {
  const reader = openTree(clone)
  const started = performance.now()
  let unparsable = 0
  const shown = new Map()
  const report = await scanRules({
    reader,
    rules,
    paths: [],
    isProtected: (path) => PROTECTED.test(path),
    ignorePlatform: true,
    onRewrite(rule, path, before, after) {
      const language = languageOf(path)
      if (!parses(after, language)) unparsable++
      if (samples > 0) show(rule, path, before, after, shown, basename(clone))
    },
  })
  const seconds = (performance.now() - started) / 1000
  const within = await scanRules({ reader, rules, paths: [], isProtected: (path) => PROTECTED.test(path) })
  const { files, bytes, skipped } = report
  columns.push({
    name: basename(clone),
    commit: reader.commit,
    hits: count(report),
    allowed: count(within),
    files,
    bytes,
    seconds,
    unparsable,
    skipped,
  })
}

/** Sites per rule. */
function count({ findings }) {
  const hits = new Map()
  for (const { rule, sites } of findings) hits.set(rule.id, (hits.get(rule.id) ?? 0) + sites.length)
  return hits
}

function show(rule, path, before, after, shown, name) {
  if ((shown.get(rule.id) ?? 0) >= samples) return
  shown.set(rule.id, (shown.get(rule.id) ?? 0) + 1)
  const old = new Set(before.split('\n'))
  const now = new Set(after.split('\n'))
  const gone = before
    .split('\n')
    .filter((line) => !now.has(line))
    .slice(0, 3)
  const come = after
    .split('\n')
    .filter((line) => !old.has(line))
    .slice(0, 3)
  console.log(
    [`${rule.id}  ${name}/${path}`, ...gone.map((line) => `  - ${line.trim()}`), ...come.map((line) => `  + ${line.trim()}`)].join('\n'),
  )
}

/** Reads a commit's files in one git process. */
function openTree(clone) {
  const git = (...args) => execFileSync('git', ['-C', clone, ...args], { maxBuffer: 1 << 30 })
  const commit = git('rev-parse', 'HEAD').toString().trim()
  const entries = git('ls-tree', '-r', '-z', '-l', 'HEAD')
    .toString()
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const [meta, path] = [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]
      const [mode, , oid, size] = meta.split(/ +/)
      return { path, mode, oid, size: size === '-' ? null : Number(size) }
    })
  const byPath = new Map(entries.map((entry) => [entry.path, entry]))
  const wanted = entries.filter((entry) => entry.size !== null && entry.size < 1_000_000)
  const blobs = new Map()
  const output = execFileSync('git', ['-C', clone, 'cat-file', '--batch'], {
    input: wanted.map((entry) => entry.oid).join('\n') + '\n',
    maxBuffer: 2 ** 31 - 1,
  })
  let at = 0
  for (const { oid } of wanted) {
    const end = output.indexOf(10, at)
    const size = Number(output.subarray(at, end).toString().split(' ')[2])
    blobs.set(oid, output.subarray(end + 1, end + 1 + size))
    at = end + size + 2
  }
  const read = async (path) => blobs.get(byPath.get(path)?.oid)
  return {
    tree: commit,
    commit: commit.slice(0, 10),
    entries: async () => entries,
    entry: async (path) => byPath.get(path),
    read,
    text: async (path) => (await read(path))?.toString(),
  }
}

const sum = (id, key) => columns.reduce((total, column) => total + (column[key].get(id) ?? 0), 0)
const rows = rules.map((rule) => ({ rule, all: sum(rule.id, 'hits'), allowed: sum(rule.id, 'allowed') }))
const separator = flag('--markdown') ? ' | ' : '\t'
const line = (cells) => (flag('--markdown') ? `| ${cells.join(separator)} |` : cells.join(separator))
if (samples === 0) {
  console.log(line(['rule', 'safety', 'found', 'allowed', 'where']))
  if (flag('--markdown')) console.log(line(['---', '---', '--:', '--:', '---']))
  for (const { rule, all, allowed } of rows) {
    const where = columns
      .map(({ name, hits }) => [name, hits.get(rule.id) ?? 0])
      .filter(([, count]) => count > 0)
      .sort((a, b) => b[1] - a[1])
    console.log(
      line([
        rule.id,
        rule.safety,
        all,
        allowed,
        where
          .slice(0, 4)
          .map(([name, count]) => `${name} ${count}`)
          .join(', ') + (where.length > 4 ? ', …' : ''),
      ]),
    )
  }
  console.log(
    line([
      'all rules',
      '',
      rows.reduce((total, { all }) => total + all, 0),
      rows.reduce((total, { allowed }) => total + allowed, 0),
      `${columns.length} repositories`,
    ]),
  )
  if (flag('--markdown')) {
    console.log(
      `\n${line(['repository', 'commit', 'files', 'MB', 'seconds', 'found', 'allowed', 'rewritten files that do not parse'])}\n${line(['---', '---', '--:', '--:', '--:', '--:', '--:', '--:'])}`,
    )
    for (const column of columns)
      console.log(
        line([
          column.name,
          column.commit,
          column.files,
          (column.bytes / 1e6).toFixed(1),
          column.seconds.toFixed(1),
          total(column.hits),
          total(column.allowed),
          column.unparsable,
        ]),
      )
  }
}
function total(hits) {
  return [...hits.values()].reduce((a, b) => a + b, 0)
}
for (const { name, commit, files, bytes, seconds, unparsable, skipped } of columns) {
  const left = Object.entries(skipped)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ')
  console.error(
    `${name} ${commit}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB, ${seconds.toFixed(1)} s, ${unparsable} rewritten files that do not parse${left === '' ? '' : `; left alone: ${left}`}`,
  )
}
const idle = rows.filter(({ all }) => all === 0).map(({ rule }) => rule.id)
console.error(`${rows.length - idle.length} of ${rows.length} rules fired; never: ${idle.join(' ') || 'none'}`)
