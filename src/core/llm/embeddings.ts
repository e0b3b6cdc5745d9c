import { ProviderFailure } from './failure.ts'

/** Texts to vectors of length 1. */
export type Embedder = {
  /** Vectors of different embedders are never compared. */
  name: string
  /** False for embedders that only hash words: what they find alike may never be answered alike. */
  mayAnswer: boolean
  /** @throws ProviderFailure */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]>
}

export type EmbeddingsOptions = {
  /** 'http://127.0.0.1:11434/v1' */
  baseUrl: string
  model: string
  apiKey: string | null
  timeoutMs: number
  fetch: typeof globalThis.fetch
}

/** An embedder over the /v1/embeddings endpoint that OpenAI, Ollama, vLLM and llama.cpp share. No retries, no pause: a miss is cheap. */
export function createEmbedder({ baseUrl, model, apiKey, timeoutMs, fetch }: EmbeddingsOptions): Embedder {
  return {
    name: `${new URL(baseUrl).host}/${model}`,
    mayAnswer: true,
    async embed(texts, signal) {
      const limit = AbortSignal.timeout(timeoutMs)
      let response: Response
      try {
        response = await fetch(`${baseUrl.replace(/\/$/, '')}/embeddings`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }) },
          body: JSON.stringify({ model, input: texts, encoding_format: 'float' }),
          signal: signal ? AbortSignal.any([signal, limit]) : limit,
        })
      } catch (error) {
        throw new ProviderFailure('provider_unavailable', limit.aborted ? 'timeout_total' : 'connection', 'No embeddings: no answer.', {
          cause: error,
        })
      }
      if (!response.ok)
        throw new ProviderFailure(
          'provider_unavailable',
          response.status === 429 ? 'rate_limited' : 'server',
          `No embeddings: HTTP ${response.status}.`,
          {
            httpStatus: response.status,
          },
        )
      const body = (await response.json().catch(() => undefined)) as { data?: { index?: unknown; embedding?: unknown }[] } | undefined
      const rows = Array.isArray(body?.data) ? body.data : []
      const vectors = texts.map((_text, at) => toVector(rows.find((row) => row.index === at)?.embedding))
      if (rows.length !== texts.length || vectors.some((each) => each === undefined))
        throw new ProviderFailure('malformed_response', 'validation', 'The answer holds no embedding for each text.')
      return vectors as Float32Array[]
    },
  }
}

/** Of length 1, so that a dot product is the cosine; undefined for anything but finite numbers. */
function toVector(value: unknown): Float32Array | undefined {
  if (!Array.isArray(value) || value.length === 0 || !value.every((each) => Number.isFinite(each))) return undefined
  const length = Math.hypot(...(value as number[]))
  return length === 0 ? undefined : Float32Array.from(value as number[], (each) => each / length)
}
