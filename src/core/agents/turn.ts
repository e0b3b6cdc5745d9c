import type { ToolCall } from '../llm/index.ts'
import { type AppliedEdit, type EditOperation, type EditPolicy, openTransaction } from './edit.ts'
import { ToolFailure, type ToolFailureCode } from './failure.ts'
import { asData, namesKeptOutput } from './output.ts'
import { type CheckedCall, checkCall } from './params.ts'
import { operationsOfPatch } from './patch-text.ts'
import { EDITING, READ_ONLY } from './tool-schemas.ts'
import { type Workplace, answerCall } from './tools.ts'

/** Calls of one turn that are answered; the others are sent back. */
export const MOST_CALLS = 8

export type ToolResult = {
  id: string
  /** The tool it was in the end, or the unknown name. */
  tool: string
  content: string
  error: ToolFailureCode | null
  ms: number
  /** A question without an answer yet: the content comes with it. */
  pending?: true
}

export type TurnOutcome = {
  results: ToolResult[]
  edits: readonly AppliedEdit[]
  /** Set by `done` where nothing else of the turn failed. */
  done: string | null
  /** Programs ran: the tree may have changed by that. */
  ran: boolean
}

type Slot = {
  call: ToolCall
  checked: CheckedCall | null
  failure: ToolFailure | null
  content: string | null
  ms: number
  /** What it came to when the conversation was recorded. */
  recorded?: ToolResult
}

/**
 * Answers all calls of one turn. Edits come first, as one transaction: when one fails none is made, and no program is run on a tree
 * the model does not expect. What only reads runs at once; programs run one after the other.
 */
export async function answerTurn(calls: readonly ToolCall[], place: Workplace, policy: EditPolicy): Promise<TurnOutcome> {
  const slots = await Promise.all(calls.map((call, index) => openSlot(call, index)))
  const live = (): Slot[] => slots.filter(({ failure, content }) => failure === null && content === null)
  const edits = applyEdits(live().filter(isEditing), place, policy)
  const broken = slots.some((slot) => slot.failure !== null && (isEditing(slot) || slot.checked === null))
  const outcome: TurnOutcome = { results: [], edits, done: null, ran: false }

  await Promise.all(
    live()
      .filter(({ checked }) => READ_ONLY.has(checked!.tool))
      .map((slot) => answer(slot, place)),
  )
  for (const slot of live().filter(({ checked }) => checked!.tool === 'run')) {
    if (broken) slot.failure = new ToolFailure('NOT_APPLIED', 'run: nothing was started, because an edit of this turn was refused.')
    else {
      outcome.ran ||= place.canRun
      await answer(slot, place)
    }
  }
  for (const slot of live()) {
    const { tool, params } = slot.checked!
    if (tool === 'ask') continue
    if (slots.some(({ failure }) => failure !== null))
      slot.failure = new ToolFailure('NOT_APPLIED', 'done: another call of this turn failed. Look at it first.')
    else if (slots.some(({ checked }) => checked?.tool === 'ask'))
      slot.failure = new ToolFailure('NOT_APPLIED', 'done: you have just asked something. Read the answer first.')
    else {
      outcome.done = String(params['summary']).slice(0, 4000)
      slot.content = asData('done', 'Noted.')
    }
  }
  outcome.results = slots.map(toResult)
  return outcome
}

/** What a call of `ask` wants to know. */
export function questionOf(params: unknown): string {
  return String((params as { question?: unknown }).question).slice(0, 2000)
}

const isEditing = ({ checked }: Slot): boolean => checked !== null && EDITING.has(checked.tool)

async function openSlot(call: ToolCall, index: number): Promise<Slot> {
  const slot: Slot = { call, checked: null, failure: null, content: null, ms: 0 }
  try {
    if (index >= MOST_CALLS) throw new ToolFailure('TOO_MANY_CALLS', `Only the first ${MOST_CALLS} calls of a turn are answered.`)
    slot.checked = await checkCall(call)
  } catch (error) {
    slot.failure = asFailure(error)
  }
  return slot
}

function applyEdits(slots: readonly Slot[], place: Workplace, policy: EditPolicy): readonly AppliedEdit[] {
  if (slots.length === 0) return []
  const transaction = openTransaction(place.sandbox.path, place.reads, policy)
  for (const slot of slots) {
    const started = performance.now()
    try {
      const done = operationsOf(slot.checked!).map((operation) => transaction.apply(operation))
      slot.content = asData(
        slot.checked!.tool,
        done.map(({ path, level, after }) => `${path}: ${after === null ? 'deleted' : `changed (${level})`}`).join('\n'),
      )
    } catch (error) {
      slot.failure = asFailure(error)
    }
    slot.ms = performance.now() - started
  }
  const wrong = slots.find(({ failure }) => failure !== null)
  if (!wrong) {
    try {
      return transaction.commit()
    } catch (error) {
      const failure = asFailure(error)
      for (const slot of slots) slot.failure = failure
      return []
    }
  }
  for (const slot of slots)
    slot.failure ??= new ToolFailure('NOT_APPLIED', `Not made, because another edit of this turn failed: ${wrong.failure!.code}.`)
  return []
}

function operationsOf({ tool, params }: CheckedCall): EditOperation[] {
  const field = (name: string): string => String(params[name])
  if (tool === 'edit') return [{ kind: 'edit', path: field('path'), old: field('old'), new: field('new') }]
  if (tool === 'write') return [{ kind: 'write', path: field('path'), content: field('content') }]
  if (tool === 'replace_symbol')
    return [{ kind: 'replace_symbol', path: field('path'), symbol: field('symbol'), content: field('content') }]
  return operationsOfPatch(field('patch'))
}

async function answer(slot: Slot, place: Workplace): Promise<void> {
  const recorded = place.recorded?.(slot.checked!)
  if (recorded) {
    slot.recorded = recorded
    // later outputs have the numbers they had
    if (namesKeptOutput(recorded.content)) place.outputs.keep(recorded.content)
    if (recorded.error === null) slot.content = recorded.content
    else slot.failure = new ToolFailure(recorded.error, 'As it was recorded.')
    return
  }
  const started = performance.now()
  try {
    slot.content = await answerCall(slot.checked!, place)
  } catch (error) {
    slot.failure = asFailure(error)
  }
  slot.ms = performance.now() - started
}

/** A failure of ours, not of the call, is thrown on: the model cannot do anything about it. */
function asFailure(error: unknown): ToolFailure {
  if (error instanceof ToolFailure) return error
  throw error
}

function toResult({ call, checked, failure, content, ms, recorded }: Slot): ToolResult {
  if (recorded) return recorded
  const tool = checked?.tool ?? String(call.toolName).slice(0, 60)
  return {
    id: call.id,
    tool,
    content: failure ? asData(tool.replaceAll(/\W/g, '_'), `${failure.code}: ${failure.message}`) : (content ?? ''),
    error: failure?.code ?? null,
    ms: Math.round(ms),
    ...(tool === 'ask' && failure === null && { pending: true as const }),
  }
}
