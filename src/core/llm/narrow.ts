import { SingularityError } from '../kernel/index.ts'
import { type RoutingFile } from './routing-file.ts'
import { findProblems } from './shape.ts'
import { ROUTING_SCHEMA } from './routing-schema.ts'

type Part = Readonly<Record<string, unknown>>

const CAPS = ['run_usd', 'day_usd', 'month_usd'] as const
const TIERS = ['simple', 'medium', 'complex'] as const

/**
 * What a repository's file may change: fewer models in a route, lower caps and time limits, stricter privacy. It comes with a
 * clone and may be hostile: end points, keys, headers, prices and everything wider are refused, whole and by name.
 * @throws CONFIG_UNTRUSTED naming key and file, CONFIG_INVALID
 */
export function narrow(base: RoutingFile, section: unknown, file: string, onChange: (path: string) => void): RoutingFile {
  const [problem] = findProblems({ type: 'object' }, section)
  if (problem) throw new SingularityError('CONFIG_INVALID', `${file}: llm ${problem.message}.`)
  const part = section as Part
  const refuse = (path: string, why: string): never => {
    throw new SingularityError('CONFIG_UNTRUSTED', `${file}: llm.${path} ${why}.`, {
      hints: ['Put it into your own llm.json, or take it out of the repository.', 'singularity llm routes'],
      data: { key: `llm.${path}`, file },
    })
  }
  only(part, ['routes', 'budgets', 'privacy', 'allow_unpriced'], '', refuse)
  const [wrong] = findProblems(ROUTING_SCHEMA, part)
  if (wrong) throw new SingularityError('CONFIG_INVALID', `${file}: llm.${wrong.path} ${wrong.message}.`)
  const next = structuredClone(base)
  const lower = (path: string, wanted: unknown, current: number | null | undefined, put: (value: number) => void): void => {
    if (wanted === undefined) return
    if (typeof wanted !== 'number' || wanted > (current ?? Infinity)) refuse(path, `may only be lowered (you allow ${current ?? 'any'})`)
    put(wanted as number)
    onChange(path)
  }
  narrowRoutes(next, (part['routes'] ?? {}) as Part, lower, refuse, onChange)
  narrowBudgets(next, (part['budgets'] ?? {}) as Part, lower, refuse)
  const allow = (part['privacy'] as { allow?: readonly (typeof base.privacy.allow)[number][] } | undefined)?.allow
  if (allow) {
    const wider = allow.find((each) => !base.privacy.allow.includes(each))
    if (wider !== undefined) refuse('privacy.allow', `may not add ${wider}`)
    next.privacy.allow = allow
    onChange('privacy.allow')
  }
  if (part['allow_unpriced'] === true && !base.allow_unpriced) refuse('allow_unpriced', 'may only be switched off')
  if (part['allow_unpriced'] === false) {
    next.allow_unpriced = false
    onChange('allow_unpriced')
  }
  return next
}

type Refuse = (path: string, why: string) => never
type Lower = (path: string, wanted: unknown, current: number | null | undefined, put: (value: number) => void) => void

const NOT_YOURS = "may only be set by the user's own file, the environment or a flag"

function only(part: Part, allowed: readonly string[], prefix: string, refuse: Refuse): void {
  const other = Object.keys(part).find((key) => !allowed.includes(key))
  if (other !== undefined) refuse(`${prefix}${other}`, NOT_YOURS)
}

function narrowRoutes(next: RoutingFile, routes: Part, lower: Lower, refuse: Refuse, onChange: (path: string) => void): void {
  only(routes, TIERS, 'routes.', refuse)
  for (const tier of TIERS) {
    const wanted = routes[tier] as { models?: readonly string[]; max_cost_usd?: number; timeout_ms?: number } | undefined
    if (wanted === undefined) continue
    only(wanted as Part, ['models', 'max_cost_usd', 'timeout_ms'], `routes.${tier}.`, refuse)
    const route = next.routes[tier]
    lower(`routes.${tier}.max_cost_usd`, wanted.max_cost_usd, route.max_cost_usd, (value) => void (route.max_cost_usd = value))
    lower(`routes.${tier}.timeout_ms`, wanted.timeout_ms, route.timeout_ms, (value) => void (route.timeout_ms = value))
    if (!wanted.models) continue
    const added = wanted.models.find((name) => !route.models.includes(name))
    if (added !== undefined) refuse(`routes.${tier}.models`, `may not add ${added}`)
    route.models = route.models.filter((name) => wanted.models!.includes(name))
    onChange(`routes.${tier}.models`)
  }
}

function narrowBudgets(next: RoutingFile, budgets: Part, lower: Lower, refuse: Refuse): void {
  only(budgets, [...CAPS, 'tasks', 'models'], 'budgets.', refuse)
  for (const cap of CAPS) lower(`budgets.${cap}`, budgets[cap], next.budgets[cap], (value) => void (next.budgets[cap] = value))
  for (const kind of ['tasks', 'models'] as const)
    for (const [name, value] of Object.entries((budgets[kind] ?? {}) as Record<string, number>))
      lower(`budgets.${kind}.${name}`, value, next.budgets[kind][name], (amount) => void (next.budgets[kind][name] = amount))
}
