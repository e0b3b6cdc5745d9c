import type { Git } from '../../git/index.ts'
import { SingularityError, digest, plural, printable } from '../../kernel/index.ts'
import type { JailProfile, JailResult, Mount, Sandbox, SandboxRoom } from '../../sandbox/index.ts'
import type { ModelGateway } from '../goal.ts'
import type { CandidateSource } from '../source.ts'
import { proposalOfTree } from './patch.ts'

export type EditPhase = {
  command: readonly string[]
  net: boolean
  env: Readonly<Record<string, string>>
  mounts: readonly Mount[]
  timeoutMs: number
}

/**
 * Freezes what an edit phase left in its sandbox into a tree: the files are read by the parent, without following
 * links, and nothing of the directory is used afterwards.
 */
export async function freezeEdits(
  git: Git,
  sandbox: Sandbox,
  base: string,
  message: string,
): Promise<{ commit: string; tree: string; count: number }> {
  const changes = await sandbox.collectChanges()
  const frozen = await git.commitChanges({ base, changes, message })
  return { ...frozen, count: changes.length }
}

/**
 * `--exec CMD`: any program that edits the sandbox. The edit phase has a sandbox of its own, in which network,
 * variables and folders may be opened; its result is frozen into a commit and validated in a fresh sandbox without them.
 */
export function createExecSource(deps: {
  git: Git
  sandboxes: SandboxRoom
  profile: (base: string) => Promise<JailProfile>
  runId: string
  label: string
  phase: EditPhase
  /** A coding agent, and the metered way it may use; null: it works on its own login. */
  agent?: { name: string; basis: string; gateway: (() => Promise<ModelGateway>) | null }
}): CandidateSource {
  const { git, sandboxes, phase, label } = deps
  return {
    kind: 'exec',
    async find({ base, signal, onProgress }) {
      onProgress?.(`running ${label}`)
      const sandbox = await sandboxes.create({ commit: base, purpose: 'edit', runId: deps.runId, profile: await deps.profile(base) })
      let gateway: ModelGateway | null = null
      try {
        gateway = (await deps.agent?.gateway?.()) ?? null
        const result = await sandbox.run({
          command: gateway ? gateway.wrap(phase.command) : phase.command,
          env: { ...phase.env, ...gateway?.env },
          mounts: [...phase.mounts, ...(gateway?.mounts ?? [])],
          network: phase.net ? 'host' : 'none',
          timeoutMs: phase.timeoutMs,
          ...(signal && { signal }),
        })
        await gateway?.close()
        refuseFailure(label, result, deps.agent?.basis)
        const { tree, commit, count } = await freezeEdits(git, sandbox, base, label)
        if (count === 0)
          throw new SingularityError('EXEC_FAILED', `${label} ended well but changed nothing: there is no candidate.`, {
            hints: ['Files that git ignores, and everything in .git, are no part of a change.'],
            data: { reason: 'nothing_changed' },
          })
        const proposal = await proposalOfTree(git, base, {
          tree,
          kind: 'exec',
          id: label,
          title: label,
          reason: `Made by ${label}${phase.net ? ' with network' : ''}.`,
          fingerprint: digest({ exec: tree, base }),
        })
        return { proposals: [{ ...proposal, commit }], notes: deps.agent ? [costNote(deps.agent.name, gateway), deps.agent.basis] : [] }
      } finally {
        await gateway?.close()
        await sandbox.discard()
      }
    },
  }
}

function costNote(name: string, gateway: ModelGateway | null): string {
  if (!gateway) return `${name} worked on its own login: what it cost is unmetered.`
  const { nusd, calls, refused } = gateway.spent()
  return `${name} made ${plural(calls, 'metered call')} for ${(nusd / 1e9).toFixed(4)} USD${refused > 0 ? `; ${refused} refused` : ''}.`
}

/** @throws INTERRUPTED, LIMIT_REACHED, EXEC_FAILED: half an edit is no candidate */
function refuseFailure(label: string, result: JailResult, basis: string | undefined): void {
  if (result.cancelled) throw new SingularityError('INTERRUPTED', `${label} was stopped.`)
  if (result.timedOut)
    throw new SingularityError('LIMIT_REACHED', `${label} did not end in time.`, { hints: ['singularity improve --time-limit 1h ...'] })
  const limit = result.outputLimited ? 'output' : (result.limit ?? null)
  if (limit !== null)
    throw new SingularityError('LIMIT_REACHED', `${label} went over the sandbox's limit (${limit}).`, { data: { reason: limit } })
  if (result.exitCode === 0) return
  const how = result.exitCode === null ? `was ended by ${result.signal}` : `failed with exit code ${result.exitCode}`
  const last = lastLine(result.stderr)
  throw new SingularityError('EXEC_FAILED', `${label} ${how}${last === '' ? '.' : `: ${last}`}`, {
    hints: [
      ...(result.exitCode === 127
        ? ['A program outside of /usr is found by its own name; what it needs beside it: --exec-bind FOLDER']
        : []),
      ...(basis === undefined ? [] : [basis]),
    ],
    data: { reason: 'exec_failed', exitCode: result.exitCode, signal: result.signal },
  })
}

function lastLine(text: string): string {
  return printable(text).trimEnd().split('\n').at(-1)?.slice(0, 300) ?? ''
}
