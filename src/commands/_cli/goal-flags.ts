import type { AgentRequest, GoalRequest } from '../../core/improvement/index.ts'
import { SingularityError } from '../../core/kernel/index.ts'
import { Flags } from './oclif.ts'
import { parseDollars } from './question.ts'

const SOURCES = ['patch', 'branch', 'exec', 'source', 'rule']

/** A change described in words: by a model through the tools of this program, or by a coding agent. */
export const GOAL_FLAGS = {
  goal: Flags.string({
    description: 'What to change, in words; a model makes the candidate.',
    exclusive: SOURCES,
    env: 'SINGULARITY_GOAL',
  }),
  agent: Flags.option({ options: ['claude', 'codex', 'cursor', 'copilot'] as const })({
    description: 'This coding agent makes the candidate for --goal.',
    dependsOn: ['goal'],
    env: 'SINGULARITY_AGENT',
  }),
  budget: Flags.string({ description: 'The most --goal may cost, in dollars.', env: 'SINGULARITY_BUDGET' }),
  model: Flags.string({ description: 'Exactly this model for --goal.', env: 'SINGULARITY_MODEL' }),
  'max-iterations': Flags.integer({
    description: 'Turns of a conversation with the model (default 25).',
    min: 1,
    max: 100,
    dependsOn: ['goal'],
    exclusive: ['agent'],
    env: 'SINGULARITY_MAX_ITERATIONS',
  }),
  replay: Flags.string({
    description: 'Answer from the record of this run, or this file, instead of asking a model.',
    dependsOn: ['goal'],
    exclusive: ['agent'],
    env: 'SINGULARITY_GOAL_REPLAY',
  }),
  n: Flags.integer({
    description: 'Attempts on one budget; the smallest proven one is kept (default 1).',
    min: 1,
    max: 8,
    dependsOn: ['goal'],
    exclusive: ['agent'],
    env: 'SINGULARITY_N',
  }),
}

export type GoalFlags = {
  goal?: string | undefined
  agent?: string | undefined
  budget?: string | undefined
  model?: string | undefined
  'max-iterations'?: number | undefined
  n?: number | undefined
  replay?: string | undefined
  offline?: boolean
}

const TURNS = 25

/** How long a run may take where nothing was said: a conversation needs longer than a rule. */
export function timeLimitOf(flags: GoalFlags & { 'time-limit'?: string | undefined }): string {
  return flags['time-limit'] ?? (flags.goal === undefined ? '15m' : '1h')
}

/** @throws USAGE */
export function readGoal(flags: GoalFlags): { goal: GoalRequest | null; agent: AgentRequest | null } {
  if (flags.goal === undefined) return { goal: null, agent: null }
  if (flags.goal.trim() === '') throw new SingularityError('USAGE', '--goal is empty.')
  const budgetNusd = flags.budget === undefined ? null : parseDollars(flags.budget)
  if (flags.agent !== undefined) {
    if (flags.model !== undefined) throw new SingularityError('USAGE', '--model is not for --agent: the agent chooses by its own settings.')
    if (flags.offline) throw new SingularityError('USAGE', '--agent and --offline contradict each other.')
    return { goal: null, agent: { name: flags.agent, goal: flags.goal, budgetNusd } }
  }
  const { model = null, replay = null, n = 1, 'max-iterations': maxIterations = TURNS } = flags
  return { goal: { text: flags.goal, budgetNusd, model, maxIterations, n, replay }, agent: null }
}
