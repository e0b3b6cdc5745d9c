import { type TokenUsage, anthropicUsage, openaiUsage } from '../../llm/index.ts'
import { parseJson } from '../../kernel/index.ts'
import type { WireApi } from './bound.ts'

/** Bytes of a buffered answer that are looked at for its usage. */
const LARGEST_ANSWER = 64 * 1024 * 1024

type Part = Record<string, unknown> & { usage?: unknown; message?: { usage?: unknown }; response?: { usage?: unknown } }

/** Reads the usage out of an answer on its way to the agent, streamed or not. */
export function createUsageReader(api: WireApi, contentType: string) {
  const isStream = contentType.includes('text/event-stream')
  const decoder = new TextDecoder()
  const parts: unknown[] = []
  let rest = ''

  const take = (value: unknown): void => {
    const part = value as Part | undefined
    const usage = part?.usage ?? part?.message?.usage ?? part?.response?.usage
    if (usage !== undefined && usage !== null) parts.push(usage)
  }
  const takeLines = (text: string): void => {
    for (const line of text.split(/\r?\n/)) if (line.startsWith('data:')) take(parseJson(line.slice(5)))
  }

  return {
    push(chunk: Uint8Array): void {
      rest += decoder.decode(chunk, { stream: true })
      if (!isStream) {
        if (rest.length > LARGEST_ANSWER) rest = ''
        return
      }
      const end = rest.lastIndexOf('\n')
      if (end < 0) return
      takeLines(rest.slice(0, end))
      rest = rest.slice(end + 1)
    },
    /** null: the provider told none, or half of it. */
    end(): TokenUsage | null {
      if (isStream) takeLines(rest)
      else take(parseJson(rest))
      if (api === 'messages') return anthropicUsage(parts)
      return openaiUsage(parts.at(-1))
    },
  }
}
