import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'vitest'
import { type Playground, createPlayground } from '../cli/playground.ts'
import { type Clock, systemClock } from '../../src/core/kernel/index.ts'
import { type Account, createAccount } from '../../src/core/llm/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { loadSqlite } from '../../src/core/storage/index.ts'
import type { MockOptions, ScriptedAnswer } from './models/script.ts'
import { buildProgram } from './supervisor.ts'

/** What the mock takes and what the routing table says it takes: nano-dollars per token. */
export const PRICES = { input: 1000, output: 5000 }

/** A mock provider as a process of its own, which no test thread can hold up. */
export type ModelsProcess = {
  origin: string
  /** What it worked on and takes money for, whoever was still there to hear the answer. */
  meter(): Promise<{ nusd: number; calls: number }>
  script(...answers: ScriptedAnswer[]): Promise<void>
  close(): void
}

export async function startModelsProcess(options: Omit<MockOptions, 'answer' | 'handle'> = {}): Promise<ModelsProcess> {
  const program = buildProgram('models')
  const child = spawn(process.execPath, [program, JSON.stringify({ prices: PRICES, ...options })], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [origin] = (await once(createInterface(child.stdout), 'line')) as [string]
  return {
    origin,
    meter: async () => (await (await fetch(`${origin}/mock/meter`)).json()) as { nusd: number; calls: number },
    script: async (...answers) => void (await fetch(`${origin}/mock/script`, { method: 'POST', body: JSON.stringify(answers) })),
    close() {
      child.kill('SIGKILL')
      rmSync(program, { force: true })
    },
  }
}

/** A repository whose only model is the mock's, so that no answer is priced otherwise. */
export function createPaidPlace(origin: string, more: Record<string, string> = {}): Playground {
  const place = createPlayground(null)
  Object.assign(place.env, { MOCK_KEY: 'key-of-the-test', ...more })
  const folder = join(place.env['XDG_CONFIG_HOME']!, 'singularity')
  mkdirSync(folder, { recursive: true })
  const route = { models: ['mock/one'], timeout_ms: 60_000 }
  const provider = { api: 'responses', base_url: `${origin}/v1`, key_env: 'MOCK_KEY', data: 'no-train', caps: { json_schema: 'strict' } }
  const usd_per_mtok = { input: PRICES.input / 1000, output: PRICES.output / 1000 }
  const model = { id: 'mock-one', context: 100_000, max_output: 100, usd_per_mtok }
  const file = {
    providers: { mock: provider },
    models: { 'mock/one': model },
    routes: { simple: route, medium: route, complex: route },
  }
  writeFileSync(join(folder, 'llm.json'), JSON.stringify(file))
  return place
}

/** Repositories of one user: they share the account. */
export function createNeighbour(place: Playground): Playground {
  const other = createPlayground(null)
  const { XDG_STATE_HOME, XDG_CONFIG_HOME } = place.env as { XDG_STATE_HOME: string; XDG_CONFIG_HOME: string }
  Object.assign(other.env, { ...place.env, HOME: other.env['HOME'], XDG_STATE_HOME, XDG_CONFIG_HOME })
  return other
}

export const queueFile = (place: Playground): string => join(place.root, '.git', 'singularity', 'queue.db')
export const accountFile = (place: Playground): string => join(place.env['XDG_STATE_HOME']!, 'singularity', 'account.db')

type Read = <T>(sql: string, ...params: unknown[]) => T[]

/** Reads a file of the program from outside; what is read in one look is of one moment. */
function look<T>(path: string, body: (read: Read) => T): T {
  const db = new (loadSqlite())(path, { readonly: true, timeout: 5000 })
  try {
    return db.transaction(() => body((sql, ...params) => db.prepare(sql).all(...params) as never[]))()
  } finally {
    db.close()
  }
}

export function rows<T = Record<string, unknown>>(path: string, sql: string, ...params: unknown[]): T[] {
  return look(path, (read) => read<T>(sql, ...params))
}

/** The account as it stands, with what dead processes left in it accounted for. */
export function recoveredAccount<T>(place: Playground, look: (account: Account) => T, clock: Clock = systemClock): T {
  const processes = createProcessInfo()
  const account = createAccount({ path: accountFile(place), clock, processes })
  try {
    account.recover((owner) => processes.isAlive(owner))
    return look(account)
  } finally {
    account.close()
  }
}

type Ended = { id: string; state: string; reason: string | null; token: number }

/** Asserts on the tables what may never be otherwise, whoever was killed; answers the requests. `before`: of an earlier look. */
export function expectSound(place: Playground, accepted: ReadonlySet<string>, before: readonly Ended[] = []): Ended[] {
  const { sound, jobs, told } = look(queueFile(place), (read) => ({
    sound: read('PRAGMA integrity_check'),
    jobs: read<Ended>('SELECT id, state, reason, token FROM job'),
    told: read<{ id: string; count: number }>(
      `SELECT json_extract(body, '$.request_id') AS id, count(*) AS count FROM message
       WHERE queue = 'ai_results' AND json_extract(body, '$.response') IS NOT NULL GROUP BY 1`,
    ),
  }))
  expect(sound).toEqual([{ integrity_check: 'ok' }])
  const byId = new Map(jobs.map((job) => [job.id, job]))
  expect([...accepted].filter((id) => !byId.has(id))).toEqual([])
  const tokens = before.filter(({ id, token }) => (byId.get(id)?.token ?? -1) < token)
  expect(tokens, 'a token never goes back').toEqual([])
  const completed = jobs.filter(({ state }) => state === 'completed').map(({ id }) => ({ id, count: 1 }))
  const byName = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1)
  expect(told.sort(byName), 'one result is told for each completed request').toEqual(completed.sort(byName))
  return jobs
}
