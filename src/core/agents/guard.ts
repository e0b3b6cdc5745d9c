import { digest } from '../kernel/index.ts'
import type { ToolCall } from '../llm/index.ts'
import { asData } from './output.ts'
import { callsOf } from './reply.ts'
import { READ_ONLY } from './tool-schemas.ts'
import type { StopReason, Turn } from './transcript.ts'
import type { ToolResult } from './turn.ts'

/** The same call on the same tree so often is answered with an error, and once more ends the conversation. */
const MOST_REPEATS = 3
const MOST_IDLE_TURNS = 3

/** Notices a conversation that goes in circles: equal calls on an equal tree, turns that neither change nor learn anything. */
export function createGuard(turns: readonly Turn[]) {
  const repeats = new Map<string, number>()
  const known = new Set<string>()
  let idle = 0
  let circling = false
  let tree: string | null = null

  const keyOf = ({ toolName, params }: ToolCall, at: string | null): string => digest([toolName, params, at])
  const guard = {
    stop: (): StopReason | null => (circling ? 'repeated' : idle >= MOST_IDLE_TURNS ? 'stalled' : null),
    admit(calls: readonly ToolCall[], at: string | null): { allowed: ToolCall[]; repeated: ToolResult[] } {
      const allowed: ToolCall[] = []
      const repeated: ToolResult[] = []
      for (const call of calls) {
        const key = keyOf(call, at)
        const before = repeats.get(key) ?? 0
        repeats.set(key, before + 1)
        // what `done` comes to is bounded by the checks
        if (before < MOST_REPEATS - 1 || call.toolName === 'done') allowed.push(call)
        else {
          circling ||= before >= MOST_REPEATS
          const content = asData('error', `REPEATED: the same call was made ${before + 1} times and nothing changed. Do something else.`)
          repeated.push({ id: call.id, tool: String(call.toolName).slice(0, 60), content, error: 'REPEATED', ms: 0 })
        }
      }
      return { allowed, repeated }
    },
    seen(results: readonly ToolResult[], at: string | null): void {
      let learned = at !== tree
      tree = at
      for (const { tool, content, error } of results) {
        if (error !== null || known.has(content) || !(READ_ONLY.has(tool) || tool === 'run' || tool === 'ask')) continue
        known.add(content)
        learned = true
      }
      idle = learned ? 0 : idle + 1
    },
  }
  for (const { answer, results, checkpoint } of turns) {
    guard.admit(callsOf(answer, 0).calls, tree)
    guard.seen(results, checkpoint)
  }
  return guard
}
