/** JSON Schema as plain data; `findProblems` reads the few keywords below, ajv in the tests says the same. */
export type Shape = Readonly<Record<string, unknown>>

/** `path` as people write it: `messages[0].role`; '' is the whole. */
export type Problem = { path: string; message: string }

type Keywords = {
  type?: string | readonly string[]
  enum?: readonly unknown[]
  properties?: Readonly<Record<string, Shape>>
  required?: readonly string[]
  additionalProperties?: false | Shape
  items?: Shape
  minItems?: number
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  pattern?: string
  /** What a text of this pattern is called: 'UUID'. */
  title?: string
}

/**
 * What is wrong with a value, one row per place. Ajv costs a command 70 ms and words its findings for programs; the shapes we
 * publish need a dozen keywords.
 */
export function findProblems(shape: Shape, value: unknown, path = ''): Problem[] {
  const rules = shape as Keywords
  const types = rules.type === undefined ? [] : [rules.type].flat()
  if (types.length > 0 && !types.some((type) => isOfType(type, value)))
    return [{ path, message: `must be ${types.map(article).join(' or ')}` }]
  if (rules.enum && !rules.enum.includes(value)) return [{ path, message: `must be one of ${rules.enum.join(', ')}` }]
  if (typeof value === 'string') return textProblems(rules, value, path)
  if (typeof value === 'number') return numberProblems(rules, value, path)
  if (Array.isArray(value)) return listProblems(rules, value, path)
  if (typeof value === 'object' && value !== null) return objectProblems(rules, value as Record<string, unknown>, path)
  return []
}

function textProblems({ minLength = 0, maxLength = Infinity, pattern, title }: Keywords, value: string, path: string): Problem[] {
  if (value.length < minLength) return [{ path, message: 'must not be empty' }]
  if (value.length > maxLength) return [{ path, message: `must have at most ${maxLength} characters` }]
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value))
    return [{ path, message: title === undefined ? `must match ${pattern}` : `is no ${title}` }]
  return []
}

function numberProblems({ minimum, maximum, exclusiveMinimum }: Keywords, value: number, path: string): Problem[] {
  if (minimum !== undefined && value < minimum) return [{ path, message: `must be at least ${minimum}` }]
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return [{ path, message: `must be more than ${exclusiveMinimum}` }]
  if (maximum !== undefined && value > maximum) return [{ path, message: `must be at most ${maximum}` }]
  return []
}

function listProblems({ minItems = 0, items }: Keywords, value: readonly unknown[], path: string): Problem[] {
  if (value.length < minItems) return [{ path, message: `must have at least ${minItems === 1 ? 'one entry' : `${minItems} entries`}` }]
  return items === undefined ? [] : value.flatMap((item, index) => findProblems(items, item, `${path}[${index}]`))
}

function objectProblems(rules: Keywords, value: Record<string, unknown>, path: string): Problem[] {
  const { properties = {}, required = [], additionalProperties } = rules
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`)
  const missing = required.filter((key) => !Object.hasOwn(value, key)).map((key) => ({ path: at(key), message: 'is missing' }))
  const found = Object.entries(value).flatMap(([key, item]) => {
    const own = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (own) return findProblems(own, item, at(key))
    // an own key of this name would become the prototype of whatever it is merged into
    if (additionalProperties === false || key === '__proto__') return [{ path: at(key), message: 'is not a known field' }]
    return additionalProperties === undefined ? [] : findProblems(additionalProperties, item, at(key))
  })
  return [...missing, ...found]
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (type === 'integer') return Number.isSafeInteger(value)
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value)
  return typeof value === type
}

function article(type: string): string {
  if (type === 'null') return 'null'
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`
}
