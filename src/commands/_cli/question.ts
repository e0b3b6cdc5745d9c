import { isAbsolute, relative } from 'node:path'
import type { InferredFlags } from '@oclif/core/interfaces'
import type { AnswerOptions, Question } from '../../core/answering/index.ts'
import { SingularityError, parseDuration, parseJson } from '../../core/kernel/index.ts'
import { OFFLINE_FLAG } from './base.ts'
import { Flags } from './oclif.ts'
import { readText } from './values.ts'

const NANO = 1_000_000_000

/** How a question is put: shared by everything that asks. */
export const QUESTION_FLAGS = {
  file: Flags.string({
    description: 'File whose text goes along.',
    multiple: true,
    multipleNonGreedy: true,
    default: [],
    defaultHelp: async () => undefined, // nothing, which help would show as an empty word
    env: 'SINGULARITY_FILE',
  }),
  schema: Flags.string({ description: 'File with a JSON Schema the answer has to meet.', env: 'SINGULARITY_SCHEMA' }),
  task: Flags.string({
    description: 'What kind of task it is; the routing table knows how hard that is.',
    default: 'ask',
    env: 'SINGULARITY_TASK',
  }),
  complexity: Flags.option({ options: ['simple', 'medium', 'complex'] as const })({
    description: 'How hard it is, where the kind of task does not tell.',
    env: 'SINGULARITY_COMPLEXITY',
  }),
  model: Flags.string({ description: 'Exactly this model.', env: 'SINGULARITY_MODEL' }),
  budget: Flags.string({ description: 'The most it may cost, in dollars.', env: 'SINGULARITY_BUDGET' }),
  llm: Flags.boolean({
    description: 'Ask a model where rules and cache know nothing (--no-llm never does).',
    allowNo: true,
    default: true,
    env: 'SINGULARITY_LLM',
  }),
  cache: Flags.boolean({
    description: 'Use answers given before (--no-cache: neither read nor kept).',
    allowNo: true,
    default: true,
    env: 'SINGULARITY_CACHE',
  }),
  timeout: Flags.string({ description: 'How long to wait: 30s, 5m; then the request is cancelled.', env: 'SINGULARITY_TIMEOUT' }),
  record: Flags.string({ description: 'File to append the request and its answer to.', env: 'SINGULARITY_RECORD' }),
  replay: Flags.string({
    description: 'File with recorded answers; nobody is asked, and a request it does not hold fails.',
    exclusive: ['record'],
    env: 'SINGULARITY_REPLAY',
  }),
  ...OFFLINE_FLAG,
}

/** A command line as a question. @throws USAGE, REQUEST_INVALID */
export async function readQuestion(
  prompt: string,
  flags: InferredFlags<typeof QUESTION_FLAGS>,
): Promise<{ question: Question; options: AnswerOptions }> {
  const { complexity, schema, model, budget, timeout, record, replay } = flags
  return {
    question: {
      prompt: await readPrompt(prompt),
      files: await readFiles(flags.file, process.cwd()),
      taskType: flags.task,
      ...(complexity && { complexity }),
      ...(schema !== undefined && { schema: await readSchema(schema) }),
    },
    options: {
      useModel: flags.llm,
      // what is recorded, or replayed, comes from nowhere else
      useCache: flags.cache && record === undefined && replay === undefined,
      ...(model !== undefined && { model }),
      ...(budget !== undefined && { maxCostNusd: parseDollars(budget) }),
      ...(timeout !== undefined && { deadlineMs: parseTimeout(timeout) }),
      ...(record !== undefined && { record }),
      ...(replay !== undefined && { replay }),
    },
  }
}

/** `-` is standard input. @throws USAGE where there is nothing to ask, REQUEST_INVALID where it is no text */
async function readPrompt(argument: string): Promise<string> {
  const prompt = argument === '-' ? await readText(argument) : argument
  if (prompt.trim() === '')
    throw new SingularityError('USAGE', 'There is no question.', { hints: ["singularity ask 'What is the test command?'"] })
  return prompt
}

/** The files by the names a person knows them by: relative to where they stand. @throws USAGE, REQUEST_INVALID */
function readFiles(paths: readonly string[], cwd: string): Promise<NonNullable<Question['files']>> {
  return Promise.all(
    paths.map(async (path) => {
      const name = isAbsolute(path) ? relative(cwd, path) : path
      const text = await readText(path)
      if (text.includes('\0')) throw new SingularityError('REQUEST_INVALID', `The file ${path} is not text.`, { hints: [] })
      return { path: name.startsWith('..') ? path : name, text }
    }),
  )
}

/** @throws REQUEST_INVALID where the file is not a JSON object */
async function readSchema(path: string): Promise<Readonly<Record<string, unknown>>> {
  const value = parseJson(await readText(path))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new SingularityError('REQUEST_INVALID', `${path} is not a JSON Schema: it has to be one JSON object.`, { hints: [] })
}

/** Dollars as people write them, in nano-dollars. @throws USAGE */
export function parseDollars(text: string): number {
  const dollars = /^\$?\d+(?:\.\d{1,9})?$/.test(text.trim()) ? Number(text.trim().replace('$', '')) : Number.NaN
  if (!Number.isFinite(dollars) || dollars > 1_000_000)
    throw new SingularityError('USAGE', `"${text}" is not an amount in dollars.`, { hints: ['--budget 0.25'] })
  return Math.round(dollars * NANO)
}

/** @throws USAGE */
function parseTimeout(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms === 0) throw new SingularityError('USAGE', `"${text}" is not a duration.`, { hints: ['--timeout 30s'] })
  return ms
}
