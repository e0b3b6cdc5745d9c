import { expect, test } from 'vitest'
import { type Playground, createPlayground } from '../cli/playground.ts'

const KEYS = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GOOGLE_AI_STUDIO_API_KEY', 'GROQ_API_KEY', 'OPENROUTER_API_KEY', 'OLLAMA_HOST']
const given = Object.fromEntries(KEYS.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
const isWanted = process.env['SINGULARITY_LIVE'] === '1' && Object.keys(given).length > 0

// opt-in, because it spends money: npm run test:live with at least one key in the environment; at most a cent per provider
test.skipIf(!isWanted)('every provider whose key is in the environment answers, with schema and tools, and is booked', async () => {
  const place: Playground = createPlayground()
  try {
    const { exitCode, json } = await place.run(['llm', 'check'], { env: given })
    expect(json.data.providers.filter(({ state }: { state: string }) => state === 'failed')).toEqual([])
    expect(exitCode).toBe(0)
    const budget = await place.run(['llm', 'budget'], { env: given })
    const day = budget.json.data.caps.find(({ scope }: { scope: string }) => scope === 'day')
    expect(day).toMatchObject({ reserved_nusd: 0 })
    expect(day.spent_nusd).toBeLessThanOrEqual(Object.keys(given).length * 10_000_000)
  } finally {
    place.cleanup()
  }
})
