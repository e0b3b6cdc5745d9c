import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { messageOf, parseJson } from '../kernel/index.ts'
import type { ModelFolder } from './model-folder.ts'

/** What the process that runs a model is asked, and what it answers; both as V8 writes values. */
export type ModelQuestion =
  | { open: ModelFolder; runtimeFolders: readonly string[]; threads: number }
  | { texts: readonly string[]; prefix: string; query: boolean }
type TextsQuestion = Extract<ModelQuestion, { texts: unknown }>
export type ModelReply =
  | { opened: true }
  /** One row per text; `unknown`: no token of a question is in the vocabulary. */
  | { vectors: Float32Array; unknown: boolean[] }
  | { failed: 'runtime' | 'model'; why: string }

/** The parts of the two libraries that are used; both are brought to users on request only. */
type Encoding = { ids: number[]; attention_mask: number[]; token_type_ids?: number[] }
type Tokenizer = {
  encode(text: string, options: { add_special_tokens?: boolean; return_token_type_ids?: true }): Encoding
  token_to_id(token: string): number | undefined
}
type Tensor = { type: string; data: unknown; dims: readonly number[] }
type Session = {
  inputNames: readonly string[]
  outputNames: readonly string[]
  inputMetadata: readonly { name: string; type?: string }[]
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>
}
type Runtime = {
  Tensor: new (type: string, data: BigInt64Array | Int32Array, dims: readonly number[]) => Tensor
  InferenceSession: { create(path: string, options: object): Promise<Session> }
}

export type RunningModel = {
  embed(question: TextsQuestion): Promise<{ vectors: Float32Array; unknown: boolean[] }>
}

const PREFERRED = ['sentence_embedding', 'last_hidden_state', 'token_embeddings']
/** No token is longer on average: what is cut before tokens are counted would be cut after. */
const MOST_CHARACTERS_PER_TOKEN = 24

/** Of a question, to see whether the model knows any of it. */
const MOST_LOOKED_AT = 1000

export class RuntimeMissing extends Error {}

/** A package from the first of these folders that has it. @throws RuntimeMissing */
function load(folders: readonly string[], name: string): unknown {
  const reasons: string[] = []
  for (const folder of folders)
    try {
      return createRequire(join(folder, 'package.json'))(name)
    } catch (error) {
      if ((error as { code?: string }).code !== 'MODULE_NOT_FOUND') reasons.push(messageOf(error))
    }
  throw new RuntimeMissing(reasons[0] ?? `${name} is not installed`)
}

/** Loads tokenizer and weights. @throws RuntimeMissing, and what the libraries say */
export async function openModel(
  model: ModelFolder,
  { runtimeFolders, threads }: { runtimeFolders: readonly string[]; threads: number },
): Promise<RunningModel> {
  const runtime = load(runtimeFolders, 'onnxruntime-node') as Runtime
  const tokenizers = load(runtimeFolders, '@huggingface/tokenizers') as { Tokenizer: new (file: unknown, config: unknown) => Tokenizer }
  const config = model.tokenizerConfigFile === null ? {} : parseJson(readFileSync(model.tokenizerConfigFile, 'utf8'))
  const tokenizer = new tokenizers.Tokenizer(JSON.parse(readFileSync(model.tokenizerFile, 'utf8')), config ?? {})
  const session = await runtime.InferenceSession.create(model.modelFile, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  })
  const { tail, unknownId } = describeTokenizer(tokenizer)
  const types = new Map(session.inputMetadata.map(({ name, type }) => [name, type]))
  const output = PREFERRED.find((name) => session.outputNames.includes(name)) ?? session.outputNames[0]!

  function encode(text: string): Encoding {
    const encoded = tokenizer.encode(text.slice(0, model.maxTokens * MOST_CHARACTERS_PER_TOKEN), { return_token_type_ids: true })
    if (encoded.ids.length <= model.maxTokens) return encoded
    // the tokens that end a text stay at its end
    const cut = <T>(values: readonly T[]): T[] => [...values.slice(0, model.maxTokens - tail), ...values.slice(values.length - tail)]
    return { ids: cut(encoded.ids), attention_mask: cut(encoded.attention_mask), token_type_ids: cut(encoded.token_type_ids ?? []) }
  }

  function feed(name: string, rows: readonly Encoding[], length: number): Tensor {
    const value = valuesOf(name)
    const flat = rows.flatMap((row) => Array.from({ length }, (_, at) => (at < row.ids.length ? value(row, at) : 0)))
    const dims = [rows.length, length]
    return types.get(name) === 'int32'
      ? new runtime.Tensor('int32', Int32Array.from(flat), dims)
      : new runtime.Tensor('int64', BigInt64Array.from(flat, BigInt), dims)
  }

  async function embed({ texts, prefix, query }: TextsQuestion): ReturnType<RunningModel['embed']> {
    const rows = texts.map((text) => encode(prefix + text))
    const length = Math.max(1, ...rows.map(({ ids }) => ids.length))
    const answer = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feed(name, rows, length)])))
    const { type, data, dims } = answer[output]!
    if (type !== 'float32') throw new Error(`its output ${output} is ${type}, not float32`)
    const width = dims.at(-1)!
    const tokens = dims.length === 3 ? dims[1]! : 1
    if ((dims.length !== 2 && dims.length !== 3) || dims[0] !== texts.length)
      throw new Error(`its output ${output} has the shape ${dims.join('x')}`)
    if (width !== model.width) throw new Error(`it makes ${width} dimensions, its files say ${model.width}`)
    const vectors = new Float32Array(texts.length * model.dimensions)
    for (const [at, row] of rows.entries()) {
      const values = (data as Float32Array).subarray(at * tokens * width, (at + 1) * tokens * width)
      const pooled = dims.length === 2 ? values : pool(values, width, row.attention_mask, model.pooling)
      vectors.set(pooled.subarray(0, model.dimensions), at * model.dimensions)
    }
    const unknown = texts.map((text) => query && isUnknown(text))
    return { vectors, unknown }
  }

  function isUnknown(text: string): boolean {
    const { ids } = tokenizer.encode(text.slice(0, MOST_LOOKED_AT), { add_special_tokens: false })
    return ids.every((id) => id === unknownId)
  }

  return { embed }
}

/** How many special tokens end a text, and which one stands for what is not in the vocabulary. */
function describeTokenizer(tokenizer: Tokenizer): { tail: number; unknownId: number | undefined } {
  const [empty, one] = [tokenizer.encode('', {}).ids, tokenizer.encode('a', {}).ids]
  let tail = 0
  while (tail < empty.length && tail < one.length - 1 && empty.at(-1 - tail) === one.at(-1 - tail)) tail++
  const unknownId = ['[UNK]', '<unk>', 'UNK', '<UNK>'].map((token) => tokenizer.token_to_id(token)).find((id) => id !== undefined)
  return { tail, unknownId }
}

function valuesOf(name: string): (row: Encoding, at: number) => number {
  if (name === 'input_ids') return ({ ids }, at) => ids[at]!
  if (name === 'attention_mask') return ({ attention_mask: mask }, at) => mask[at]!
  if (name === 'token_type_ids') return ({ token_type_ids: types }, at) => types?.[at] ?? 0
  if (name === 'position_ids') return (_row, at) => at
  throw new Error(`it wants an input ${name}`)
}

/** One vector of the vectors of the tokens; padding at the end does not count. */
function pool(values: Float32Array, width: number, mask: readonly number[], pooling: ModelFolder['pooling']): Float32Array {
  const length = mask.length
  if (pooling === 'cls') return values.subarray(0, width)
  if (pooling === 'last') return values.subarray((length - 1) * width, length * width)
  const pooled = new Float32Array(width).fill(pooling === 'max' ? -Infinity : 0)
  for (let token = 0; token < length; token++)
    for (let d = 0; d < width; d++) {
      const value = values[token * width + d]!
      if (pooling === 'max') pooled[d] = Math.max(pooled[d]!, value)
      else pooled[d]! += value / length
    }
  return pooled
}
