import { isAbsolute, relative } from 'node:path'
import type { Git } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'

export type Origin = {
  file: string
  line: number
  /** The line as it stands in the working tree. */
  text: string
  /** The commit that made it; null where the line is not committed yet. */
  commit: string | null
  subject: string
  author: string
  /** ISO 8601 */
  time: string
  /** Every trailer of ours and the usual ones; a key may have several values. */
  trailers: Readonly<Record<string, readonly string[]>>
  /** Shortcuts into `trailers`; null where the line was not made by singularity. */
  change: string | null
  rule: string | null
  run: string | null
  base: string | null
  evidence: string | null
  approvedBy: string | null
  /** The landed commit that this one undid. */
  reverts: string | null
}

/** The trailers of a landing commit. */
export const TRAILER = {
  change: 'Singularity-Change',
  rule: 'Singularity-Rule',
  run: 'Singularity-Run',
  base: 'Singularity-Base',
  evidence: 'Singularity-Evidence',
  approvedBy: 'Singularity-Approved-By',
  reverts: 'Singularity-Reverts',
} as const

/** Which change made a line, from blame and trailers: works on any clone, without state. @throws USAGE */
export async function explainLine(git: Git, file: string, line: number): Promise<Origin> {
  const path = isAbsolute(file) ? relative(git.repository.root, file) : file
  const args = ['-c', 'blame.ignoreRevsFile=', 'blame', '--porcelain', '-L', `${line},${line}`, '--', path]
  const blame = await git.run(args, { accept: [0, 128] })
  if (blame.exitCode !== 0)
    throw new SingularityError('USAGE', `${path}:${line} cannot be explained: ${blame.stderr.replace(/^fatal: /, '').trim()}`)
  const lines = blame.text.split('\n')
  const oid = lines[0]!.split(' ')[0]!
  const text = lines.find((each) => each.startsWith('\t'))?.slice(1) ?? ''
  const uncommitted = /^0+$/.test(oid)
  const message = uncommitted ? null : await readMessage(git, oid)
  const trailers = message?.trailers ?? {}
  const first = (key: string): string | null => trailers[key]?.[0] ?? null
  return {
    file: path,
    line,
    text,
    commit: uncommitted ? null : oid,
    subject: message?.subject ?? '',
    author: message?.author ?? '',
    time: message?.time ?? '',
    trailers,
    change: first(TRAILER.change),
    rule: first(TRAILER.rule),
    run: first(TRAILER.run),
    base: first(TRAILER.base),
    evidence: first(TRAILER.evidence),
    approvedBy: first(TRAILER.approvedBy),
    reverts: first(TRAILER.reverts),
  }
}

async function readMessage(
  git: Git,
  oid: string,
): Promise<{ author: string; time: string; subject: string; trailers: Record<string, string[]> }> {
  const shown = await git.run(['show', '-s', '--format=%an <%ae>%x00%aI%x00%s%x00%B', oid])
  const [author = '', time = '', subject = '', body = ''] = shown.text.split('\0')
  return { author, time, subject, trailers: parseTrailers(body) }
}

/** Our trailers are found anywhere: squash merges put several messages into one. */
export function parseTrailers(message: string): Record<string, string[]> {
  const trailers: Record<string, string[]> = {}
  for (const [, key, value] of message.matchAll(/^(Singularity-[\w-]+|Signed-off-by|Co-authored-by|Reviewed-by): (.+)$/gm))
    (trailers[key!] ??= []).push(value!.trim())
  return trailers
}
