import type { ToolCall } from '../llm/index.ts'
import { ToolFailure } from './failure.ts'
import { APPLY_PATCH, TOOLS, type ToolName, toolNamed } from './tool-schemas.ts'

export type CheckedCall = { id: string; tool: ToolName | typeof APPLY_PATCH; params: Readonly<Record<string, unknown>> }

const PATCH_SCHEMA = {
  type: 'object',
  properties: { patch: { type: 'string' } },
  required: ['patch'],
  additionalProperties: false,
} as const

type Check = ((value: unknown) => boolean) & {
  errors?: { instancePath: string; message?: string; params: Record<string, unknown> }[] | null
}
let compiled: Promise<ReadonlyMap<string, Check>> | undefined

async function checks(): Promise<ReadonlyMap<string, Check>> {
  return (compiled ??= (async () => {
    // the default is the one name that is there in a bundle too
    const { default: library } = await import('ajv')
    const ajv = new library.default({ allErrors: true, strict: true, allowUnionTypes: true })
    const schemas = [
      ...Object.values(TOOLS).map(({ name, parameters }) => [name, parameters] as const),
      [APPLY_PATCH, PATCH_SCHEMA] as const,
    ]
    return new Map(schemas.map(([name, schema]) => [name, ajv.compile(schema) as Check]))
  })())
}

/**
 * The call as one of our tools with parameters that hold its schema. Nothing is repaired: parameters that came as a text are refused.
 * The command line of the seeds' `bash` is handed to a shell. @throws ToolFailure UNKNOWN_TOOL, INVALID_PARAMS
 */
export async function checkCall(call: ToolCall): Promise<CheckedCall> {
  const name = String(call.toolName)
  const tool = name === APPLY_PATCH ? APPLY_PATCH : toolNamed(name)
  if (tool === null)
    throw new ToolFailure(
      'UNKNOWN_TOOL',
      `There is no tool ${JSON.stringify(name.slice(0, 60))}. There are: ${Object.keys(TOOLS).join(', ')}.`,
    )
  const { params } = call
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw new ToolFailure(
      'INVALID_PARAMS',
      `${name}: params must be object, and came as ${Array.isArray(params) ? 'array' : typeof params}.`,
    )
  const known = withSeedNames(tool, name, params as Record<string, unknown>)
  const check = (await checks()).get(tool)!
  if (!check(known)) {
    const told = (check.errors ?? []).slice(0, 5).map(({ instancePath, message, params: more }) => {
      const extra = more['additionalProperty'] ?? more['missingProperty']
      return `params${instancePath.replaceAll('/', '.')} ${message ?? 'is wrong'}${extra === undefined ? '' : ` (${String(extra)})`}`
    })
    throw new ToolFailure('INVALID_PARAMS', `${name}: ${told.join('; ')}.`)
  }
  return { id: call.id, tool, params: known }
}

/** The seeds' `bash {command}` and `code_read {path}`; OpenAI's apply_patch says `input`. */
function withSeedNames(tool: CheckedCall['tool'], name: string, params: Record<string, unknown>): Record<string, unknown> {
  if (tool === APPLY_PATCH && typeof params['input'] === 'string' && params['patch'] === undefined) return { patch: params['input'] }
  if (tool === 'run' && name !== 'run' && typeof params['command'] === 'string')
    return { argv: ['sh', '-c', params['command']], timeout: (params['timeout'] as number | undefined) ?? null }
  if (tool === 'read' && name !== 'read') return { range: null, ...params }
  return params
}
