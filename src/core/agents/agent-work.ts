import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { AgentRequest, AgentWork, ExecRequest } from '../improvement/index.ts'
import { SingularityError, oneLine, shellQuote } from '../kernel/index.ts'
import { runProcess } from '../process/index.ts'
import { type Gateway, openGateway } from './loopback/gateway.ts'
import type { LoopbackDeps } from './loopback/server.ts'
import { type AgentPreset, fillIn, loadPreset } from './presets.ts'

export type AgentWorkDeps = {
  /** templates_data/agents of the package. */
  folder: string
  env: Readonly<Record<string, string | undefined>>
  home: string
  /** The metered way to a provider of this protocol; null: there is no key for one, or no ledger. */
  loopback?: (run: { id: string; budgetNusd: number | null; api: NonNullable<AgentPreset['metered']> }) => Promise<LoopbackDeps | null>
  /** Whether `loopback` would find a key, without opening anything. */
  hasKey?: (api: NonNullable<AgentPreset['metered']>) => Promise<boolean>
}

const PROBE_MS = 20_000

/**
 * Presets of --exec. An agent that can be metered and for which there is a key works without network over the loopback; else it uses
 * its own login, with network, and what it costs is not known here.
 */
export function createAgentWork(deps: AgentWorkDeps): AgentWork {
  const { env, home } = deps
  const filled = (text: string, goal: string): string => fillIn(text, { goal, home })

  const loginOf = ({ login }: AgentPreset): boolean =>
    login.env.some((name) => (env[name] ?? '') !== '') || login.files.some((file) => existsSync(filled(file, '')))

  /** @throws USAGE where a budget cannot be kept; LLM_NOT_CONFIGURED where there is neither key nor login */
  async function wayOf(preset: AgentPreset, { budgetNusd }: AgentRequest): Promise<'metered' | 'login'> {
    if (preset.metered !== null && ((await deps.hasKey?.(preset.metered)) ?? false)) return 'metered'
    if (budgetNusd !== null)
      throw new SingularityError('USAGE', `--budget cannot be kept: ${preset.title} would work on its own login, which is not metered.`, {
        hints: preset.metered === null ? [`--budget works with: claude, codex`] : [`export ${KEYS[preset.metered]}=...`],
      })
    if (loginOf(preset)) return 'login'
    throw new SingularityError('LLM_NOT_CONFIGURED', `${preset.title} is not logged in, and there is no key it could be metered with.`, {
      hints: [preset.login.command, ...(preset.metered === null ? [] : [`export ${KEYS[preset.metered]}=...`])],
    })
  }

  async function probe(preset: AgentPreset): Promise<void> {
    const path = env['PATH'] ?? ''
    const found = path.split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, preset.program)))
    const missing = (why: string) =>
      new SingularityError('EXEC_FAILED', `${preset.title} cannot be used: ${why}`, {
        data: { reason: 'agent_missing', program: preset.program },
      })
    if (!found) throw missing(`there is no ${preset.program} on the PATH.`)
    const result = await runProcess({
      command: preset.program,
      args: preset.probe,
      cwd: '/',
      env: { PATH: path, HOME: home },
      timeoutMs: PROBE_MS,
    })
    if (result.exitCode === 0) return
    const said = oneLine(result.stderr.toString('utf8')).slice(0, 200)
    throw missing(
      `${preset.program} ${preset.probe.join(' ')} ${result.timedOut ? 'did not end' : `failed${said === '' ? '' : `: ${said}`}`}.`,
    )
  }

  return {
    async plan(agent) {
      const preset = loadPreset(deps.folder, agent.name)
      const way = await wayOf(preset, agent)
      await probe(preset)
      const words = [preset.program, ...preset.arguments.map((word) => filled(word, agent.goal))]
      const names = [...preset.env, ...(way === 'login' ? preset.login.env : [])]
      const set = { ...preset.set, ...(way === 'login' ? preset.login.set : {}) }
      const exec: ExecRequest = {
        command: words.map(shellQuote).join(' '),
        net: way === 'login',
        env: [
          ...names.flatMap((name) => (env[name] === undefined ? [] : [`${name}=${env[name]}`])),
          ...Object.entries(set).map(([name, value]) => `${name}=${filled(value, '')}`),
        ],
        binds: way === 'login' ? preset.login.binds.map((bind) => filled(bind, '')).filter((bind) => existsSync(bind)) : [],
      }
      return { exec, metered: way === 'metered', basis: `${preset.title}: ${preset.basis}.` }
    },
    async open(agent, { runId, jailed }): Promise<Gateway> {
      const { metered, title } = loadPreset(deps.folder, agent.name)
      const loopback = metered === null ? null : await deps.loopback?.({ id: runId, budgetNusd: agent.budgetNusd, api: metered })
      if (!loopback) throw new SingularityError('LLM_NOT_CONFIGURED', `There is no metered way to a model for ${title}.`)
      return openGateway(loopback, { forwarder: join(deps.folder, 'forward.mjs'), jailed })
    },
  }
}

const KEYS = { messages: 'ANTHROPIC_API_KEY', responses: 'OPENAI_API_KEY', chat: 'OPENAI_API_KEY' } as const
