import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { digest } from '../../kernel/index.ts'
import { runProcess } from '../../process/index.ts'
import type { Mount } from '../isolation.ts'

/** How a folder is given copy-on-write: by bubblewrap itself, by a mount before it, or by copying. */
export type OverlayWay = 'native' | 'mount' | 'copy'

export type PreparedOverlays = {
  overlays: Map<Mount, { kind: 'bind'; from: string } | { kind: 'native'; upper: string; work: string }>
  /** Goes in front of the command line: a private mount namespace in which the overlays are mounted. */
  stage: readonly string[]
}

const SCRIPT = `n=$1; shift
while [ "$n" -gt 0 ]; do
  mount -t overlay overlay -o "$OVERLAY_EXTRA"lowerdir="$1",upperdir="$2",workdir="$3" "$4" || exit 125
  shift 4; n=$((n-1))
done
exec "$@"`

/** Programs that enter a mount namespace of their own: as root directly, as anybody else through a user namespace. */
export function stageCommand(isRoot: boolean): string[] {
  return [
    ...(isRoot ? ['unshare', '-m'] : ['unshare', '-Urm']),
    'env',
    `OVERLAY_EXTRA=${isRoot ? '' : 'userxattr,'}`,
    'sh',
    '-c',
    SCRIPT,
    'sh',
  ]
}

/** Prepares what overlay mounts need below `scratch`; what is written there stays until the folder is emptied. */
export async function prepareOverlays(
  mounts: readonly Mount[],
  options: { way: OverlayWay; scratch: string; isRoot: boolean; env: Readonly<Record<string, string>> },
): Promise<PreparedOverlays> {
  const prepared: PreparedOverlays = { overlays: new Map(), stage: [] }
  const stacked: string[] = []
  for (const mount of mounts) {
    if (mount.mode !== 'overlay') continue
    const folder = join(options.scratch, digest([mount.from, mount.to]).slice(0, 16))
    const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(folder, name)) as [string, string, string]
    if (options.way === 'copy') {
      const copy = join(folder, 'copy')
      if (!existsSync(copy)) await copyTree(mount.from, copy, options.env)
      prepared.overlays.set(mount, { kind: 'bind', from: copy })
      continue
    }
    for (const path of [upper, work, merged]) mkdirSync(path, { recursive: true })
    if (options.way === 'native') prepared.overlays.set(mount, { kind: 'native', upper, work })
    else {
      stacked.push(mount.from, upper, work, merged)
      prepared.overlays.set(mount, { kind: 'bind', from: merged })
    }
  }
  if (stacked.length > 0) prepared.stage = [...stageCommand(options.isRoot), String(stacked.length / 4), ...stacked]
  return prepared
}

/** Copies a tree, sharing blocks where the file system can. Links stay links. */
export async function copyTree(from: string, to: string, env: Readonly<Record<string, string>>): Promise<void> {
  mkdirSync(to, { recursive: true })
  const flags = process.platform === 'darwin' ? ['-cR'] : ['-a', '--reflink=auto']
  await runProcess({ command: 'cp', args: [...flags, '--', `${from}/.`, to], cwd: to, env })
}
