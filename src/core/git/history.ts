import type { Git, GitOptions } from './git.ts'

export type HistoryChange = {
  path: string
  /** Where the file was before this commit, if it was moved. */
  oldPath: string | null
  /** Lines; null where git takes the file for no text. */
  added: number | null
  deleted: number | null
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
const COUNTS = /^(\d+|-)\t(\d+|-)\t/
/** Candidates git compares for one move; exact ones are always found. */
const RENAME_LIMIT = '400'
const TIMEOUT_MS = 600_000

/**
 * The commits that HEAD reaches, newest first, with what each changed; merges are left out, for what they bring stands in the commits
 * they merge. One run of git.
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
      '--numstat',
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
    const counts = COUNTS.exec(field)
    const commit = commits.at(-1)
    if (counts === null || commit === undefined) continue
    const [whole, added, deleted] = counts
    const path = field.slice(whole.length)
    const moved = path === ''
    commit.changes.push({
      path: moved ? fields[at + 2]! : path,
      oldPath: moved ? fields[at + 1]! : null,
      added: added === '-' ? null : Number(added),
      deleted: deleted === '-' ? null : Number(deleted),
    })
    if (moved) at += 2
  }
  return commits
}
