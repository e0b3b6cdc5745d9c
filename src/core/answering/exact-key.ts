import { digest } from '../kernel/index.ts'
import type { LlmRequest } from '../llm/index.ts'

/** Above it somebody asked for variety. */
const STEADY_TEMPERATURE = 0.3

/** Words whose meaning depends on when they are read. */
const PASSING =
  /\b(?:now|today|tonight|yesterday|tomorrow|currently|right away|random(?:ly)?|(?:this|last|next) (?:week|month|year|sprint|night))\b/i

/** White space outside code fences and quotes carries no meaning; inside it is kept as it is. */
export function normaliseText(text: string): string {
  let fence: string | null = null
  const lines: string[] = []
  for (const line of text.split(/\r?\n/)) {
    const mark = /^\s{0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== null) {
      lines.push(line)
      if (mark && mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark) fence = null
      continue
    }
    if (mark) fence = mark
    const clean = line.replace(/(`[^`]*`|"[^"]*"|(?<!\w)'[^']*'(?!\w))|\s+/g, (_space, quoted?: string) => quoted ?? ' ').trim()
    if (clean !== '') lines.push(clean)
  }
  return lines.join('\n')
}

/** How much the answer may vary: requests of the same class share answers. null: no two answers should be the same. */
export function temperatureClass(temperature: number | undefined): 'default' | 'zero' | 'low' | null {
  if (temperature === undefined) return 'default'
  return temperature === 0 ? 'zero' : temperature <= STEADY_TEMPERATURE ? 'low' : null
}

/** Whether the same request may get the same answer again: nothing is done by tools, no chance is wanted, no "now" is meant. */
export function isCacheable(request: LlmRequest): boolean {
  if ((request.tools?.length ?? 0) > 0 || (request.mcp_servers?.length ?? 0) > 0 || request.previous_response_id !== undefined) return false
  if (temperatureClass(request.options?.temperature ?? request.temperature) === null) return false
  return !request.messages.some(({ role, content }) => role === 'user' && PASSING.test(withoutFences(content)))
}

const withoutFences = (text: string): string => text.replace(/^\s{0,3}(`{3,}|~{3,})[\s\S]*?^\s{0,3}\1/gm, '')

/** What else an answer depends on besides the request. */
export type KeyContext = {
  /** Version of the rules and of what they read. */
  rules: string
  /** Only where the caller insists: an answer of any model is an answer, but not for who wants a certain one. */
  model: string | null
  complexity: string | null
}

/** Equal for requests an answer of one is an answer of the other. SHA-256 in hex. */
export function exactKey(request: LlmRequest, context: KeyContext): string {
  return digest({
    ...partitionOf(request, context),
    messages: request.messages.map(({ role, content, ...more }) => ({ role, content: normaliseText(content), ...more })),
    ...context,
  })
}

/** What has to be equal for answers to be compared at all: everything but the words. */
export function partitionOf(request: LlmRequest, context: KeyContext): Readonly<Record<string, unknown>> {
  return {
    task_type: request.task_type,
    // the template and the fingerprints of the files in the prompt
    context: request.context ?? {},
    schema: request.response_schema === undefined ? null : digest(request.response_schema),
    tools: request.tools === undefined ? null : digest(request.tools),
    temperature: temperatureClass(request.options?.temperature ?? request.temperature),
    rules: context.rules,
    model: context.model,
    complexity: context.complexity,
  }
}
