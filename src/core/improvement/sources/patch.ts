import { basename } from 'node:path'
import type { Git } from '../../git/index.ts'
import { SingularityError, digest, printable, sha256 } from '../../kernel/index.ts'
import { sitesOfDiff } from '../edits.ts'
import type { CandidateSource, Proposal, SourceKind } from '../source.ts'

/** A tree that was made elsewhere (patch, branch, agent) as one explicit candidate, cut into hunks where that can be done. */
export async function proposalOfTree(
  git: Git,
  base: string,
  made: { tree: string; kind: SourceKind; id: string; title: string; reason: string; fingerprint: string },
): Promise<Proposal> {
  const { sites, whole } = await sitesOfDiff(git, base, made.tree)
  const after = git.reader(made.tree)
  const files = await git.changedFiles(base, made.tree)
  if (files.length === 0)
    throw new SingularityError('PATCH_INVALID', `The ${made.kind === 'exec' ? 'program' : made.kind} changes nothing.`, {
      hints: ['git diff > my.patch'],
      data: { reason: 'empty' },
    })
  const changes = []
  for (const file of files) {
    if (!whole.includes(file.path)) continue
    const content = file.status === 'deleted' ? null : ((await after.read(file.path)) ?? null)
    changes.push({ path: file.path, content })
    if (file.oldPath !== null) changes.push({ path: file.oldPath, content: null })
  }
  return {
    title: printable(made.title),
    source: { kind: made.kind, id: made.id, version: '1' },
    fingerprint: made.fingerprint,
    scope: '',
    sites,
    changes,
    tree: made.tree,
    reason: made.reason,
    safety: 'unknown',
    explicit: true,
  }
}

/** The subject of a mail patch, else the file's name. */
function titleOfPatch(name: string, text: string): string {
  const subject = text.slice(0, 4096).match(/^Subject: (?:\[PATCH[^\]]*\] )?(.+)$/m)?.[1]
  return subject?.trim() ?? `Apply ${name === '-' ? 'a patch from standard input' : basename(name)}`
}

/** `--patch FILE|-`: a `git diff` against the base. @throws PATCH_INVALID */
export function createPatchSource({ git, name, bytes }: { git: Git; name: string; bytes: Uint8Array }): CandidateSource {
  return {
    kind: 'patch',
    async find({ base }) {
      const { tree } = await git.applyPatch(base, bytes)
      const proposal = await proposalOfTree(git, base, {
        tree,
        kind: 'patch',
        id: name,
        title: titleOfPatch(name, Buffer.from(bytes).toString('utf8')),
        reason: 'Handed in as a patch.',
        fingerprint: digest({ patch: sha256(bytes), base }),
      })
      return { proposals: [proposal], notes: [] }
    },
  }
}

/** `--branch NAME`: what the branch adds since it left the base, as one candidate. @throws REV_INVALID, PATCH_INVALID */
export function createBranchSource({ git, name }: { git: Git; name: string }): CandidateSource {
  return {
    kind: 'branch',
    async find({ base }) {
      const tip = await git.resolve(`${name}^{commit}`)
      if (!tip)
        throw new SingularityError('REV_INVALID', `${name} is not a branch or commit of this repository.`, { hints: ['git branch --all'] })
      const { tree, conflicts } = await git.mergeTrees(base, tip)
      if (conflicts.length > 0)
        throw new SingularityError('PATCH_INVALID', `${name} conflicts with the base in ${conflicts.map(printable).join(', ')}.`, {
          hints: [`git rebase ${base.slice(0, 12)} ${name}`],
          data: { reason: 'conflict', paths: conflicts },
        })
      const proposal = await proposalOfTree(git, base, {
        tree,
        kind: 'branch',
        id: name,
        title: `Apply branch ${name}`,
        reason: `What ${name} adds.`,
        fingerprint: digest({ branch: tip, base }),
      })
      return { proposals: [proposal], notes: [] }
    },
  }
}
