import { type Clock, SingularityError, canonicalJson, messageOf, newUuid } from '../kernel/index.ts'
import { type Complexity, LLM_QUEUE, type NewJob } from '../queue/index.ts'
import { redactSecrets } from '../telemetry/index.ts'
import { findBreak, findRepeatedKeys } from './read-json.ts'
import { REQUEST_SCHEMA } from './request-schema.ts'
import type { LlmRequest, StoredRequest } from './request.ts'
import { complexityOf } from './routing.ts'
import { type Problem, findProblems } from './shape.ts'

/** The kind of job the handler of models runs. */
export const LLM_KIND = 'llm.request'

/** `index` counts the requests of one text from 0. */
export type RequestProblem = Problem & { index: number; position?: number; line?: number; column?: number; preview?: string }

export type RequestContext = {
  clock: Clock
  /** Task type -> complexity, of the routing table. */
  tasks: Readonly<Record<string, Complexity>>
  /** Calls of one request that may fail before it has failed; the queue's own number where left out. */
  maxAttempts?: number
  /** Values that never leave the machine (`secretValues` of the environment, keys of the secret store). */
  known: readonly string[]
}

/** What only we set on a request. */
export type RequestHints = Pick<StoredRequest, 'model' | 'no_cache' | 'run' | 'tool_loop'>

const MAX_DEPTH = 100
const CREDENTIAL = /authorization|token|secret|passw|api[-_]?key|credential|cookie|headers/i

/**
 * Reads one JSON object or JSON lines, all or nothing: one bad request and none is accepted.
 * @throws REQUEST_INVALID with data.errors[] {index, path, message}; broken JSON also tells position, line, column and preview
 */
export async function parseRequests(text: string, context: RequestContext): Promise<NewJob[]> {
  const jobs: NewJob[] = []
  const problems: RequestProblem[] = []
  for (const [index, part] of splitRequests(text).entries()) {
    const made = readRequest(part)
    const result = Array.isArray(made) ? made : await toJob(made.request, context)
    if (Array.isArray(result)) problems.push(...result.map((problem) => ({ index, ...problem })))
    else jobs.push(result)
  }
  if (problems.length > 0) throw requestInvalid(problems)
  return jobs
}

/**
 * One request that a command builds itself, checked like any other.
 * @throws REQUEST_INVALID
 */
export async function createRequestJob(request: LlmRequest, context: RequestContext, hints: RequestHints = {}): Promise<NewJob> {
  const result = await toJob(request, context, hints)
  if (Array.isArray(result)) throw requestInvalid(result.map((problem) => ({ index: 0, ...problem })))
  return result
}

const MOST_TOLD = 5

function requestInvalid(problems: readonly RequestProblem[]): SingularityError {
  const told = problems
    .slice(0, MOST_TOLD)
    .map(({ index, path, message }) => `Request ${index + 1}: ${[path, message].filter(Boolean).join(' ')}`)
  const more = problems.length > MOST_TOLD ? ` (and ${problems.length - MOST_TOLD} more)` : ''
  return new SingularityError('REQUEST_INVALID', `${told.join('; ')}${more}.`, { data: { errors: problems } })
}

/** JSON lines where the first line is a whole object by itself, else the text is one object over many lines. */
function splitRequests(text: string): string[] {
  const whole = text.replace(/^\uFEFF/, '')
  const end = whole.search(/\S/) === -1 ? -1 : whole.indexOf('\n', whole.search(/\S/))
  if (end === -1 || !/^\s*\{.*\}\s*$/.test(whole.slice(0, end)) || whole.slice(end).trim() === '') return [whole]
  return whole.split('\n').filter((line) => line.trim() !== '')
}

type Found = Omit<RequestProblem, 'index'>

function readRequest(text: string): { request: LlmRequest } | Found[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const { error, ...place } = findBreak(text)
    return [{ path: '', message: `is not JSON: ${error} at position ${place.position}`, ...place }]
  }
  const repeated = findRepeatedKeys(text)
  if (repeated.length > 0) return repeated.map((path) => ({ path, message: 'is given twice' }))
  return { request: value as LlmRequest }
}

async function toJob(request: LlmRequest, context: RequestContext, hints: RequestHints = {}): Promise<NewJob | Found[]> {
  if (depthOf(request) > MAX_DEPTH) return [{ path: '', message: `is nested deeper than ${MAX_DEPTH}` }]
  const shape = findProblems(REQUEST_SCHEMA, request)
  const problems = shape.length > 0 ? shape : [...disagreements(request), ...credentials(request), ...(await schemaProblems(request))]
  if (problems.length > 0) return problems
  const { id, priority, run_at, unique_key, group, parent_id, complexity: asked, options, ...rest } = request
  const complexity = asked ?? complexityOf(context.tasks, request.task_type)
  const temperature = request.temperature ?? options?.temperature
  const maxTokens = request.max_tokens ?? options?.max_tokens
  const stored: StoredRequest = {
    ...rest,
    agent_id: request.agent_id ?? 'cli',
    complexity,
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(options?.stream !== undefined && { options: { stream: options.stream } }),
    ...hints,
  }
  return {
    id: id?.toLowerCase() ?? newUuid(context.clock),
    queue: LLM_QUEUE,
    kind: LLM_KIND,
    payload: canonicalJson(withoutSecrets(stored, context.known)),
    agentId: stored.agent_id,
    taskType: stored.task_type,
    complexity,
    paid: true,
    ...(context.maxAttempts !== undefined && { maxAttempts: context.maxAttempts }),
    ...(priority !== undefined && { priority }),
    ...(run_at !== undefined && { runAt: Date.parse(run_at) }),
    ...(unique_key !== undefined && { uniqueKey: unique_key }),
    ...(group !== undefined && { group }),
    ...(parent_id !== undefined && { parentId: parent_id.toLowerCase() }),
    ...(request.deadline_ms !== undefined && { deadlineAt: context.clock.now() + request.deadline_ms }),
  }
}

/** The seeds know two places for these: the same value in both is fine. */
function disagreements(request: LlmRequest): Found[] {
  const { options = {}, run_at } = request
  const twice = (['temperature', 'max_tokens'] as const).filter(
    (key) => request[key] !== undefined && options[key] !== undefined && request[key] !== options[key],
  )
  const wrongTime = run_at !== undefined && Number.isNaN(Date.parse(run_at))
  return [
    ...twice.map((key) => ({ path: `options.${key}`, message: `says ${options[key]}, ${key} says ${request[key]}` })),
    ...(wrongTime ? [{ path: 'run_at', message: 'is no time' }] : []),
  ]
}

/** Requests are stored. A credential would be, too, or be sent as `[hidden]`: both are worse than to say so. */
function credentials({ mcp_servers: servers = [] }: LlmRequest): Found[] {
  return servers.flatMap((server, index) =>
    Object.entries(server)
      .filter(([key, value]) => CREDENTIAL.test(key) && value !== null && value !== '')
      .map(([key]) => ({ path: `mcp_servers[${index}].${key}`, message: 'may not stand in a request: it would be stored' })),
  )
}

async function schemaProblems({ response_schema: schema }: LlmRequest): Promise<Found[]> {
  if (schema === undefined) return []
  const options = { strict: false, logger: false as const, validateFormats: false }
  const old = typeof schema['$schema'] === 'string' && /draft-07/.test(schema['$schema'])
  try {
    const { Ajv, Ajv2020 } = await import('./json-schema.ts')
    const ajv = old ? new Ajv(options) : new Ajv2020(options)
    ajv.compile({ ...schema })
    return []
  } catch (error) {
    return [{ path: 'response_schema', message: `is not a JSON Schema: ${messageOf(error)}` }]
  }
}

/** A request as it may be stored and sent: everything that may hold a person's text. Names of fields, roles and ids stay. */
export function withoutSecrets<Request extends LlmRequest | StoredRequest>(request: Request, known: readonly string[]): Request {
  const clean = <T>(value: T): T => redactAll(value, known) as T
  return {
    ...request,
    messages: request.messages.map((message) => ({
      ...message,
      content: redactSecrets(message.content, known),
      ...(message.tool_calls && { tool_calls: clean(message.tool_calls) }),
    })),
    ...(request.context && { context: clean(request.context) }),
    ...(request.tools && { tools: clean(request.tools) }),
    ...(request.mcp_servers && { mcp_servers: clean(request.mcp_servers) }),
  }
}

function redactAll(value: unknown, known: readonly string[]): unknown {
  if (typeof value === 'string') return redactSecrets(value, known)
  if (Array.isArray(value)) return value.map((item) => redactAll(item, known))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactAll(item, known)]))
}

/** Level by level, so that a hostile text cannot use up the stack. */
function depthOf(value: unknown): number {
  let depth = 0
  for (let level = [value]; level.length > 0 && depth <= MAX_DEPTH; depth++) {
    const below: unknown[] = []
    for (const item of level) if (typeof item === 'object' && item !== null) for (const inner of Object.values(item)) below.push(inner)
    level = below
  }
  return depth
}
