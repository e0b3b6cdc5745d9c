import { languageOf, parseSource } from '../parsing/index.ts'
import { ToolFailure } from './failure.ts'
import { type MatchLevel, replaceUnique } from './match.ts'
import { LARGEST_FILE, type TextFile, checkPath, readText, writeFileSafely } from './paths.ts'
import { findPlaceholder } from './placeholders.ts'
import { replaceSymbol } from './symbols.ts'

/** The canonical forms every edit of a model comes down to. Never line numbers. */
export type EditOperation =
  | { kind: 'edit'; path: string; old: string; new: string }
  | { kind: 'write'; path: string; content: string }
  | { kind: 'replace_symbol'; path: string; symbol: string; content: string }
  | { kind: 'delete'; path: string }

/** Hash of each file as the model saw it last. */
export type ReadFiles = Map<string, string>

export type EditPolicy = {
  /** Files above so many lines are edited, not rewritten; models that only write whole files have no such bound. */
  longestRewrite: number
  /** Folders or files the task was restricted to; everything when empty. */
  paths: readonly string[]
}

export type AppliedEdit = { path: string; level: MatchLevel | 'whole' | 'symbol'; before: string | null; after: string | null }

export const LONGEST_REWRITE = 150
const HIDDEN = '[hidden]'

type Staged = { before: TextFile | undefined; text: string | null; executable: boolean }

/**
 * The edits of one turn as a transaction: each is checked against what the ones before it left, in memory; `commit` writes them all.
 * An edit of a file that was not read, or that changed since, is refused; so is one after which the file parses worse.
 */
export function openTransaction(root: string, reads: ReadFiles, policy: EditPolicy) {
  const staged = new Map<string, Staged>()
  const applied: AppliedEdit[] = []

  const stage = (path: string): Staged => {
    const known = staged.get(path)
    if (known) return known
    const before = readText(root, path)
    const fresh = { before, text: before?.text ?? null, executable: before?.executable ?? false }
    return fresh
  }

  return {
    /** @throws ToolFailure; what was staged before stays staged */
    apply(operation: EditOperation): AppliedEdit {
      const path = checkPath(root, operation.path)
      if (policy.paths.length > 0 && !policy.paths.some((allowed) => path === allowed || path.startsWith(`${allowed}/`)))
        throw new ToolFailure('PATH_DENIED', `${path} is outside of what this task may change: ${policy.paths.join(', ')}.`)
      const file = stage(path)
      demandRead(path, file, reads, operation.kind)
      const before = file.text
      const next = nextText({ ...operation, path }, before, policy)
      if (next.text !== null) checkText(path, before, next.text)
      staged.set(path, { ...file, text: next.text })
      const done = { path, level: next.level, before, after: next.text }
      applied.push(done)
      return done
    },
    /** Writes all files; answers what was done. */
    commit(): readonly AppliedEdit[] {
      for (const [path, { text, executable }] of staged) writeFileSafely(root, path, text, executable)
      for (const [path, { text }] of staged) {
        const now = text === null ? undefined : readText(root, path)
        if (now) reads.set(path, now.hash)
        else reads.delete(path)
      }
      return applied
    },
  }
}

function demandRead(path: string, { before }: Staged, reads: ReadFiles, kind: EditOperation['kind']): void {
  if (!before) {
    if (kind !== 'write') throw new ToolFailure('NOT_FOUND', `There is no file ${path}.`)
    return
  }
  const seen = reads.get(path)
  if (seen === undefined) throw new ToolFailure('NOT_READ', `${path} was not read yet: read it before changing it.`)
  if (seen !== before.hash) throw new ToolFailure('CHANGED_SINCE_READ', `${path} changed since it was read: read it again.`)
}

function nextText(
  operation: EditOperation,
  before: string | null,
  policy: EditPolicy,
): { text: string | null; level: AppliedEdit['level'] } {
  const { path } = operation
  if (operation.kind === 'delete') return { text: null, level: 'whole' }
  if (operation.kind === 'write') {
    const lines = before?.split('\n').length ?? 0
    if (lines > policy.longestRewrite)
      throw new ToolFailure('TOO_LARGE', `${path} has ${lines} lines: change it by edit or replace_symbol instead of writing it whole.`)
    if (operation.content === before) throw new ToolFailure('NOTHING_CHANGED', `${path} already reads so.`)
    return { text: operation.content, level: 'whole' }
  }
  if (before === null) throw new ToolFailure('NOT_FOUND', `There is no file ${path}.`)
  if (operation.kind === 'replace_symbol')
    return { text: replaceSymbol(before, path, operation.symbol, operation.content), level: 'symbol' }
  return replaceUnique(before, operation.old, operation.new, path)
}

function checkText(path: string, before: string | null, next: string): void {
  if (Buffer.byteLength(next) > LARGEST_FILE) throw new ToolFailure('TOO_LARGE', `${path} would have more than ${LARGEST_FILE} bytes.`)
  if (next.includes('\0')) throw new ToolFailure('NOT_TEXT', `${path} would hold a zero byte.`)
  if (count(next, HIDDEN) > count(before ?? '', HIDDEN))
    throw new ToolFailure('REDACTED', `${path}: ${HIDDEN} stands for a credential that was not shown; leave those lines as they are.`)
  const placeholder = findPlaceholder(path, before ?? '', next)
  if (placeholder !== null)
    throw new ToolFailure('PLACEHOLDER', `${path}: ${JSON.stringify(placeholder)} stands for code that was left out. Write all of it.`)
  const language = languageOf(path, next.split('\n', 1)[0])
  if (!language) return
  const errors = (text: string): number => parseSource(text, language)?.errorCount() ?? 0
  const now = errors(next)
  if (now > 0 && now > (before === null ? 0 : errors(before)))
    throw new ToolFailure('SYNTAX', `${path} would not parse any more (${now} syntax errors). Nothing was changed.`)
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}
