import { type EmbedderDeps, createEmbeddingCalls } from './embedding-calls.ts'
import type { Embedder } from './embeddings.ts'

/** It only decides whether an answer is already known: never worth a long wait. */
const TIMEOUT_MS = 10_000
/** The same words in another order. Who makes the same vector of both only counts words. */
const PROBES = ['Copy the first file over the second one', 'Copy the second file over the first one'] as const
const SAME_VECTOR = 0.999_999

/**
 * An embedder of a configured provider. Every call is reserved in the account before it is sent, and settled. With its first texts it
 * embeds two sentences of the same words: an embedder that cannot tell them apart hashes words, and may never answer.
 * @throws LLM_NOT_CONFIGURED where the model is unknown, its provider may not be used, or nobody knows what it costs under a cap
 */
export function createEmbedder(deps: EmbedderDeps): Embedder {
  const { entry, send } = createEmbeddingCalls(deps)
  let hears: boolean | undefined

  return {
    name: deps.dimensions === null ? entry.name : `${entry.name}:${deps.dimensions}`,
    get mayAnswer() {
      return hears === true
    },
    async embed(texts, signal) {
      if (hears !== undefined) return (await send(texts, { timeoutMs: TIMEOUT_MS, signal })).vectors
      const { vectors } = await send([...texts, ...PROBES], { timeoutMs: TIMEOUT_MS, signal })
      const [one, other] = vectors.splice(texts.length)
      hears = dot(one!, other!) < SAME_VECTOR
      return vectors
    },
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, each, index) => sum + each * b[index]!, 0)
}
