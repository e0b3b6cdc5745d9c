/** Replaces [start, end) by text; offsets in UTF-16 code units. Edits of one group belong together: all or none. */
export type TextEdit = { start: number; end: number; text: string; group: number }

/** Applies edits that are sorted and do not overlap. */
export function applyEdits(text: string, edits: readonly { start: number; end: number; text: string }[]): string {
  let result = ''
  let position = 0
  for (const edit of edits) {
    result += text.slice(position, edit.start) + edit.text
    position = edit.end
  }
  return result + text.slice(position)
}

/**
 * Edits of the base that have the same effect as `first` on the base and then `next` on its result.
 * Where both touch one place they become one edit, and their groups become one.
 */
export function composeEdits(first: readonly TextEdit[], next: readonly TextEdit[]): TextEdit[] {
  // Positions of the first edits in the text they made.
  let shift = 0
  const done = first.map((edit) => {
    const at = edit.start + shift
    shift += edit.text.length - (edit.end - edit.start)
    return { ...edit, at }
  })
  const merges: [number, number][] = []
  // Back to front: positions before the one at work stay as they were.
  for (const edit of [...next].sort((a, b) => b.start - a.start)) {
    let from = done.findIndex((item) => item.at + item.text.length >= edit.start && touches(item, edit))
    if (from === -1) {
      from = done.findIndex((item) => item.at >= edit.end)
      if (from === -1) from = done.length
      const before = done[from - 1]
      const delta = before === undefined ? 0 : before.end - (before.at + before.text.length)
      done.splice(from, 0, { start: edit.start + delta, end: edit.end + delta, text: edit.text, group: edit.group, at: edit.start })
      continue
    }
    let to = from
    while (to + 1 < done.length && touches(done[to + 1]!, edit)) to++
    const head = done[from]!
    const tail = done[to]!
    const tailEnd = tail.at + tail.text.length
    const prefix = Math.max(0, edit.start - head.at)
    const merged = {
      start: head.start - Math.max(0, head.at - edit.start),
      end: tail.end + Math.max(0, edit.end - tailEnd),
      text: head.text.slice(0, prefix) + edit.text + tail.text.slice(tail.text.length - Math.max(0, tailEnd - edit.end)),
      group: head.group,
      at: Math.min(head.at, edit.start),
    }
    // slice(-0) would be the whole text.
    if (tailEnd <= edit.end) merged.text = head.text.slice(0, prefix) + edit.text
    for (const item of done.slice(from, to + 1)) merges.push([item.group, edit.group])
    done.splice(from, to - from + 1, merged)
  }
  return regroup(
    done.map(({ start, end, text, group }) => ({ start, end, text, group })),
    merges,
  )
}

function touches(item: { at: number; text: string }, edit: TextEdit): boolean {
  const end = item.at + item.text.length
  if (edit.start === edit.end) return edit.start > item.at && edit.start < end
  if (item.text === '') return item.at > edit.start && item.at < edit.end
  return item.at < edit.end && edit.start < end
}

/** Gives edits of groups that were merged one group number. */
function regroup(edits: TextEdit[], merges: readonly (readonly [number, number])[]): TextEdit[] {
  const parent = new Map<number, number>()
  const rootOf = (group: number): number => {
    let root = group
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up
    return root
  }
  for (const [a, b] of merges) {
    const [x, y] = [rootOf(a), rootOf(b)]
    if (x !== y) parent.set(Math.max(x, y), Math.min(x, y))
  }
  return edits.map((edit) => ({ ...edit, group: rootOf(edit.group) }))
}
