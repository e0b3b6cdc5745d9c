import type { StoredResult } from '../../src/core/llm/index.ts'

/** What an answered request leaves behind, as a small model would have it. */
export function storedResult(response: string, more: Partial<StoredResult> = {}): StoredResult {
  return {
    response,
    parsed_response: null,
    validation_errors: null,
    repaired: false,
    tool_calls: [],
    stop: 'end',
    model: 'openai/small',
    provider: 'openai',
    usage: null,
    latency_ms: 5,
    cached: false,
    source: 'llm',
    cost_nusd: 4_000,
    cost_source: 'computed',
    provider_request_id: null,
    previous_response_id: null,
    ...more,
  }
}
