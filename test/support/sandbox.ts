import { join } from 'node:path'
import { systemClock } from '../../src/core/kernel/index.ts'
import { type IsolationKind, type JailProfile, type SandboxRoom, type SandboxRoomDeps } from '../../src/core/sandbox/index.ts'
import { createIsolation, createSandboxRoom } from '../../src/core/sandbox/machinery.ts'
import { STATE_MIGRATIONS, openDatabase, type Database } from '../../src/core/storage/index.ts'
import type { Git } from '../../src/core/git/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { isolationDeps, temporaryFolder } from './isolation.ts'
import { createRepository, type FileContent, type TestRepository } from './repository.ts'

export type SandboxBench = {
  repository: TestRepository
  git: Git
  db: Database
  room: SandboxRoom
  state: string
  deps: SandboxRoomDeps
  profile: JailProfile
  cleanup(): void
}

/** A repository with a room over it: real git, real SQLite, a real jail. */
export async function openSandboxBench(
  files: Record<string, FileContent> = { 'a.txt': 'a\n', 'src/b.txt': 'b\n' },
  options: { kind?: IsolationKind; deps?: Partial<SandboxRoomDeps>; guarded?: boolean } = {},
): Promise<SandboxBench> {
  const repository = createRepository(files)
  const folder = temporaryFolder('singularity-state-')
  const git = await repository.open()
  const db = openDatabase({ path: join(folder.path, 'state.db'), applicationId: 0x53474c31, migrations: STATE_MIGRATIONS })
  const guarded = { gitDirs: options.guarded ? [git.repository.commonDir] : [] }
  const isolation = createIsolation(options.kind ?? 'bubblewrap', isolationDeps(join(folder.path, 'isolation'), { guarded }))
  const deps: SandboxRoomDeps = {
    git,
    db,
    clock: systemClock,
    isolation,
    processes: createProcessInfo(),
    stateHome: folder.path,
    path: process.env['PATH'] ?? '/usr/bin:/bin',
    home: process.env['HOME'] ?? '/root',
    ...options.deps,
  }
  const profile: JailProfile = { mounts: [], path: '/usr/local/bin:/usr/bin:/bin', env: {}, include: [], git: 'none', services: [] }
  return {
    repository,
    git,
    db,
    state: folder.path,
    deps,
    profile,
    room: createSandboxRoom(deps),
    cleanup() {
      db.close()
      repository.cleanup()
      folder.remove()
    },
  }
}
