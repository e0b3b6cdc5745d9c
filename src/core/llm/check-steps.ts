import type { JobDetail } from '../queue/index.ts'
import type { LlmRequest, StoredResult } from './request.ts'
import type { ModelEntry, ProviderEntry } from './routing.ts'

/** What a call goes through, in order. */
export const CHECK_STEPS = ['connection', 'key', 'model', 'answer', 'schema', 'tools', 'window'] as const

export type CheckStep = {
  step: (typeof CHECK_STEPS)[number]
  state: 'ok' | 'warned' | 'failed' | 'skipped'
  detail: string | null
}

/** Where a reason says that the call ended; everything before it worked. */
const ENDS: Readonly<Record<string, CheckStep['step']>> = {
  connection: 'connection',
  timeout_headers: 'connection',
  timeout_idle: 'connection',
  timeout_total: 'connection',
  auth: 'key',
  quota: 'key',
  model_not_found: 'model',
  json_decode_error: 'schema',
  validation: 'schema',
}

const LOCKED = 'secrets_locked'

/** 'auth' of 'provider_unavailable.auth'. */
export const reasonOf = ({ reason }: Pick<JobDetail, 'reason'>): string => reason?.split('.').at(-1) ?? 'internal'

/** `failure`: the reason of the call that failed; null: it was answered. */
export function stepsOf(
  failure: string | null,
  { result, model, asked }: { result: StoredResult | null; model: ModelEntry; asked: LlmRequest },
): CheckStep[] {
  // nothing was sent: what comes before the key was not tried
  if (failure === LOCKED) return [{ step: 'key', state: 'failed', detail: failure }]
  const broken = failure === null ? null : (ENDS[failure] ?? 'answer')
  if (broken !== null) {
    const end = CHECK_STEPS.indexOf(broken)
    return CHECK_STEPS.slice(0, end + 1).map((step, index) => ({
      step,
      state: index === end ? 'failed' : 'ok',
      detail: index === end ? failure : null,
    }))
  }
  const called = (result?.tool_calls.length ?? 0) > 0
  const schema: CheckStep = called
    ? { step: 'schema', state: 'skipped', detail: 'it called the tool instead' }
    : { step: 'schema', state: result?.repaired ? 'warned' : 'ok', detail: result?.repaired ? 'its JSON had to be repaired' : null }
  const why = model.capabilities.tools ? 'not tried beside a schema' : 'the table says it has none'
  const tools: CheckStep = asked.tools ? { step: 'tools', state: 'ok', detail: null } : { step: 'tools', state: 'skipped', detail: why }
  const passed = CHECK_STEPS.slice(0, 4).map((step): CheckStep => ({ step, state: 'ok', detail: null }))
  return [...passed, schema, tools]
}

type Place = {
  provider: ProviderEntry
  model: ModelEntry
  proxied: boolean
  /** The key lies in a store of ours, not in the environment. */
  stored: boolean
}

/** What a person may do about a failure: commands where there are some. Never a key, never the address of a proxy. */
export function fixesOf(failure: string, message: string, { provider, model, proxied, stored }: Place): string[] {
  switch (failure) {
    case 'auth':
      if (provider.keyName === null) return [`providers.${provider.name}.key_env in your llm.json: the server wants a key`]
      return [stored ? `singularity secrets rotate ${provider.keyName}` : `export ${provider.keyName}=...   # it was refused`]
    case 'quota':
      return [`Look at plan and balance of your account with ${provider.name}, then: singularity llm unblock ${provider.name}`]
    case 'model_not_found':
      return ['singularity llm models --check', `put another model than ${model.name} into routes of your llm.json`]
    case 'connection':
      return connectionFixes(message, provider, proxied)
    case 'timeout_headers':
    case 'timeout_idle':
    case 'timeout_total':
      return ['export LLM_TIMEOUT_MS=60000', 'singularity llm check']
    case 'rate_limited':
      return ['singularity llm check   # in a minute', `providers.${provider.name}.limits in your llm.json`]
    case 'json_decode_error':
    case 'validation':
      return [`models."${model.name}".caps.json_schema: "prompt"   # in your llm.json`]
    case LOCKED:
      return ['export SINGULARITY_SECRETS_PASSPHRASE=...   # opens the stored keys', `export ${provider.keyName}=...`]
    case 'internal':
      return ['singularity doctor']
    default:
      return ['singularity llm models --check']
  }
}

function connectionFixes(message: string, provider: ProviderEntry, proxied: boolean): string[] {
  if (/certificate|self.signed|CERT_|UNABLE_TO/i.test(message)) return ['export NODE_EXTRA_CA_CERTS=/path/to/company-ca.pem']
  if (provider.loopback)
    return [provider.name === 'ollama' ? 'ollama serve' : `Start the server that providers.${provider.name}.base_url names.`]
  if (proxied) return ['Look at HTTPS_PROXY and NO_PROXY: the proxy refused the connection, or is not there.']
  return ['export HTTPS_PROXY=http://proxy:3128   # if the network has one']
}
