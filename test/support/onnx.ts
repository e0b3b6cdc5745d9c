import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

// ONNX is protobuf: a message is a row of fields, each a number, a kind and a value. Numbers of fields: onnx.proto of the ONNX project.

type Field = Buffer

function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}

const int = (field: number, value: number | bigint): Field => Buffer.concat([varint(field << 3), varint(value)])
function bytes(field: number, value: string | Uint8Array | readonly Field[]): Field {
  const content =
    typeof value === 'string' ? Buffer.from(value) : Array.isArray(value) ? Buffer.concat(value) : Buffer.from(value as Uint8Array)
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content])
}

const FLOAT = 1
const INT32 = 6
const INT64 = 7
const BOOL = 9

const tensor = (name: string, type: number, dims: readonly number[], raw: ArrayBufferView): Field[] => [
  ...dims.map((each) => int(1, each)),
  int(2, type),
  bytes(8, name),
  bytes(9, new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength)),
]
const value = (name: string, type: number, dims: readonly (string | number)[]): Field[] => {
  const shape = dims.map((each) => bytes(1, [typeof each === 'string' ? bytes(2, each) : int(1, each)]))
  return [bytes(1, name), bytes(2, [bytes(1, [int(1, type), bytes(2, shape)])])]
}
const node = (type: string, inputs: readonly string[], outputs: readonly string[], attributes: readonly Field[] = []): Field[] => [
  ...inputs.map((each) => bytes(1, each)),
  ...outputs.map((each) => bytes(2, each)),
  bytes(4, type),
  ...attributes,
]

type Graph = { nodes: Field[][]; tensors?: Field[][]; inputs: Field[][]; outputs: Field[][] }
const graph = ({ nodes, tensors = [], inputs, outputs }: Graph): Field[] => [
  ...nodes.map((each) => bytes(1, each)),
  bytes(2, 'graph'),
  ...tensors.map((each) => bytes(5, each)),
  ...inputs.map((each) => bytes(11, each)),
  ...outputs.map((each) => bytes(12, each)),
]

/** `ends: false`: a loop of 2^60 rounds stands between the table and the output. `pools`: the mean is taken in the graph. */
function modelFile(table: Float32Array, width: number, { ends = true, pools = false, int32 = false, inputs = [] }: GraphOptions): Buffer {
  const rows = table.length / width
  const gathered = ends && !pools ? 'last_hidden_state' : 'gathered'
  const nodes = [node('Gather', ['table', 'input_ids'], [gathered])]
  const tensors = [tensor('table', FLOAT, [rows, width], table)]
  if (pools) {
    const axes = [bytes(1, 'axes'), int(8, 1), int(20, 7)]
    nodes.push(
      node('ReduceMean', [gathered], ['sentence_embedding'], [bytes(5, axes), bytes(5, [bytes(1, 'keepdims'), int(3, 0), int(20, 2)])]),
    )
  }
  if (!ends) {
    const body = graph({
      nodes: [node('Identity', ['go'], ['goes']), node('Identity', ['carried'], ['carries'])],
      inputs: [value('round', INT64, []), value('go', BOOL, []), value('carried', FLOAT, ['n', 's', width])],
      outputs: [value('goes', BOOL, []), value('carries', FLOAT, ['n', 's', width])],
    })
    tensors.push(tensor('rounds', INT64, [], BigInt64Array.of(2n ** 60n)))
    nodes.push(node('Loop', ['rounds', '', 'gathered'], ['last_hidden_state'], [bytes(5, [bytes(1, 'body'), bytes(6, body), int(20, 5)])]))
  }
  const fed = ['input_ids', 'attention_mask', ...inputs].map((name) => value(name, int32 ? INT32 : INT64, ['n', 's']))
  const outputs = [pools ? value('sentence_embedding', FLOAT, ['n', width]) : value('last_hidden_state', FLOAT, ['n', 's', width])]
  return Buffer.concat([int(1, 8), bytes(7, graph({ nodes, tensors, inputs: fed, outputs })), bytes(8, [bytes(1, ''), int(2, 13)])])
}

/** Words that mean alike share a line. */
const TOPICS = [
  'read load config settings json file path parse configuration text',
  'sort order entries date list numbers sorted',
  'send deliver mail email message smtp to',
  'draw paint circle round shape canvas context arc stroke',
  'wait retry delay backoff attempt sleep pause longer failed',
  'remove delete user users account forget',
]
const WIDTH = 16
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]']

type GraphOptions = { ends?: boolean; pools?: boolean; int32?: boolean; inputs?: readonly string[] }

export type TinyModel = GraphOptions & {
  /** Files to write besides, or instead; null: left out. */
  files?: Record<string, string | null>
  width?: number
  /** What is done to the table of vectors. */
  table?: (table: Float32Array) => void
  /** Rows of the table that are kept. */
  rows?: number
  /** Bytes of model.onnx that are kept. */
  cutAt?: number
}

/** A folder with a model as sentence-transformers lays it out: a vector per word, no more. A few kilobytes, no download. */
export function writeTinyModel(
  folder: string,
  { files = {}, width = WIDTH, table: change, rows, cutAt, ...options }: TinyModel = {},
): string {
  const words = TOPICS.flatMap((line, topic) => line.split(' ').map((word) => ({ word, topic })))
  const both = words.flatMap(({ word, topic }) => [
    { word, topic },
    { word: word[0]!.toUpperCase() + word.slice(1), topic },
  ])
  const vocabulary = [...SPECIAL, ...both.map(({ word }) => word)]
  const table = new Float32Array(vocabulary.length * width)
  // words nobody knows are alike in one direction of their own, and special tokens say nothing
  table[width + width - 1] = 0.05
  for (const [at, { topic }] of both.entries()) {
    const row = (SPECIAL.length + at) * width
    table[row + (topic % width)] = 1
    table[row + TOPICS.length + (at % (width - TOPICS.length - 1))]! += 0.25
  }
  change?.(table)
  const model = modelFile(rows === undefined ? table : table.subarray(0, rows * width), width, options)
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'Split', pattern: { Regex: '[A-Za-z][a-z]*' }, behavior: 'Removed', invert: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: { '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] }, '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] } },
    },
    decoder: null,
    model: { type: 'WordLevel', vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])), unk_token: '[UNK]' },
  }
  const all: Record<string, string | Buffer | null> = {
    'config.json': JSON.stringify({ hidden_size: width, max_position_embeddings: 64 }),
    'tokenizer.json': JSON.stringify(tokenizer),
    'tokenizer_config.json': JSON.stringify({ model_max_length: 1e30, unk_token: '[UNK]', pad_token: '[PAD]' }),
    '1_Pooling/config.json': JSON.stringify({ word_embedding_dimension: width, pooling_mode_mean_tokens: true }),
    'onnx/model.onnx': cutAt === undefined ? model : model.subarray(0, cutAt),
    ...files,
  }
  for (const [name, content] of Object.entries(all)) {
    if (content === null) continue
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}
