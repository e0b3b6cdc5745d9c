import { LANGUAGES, languageOf } from '../../parsing/index.ts'
import { declaredPlatform, isVendored } from '../../rules/index.ts'
import type { AnswerFact } from '../answerer.ts'

/** What the remote calls its main branch; without a remote the only local branch. */
export const defaultBranch: AnswerFact = async (_slots, { git }) => {
  const remote = await git.run(['symbolic-ref', '--quiet', 'refs/remotes/origin/HEAD'], { accept: [0, 1, 128] })
  const named = remote.text.trim().replace('refs/remotes/origin/', '')
  if (remote.exitCode === 0 && named !== '') return { text: named, value: named, origin: 'origin/HEAD' }
  const branches = (await git.run(['for-each-ref', '--format=%(refname:short)', 'refs/heads'])).text.split('\n').filter(Boolean)
  const known = branches.filter((name) => name === 'main' || name === 'master')
  const chosen = branches.length === 1 ? branches : known
  return chosen.length === 1 ? { text: chosen[0]!, value: chosen[0], origin: 'the local branches' } : undefined
}

export const currentBranch: AnswerFact = async (_slots, { git }) => {
  const name = await git.currentBranch()
  return name === null ? undefined : { text: name, value: name, origin: 'HEAD' }
}

/** The newest tag the commit that is checked out descends from. */
export const latestTag: AnswerFact = async (_slots, { git, head }) => {
  const found = await git.run(['describe', '--tags', '--abbrev=0', head], { accept: [0, 128] })
  const tag = found.text.trim()
  return found.exitCode === 0 && tag !== '' ? { text: tag, value: tag, origin: 'git describe' } : undefined
}

export const commitCount: AnswerFact = async (_slots, { git, head }) => {
  if (git.repository.shallow) return undefined
  const count = Number((await git.run(['rev-list', '--count', head])).text.trim())
  return { text: String(count), value: count, origin: 'git rev-list' }
}

/** By files whose name tells the language; other people's files do not count. */
export const languages: AnswerFact = async (_slots, { reader }) => {
  const counts = new Map<string, number>()
  for (const { path } of await reader.entries()) {
    const language = isVendored(path) ? undefined : languageOf(path)
    if (language) counts.set(LANGUAGES[language].name, (counts.get(LANGUAGES[language].name) ?? 0) + 1)
  }
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  if (sorted.length === 0) return undefined
  return {
    text: sorted.map(([name, files]) => `${name} (${files} ${files === 1 ? 'file' : 'files'})`).join(', '),
    value: Object.fromEntries(sorted),
    origin: 'the files of the last commit',
  }
}

const RUNTIMES: Readonly<Record<string, string>> = {
  node: 'node',
  'node.js': 'node',
  nodejs: 'node',
  python: 'python',
  go: 'go',
  golang: 'go',
  rust: 'rust',
  java: 'java',
  ruby: 'ruby',
}

/** Only what a manifest declares: an assumption is no answer. */
export const platform: AnswerFact = async ({ name = '' }, { reader, prefix }) => {
  const runtime = RUNTIMES[name.toLowerCase()]
  const folder = async (scope: string) => (await declaredPlatform(reader, scope)).targets.filter((each) => each.declared)
  const declared = (await folder(prefix)).filter((each) => each.runtime === runtime && !each.origin.endsWith('type: module'))
  if (declared.length !== 1) return undefined
  const { version, origin } = declared[0]!
  return { text: `${name} ${version} or newer`, value: { runtime, minimum: version }, origin }
}

export const taskComplexity: AnswerFact = async ({ name = '' }, facts) => {
  const complexity = await facts.complexityOf(name)
  return complexity === undefined ? undefined : { text: complexity, value: complexity, origin: 'the routing table' }
}
