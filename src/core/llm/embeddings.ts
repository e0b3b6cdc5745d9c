import { type FailureReason, ProviderFailure } from './failure.ts'

/** Texts to vectors of length 1. */
export type Embedder = {
  /** Vectors of different embedders are never compared. */
  name: string
  /** False for embedders that only hash words: what they find alike may never be answered alike. */
  readonly mayAnswer: boolean
  /** @throws ProviderFailure, BUDGET_REACHED, LEDGER_UNUSABLE */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]>
}

export type Embeddings = {
  vectors: Float32Array[]
  /** As the server counted them; null: it did not say. */
  tokens: number | null
}

export type EmbeddingsOptions = {
  /** 'http://127.0.0.1:11434/v1' */
  baseUrl: string
  model: string
  headers: Readonly<Record<string, string>>
  /** How long each vector has to be; null: as the model makes them. */
  dimensions: number | null
  /** Whether the server is asked for that length: most do not know the field. */
  sendDimensions: boolean
  timeoutMs: number
  fetch: typeof globalThis.fetch
}

/**
 * Asks the /v1/embeddings endpoint that OpenAI, Ollama, vLLM and llama.cpp share. No retries, no pause: a miss is cheap.
 * @throws ProviderFailure
 */
export async function requestEmbeddings(options: EmbeddingsOptions, texts: readonly string[], signal?: AbortSignal): Promise<Embeddings> {
  const { baseUrl, model, headers, dimensions, sendDimensions, timeoutMs, fetch } = options
  const limit = AbortSignal.timeout(timeoutMs)
  let response: Response
  try {
    response = await fetch(`${baseUrl.replace(/\/$/, '')}/embeddings`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ model, input: texts, encoding_format: 'float', ...(sendDimensions && dimensions !== null && { dimensions }) }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      // the host that was asked may not pass the texts on to another one
      redirect: 'error',
    })
  } catch (cause) {
    const reason = limit.aborted ? 'timeout_total' : 'connection'
    throw new ProviderFailure('provider_unavailable', reason, 'No embeddings: no answer.', { cause, outcome: 'unknown' })
  }
  const { status: httpStatus } = response
  if (!response.ok) {
    await response.body?.cancel()
    const reason = REASONS[httpStatus] ?? (httpStatus < 500 ? 'bad_request' : 'server')
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null
    throw new ProviderFailure('provider_unavailable', reason, `No embeddings: HTTP ${httpStatus}.`, { httpStatus, retryAfterMs })
  }
  const body = (await response.json().catch(() => undefined)) as
    | { data?: { index?: unknown; embedding?: unknown }[]; usage?: { prompt_tokens?: unknown } }
    | undefined
  const rows = Array.isArray(body?.data) ? body.data : []
  const vectors = texts.map((_text, at) => toVector(rows.find((row) => row.index === at)?.embedding))
  const wrongLength = dimensions !== null && vectors.some((each) => each?.length !== dimensions)
  if (rows.length !== texts.length || vectors.some((each) => each === undefined) || wrongLength)
    throw new ProviderFailure(
      'malformed_response',
      'validation',
      `The answer holds no embedding ${wrongLength ? `of ${dimensions} numbers ` : ''}for each text.`,
      { outcome: 'unknown' },
    )
  const tokens = body?.usage?.prompt_tokens
  return { vectors: vectors as Float32Array[], tokens: Number.isSafeInteger(tokens) && (tokens as number) >= 0 ? (tokens as number) : null }
}

const REASONS: Readonly<Record<number, FailureReason>> = {
  401: 'auth',
  403: 'auth',
  404: 'model_not_found',
  408: 'timeout_total',
  413: 'context_overflow',
  429: 'rate_limited',
}

/** Of length 1, so that a dot product is the cosine; undefined for anything but finite numbers. */
function toVector(value: unknown): Float32Array | undefined {
  if (!Array.isArray(value) || value.length === 0 || !value.every((each) => Number.isFinite(each))) return undefined
  const length = Math.hypot(...(value as number[]))
  return length === 0 ? undefined : Float32Array.from(value as number[], (each) => each / length)
}
