import type { ErrorObject, ValidateFunction } from 'ajv'
import { SingularityError, digest, messageOf, oneLine } from '../kernel/index.ts'
import { ProviderFailure } from './failure.ts'
import { type JsonText, decodeError, duplicateKeys, jsonIn, mayRepair } from './json-text.ts'
import type { ChatMessage, ProviderAnswer, ToolCall, ToolSpec } from './provider.ts'

/** The seeds' words; programs search for them. */
export const MALFORMED = 'Malformed or invalid LLM response (Instructor validation failed)'

type Schema = Readonly<Record<string, unknown>>
type Field = { field: string; message: string }

export type CheckedAnswer = {
  /** null for plain text. */
  parsed: unknown
  /** The text was not JSON as it came; the raw text is still the answer's. */
  repaired: boolean
}

export type AnswerChecker = {
  /** @throws SingularityError REQUEST_INVALID where a schema is not one */
  demandSchema(schema: Schema): Promise<void>
  /**
   * Without a schema text that does not begin with `{` or `[` is plain text. Everything else has to be JSON, and to meet the schema.
   * `repair: false` for code edits: a repaired edit is valid, passes its schema and is wrong.
   * @throws ProviderFailure malformed_response, refused or context_overflow; SingularityError REQUEST_INVALID
   */
  check(answer: Pick<ProviderAnswer, 'text' | 'stop'>, wanted?: { schema?: Schema | undefined; repair?: boolean }): Promise<CheckedAnswer>
  /** Names and arguments of tool calls, as they came. @throws ProviderFailure malformed_response */
  checkTools(calls: readonly ToolCall[], tools: readonly ToolSpec[]): Promise<void>
}

const MOST_VALIDATORS = 64
const MOST_FIELDS = 50

/** Checks answers against JSON Schemas (2020-12, or draft-07 where the schema says so). Compiled once per schema. */
export function createAnswerChecker(): AnswerChecker {
  const compiled = new Map<string, ValidateFunction>()

  const validator = async (schema: Schema): Promise<ValidateFunction> => {
    const key = digest(schema)
    const known = compiled.get(key)
    if (known) return known
    try {
      const older = /draft-07/.test(String(schema['$schema'] ?? ''))
      const { Ajv: Ajv07, Ajv2020 } = await import('./json-schema.ts')
      const Ajv = older ? Ajv07 : Ajv2020
      // one instance per schema: two schemas may carry the same $id
      const made = new Ajv({ allErrors: true, strict: false, validateFormats: false, logger: false }).compile(schema)
      if (compiled.size >= MOST_VALIDATORS) compiled.delete(compiled.keys().next().value!)
      compiled.set(key, made)
      return made
    } catch (error) {
      throw new SingularityError('REQUEST_INVALID', `The response schema is not a JSON Schema: ${oneLine(messageOf(error))}`, {
        cause: error,
        data: { errors: [{ index: 0, path: 'response_schema', message: messageOf(error) }] },
      })
    }
  }

  const fieldsAgainst = async (value: unknown, schema: Schema, prefix = ''): Promise<Field[]> => {
    const validate = await validator(schema)
    return validate(value) ? [] : (validate.errors ?? []).map((error) => fieldOf(error, prefix))
  }

  return {
    demandSchema: async (schema) => void (await validator(schema)),

    async check(answer, { schema, repair = true } = {}) {
      const stopped = failureOfStop(answer.stop)
      if (stopped) throw stopped
      if (schema) await validator(schema)
      const start = answer.text.trimStart()
      if (!schema && !start.startsWith('{') && !start.startsWith('[')) return { parsed: null, repaired: false }
      const json = jsonIn(answer.text, schema !== undefined)
      const { value, repaired } = await valueOf(json, answer.text, schema !== undefined && repair)
      const twice = repaired ? [] : duplicateKeys(json.text).map((field) => ({ field, message: 'must not be given twice' }))
      const fields = [...twice, ...(schema ? await fieldsAgainst(value, schema) : [])]
      if (fields.length > 0) throw invalid(fields)
      return { parsed: value, repaired }
    },

    async checkTools(calls, tools) {
      const fields: Field[] = []
      for (const [index, call] of calls.entries()) {
        const place = `tool_calls[${index}]`
        const tool = tools.find((each) => each.name === call.toolName)
        if (!tool) fields.push({ field: `${place}.tool_name`, message: `must be one of: ${tools.map((each) => each.name).join(', ')}` })
        else if (call.raw !== undefined) fields.push({ field: `${place}.params`, message: 'must be object' })
        else fields.push(...(await fieldsAgainst(call.params, tool.parameters, `${place}.params`)))
      }
      if (fields.length > 0) throw invalid(fields)
    },
  }
}

async function valueOf(json: JsonText, text: string, repair: boolean): Promise<{ value: unknown; repaired: boolean }> {
  try {
    return { value: JSON.parse(json.text) as unknown, repaired: false }
  } catch (error) {
    if (repair && mayRepair(json.text)) {
      const { jsonrepair } = await import('jsonrepair')
      try {
        const value = JSON.parse(jsonrepair(json.text)) as unknown
        // several values in a row would become a list nobody wrote
        if (typeof value === 'object' && value !== null && Array.isArray(value) === json.text.startsWith('['))
          return { value, repaired: true }
      } catch {
        // then it stays broken
      }
    }
    throw new ProviderFailure('malformed_response', 'json_decode_error', MALFORMED, {
      details: [decodeError(error, json, text)],
      cause: error,
    })
  }
}

/** An answer that does not have its form, field by field. */
export function invalid(fields: readonly Field[]): ProviderFailure {
  return new ProviderFailure('malformed_response', 'validation', MALFORMED, { details: fields.slice(0, MOST_FIELDS) })
}

/** What the end of an answer says against it; undefined where it is whole. */
function failureOfStop(stop: ProviderAnswer['stop']): ProviderFailure | undefined {
  if (stop === 'length')
    return new ProviderFailure('malformed_response', 'truncated_output', 'The answer was cut at the limit of its length.')
  if (stop === 'refusal') return new ProviderFailure('processing_exception', 'refused', 'The model refused to answer.')
  if (stop === 'context')
    return new ProviderFailure('processing_exception', 'context_overflow', 'The answer did not fit into the window of the model.')
  return undefined
}

/** `/tool_calls/0/params` as `tool_calls[0].params`; what is missing or too much belongs to the path. */
function fieldOf(error: ErrorObject, prefix: string): Field {
  const own = error.params as { missingProperty?: string; additionalProperty?: string; unevaluatedProperty?: string }
  const last = own.missingProperty ?? own.additionalProperty ?? own.unevaluatedProperty
  const steps = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return { field: fieldPath([...steps, ...(last === undefined ? [] : [last])], prefix), message: error.message ?? error.keyword }
}

function fieldPath(steps: readonly string[], prefix: string): string {
  const path = steps.reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`), prefix)
  return path === '' ? '$' : path
}

/** The turns that ask for the same answer again: what came, and what is wrong with it, field by field. */
export function reask(answer: Pick<ProviderAnswer, 'text'>, failure: ProviderFailure): ChatMessage[] {
  // providers take no empty turn
  if (answer.text.trim() === '') return [{ role: 'user', content: 'Your answer was empty. Answer what was asked.' }]
  const lines = failure.details.map((detail) =>
    detail['type'] === 'json_decode_error'
      ? `- line ${String(detail['line'])}, column ${String(detail['column'])}: ${String(detail['error'])}`
      : `- ${String(detail['field'])}: ${String(detail['message'])}`,
  )
  const what = failure.reason === 'json_decode_error' ? 'That was not valid JSON:' : 'That does not have the asked form:'
  return [
    { role: 'assistant', content: answer.text },
    { role: 'user', content: [what, ...lines, 'Answer again: the whole JSON value, and nothing else.'].join('\n') },
  ]
}
