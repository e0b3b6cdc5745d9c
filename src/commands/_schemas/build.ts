/** A JSON Schema (draft 2020-12) as plain data. */
export type Schema = Readonly<Record<string, unknown>>

export const string: Schema = { type: 'string' }
export const number: Schema = { type: 'number' }
export const boolean: Schema = { type: 'boolean' }
export const count: Schema = { type: 'integer', minimum: 0 }
export const time: Schema = { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$` }
export const hash: Schema = { type: 'string', pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' }

/** A closed object: every property is there, and no other. */
export function object(properties: Readonly<Record<string, Schema>>, description?: string): Schema {
  return { type: 'object', ...(description && { description }), properties, required: Object.keys(properties), additionalProperties: false }
}

export const list = (items: Schema): Schema => ({ type: 'array', items })
export const map = (values: Schema): Schema => ({ type: 'object', additionalProperties: values })
export const oneOf = (...values: readonly string[]): Schema => ({ enum: values })
export const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })
export const either = (...schemas: readonly Schema[]): Schema => ({ anyOf: schemas })
/** A part that several answers share; it stands under `$defs`. */
export const use = (name: string): Schema => ({ $ref: `#/$defs/${name}` })

/** What a command answers that leaves its work to a worker. */
export const DETACHED: Schema = object(
  { id: string, status: oneOf('pending', 'processing', 'completed', 'failed'), deduped: boolean, workers: count },
  'With --detach.',
)
