import type { Git } from '../../git/index.ts'
import { SingularityError, digest } from '../../kernel/index.ts'
import type { JailProfile, Mount, Sandbox, SandboxRoom } from '../../sandbox/index.ts'
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
}): CandidateSource {
  const { git, sandboxes, phase, label } = deps
  return {
    kind: 'exec',
    async find({ base, signal, onProgress }) {
      onProgress?.(`running ${label}`)
      const sandbox = await sandboxes.create({ commit: base, purpose: 'edit', runId: deps.runId, profile: await deps.profile(base) })
      try {
        const result = await sandbox.run({
          command: phase.command,
          env: phase.env,
          mounts: phase.mounts,
          network: phase.net ? 'host' : 'none',
          timeoutMs: phase.timeoutMs,
          ...(signal && { signal }),
        })
        if (result.timedOut)
          throw new SingularityError('LIMIT_REACHED', `${label} did not end in time.`, {
            hints: ['singularity improve --time-limit 1h ...'],
          })
        if (result.exitCode !== 0)
          throw new SingularityError(
            'PATCH_INVALID',
            `${label} failed with exit code ${result.exitCode ?? result.signal}: ${lastLine(result.stderr)}`,
            {
              data: { reason: 'exec_failed', exitCode: result.exitCode },
            },
          )
        const { tree, commit } = await freezeEdits(git, sandbox, base, label)
        const proposal = await proposalOfTree(git, base, {
          tree,
          kind: 'exec',
          id: label,
          title: label,
          reason: `Made by ${label}${phase.net ? ' with network' : ''}.`,
          fingerprint: digest({ exec: tree, base }),
        })
        return { proposals: [{ ...proposal, commit }], notes: [] }
      } finally {
        await sandbox.discard()
      }
    },
  }
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.slice(0, 300) ?? ''
}
