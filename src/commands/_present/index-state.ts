import type { Forgotten, IndexStatus, Verification } from '../../core/search/index.ts'
import type { SentText } from '../../core/llm/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

/** What the index holds, and what of the repository went to other machines. */
export type StatusAnswer = IndexStatus & { sent: SentText[] | null }

export function statusData({
  state,
  building,
  file,
  bytes,
  behindFiles,
  include,
  counts,
  classes,
  languages,
  worktrees,
  spaces,
  sent,
}: StatusAnswer): Record<string, unknown> {
  return {
    state,
    building,
    file,
    bytes,
    behind_files: behindFiles,
    include,
    counts,
    classes,
    languages,
    worktrees: worktrees.map(({ path, usedAt, complete, here }) => ({ path, used_at: new Date(usedAt).toISOString(), complete, here })),
    model: spaces.find(({ missing }) => missing === 0)?.model ?? null,
    spaces,
    left_the_machine: sent,
  }
}

const WORDS = { none: 'There is no index here. To build it: singularity index', ready: 'up to date', behind: 'behind' } as const

export function presentStatus(status: StatusAnswer): string {
  const { state, building, file, bytes, behindFiles, include, counts, classes, languages, worktrees, spaces, sent } = status
  const now = building ? paint('yellow', 'The index is being written now.') : ''
  const remote = sent?.length === 0 ? paint('dim', '  Nothing of it left this machine.') : presentSent(sent)
  if (state === 'none' || counts === null)
    return [WORDS.none, sent?.length === 0 ? '' : remote, now].filter((line) => line !== '').join('\n')
  const behind = behindFiles === null || behindFiles === 0 ? '' : `, ${plural(behindFiles, 'file')} changed since`
  const head = `${paint('bold', 'index')}  ${paint(state === 'ready' ? 'green' : 'yellow', WORDS[state])}${behind}  ${oneLine(file ?? '')}  ${(bytes / 1_048_576).toFixed(1)} MB`
  const figures = `  ${plural(counts.files, 'file')}, ${plural(counts.docs, 'piece')}, ${plural(counts.symbols, 'symbol')}`
  const left = classes.map((each) => [String(each.files).padStart(6), each.class, each.reason ?? ''])
  const spoken = languages.map(({ language, tier, files }) => [String(files).padStart(6), language, tier === 1 ? '' : `tier ${tier}`])
  const others = worktrees.filter(({ here }) => !here).map(({ path }) => `  also of ${oneLine(path)}`)
  const meaning = spaces.map(({ model, vectors, missing }) => {
    const rest = missing === 0 ? '' : `, ${plural(missing, 'piece')} without one yet`
    return `  ${oneLine(model)}: ${plural(vectors, 'vector')}${rest}`
  })
  const added = include.length === 0 ? [] : [`  included: ${include.map(oneLine).join(', ')}`]
  return [head, figures, table(left, { grow: 2 }), table(spoken, { grow: 2 }), ...added, ...others, ...meaning, remote, now]
    .filter((line) => line !== '')
    .join('\n')
}

/** What was sent stays where it went: an index that forgets a file changes nothing there. */
function presentSent(sent: readonly SentText[] | null): string {
  if (sent === null) return paint('yellow', '  What left this machine cannot be read (singularity doctor).')
  const rows = sent.map(({ host, model, purpose, pieces, bytes, last_at }) => {
    const what = purpose === 'query' ? plural(pieces, 'question') : plural(pieces, 'piece')
    return `    ${oneLine(host)}  ${oneLine(model)}  ${what}, ${(bytes / 1024).toFixed(1)} KB, last ${last_at.slice(0, 10)}`
  })
  return [paint('yellow', '  Left this machine, and cannot be taken back:'), ...rows].join('\n')
}

export function verificationData({ ok, quickCheck, counts, sampled, mismatched }: Verification): Record<string, unknown> {
  return { ok, quick_check: quickCheck, counts, sampled, mismatched }
}

export function presentVerification({ ok, quickCheck, counts, sampled, mismatched }: Verification): string {
  if (ok)
    return `The index is right: ${plural(counts.files, 'file')}, ${plural(counts.docs, 'piece')}; ${plural(sampled, 'file')} read again.`
  const rows = mismatched.slice(0, 20).map(({ path, what }) => `  ${path === '' ? 'index' : oneLine(path)}: ${what}`)
  const pages = quickCheck === 'ok' ? [] : [`  pages: ${oneLine(quickCheck)}`]
  return [paint('red', 'The index is not right.'), ...pages, ...rows, 'To build it again: singularity index --full'].join('\n')
}

export function presentForgotten({ files, blobs, worktrees }: Forgotten, sent: readonly SentText[] | null): string {
  const done = `Forgotten: ${plural(files, 'file')}, ${plural(blobs, 'content')} no file has, ${plural(worktrees, 'worktree')}.`
  const hosts = [...new Set(sent?.map(({ host }) => oneLine(host)))]
  return hosts.length === 0
    ? done
    : `${done}\nPieces that were sent to ${hosts.join(', ')} stay there: nobody can take them back from here.`
}
