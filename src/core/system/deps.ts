import type { Settings } from '../config/index.ts'
import type { Git } from '../git/index.ts'
import type { Llm } from '../llm/index.ts'
import type { Isolation, IsolationKind, SandboxRoom, SandboxTraces } from '../sandbox/index.ts'
import type { Database, RepairReport } from '../storage/index.ts'

/** A database of this repository or this user, whether it is there yet or not. */
export type DatabaseFile = {
  name: string
  path: string
  applicationId: number
  /** The newest version of its tables that this program knows. */
  version: number
  /** Puts a sound file in its place; null where it holds nothing that is worth keeping and was removed. */
  repair(): Promise<RepairReport | null>
}

/** What the checks look at. Functions throw where the thing cannot be had: saying so is the check's job. */
export type SystemDeps = {
  version: string
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
  nodeVersion: string
  packageRoot: string
  /** Our folder below the state home. */
  stateHome: string
  git(): Promise<Git>
  /** `<common git dir>/singularity`. */
  stateDir(): Promise<string>
  /** Opens state.db, and makes it where it is missing. */
  database(): Promise<Database>
  /** Outside a repository only what belongs to the user. */
  databaseFiles(): Promise<DatabaseFile[]>
  settings(): Promise<Settings>
  /** Routing table, account and keys; opening it makes nothing. */
  llm(): Promise<Llm>
  isolation(kind: IsolationKind): Promise<Isolation>
  /** The sandboxes of this repository. */
  sandboxes(): Promise<SandboxRoom>
  /** Runs whose process is gone. */
  leftRunning(): Promise<string[]>
  recover(): Promise<unknown>
  /** Everything the sandboxes left on disk for this repository. */
  sandboxTraces(): Promise<SandboxTraces>
}

/** The jail of a platform. */
export function jailOf(platform: NodeJS.Platform): IsolationKind {
  return platform === 'darwin' ? 'seatbelt' : 'bubblewrap'
}
