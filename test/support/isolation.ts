import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { IsolationDeps, JailRequest } from '../../src/core/sandbox/index.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const LAUNCHER = join(ROOT, 'native', 'build', 'launcher')

/** Builds the launcher once if it is not there; its absence (no compiler) fails the tests that need it. */
export function launcherPath(): string {
  if (!existsSync(LAUNCHER)) execFileSync(process.execPath, [join(ROOT, 'scripts', 'build-launcher.mjs')])
  return LAUNCHER
}

/** A temporary folder without links in its path. */
export function temporaryFolder(prefix = 'singularity-jail-'): { path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), prefix)))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export function isolationDeps(stateDir: string, extra: Partial<IsolationDeps> = {}): IsolationDeps {
  return {
    path: process.env['PATH'] ?? '/usr/bin:/bin',
    launcher: launcherPath(),
    stateDir,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    ...extra,
  }
}

export function jailRequest(command: readonly string[], extra: Partial<JailRequest> = {}): JailRequest {
  return {
    command,
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    mounts: [],
    network: 'none',
    limits: { timeoutMs: 20_000 },
    ...extra,
  }
}
