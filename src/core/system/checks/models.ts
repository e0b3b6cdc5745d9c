import { plural } from '../../kernel/index.ts'
import { type Check, ok, warn } from '../check.ts'

/** The routing table is valid and fresh. That no model is configured is no fault: nothing here needs one. */
export const models: Check = {
  id: 'models',
  async run(deps) {
    const { overview } = await deps.llm()
    const { as_of: asOf, age_days: age, stale, providers } = overview.routes()
    const gone = overview.models().models.filter((model) => model.usable && model.notice !== null)
    const usable = providers.filter((each) => each.usable).map(({ provider }) => provider)
    if (usable.length === 0) return ok('none configured: rules and caches answer, nothing is paid')
    if (gone.length > 0)
      return warn(`their providers do not know them: ${gone.map(({ model }) => model).join(', ')}`, 'singularity llm models --check')
    if (stale) return warn(`models and prices are of ${asOf}, ${plural(age, 'day')} old`, 'singularity llm models')
    return ok(`${usable.join(', ')}; models and prices of ${asOf}`)
  },
}

export const secrets: Check = {
  id: 'secrets',
  async run(deps) {
    const stored = (await deps.llm()).secrets.list([])
    const ending = stored.filter(({ state }) => state !== 'ok')
    if (ending.length === 0) return ok(stored.length === 0 ? 'no key is stored' : `${plural(stored.length, 'key')} stored, encrypted`)
    const told = ending.map(
      ({ name, state, expires_at: at }) => `${name} ${state === 'expired' ? 'has expired' : `expires on ${at!.slice(0, 10)}`}`,
    )
    return warn(told.join(', '), ...ending.map(({ name }) => `singularity secrets rotate ${name}`))
  },
}
