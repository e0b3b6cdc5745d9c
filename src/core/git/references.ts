import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Git, Worktree } from './git.ts'

type Runner = Pick<Git, 'repository' | 'run'>

export type RefMove = { ref: string; next: string | null; old: string | null; reason: string; env?: Readonly<Record<string, string>> }

/** Moves one ref by compare-and-swap. False where its value was another, or it was made or removed meanwhile. */
export async function updateRef(git: Runner, move: RefMove): Promise<boolean> {
  const { ref, next, old } = move
  if (next === null && old === null) return !(await exists(git, ref))
  const zero = '0'.repeat(git.repository.objectFormat === 'sha256' ? 64 : 40)
  const args = ['update-ref', '-m', move.reason, ...(next === null ? ['-d', ref, old ?? zero] : [ref, next, old ?? zero])]
  const env = move.env ?? {}
  const moved = await git.run(args, { env, accept: [0, 1, 128] })
  if (moved.exitCode === 0) return true
  if (/but expected|reference already exists|unable to resolve reference|does not exist/.test(moved.stderr)) return false
  // Anything else (locks, full disk, bad names) is a failure: ask again so that it is thrown with its meaning.
  await git.run(args, { env })
  return true
}

async function exists(git: Runner, ref: string): Promise<boolean> {
  return (await git.run(['show-ref', '--verify', '--quiet', ref], { accept: [0, 1, 128] })).exitCode === 0
}

/** Every working tree of the repository, with its own git directory. */
export async function listWorktrees(git: Runner): Promise<Worktree[]> {
  const { root, gitDir, commonDir } = git.repository
  const admins = adminFolders(commonDir)
  const listed = (await git.run(['worktree', 'list', '--porcelain', '-z'])).text
  return listed
    .split('\0\0')
    .filter((block) => block !== '')
    .map((block, index) => {
      const fields = new Map(block.split('\0').map((line) => splitOnce(line)))
      const shown = fields.get('worktree') ?? ''
      // Where the git directory lies elsewhere (submodule, --separate-git-dir) git shows that one for the main tree.
      const path = index === 0 && gitDir === commonDir ? root : shown
      return {
        path,
        head: fields.get('HEAD') ?? null,
        branch: fields.get('branch')?.replace(/^refs\/heads\//, '') ?? null,
        bare: fields.has('bare'),
        gitDir: index === 0 ? commonDir : (admins.get(real(path)) ?? null),
      }
    })
}

function splitOnce(line: string): [string, string] {
  const space = line.indexOf(' ')
  return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
}

function adminFolders(commonDir: string): Map<string, string> {
  const folder = join(commonDir, 'worktrees')
  const found = new Map<string, string>()
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    try {
      const pointer = readFileSync(join(folder, name, 'gitdir'), 'utf8').replace(/\n$/, '')
      found.set(real(dirname(resolve(join(folder, name), pointer))), join(folder, name))
    } catch {
      // Half-made or half-removed entries have no pointer; git skips them too.
    }
  }
  return found
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
