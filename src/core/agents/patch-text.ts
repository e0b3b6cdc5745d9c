import { ToolFailure } from './failure.ts'
import type { EditOperation } from './edit.ts'

/** Whether an answer is, or holds, a patch in one of the forms that models emit unasked. */
export function findPatchText(text: string): string | null {
  const envelope = /^\*\*\* Begin Patch$[\s\S]*?^\*\*\* End Patch$/m.exec(text)
  if (envelope) return envelope[0]
  const fenced = /^```(?:diff|patch)\n([\s\S]*?)^```/m.exec(text)
  if (fenced) return fenced[1]!
  return /^--- .+\n\+\+\+ .+\n@@/m.exec(text) ? text.slice(text.search(/^--- .+\n\+\+\+ /m)) : null
}

/**
 * `apply_patch` envelopes and unified diffs as canonical operations. Line numbers are not believed: each hunk becomes a text that has to
 * stand in the file once. @throws ToolFailure PATCH_INVALID
 */
export function operationsOfPatch(patch: string): EditOperation[] {
  const lines = patch.replaceAll('\r\n', '\n').split('\n')
  const operations = lines.some((line) => line.startsWith('*** Begin Patch')) ? fromEnvelope(lines) : fromUnified(lines)
  if (operations.length === 0) throw new ToolFailure('PATCH_INVALID', 'The patch changes nothing, or its form is not known.')
  return operations
}

function fromEnvelope(lines: readonly string[]): EditOperation[] {
  const operations: EditOperation[] = []
  let path: string | null = null
  let adding: string[] | null = null
  let hunk: string[] = []
  const close = (): void => {
    if (path !== null && adding !== null) operations.push({ kind: 'write', path, content: `${adding.join('\n')}\n` })
    else if (path !== null) operations.push(...editOfHunk(path, hunk))
    hunk = []
  }
  for (const line of lines) {
    const header = /^\*\*\* (Add|Update|Delete) File: (.+)$/.exec(line)
    if (header) {
      close()
      const [, what, name] = header
      path = what === 'Delete' ? null : name!.trim()
      adding = what === 'Add' ? [] : null
      if (what === 'Delete') operations.push({ kind: 'delete', path: name!.trim() })
    } else if (line.startsWith('*** Move to:'))
      throw new ToolFailure('PATCH_INVALID', 'Moving a file is not supported: write the new one and delete the old one.')
    else if (/^\*\*\* (?:Begin|End) Patch/.test(line)) {
      close()
      path = null
      adding = null
    } else if (line.startsWith('*** End of File')) continue
    else if (adding !== null) {
      if (!line.startsWith('+')) throw new ToolFailure('PATCH_INVALID', `A line of the new file ${path} does not begin with '+'.`)
      adding.push(line.slice(1))
    } else if (line.startsWith('@@')) close()
    else if (path !== null) hunk.push(line)
  }
  return operations
}

function fromUnified(lines: readonly string[]): EditOperation[] {
  const operations: EditOperation[] = []
  let file: { from: string | null; to: string | null } | null = null
  let hunk: string[] = []
  const close = (): void => {
    while (hunk.at(-1) === '') hunk.pop()
    if (file && hunk.length > 0) {
      if (file.from === null && file.to !== null)
        operations.push({ kind: 'write', path: file.to, content: `${sideOf(hunk, '+').join('\n')}\n` })
      else if (file.from !== null && file.to !== null) operations.push(...editOfHunk(file.to, hunk))
    }
    hunk = []
  }
  let inHunk = false
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('--- ') && lines[index + 1]?.startsWith('+++ ')) {
      close()
      inHunk = false
      file = { from: nameIn(line.slice(4)), to: nameIn(lines[index + 1]!.slice(4)) }
      if (file.from !== null && file.to === null) operations.push({ kind: 'delete', path: file.from })
      if (file.from !== null && file.to !== null && file.from !== file.to)
        throw new ToolFailure('PATCH_INVALID', 'Moving a file is not supported: write the new one and delete the old one.')
    } else if (line.startsWith('@@')) {
      close()
      inHunk = true
    } else if (/^(?:diff |index )/.test(line)) {
      close()
      inHunk = false
    } else if (inHunk && !line.startsWith('\\')) hunk.push(line)
  }
  close()
  return operations
}

function nameIn(text: string): string | null {
  const name = text.split('\t')[0]!.trim()
  return name === '/dev/null' ? null : name.replace(/^[ab]\//, '')
}

/** An empty line of a hunk is an empty context line whose blank was lost; at its ends it belongs to nothing. */
function editOfHunk(path: string, lines: readonly string[]): EditOperation[] {
  const hunk = [...lines]
  while (hunk.at(-1) === '') hunk.pop()
  if (!hunk.some((line) => /^[+-]/.test(line))) return []
  const strange = hunk.find((line) => line !== '' && !/^[ +-]/.test(line))
  if (strange !== undefined)
    throw new ToolFailure('PATCH_INVALID', `${path}: a hunk holds the line ${JSON.stringify(strange.slice(0, 80))}.`)
  const old = sideOf(hunk, '-')
  if (old.join('').trim() === '')
    throw new ToolFailure('PATCH_INVALID', `${path}: a hunk without lines of the file has no place. Take lines around it.`)
  return [{ kind: 'edit', path, old: old.join('\n'), new: sideOf(hunk, '+').join('\n') }]
}

function sideOf(hunk: readonly string[], side: '+' | '-'): string[] {
  return hunk.filter((line) => line === '' || line.startsWith(' ') || line.startsWith(side)).map((line) => line.slice(1))
}
