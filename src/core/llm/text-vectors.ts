import { setTimeout as delay } from 'node:timers/promises'
import { SingularityError, formatDuration } from '../kernel/index.ts'
import { redactSecrets } from '../telemetry/index.ts'
import { type EmbedderDeps, createEmbeddingCalls } from './embedding-calls.ts'
import { ProviderFailure } from './failure.ts'
import { POLICY, backoffMs } from './policy.ts'
import type { SentRecord, SentText } from './sent.ts'
import { upstreamOf } from './upstream.ts'

export type TextVectorsDeps = Omit<EmbedderDeps, 'fetch'> & {
  fetch: typeof globalThis.fetch
  /** Longest time of one call, ms. */
  timeoutMs: number
  /** Texts of one call. */
  batch: number
  /** In [0, 1), for jitter. */
  random: () => number
  /** Hosts the user's own file names (`embedding.allow`). */
  allow: readonly string[]
  /** Known secrets: they are taken out of what is sent. */
  known: readonly string[]
  record: () => Promise<SentRecord>
}

/** Vectors of texts by a server: the wire, the money, and the leave to send. */
export type TextVectors = {
  /** 'openai/text-embedding-3-small' */
  name: string
  /** null: a server on this machine, nothing leaves it. */
  host: string | null
  /** @throws SENDING_NOT_ALLOWED, PROVIDER_UNAVAILABLE, MALFORMED_RESPONSE, BUDGET_REACHED, LEDGER_UNUSABLE, LLM_NOT_CONFIGURED */
  embed(purpose: SentText['purpose'], texts: readonly string[]): Promise<Float32Array[]>
}

/** Longest pause between two tries: who has to wait longer is told, and comes again. */
const LONGEST_PAUSE_MS = 60_000
const BYTES_PER_TOKEN = 4
const AFTERWARDS = ['singularity embedding check', 'singularity search --lexical QUERY']

/**
 * A model of a server for the index. Its host has to stand in the user's own settings, and the repository needs a recorded consent.
 * @throws SENDING_NOT_ALLOWED before anything is sent; LLM_NOT_CONFIGURED where there is no such model, or no key
 */
export async function openTextVectors(deps: TextVectorsDeps): Promise<TextVectors> {
  const { entry, provider, send } = createEmbeddingCalls(deps)
  const table = deps.llm.routing.table()
  const upstream = await upstreamOf(table, deps.llm.secrets, provider.name)
  const address = upstream === null ? null : new URL(upstream.baseUrl)
  const host = provider.loopback || address === null ? null : address.host
  if (host !== null) {
    const names = [host, address!.hostname]
    if (!deps.allow.some((each) => names.includes(each)))
      throw new SingularityError('SENDING_NOT_ALLOWED', `${host} is not among the hosts that may get pieces of your repositories.`, {
        hints: [`singularity config set embedding.allow ${[...deps.allow, host].join(',')}`],
        data: { host, model: entry.name },
      })
    await insistOnConsent(host)
  }

  async function insistOnConsent(to: string): Promise<void> {
    if ((await deps.record()).hasConsent(to)) return
    throw new SingularityError('SENDING_NOT_ALLOWED', `Nobody has said yet that pieces of this repository may go to ${to}.`, {
      hints: [`singularity embedding consent ${to}`],
      data: { host: to, model: entry.name, consent: true },
    })
  }

  /** Waits for the limits per minute; a breaker that is open is told. */
  async function untilReady(bytes: number): Promise<void> {
    const account = deps.llm.account()
    const tokens = Math.ceil(bytes / BYTES_PER_TOKEN)
    for (let waitMs = 1; waitMs > 0;) {
      waitMs = account.take(provider.name, provider.limits, tokens)
      if (waitMs > LONGEST_PAUSE_MS) throw unavailable(`${provider.name} takes no more for ${formatDuration(waitMs)}`)
      if (waitMs > 0) await delay(waitMs)
    }
    const verdict = account.admit(provider.name, entry.name)
    if (!verdict.allowed)
      throw unavailable(`failed too often, is tried again in ${formatDuration(Math.max(1000, verdict.reopensAt - deps.clock.now()))}`)
  }

  const unavailable = (why: string): SingularityError =>
    new SingularityError('PROVIDER_UNAVAILABLE', `No embeddings by ${entry.name}: ${why}.`, { hints: AFTERWARDS })

  async function call(purpose: SentText['purpose'], texts: readonly string[]): Promise<Float32Array[]> {
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    for (let n = 0; ; n++) {
      await untilReady(bytes)
      // another process may have taken it back
      if (host !== null) await insistOnConsent(host)
      const record = host === null ? null : await deps.record()
      const onSend = (): void => record?.add({ host: host!, model: entry.name, purpose, pieces: texts.length, bytes })
      try {
        const { vectors } = await send(texts, { timeoutMs: deps.timeoutMs, onSend })
        deps.llm.account().report(provider.name, entry.name, { ok: true, countable: true, costNusd: 0 })
        return vectors
      } catch (error) {
        if (!(error instanceof ProviderFailure)) throw error
        const { then, health } = POLICY[error.reason]
        if (health) deps.llm.account().report(provider.name, entry.name, { ok: false, countable: true, costNusd: 0 })
        const pauseMs = backoffMs(n, error.retryAfterMs, deps.random())
        if (then !== 'wait' || n >= table.maxRetries || pauseMs > LONGEST_PAUSE_MS || !deps.llm.account().mayRetry(provider.name))
          throw toldBy(error, entry.name, host ?? address?.host ?? provider.name)
        await delay(pauseMs)
      }
    }
  }

  return {
    name: entry.name,
    host,
    async embed(purpose, texts) {
      const clean = texts.map((text) => redactSecrets(text, deps.known))
      const vectors: Float32Array[] = []
      for (let at = 0; at < clean.length; at += deps.batch) vectors.push(...(await call(purpose, clean.slice(at, at + deps.batch))))
      return vectors
    },
  }
}

function toldBy(failure: ProviderFailure, model: string, host: string): SingularityError {
  const { kind, reason, httpStatus } = failure
  const code =
    kind === 'malformed_response' ? 'MALFORMED_RESPONSE' : reason === 'context_overflow' ? 'CONTEXT_OVERFLOW' : 'PROVIDER_UNAVAILABLE'
  return new SingularityError(code, `${model} of ${host}: ${failure.message}`, {
    hints: AFTERWARDS,
    data: { model, host, reason, http_status: httpStatus },
  })
}
