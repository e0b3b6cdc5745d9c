import { isUtf8 } from 'node:buffer'
import type { FileChange, Git } from '../git/index.ts'
import { SingularityError, groupBy } from '../kernel/index.ts'
import type { Site } from './source.ts'

/** Byte offset at which each line starts, plus the length: `offsets[n]` is where line n+1 starts. */
function lineOffsets(content: Buffer): number[] {
  const offsets = [0]
  for (let at = content.indexOf(10); at !== -1; at = content.indexOf(10, at + 1)) offsets.push(at + 1)
  if (offsets.at(-1) !== content.length) offsets.push(content.length)
  return offsets
}

/**
 * Applies the edits of the given sites to one file's bytes. Edits are byte ranges of the base content.
 * @throws INTERNAL when two edits overlap: a source must not offer that.
 */
export function applyEdits(content: Buffer, sites: readonly Site[]): Buffer {
  const edits = sites.flatMap(({ edits }) => edits).toSorted((a, b) => a.start - b.start || a.end - b.end)
  const parts: Uint8Array[] = []
  let at = 0
  for (const edit of edits) {
    if (edit.start < at) throw new SingularityError('INTERNAL', `Overlapping edits at byte ${edit.start}.`)
    parts.push(content.subarray(at, edit.start), Buffer.from(edit.text))
    at = edit.end
  }
  parts.push(content.subarray(at))
  return Buffer.concat(parts)
}

/** The new content of every file the sites touch. */
export async function changesOf(git: Git, base: string, sites: readonly Site[]): Promise<FileChange[]> {
  const reader = git.reader(base)
  const changes: FileChange[] = []
  for (const [path, own] of groupBy(sites, ({ file }) => file)) {
    const content = await reader.read(path)
    if (!content) throw new SingularityError('INTERNAL', `${path} is not in ${base}.`)
    changes.push({ path, content: applyEdits(content, own) })
  }
  return changes
}

/**
 * Cuts the difference of two trees into sites: one hunk of a modified text file is one site; files that are added,
 * deleted, renamed, not UTF-8 or change their mode cannot be split and come back as `whole`.
 */
export async function sitesOfDiff(git: Git, from: string, to: string): Promise<{ sites: Site[]; whole: string[] }> {
  const sites: Site[] = []
  const whole: string[] = []
  const [before, after] = [git.reader(from), git.reader(to)]
  for (const file of await git.changedFiles(from, to)) {
    const splittable = file.status === 'modified' && file.oldMode === file.newMode && file.newMode.startsWith('100')
    const [old, next] = splittable ? [await before.read(file.path), await after.read(file.path)] : [undefined, undefined]
    if (!old || !next || old.includes(0) || next.includes(0) || !isUtf8(old) || !isUtf8(next)) {
      whole.push(file.path)
      continue
    }
    const patch = await git.diff(from, to, { paths: [file.path], context: 0 })
    const [oldLines, newLines] = [lineOffsets(old), lineOffsets(next)]
    for (const [, line, count, newLine, newCount] of patch.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)) {
      const [start, end] = hunkRange(oldLines, Number(line), count === undefined ? 1 : Number(count))
      const [newStart, newEnd] = hunkRange(newLines, Number(newLine), newCount === undefined ? 1 : Number(newCount))
      sites.push({
        file: file.path,
        line: Math.max(1, Number(line)),
        edits: [{ start, end, text: next.toString('utf8', newStart, newEnd) }],
        ...(newEnd > newStart && { added: { from: Number(newLine), count: newCount === undefined ? 1 : Number(newCount) } }),
      })
    }
  }
  return { sites, whole }
}

/** Bytes of `count` lines from `line` on; with `count` 0, the empty place behind `line` (unified diff's convention). */
function hunkRange(offsets: readonly number[], line: number, count: number): [number, number] {
  const last = offsets.at(-1)!
  if (count === 0) return [offsets[line] ?? last, offsets[line] ?? last]
  return [offsets[line - 1] ?? last, offsets[line - 1 + count] ?? last]
}
