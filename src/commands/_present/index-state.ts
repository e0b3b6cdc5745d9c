import type { Forgotten, IndexStatus, Verification } from '../../core/search/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

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
}: IndexStatus): Record<string, unknown> {
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
    model: null,
    left_the_machine: [],
  }
}

const WORDS = { none: 'There is no index here. To build it: singularity index', ready: 'up to date', behind: 'behind' } as const

export function presentStatus({
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
}: IndexStatus): string {
  const now = building ? paint('yellow', 'The index is being written now.') : ''
  if (state === 'none' || counts === null) return [WORDS.none, now].filter((line) => line !== '').join('\n')
  const behind = behindFiles === null || behindFiles === 0 ? '' : `, ${plural(behindFiles, 'file')} changed since`
  const head = `${paint('bold', 'index')}  ${paint(state === 'ready' ? 'green' : 'yellow', WORDS[state])}${behind}  ${oneLine(file ?? '')}  ${(bytes / 1_048_576).toFixed(1)} MB`
  const figures = `  ${plural(counts.files, 'file')}, ${plural(counts.docs, 'piece')}, ${plural(counts.symbols, 'symbol')}`
  const left = classes.map((each) => [String(each.files).padStart(6), each.class, each.reason ?? ''])
  const spoken = languages.map(({ language, tier, files }) => [String(files).padStart(6), language, tier === 1 ? '' : `tier ${tier}`])
  const others = worktrees.filter(({ here }) => !here).map(({ path }) => `  also of ${oneLine(path)}`)
  const added = include.length === 0 ? [] : [`  included: ${include.map(oneLine).join(', ')}`]
  const remote = paint('dim', '  Nothing of it left this machine.')
  return [head, figures, table(left, { grow: 2 }), table(spoken, { grow: 2 }), ...added, ...others, remote, now]
    .filter((line) => line !== '')
    .join('\n')
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

export function presentForgotten({ files, blobs, worktrees }: Forgotten): string {
  return `Forgotten: ${plural(files, 'file')}, ${plural(blobs, 'content')} no file has, ${plural(worktrees, 'worktree')}.`
}
