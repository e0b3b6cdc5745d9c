import type { StoredResult, ToolCall } from '../llm/index.ts'
import { asData } from './output.ts'
import { findPatchText } from './patch-text.ts'
import { APPLY_PATCH } from './tool-schemas.ts'
import type { ToolResult } from './turn.ts'

/** A patch in the text of an answer that calls nothing is taken as the call it stands for. */
export function callsOf(answer: StoredResult, turn: number): { calls: ToolCall[]; textual: boolean } {
  const calls = answer.tool_calls.map(({ id, tool_name, params }) => ({ id, toolName: tool_name, params }))
  const patch = calls.length === 0 ? findPatchText(answer.response) : null
  if (patch === null) return { calls, textual: false }
  return { calls: [{ id: `patch-${turn}`, toolName: APPLY_PATCH, params: { patch } }], textual: true }
}

/** The results of a turn in the order of its calls, one for each. */
export function inOrder(calls: readonly ToolCall[], results: readonly ToolResult[]): ToolResult[] {
  return calls.flatMap(({ id }) => results.filter((result) => result.id === id).slice(0, 1))
}

/** What is said to a model that called nothing; null where nothing has to be said. */
export function noteOf(
  answer: StoredResult,
  calls: readonly ToolCall[],
  textual: readonly ToolResult[],
  done: string | null,
): string | null {
  if (textual.length > 0) return textual.map(({ content }) => content).join('\n')
  if (calls.length > 0 || done !== null) return null
  if (answer.stop === 'length') return 'Your answer was cut off at its limit. Go on in smaller steps.'
  return 'Nothing was called. Change files by the tools, and call done when the change is complete.'
}

const CHECK_FAILED = 'CHECK_FAILED: the change is not complete yet.'

/** What was said of a `done` that was not believed, by the results and the note it left; null where it was. */
export function whatFailed(results: readonly ToolResult[], note: string | null): string | null {
  const told = results.find(({ error }) => error === 'CHECK_FAILED')?.content ?? note ?? ''
  const start = told.indexOf(`${CHECK_FAILED}\n`)
  return start === -1 ? null : told.slice(start + CHECK_FAILED.length + 1, told.lastIndexOf('\n'))
}

/** `done` was not believed: why stands in its result, or in the note where it was no call. */
export function checkFailed(
  results: readonly ToolResult[],
  note: string | null,
  wrong: string,
): { results: ToolResult[]; note: string | null } {
  const content = asData('done', `${CHECK_FAILED}\n${wrong}`)
  const called = results.some(({ tool }) => tool === 'done')
  return {
    results: results.map((each) => (each.tool === 'done' ? { ...each, content, error: 'CHECK_FAILED' as const } : each)),
    note: called ? note : [note, content].filter((part) => part !== null).join('\n'),
  }
}
