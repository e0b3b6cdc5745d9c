import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Answer, type Playground, type RunOptions, createPlayground } from '../cli/playground.ts'
import { type MockModels, type MockRequest, type ScriptedAnswer, startMockModels } from './models.ts'
import type { MockOptions } from './models/script.ts'

/** Long, and of no shape a redaction knows: where it appears, somebody printed it. */
export const KEY = 'a-key-that-nobody-may-ever-see-0123456789'

export type Asked = Answer & { seen: readonly MockRequest[] }

export type AskBench = {
  place: Playground
  mock: MockModels
  /** OpenAI at the mock, no retries; LLM_TIMEOUT_MS is short and counts for simple requests. */
  env: Record<string, string>
  /** Asks through the built program, with an account of its own; the script is used up by it. */
  ask(args: readonly string[], script?: readonly ScriptedAnswer[], options?: RunOptions): Promise<Asked>
  /** The user's llm.json. */
  configure(file: Record<string, unknown> | null): void
  /** Every file below the playground that holds the text. */
  holding(text: string): string[]
  close(): Promise<void>
}

export async function openAskBench(options: MockOptions = {}): Promise<AskBench> {
  const mock = await startMockModels(options)
  const place = createPlayground()
  let asked = 0
  const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: mock.baseUrl('responses'), LLM_MAX_RETRIES: '0', LLM_TIMEOUT_MS: '2000' }
  const config = join(place.env['XDG_CONFIG_HOME']!, 'singularity')
  mkdirSync(config, { recursive: true })
  mkdirSync(join(place.folder, 'ledgers'))
  return {
    place,
    mock,
    env,
    async ask(args, script = [], more = {}) {
      const before = mock.requests.length
      mock.script(...script)
      const ledger = { SINGULARITY_LEDGER: join(place.folder, 'ledgers', `${++asked}.db`) }
      const answer = await place.run(['ask', ...args], { ...more, env: { ...env, ...ledger, ...more.env } })
      return { ...answer, seen: mock.requests.slice(before) }
    },
    configure(file) {
      writeFileSync(join(config, 'llm.json'), JSON.stringify(file ?? {}))
    },
    holding(text) {
      const files = readdirSync(place.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      return files.map((entry) => join(entry.parentPath, entry.name)).filter((file) => readFileSync(file).includes(text))
    },
    async close() {
      await mock.close()
      place.cleanup()
    },
  }
}

/** What machines are told of a failure. */
export function expectFailure(answer: Answer, code: string, exitCode: number): NonNullable<Answer['json']['error']> {
  const told = { code: answer.json.error?.code, exitCode: answer.exitCode }
  expect(told, answer.stdout.slice(0, 2000) + answer.stderr.slice(0, 2000)).toEqual({ code, exitCode })
  return answer.json.error!
}
