// Finds commits whose subject says what was changed in one to three functions, the newest first, and freezes them in bench/commits.jsonl.
// usage: node scripts/mine-commits.mjs FOLDER [NAME...]     FOLDER holds one clone per name of bench/repositories.json
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadSources, root } from '../bench/common.mjs'

const file = join(root, 'bench', 'commits.jsonl')
const [folder, ...names] = process.argv.slice(2)
if (!folder) {
  console.error('usage: node scripts/mine-commits.mjs FOLDER [NAME...]')
  process.exit(2)
}
const MOST = 20
const SPAN = 4000
const NO_SOURCE =
  /(?:^|\/)(?:tests?|specs?|__tests__|testdata|fixtures|benchmarks?|bench|docs?|examples?|vendor|dist|build)\/|[._-](?:test|spec)\.|_test\.go$|Tests?\.java$|\.d\.ts$|test_[^/]*\.py$/
const CHORES =
  /\b(?:bump|release|merge|revert|typos?|docs?|document(?:ation|ed)?|comments?|readme|changelog|lint\w*|format(?:ting)?|whitespace|version|deps|dependenc\w+|tests?|coverage|ci|style|rename|refactor\w*|cleanup|clean up|tidy|simplify|copyright|license|warnings?|nits?|wip)\b/i
const PREFIX = /^(?:\w+(?:\([^)]*\))?!?|\[[^\]]*\]|[\w./-]+):\s+/

async function loadReader() {
  const { createFactReader } = await loadSources('mine', "export { createFactReader } from './src/core/parsing/fact-reader.ts'")
  const native = join(root, 'native')
  return createFactReader({
    tableFolders: [join(root, 'templates_data', 'languages')],
    manifestFile: join(native, 'grammars.json'),
    grammarFolders: [join(native, 'grammars')],
    addonFile: join(native, 'build', 'code.node'),
    threads: 1,
  })
}

/** The part of a subject that says what happens; `undefined` where it says too little. */
function wordsOf(subject) {
  const text = subject
    .replace(PREFIX, '')
    .replace(/\s*[([]?(?:fixes|closes|close|fix|see|refs?|from)?\s*(?:gh-|GH-)?#\d+[^)\]]*[)\]]?\.?/gi, '')
    .trim()
  return CHORES.test(subject) || text.split(/\s+/).filter((word) => /\p{L}{2}/u.test(word)).length < 4 ? undefined : text
}

/** Lines of the old side that each file's hunks touch. */
function hunksOf(diff) {
  const files = new Map()
  let path
  for (const line of diff.split('\n')) {
    if (line.startsWith('--- ')) path = line.startsWith('--- a/') ? line.slice(6) : undefined
    const [, start, count = '1'] = /^@@ -(\d+)(?:,(\d+))? \+/.exec(line) ?? []
    if (start === undefined || path === undefined) continue
    const [from, size] = [Number(start), Number(count)]
    const lines = size === 0 ? [from, from + 1] : Array.from({ length: size }, (_, at) => from + at)
    files.set(path, [...(files.get(path) ?? []), { lines, whole: size === 0 }])
  }
  return files
}

async function mine({ name, language }, reader) {
  const cwd = join(resolve(folder), name)
  const git = (...args) => execFileSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] })
  const log = git('log', '--no-merges', `-${SPAN}`, '--format=%H%x09%P%x09%s', 'HEAD').split('\n').filter(Boolean)
  const found = []
  const subjects = new Set()
  for (const line of log) {
    if (found.length >= MOST) break
    const [commit, parents, subject] = line.split('\t')
    const query = wordsOf(subject)
    if (query === undefined || parents.includes(' ') || parents === '' || subjects.has(query)) continue
    const hunks = hunksOf(git('diff', '-U0', '--no-renames', '--no-color', parents, commit))
    const sources = [...hunks.keys()].filter((path) => reader.tables.detect(path) === language && !NO_SOURCE.test(path))
    if (sources.length === 0 || sources.length > 3) continue
    const functions = []
    for (const path of sources) {
      const bytes = execFileSync('git', ['show', `${parents}:${path}`], { cwd, maxBuffer: 1 << 28 })
      const [facts] = await reader.read([{ language, bytes }])
      for (const { lines, whole } of hunks.get(path)) {
        // the innermost function with a name around a line; what is added between two lines lies in it only if both do
        const around = lines.map(
          (row) =>
            facts.functions
              .filter((each) => each.name !== null && each.row + 1 <= row && row <= each.rowEnd + 1)
              .toSorted((a, b) => a.rowEnd - a.row - (b.rowEnd - b.row))[0],
        )
        const hit = whole ? (around[0] === around[1] ? [around[0]] : []) : around
        for (const each of hit) {
          if (each === undefined) continue
          const known = functions.some((other) => other.path === path && other.line === each.row + 1)
          if (!known) functions.push({ path, name: each.name, line: each.row + 1, lineEnd: each.rowEnd + 1 })
        }
      }
    }
    if (functions.length === 0 || functions.length > 3) continue
    subjects.add(query)
    found.push({ repository: name, commit, parent: parents, query, functions })
  }
  console.error(`${name}: ${found.length} commits`)
  return found
}

const list = JSON.parse(readFileSync(join(root, 'bench', 'repositories.json'), 'utf8'))
const before = existsSync(file)
  ? readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  : []
const reader = await loadReader()
const lines = []
for (const entry of list) {
  const kept = before.filter(({ repository }) => repository === entry.name)
  lines.push(...(names.length === 0 || names.includes(entry.name) ? await mine(entry, reader) : kept))
}
writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
