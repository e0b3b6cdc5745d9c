import { realpathSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { type Git, fromTop } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import { loadRules } from '../rules/index.ts'
import { parseMetric } from '../validation/index.ts'
import type { ImproveRequest } from './data.ts'
import { chooseTarget } from './deliver.ts'
import type { ImprovementDeps } from './session.ts'
import { chooseRules } from './sources/rules.ts'

/**
 * What can be known to be wrong before minutes of work, told before them: metrics, rules, the branch to land on, paths.
 * Answers the request with its paths relative to the top, as a person in a folder below means them, and its time within
 * the longest an experiment may take.
 * @throws USAGE, RULE_INVALID
 */
export async function checkRequest(deps: ImprovementDeps, request: ImproveRequest, base: string): Promise<ImproveRequest> {
  for (const metric of request.metrics)
    if (!parseMetric(metric))
      throw new SingularityError('USAGE', `--metric ${metric} is not NAME[unit,lower|higher]=COMMAND.`, {
        hints: ["singularity improve --metric 'size[bytes,lower]=wc -c < dist/index.js'"],
      })
  if (request.rules.length > 0) chooseRules(await loadRules(deps.git.reader(base)), request.rules)
  const { into, propose } = request
  if (into !== null) await chooseTarget(deps.git, { run: { id: 'r0', base }, into, propose, ci: deps.ci, protectedBranches: [] })
  const agent = request.agent ? await planAgent(deps, request.agent) : null
  const called = agent?.exec ?? request.exec
  const exec = called && { ...called, binds: called.binds.map((path) => resolveBind(deps, path)) }
  const timeLimitMs = Math.min(request.timeLimitMs, deps.settings.timeoutMs)
  const agentRequest = agent && request.agent ? { ...request.agent, metered: agent.metered, basis: agent.basis } : null
  return { ...request, exec, agent: agentRequest, timeLimitMs, paths: await resolvePaths(deps.git, base, request.paths) }
}

/** @throws USAGE, EXEC_FAILED, LLM_NOT_CONFIGURED */
async function planAgent({ agents }: ImprovementDeps, agent: NonNullable<ImproveRequest['agent']>) {
  if (!agents) throw new SingularityError('USAGE', '--agent is not available here.')
  return agents.plan(agent)
}

/** A folder opened to a program of the edit phase is written for real: never the repository, nor what judges the change. */
function resolveBind({ git, hostEnv }: ImprovementDeps, name: string): string {
  const { root, prefix, commonDir, gitDir } = git.repository
  const home = hostEnv['HOME'] ?? '/'
  const own = [
    join(hostEnv['XDG_STATE_HOME'] ?? join(home, '.local/state'), 'singularity'),
    join(hostEnv['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'singularity'),
  ]
  let path: string
  try {
    path = realpathSync(resolve(join(root, prefix), name))
  } catch {
    throw new SingularityError('USAGE', `--exec-bind ${name}: there is no such file or folder.`)
  }
  const held = [root, commonDir, gitDir, ...own].find((each) => contains(path, each) || contains(each, path))
  if (held !== undefined)
    throw new SingularityError('USAGE', `--exec-bind ${name} would open ${held} to the program.`, {
      hints: ['The program finds the tracked files in its own copy; ignored ones: singularity config set sandbox.include FILE'],
    })
  return path
}

function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)
}

async function resolvePaths(git: Git, base: string, typed: readonly string[]): Promise<string[]> {
  if (typed.length === 0) return []
  const files = (await git.reader(base).entries()).map(({ path }) => path)
  const resolved = typed.map((name) => {
    const path = fromTop(git.repository, name)
    if (path !== '' && !files.some((file) => file === path || file.startsWith(`${path}/`)))
      throw new SingularityError('USAGE', `There is no file or folder ${path} in ${base.slice(0, 12)}.`, { hints: ['git ls-files'] })
    return path
  })
  return resolved.includes('') ? [] : resolved
}
