import type { Git, GitOptions } from './git.ts'

export type HistoryChange = {
  path: string
  /** Where the file was before this commit, if it was moved. */
  oldPath: string | null
  /** False where the file was only moved, or got another mode. */
  edited: boolean
}

export type HistoryCommit = {
  oid: string
  /** When it was committed, in ms. */
  time: number
  author: string
  subject: string
  body: string
  changes: HistoryChange[]
}

export type HistoryOptions = {
  /** Commits of this time (ms) and later. */
  since?: number | undefined
  /** Only commits that touch one of these, and only what they do there: moves from elsewhere look like new files then. */
  paths?: readonly string[]
  signal?: AbortSignal
}

const START = '\u0001'
/** Modes, ids and what happened; an id that is the same on both sides is the same content. */
const CHANGE = /^:\d+ \d+ ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*$/
/** Candidates git compares for one move; exact ones are always found. */
const RENAME_LIMIT = '400'
const TIMEOUT_MS = 600_000

/**
 * The commits that HEAD reaches, newest first, with what each changed; merges are left out, for what they bring stands in the commits
 * they merge. One run of git, which compares trees and not lines: counting those takes ten times as long.
 */
export async function readHistory(git: Pick<Git, 'run'>, { since, paths = [], signal }: HistoryOptions = {}): Promise<HistoryCommit[]> {
  const options: GitOptions = { timeoutMs: TIMEOUT_MS, ...(signal && { signal }) }
  // without a commit there is no history, which is no failure
  if ((await git.run(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { accept: [0, 1, 128] })).exitCode !== 0) return []
  const { stdout } = await git.run(
    [
      'log',
      '-z',
      '--no-merges',
      '--topo-order',
      '--raw',
      '--no-abbrev',
      '--find-renames',
      `-l${RENAME_LIMIT}`,
      '--no-ext-diff',
      '--no-textconv',
      '--no-color',
      '--no-notes',
      '--ignore-submodules=all',
      '--format=%x01%H%x00%ct%x00%aE%x00%s%x00%b%x00',
      ...(since === undefined ? [] : [`--since=@${Math.floor(since / 1000)} +0000`]),
      'HEAD',
      '--',
      ...paths,
    ],
    options,
  )
  return parseHistory(stdout.toString('utf8'))
}

/** A path may hold any character but NUL: what a field is follows from the field in front of it. */
export function parseHistory(text: string): HistoryCommit[] {
  const fields = text.split('\0')
  const commits: HistoryCommit[] = []
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at]!.replace(/^\n/, '')
    if (field.startsWith(START)) {
      const [time = '', author = '', subject = '', body = ''] = fields.slice(at + 1, at + 5)
      commits.push({ oid: field.slice(1), time: Number(time) * 1000, author, subject, body, changes: [] })
      at += 4
      continue
    }
    const found = CHANGE.exec(field)
    const commit = commits.at(-1)
    if (found === null || commit === undefined) continue
    const [, before, after, what] = found
    const moved = what === 'R' || what === 'C'
    const [first = '', second = ''] = fields.slice(at + 1, at + 3)
    commit.changes.push({ path: moved ? second : first, oldPath: moved ? first : null, edited: before !== after })
    at += moved ? 2 : 1
  }
  return commits
}
