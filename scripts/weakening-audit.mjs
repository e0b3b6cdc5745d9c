#!/usr/bin/env node
// How often does the test-weakening detector accuse people? Walks commits of clones that touch tests and prints the share flagged.
//   node scripts/weakening-audit.mjs FOLDER... [--commits N] [--fold tune|test] [--any] [--verbose] [--json]
// --any takes any commits, not only those that touch tests.
// A folder is a working tree or a bare git directory. N is the total, spread evenly. Commits are taken by the hash of their id,
// so that two runs look at the same ones; the two folds are disjoint halves (one to improve the detector on, one to report).
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const top = dirname(dirname(fileURLToPath(import.meta.url)))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    commits: { type: 'string', default: '300' },
    fold: { type: 'string' },
    any: { type: 'boolean' },
    verbose: { type: 'boolean' },
    json: { type: 'boolean' },
  },
})
if (positionals.length === 0) {
  console.error('usage: node scripts/weakening-audit.mjs FOLDER... [--commits N] [--fold tune|test] [--any] [--verbose] [--json]')
  process.exit(2)
}

const bundle = join(top, 'dist', 'weakening-audit', 'tamper.mjs')
await build({
  stdin: {
    contents: "export * from './src/core/validation/tamper/index.ts'\nexport { createFactReader } from './src/core/parsing/index.ts'\n",
    resolveDir: top,
    loader: 'ts',
  },
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
})
const { createFactReader, detectWeakening, looksLikeTestFile, configOf } = await import(pathToFileURL(bundle).href)
const native = join(top, 'native')
const facts = createFactReader({
  tableFolders: [join(top, 'templates_data', 'languages')],
  manifestFile: join(native, 'grammars.json'),
  grammarFolders: [join(native, 'grammars')],
  addonFile: join(native, 'build', 'code.node'),
  threads: 1,
})

/** Reads blobs through one `git cat-file --batch`; `undefined` where there is none or it is binary. */
function blobReader(gitDir) {
  const child = spawn('git', ['--git-dir', gitDir, 'cat-file', '--batch'], { stdio: ['pipe', 'pipe', 'ignore'] })
  let buffer = Buffer.alloc(0)
  let wake = () => {}
  child.stdout.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk])
    wake()
  })
  const atLeast = async (test) => {
    while (!test()) await new Promise((resolve) => (wake = resolve))
  }
  return {
    async read(name) {
      if (name.includes('\n')) return undefined
      child.stdin.write(`${name}\n`)
      await atLeast(() => buffer.includes(10))
      const end = buffer.indexOf(10)
      const [, type, size] = buffer.subarray(0, end).toString().split(' ')
      const header = /^(blob|tree|commit|tag)$/.test(type ?? '') ? { type, size: Number(size) } : undefined
      if (header === undefined) {
        buffer = buffer.subarray(end + 1)
        return undefined
      }
      await atLeast(() => buffer.length >= end + 1 + header.size + 1)
      const bytes = buffer.subarray(end + 1, end + 1 + header.size)
      buffer = buffer.subarray(end + 1 + header.size + 1)
      return header.type !== 'blob' || bytes.includes(0) ? undefined : bytes.toString('utf8')
    },
    close: () => child.stdin.end(),
  }
}

const digest = (text) => createHash('sha256').update(text).digest('hex')
const wanted = Math.ceil(Number(values.commits) / positionals.length)
const rows = []
const flagged = []

for (const folder of positionals) {
  const gitDir = existsSync(join(folder, '.git')) ? join(folder, '.git') : folder
  const git = (...args) =>
    execFileSync('git', ['--git-dir', gitDir, '-c', 'core.quotepath=off', ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  const reader = blobReader(gitDir)
  const commits = git('log', '--no-merges', '-M', '--name-status', '--format=%x01%H%x02%P%x02%s')
    .split('\x01')
    .slice(1)
    .map((block) => {
      const [head, ...lines] = block.split('\n')
      const [id, parents, subject] = head.split('\x02')
      const changedFiles = lines
        .filter((line) => line.includes('\t'))
        .map((line) => {
          const [status, first, second] = line.split('\t')
          const names = { A: 'added', D: 'deleted', R: 'renamed', C: 'added', T: 'type' }
          return {
            path: second ?? first,
            oldPath: second !== undefined && status[0] === 'R' ? first : null,
            status: names[status[0]] ?? 'modified',
          }
        })
      return { id, parent: parents, subject, changedFiles }
    })
  const touching = commits.filter(
    (commit) =>
      commit.parent !== '' &&
      commit.changedFiles.length > 0 &&
      (values.any || commit.changedFiles.some((file) => looksLikeTestFile(file.path) || looksLikeTestFile(file.oldPath ?? file.path))),
  )
  const half = touching.filter(
    (commit) => values.fold === undefined || (Number.parseInt(digest(commit.id)[0], 16) % 2 === 0) === (values.fold === 'tune'),
  )
  const chosen = half.sort((a, b) => (digest(a.id) < digest(b.id) ? -1 : 1)).slice(0, wanted)
  // repo+name/repo, as mirrors lay them, and plain clones.
  const name = basename(folder) === 'repo' ? basename(dirname(folder)) : basename(folder)
  const row = { name, commits: chosen.length, of: touching.length, flagged: 0, touched: 0, added: 0, clean: 0 }
  for (const commit of chosen) {
    const baseTestFiles = commit.changedFiles.some((file) => configOf(file.path))
      ? git('ls-tree', '-r', '--name-only', commit.parent).split('\n').filter(looksLikeTestFile)
      : []
    const report = await detectWeakening({
      changedFiles: commit.changedFiles,
      baseTestFiles,
      readBase: (path) => reader.read(`${commit.parent}:${path}`),
      readCandidate: (path) => reader.read(`${commit.id}:${path}`),
      facts: async () => facts,
    })
    const proven = report.weakened.filter((item) => item.proven)
    if (proven.length > 0) {
      row.flagged++
      flagged.push({ repository: name, commit: commit.id, subject: commit.subject, proven })
    } else if (report.addedOnly) row.added++
    else if (report.touched) row.touched++
    else row.clean++
  }
  reader.close()
  rows.push(row)
}

const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
const total = {
  name: 'all',
  commits: sum('commits'),
  of: sum('of'),
  flagged: sum('flagged'),
  touched: sum('touched'),
  added: sum('added'),
  clean: sum('clean'),
}
if (values.json) console.log(JSON.stringify({ rows, total, flagged }, null, 2))
else {
  const percent = (row) => `${((100 * row.flagged) / Math.max(1, row.commits)).toFixed(1)} %`
  console.log('| repository | commits | of | proven | share | a person looks | only added | no change in tests |')
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|')
  for (const row of [...rows, total])
    console.log(
      `| ${row.name} | ${row.commits} | ${row.of} | ${row.flagged} | ${percent(row)} | ${row.touched} | ${row.added} | ${row.clean} |`,
    )
  for (const item of flagged) {
    console.log(`\n${item.repository} ${item.commit.slice(0, 12)} ${item.subject}`)
    for (const weakening of values.verbose ? item.proven : item.proven.slice(0, 3))
      console.log(`  ${weakening.kind} ${weakening.file}:${weakening.line ?? ''} ${weakening.detail}`)
    if (!values.verbose && item.proven.length > 3) console.log(`  … ${item.proven.length - 3} more`)
  }
}
