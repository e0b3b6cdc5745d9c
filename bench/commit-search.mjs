// Search (b): the subject of a commit finds a function it changed, in the whole repository as it was before, through the real command.
// Search (c): names, paths and texts as they stand there have the same first answer with and without the model.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { environment, program, root, round, withFolder } from './common.mjs'

const REPOSITORIES = JSON.parse(readFileSync(join(root, 'bench', 'repositories.json'), 'utf8'))
const COMMITS = readFileSync(join(root, 'bench', 'commits.jsonl'), 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))
const DEEP = 50
const PER_KIND = 25
export const EXACT_TARGET = 0.99

/** Where clones lie, one per name of bench/repositories.json; they are made by hand or by `git clone` of the address there. */
const clones = () => resolve(process.env['SINGULARITY_BENCH_CLONES'] ?? join(root, 'tmp', 'bench', 'clones'))

export async function measureCommits({ quick, part = 'test' }) {
  const list = REPOSITORIES.filter((each) => each.part === part)
  const missing = list.filter(({ name }) => !existsSync(join(clones(), name)))
  if (missing.length > 0)
    throw new Error(`no clone of ${missing.map(({ url }) => url).join(', ')} in ${clones()} (SINGULARITY_BENCH_CLONES)`)
  const rows = []
  for (const repository of list) rows.push(await measureRepository(repository, quick ? 5 : Infinity))
  const queries = rows.reduce((sum, each) => sum + each.queries, 0)
  const mean = (key) => rows.reduce((sum, each) => sum + each[key], 0) / rows.length
  const exact = rows.flatMap((each) => each.exact)
  return {
    part,
    queries,
    lexical: round(mean('lexical'), 3),
    hybrid: round(mean('hybrid'), 3),
    worse: rows.filter(({ lexical, hybrid }) => hybrid < lexical).map(({ language }) => language),
    perLanguage: rows.map(({ exact: _exact, ...row }) => row),
    exact: Object.fromEntries(
      ['name', 'path', 'text', 'error'].map((kind) => {
        const own = exact.filter((each) => each.kind === kind)
        return [kind, { queries: own.length, same: own.filter(({ same }) => same).length }]
      }),
    ),
    differ: exact.filter(({ same }) => !same).map(({ query }) => query),
  }
}

/** Both ways of asking, from one process over the repository as it lies there. */
function ask(repository, queries, limit) {
  const lines = queries.flatMap((query) => [false, true].map((lexical) => JSON.stringify({ query, lexical, limit })))
  const { stdout, stderr } = run(repository, ['search', '--stdin', '--jsonl'], `${lines.join('\n')}\n`)
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  if (answers.length !== lines.length) throw new Error(`search answered ${answers.length} of ${lines.length} lines: ${stderr}`)
  return queries.map((_query, at) => ({ hybrid: answers[2 * at].data, lexical: answers[2 * at + 1].data }))
}

function run({ path, env }, args, input = '') {
  return spawnSync(process.execPath, [program, ...args], { cwd: path, env, input, encoding: 'utf8', maxBuffer: 1 << 28 })
}

async function measureRepository({ name, language }, most) {
  return withFolder(async (folder) => {
    const repository = { path: join(folder, name), env: environment(folder) }
    const git = (...args) => {
      const { status, stderr } = spawnSync('git', args, {
        cwd: existsSync(repository.path) ? repository.path : folder,
        env: repository.env,
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`git ${args[0]} in ${name}: ${stderr}`)
    }
    git('clone', '-q', '--shared', '--no-checkout', join(clones(), name), repository.path)
    const found = []
    // from the oldest on: neighbours differ little, so the index has little to do
    for (const { parent, query, functions } of COMMITS.filter((each) => each.repository === name)
      .slice(0, most)
      .toReversed()) {
      git('checkout', '-q', '--force', parent)
      if (run(repository, ['index', '--quiet']).status !== 0) throw new Error(`no index of ${name} at ${parent}`)
      const [answers] = ask(repository, [query], DEEP)
      const rankOf = ({ results }) =>
        results.findIndex((hit) =>
          functions.some(({ path, line, lineEnd }) => hit.path === path && hit.line <= lineEnd && hit.line_end >= line),
        ) + 1
      found.push({ hybrid: rankOf(answers.hybrid), lexical: rankOf(answers.lexical) })
    }
    const mrr = (key) =>
      round(found.reduce((sum, each) => sum + (each[key] === 0 || each[key] > 10 ? 0 : 1 / each[key]), 0) / found.length, 3)
    const hits = (key) => found.filter((each) => each[key] > 0 && each[key] <= 10).length
    return {
      language,
      repository: name,
      queries: found.length,
      lexical: mrr('lexical'),
      hybrid: mrr('hybrid'),
      inTen: { lexical: hits('lexical'), hybrid: hits('hybrid') },
      exact: measureExact(repository),
    }
  })
}

/** So many of a list, the same ones every time. */
function sample(values) {
  const place = (value) => createHash('sha1').update(value).digest('hex')
  return [...new Set(values)].toSorted((a, b) => (place(a) < place(b) ? -1 : 1)).slice(0, PER_KIND)
}

function measureExact(repository) {
  const lines = (args) =>
    spawnSync('git', args, { cwd: repository.path, env: repository.env, encoding: 'utf8', maxBuffer: 1 << 28 })
      .stdout.split('\n')
      .filter(Boolean)
  const paths = lines(['ls-files']).filter((path) => /\.(?:[cm]?[jt]s|py|go|rs|java|c|h|rb|php)$/.test(path))
  const words = lines([
    'grep',
    '-ohE',
    String.raw`(function|def|func|fn|class|interface|struct|type|const|public|static)\s+\w{4,}`,
    '--',
    ...paths.slice(0, 2000),
  ])
  const names = words.map((line) => line.split(/\s+/).at(-1)).filter((word) => /[a-z][A-Z]|_[a-z]/.test(word))
  const texts = lines(['grep', '-ohE', `["'][A-Za-z][A-Za-z ]{12,60}[a-z]["']`, '--', ...paths.slice(0, 2000)])
    .map((text) => text.slice(1, -1))
    .filter((text) => /\w \w/.test(text))
  const errors = texts.filter((text) => /error|cannot|invalid|must|fail|unexpected|missing|not /i.test(text))
  const queries = [
    ...sample(names).map((query) => ({ kind: 'name', query })),
    ...sample(paths).map((query) => ({ kind: 'path', query })),
    ...sample(texts).map((text) => ({ kind: 'text', query: `"${text}"` })),
    ...sample(errors).map((text) => ({ kind: 'error', query: `Error: ${text}` })),
  ]
  const answers = ask(
    repository,
    queries.map(({ query }) => query),
    1,
  )
  const first = ({ results }) => JSON.stringify([results[0]?.path, results[0]?.line])
  return queries.map((each, at) => ({ ...each, same: first(answers[at].hybrid) === first(answers[at].lexical) }))
}
