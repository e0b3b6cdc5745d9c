import type { TokenUsage, ToolCall } from '../provider.ts'
import type { Wire } from './attempt.ts'
import { isObject, row, rows, toolCall } from './translate.ts'
import { anthropicUsage } from './usage.ts'

type Row = Readonly<Record<string, unknown>>

/** One finished message of Anthropic. */
export type Collected = {
  /** Content blocks as the provider wants them back. */
  blocks: readonly Row[]
  text: string
  toolCalls: readonly ToolCall[]
  stopReason: string
  usage: TokenUsage | null
  model: string | null
  id: string | null
}

/** A message from the events of its stream, or from a body in one piece; undefined where it has no end. */
export async function collectMessage(events: AsyncIterable<unknown>, wire: Wire): Promise<Collected | undefined> {
  const byIndex = new Map<number, Record<string, unknown>>()
  const inputs = new Map<number, string>()
  const usages: unknown[] = []
  let head: Row = {}
  let stopReason: unknown
  let ended = false

  for await (const raw of events) {
    const event = row(raw)
    const index = typeof event['index'] === 'number' ? event['index'] : 0
    if (event['type'] !== 'ping') wire.content()
    switch (event['type']) {
      case 'message_start':
        head = row(event['message'])
        usages.push(head['usage'])
        break
      case 'content_block_start':
        byIndex.set(index, { ...row(event['content_block']) })
        break
      case 'content_block_delta':
        addDelta(byIndex.get(index), index, row(event['delta']), inputs, wire)
        break
      case 'message_delta':
        usages.push(event['usage'])
        stopReason = row(event['delta'])['stop_reason'] ?? stopReason
        break
      case 'message_stop':
        ended = true
        break
    }
  }
  const whole = wire.buffered()
  if (whole && !ended) {
    head = whole
    for (const [index, block] of rows(whole['content']).entries()) byIndex.set(index, { ...block })
    usages.push(whole['usage'])
    stopReason = whole['stop_reason']
    ended = true
  }
  if (!ended || typeof stopReason !== 'string') return undefined
  const blocks = [...byIndex.values()]
  const toolCalls = [...byIndex].flatMap(([index, block]) => {
    if (block['type'] !== 'tool_use') return []
    const call = toolCall(String(block['id']), String(block['name']), inputs.get(index) ?? JSON.stringify(block['input'] ?? {}))
    block['input'] = isObject(call.params) ? call.params : { invalid: call.raw }
    return [call]
  })
  return {
    blocks,
    text: blocks.map((block) => (block['type'] === 'text' ? String(block['text']) : '')).join(''),
    toolCalls,
    stopReason,
    usage: anthropicUsage(usages),
    model: typeof head['model'] === 'string' ? head['model'] : null,
    id: typeof head['id'] === 'string' ? head['id'] : null,
  }
}

function addDelta(block: Record<string, unknown> | undefined, index: number, delta: Row, inputs: Map<number, string>, wire: Wire): void {
  if (!block) return
  const append = (name: string) => (block[name] = String(block[name] ?? '') + String(delta[name]))
  switch (delta['type']) {
    case 'text_delta':
      append('text')
      wire.text(String(delta['text']))
      break
    case 'thinking_delta':
      append('thinking')
      break
    case 'signature_delta':
      append('signature')
      break
    case 'input_json_delta':
      inputs.set(index, (inputs.get(index) ?? '') + String(delta['partial_json']))
      break
    case 'citations_delta':
      block['citations'] = [...rows(block['citations']), delta['citation']]
      break
  }
}
