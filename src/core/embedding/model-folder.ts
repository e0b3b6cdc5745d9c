import { createHash } from 'node:crypto'
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SingularityError, asObject, messageOf } from '../kernel/index.ts'

export type Pooling = 'mean' | 'cls' | 'last' | 'max'

/** What the files of a model's folder say, in the layout of sentence-transformers. */
export type ModelFolder = {
  folder: string
  /** `local:<folder>:<dimensions>:<hash of what decides its vectors>`. */
  id: string
  modelFile: string
  tokenizerFile: string
  tokenizerConfigFile: string | null
  pooling: Pooling
  /** Put in front of a question and of a piece of text. */
  queryPrefix: string
  documentPrefix: string
  /** Longer texts are cut, special tokens included. */
  maxTokens: number
  /** Numbers the model makes of a text. */
  width: number
  /** Numbers that are kept: fewer only where embedding.json says so (the first ones of a Matryoshka model). */
  dimensions: number
}

const MODEL_FILES = ['onnx/model.onnx', 'model.onnx', 'onnx/model_quantized.onnx', 'onnx/model_int8.onnx', 'model_quantized.onnx']
const POOLING: Readonly<Record<string, Pooling>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'cls',
  pooling_mode_lasttoken: 'last',
  pooling_mode_max_tokens: 'max',
}
const QUERY_PROMPTS = ['query', 'search_query', 'nl2code_query']
const DOCUMENT_PROMPTS = ['document', 'passage', 'search_document', 'nl2code_document', 'corpus']
/** What some tokenizers write for "no limit" is larger. */
const MOST_TOKENS = 32_768
const DEFAULT_TOKENS = 512
/** Files up to this size are hashed whole, larger ones by their size and blocks spread over them: a search must not read a gigabyte. */
const WHOLE_BYTES = 8 * 1024 * 1024
const BLOCK = 64 * 1024
const BLOCKS = 64

/**
 * Reads what a folder says about its model; runs nothing of it. Our own `embedding.json` there wins over the other files.
 *
 * @param wanted how many numbers a vector has to have; null: as many as the model makes
 * @throws {SingularityError} MODEL_UNUSABLE naming the file; EMBEDDING_MISMATCH where `wanted` is another number
 */
export function readModelFolder(folder: string, wanted: number | null = null): ModelFolder {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw unusable(folder, 'it is not a folder')
  const own = readJson(folder, 'embedding.json')
  const config = readJson(folder, 'config.json')
  const pooling = readJson(folder, '1_Pooling/config.json')
  const sentence = readJson(folder, 'config_sentence_transformers.json')
  const tokenizer = readJson(folder, 'tokenizer_config.json')
  const modelFile = modelFileOf(folder, own)
  if (!existsSync(join(folder, 'tokenizer.json'))) throw unusable(folder, 'tokenizer.json is missing')
  refuseLayers(folder)
  if (pooling['include_prompt'] === false) throw unusable(folder, '1_Pooling leaves prompts out, which is not supported')
  const width = count(pooling['word_embedding_dimension']) ?? count(config['hidden_size']) ?? count(own['width'])
  if (width === undefined) throw unusable(folder, 'neither 1_Pooling/config.json nor config.json says how many dimensions it has')
  const dimensions = count(own['dimensions']) ?? width
  if (dimensions > width) throw unusable(folder, `embedding.json wants ${dimensions} of ${width} dimensions`)
  if (wanted !== null && wanted !== dimensions)
    throw new SingularityError('EMBEDDING_MISMATCH', `The model in ${folder} makes ${dimensions} dimensions, ${wanted} are set.`, {
      hints: ['singularity config list --origin   # embedding.dimensions'],
    })
  const settings = {
    pooling: poolingOf(folder, own, pooling),
    ...prefixesOf(own, sentence),
    maxTokens: maxTokensOf(own, readJson(folder, 'sentence_bert_config.json'), tokenizer, config),
    width,
    dimensions,
  }
  const hash = createHash('sha256').update(JSON.stringify(settings))
  for (const path of [...weightsOf(modelFile), join(folder, 'tokenizer.json')]) hashFile(hash, path)
  return {
    folder,
    id: `local:${basename(folder)}:${dimensions}:${hash.digest('hex').slice(0, 16)}`,
    modelFile,
    tokenizerFile: join(folder, 'tokenizer.json'),
    tokenizerConfigFile: existsSync(join(folder, 'tokenizer_config.json')) ? join(folder, 'tokenizer_config.json') : null,
    ...settings,
  }
}

export function unusable(folder: string, why: string, hints: readonly string[] = ['singularity embedding check']): SingularityError {
  return new SingularityError('MODEL_UNUSABLE', `The embedding model in ${folder} cannot be used: ${why}.`, { hints })
}

type Fields = Readonly<Record<string, unknown>>

/** {} where the file is not there. */
function readJson(folder: string, name: string): Fields {
  let text: string
  try {
    text = readFileSync(join(folder, name), 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return {}
    throw unusable(folder, `${name} cannot be read (${messageOf(error)})`)
  }
  try {
    return asObject(JSON.parse(text))
  } catch (error) {
    throw unusable(folder, `${name} is not JSON (${messageOf(error)})`)
  }
}

const count = (value: unknown): number | undefined => (Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined)

function modelFileOf(folder: string, own: Fields): string {
  const named = typeof own['model'] === 'string' ? [own['model']] : MODEL_FILES
  const found = named.find((name) => existsSync(join(folder, name)))
  if (found === undefined) throw unusable(folder, `${named[0]} is missing`)
  return join(folder, found)
}

/** Layers behind the pooling (2_Dense) would have to be computed here. */
function refuseLayers(folder: string): void {
  let modules: unknown
  try {
    modules = JSON.parse(readFileSync(join(folder, 'modules.json'), 'utf8'))
  } catch {
    return
  }
  const types = Array.isArray(modules) ? modules.map((each) => String(asObject(each)['type'])) : []
  const other = types.find((type) => !/\.(?:Transformer|Pooling|Normalize)$/.test(type))
  if (other !== undefined) throw unusable(folder, `modules.json has a layer of the type ${other}, which is not supported`)
}

function poolingOf(folder: string, own: Fields, file: Fields): Pooling {
  const named = own['pooling']
  if (named !== undefined) {
    if (Object.values(POOLING).includes(named as Pooling)) return named as Pooling
    throw unusable(folder, `embedding.json names the pooling ${JSON.stringify(named)}`)
  }
  const set = Object.keys(file).filter((key) => key.startsWith('pooling_mode_') && file[key] === true)
  if (set.length === 0) return 'mean'
  const known = set.length === 1 ? POOLING[set[0]!] : undefined
  if (known === undefined) throw unusable(folder, `1_Pooling/config.json asks for ${set.join(' and ')}, which is not supported`)
  return known
}

function prefixesOf(own: Fields, sentence: Fields): Pick<ModelFolder, 'queryPrefix' | 'documentPrefix'> {
  const prompts = asObject(sentence['prompts'])
  const first = (names: readonly string[]): string => {
    const name = names.find((each) => typeof prompts[each] === 'string')
    return name === undefined ? '' : (prompts[name] as string)
  }
  const standard = typeof sentence['default_prompt_name'] === 'string' ? first([sentence['default_prompt_name']]) : ''
  const text = (key: string, otherwise: string): string => (typeof own[key] === 'string' ? own[key] : otherwise)
  return {
    queryPrefix: text('query_prefix', first(QUERY_PROMPTS) || standard),
    documentPrefix: text('document_prefix', first(DOCUMENT_PROMPTS) || standard),
  }
}

function maxTokensOf(own: Fields, sentence: Fields, tokenizer: Fields, config: Fields): number {
  if (count(own['max_tokens'])) return Number(own['max_tokens'])
  const told = [sentence['max_seq_length'], tokenizer['model_max_length'], config['max_position_embeddings']].flatMap(
    (each) => count(each) ?? [],
  )
  const [least] = told.filter((each) => each <= MOST_TOKENS).sort((a, b) => a - b)
  return least ?? DEFAULT_TOKENS
}

/** The model's file and what it keeps outside of itself: `model.onnx_data`, `model.onnx.data`. */
function weightsOf(modelFile: string): string[] {
  const name = basename(modelFile)
  const beside = readdirSync(dirname(modelFile)).filter((each) => each !== name && each.startsWith(name))
  return [modelFile, ...beside.sort().map((each) => join(dirname(modelFile), each))]
}

function hashFile(hash: ReturnType<typeof createHash>, path: string): void {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    hash.update(`\n${basename(path)} ${size}\n`)
    const whole = size <= WHOLE_BYTES
    const blocks = whole ? Math.ceil(size / BLOCK) : BLOCKS
    const step = whole ? BLOCK : (size - BLOCK) / (BLOCKS - 1)
    const buffer = Buffer.alloc(BLOCK)
    for (let at = 0; at < blocks; at++)
      hash.update(buffer.subarray(0, readSync(file, buffer, 0, BLOCK, whole ? at * BLOCK : Math.floor(at * step))))
  } finally {
    closeSync(file)
  }
}
