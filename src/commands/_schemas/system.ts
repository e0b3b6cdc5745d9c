import { DETACHED, boolean, either, list, nullable, object, oneOf, string, type Schema } from './build.ts'

const setting: Record<string, Schema> = {
  name: string,
  value: {},
  origin: oneOf('flag', 'environment', 'repository', 'user', 'default'),
  source: string,
}
const service = oneOf('up', 'down', 'loaded', 'not created', 'not configured', 'no repository')

/** What `data` holds in the commands about the program itself. */
export const SYSTEM: Readonly<Record<string, Schema>> = {
  completion: object({ shell: oneOf('bash', 'zsh', 'fish'), script: string }),
  version: object({ version: string, node: string, platform: string }),
  status: object({
    status: oneOf('healthy', 'degraded', 'unhealthy'),
    services: object({ database: service, queue: service, native: service, isolation: service, llm: service }),
    version: string,
  }),
  doctor: object({
    checks: list(object({ id: string, status: oneOf('ok', 'warn', 'fail'), detail: string, fix: list(string) })),
    fixed: list(string),
  }),
  'config.list': object({
    settings: list(object({ ...setting, about: string })),
    refused: list(object({ name: string, reason: string })),
  }),
  'config.get': object(setting),
  'config.set': object({ name: string, value: {}, file: string, scope: oneOf('user', 'repository') }),
  init: object({
    plan: object({
      entries: list(object({ id: string, runner: string, scope: string, command: string, origin: string })),
      steps: list(object({ id: string, kind: string, command: string, origin: string })),
      notes: list(string),
    }),
    proposals: list(object({ name: string, value: {}, proposed: boolean, why: string })),
    file: string,
    created: boolean,
    written: list(string),
  }),
  recover: either(
    object({
      landings: list(object({ candidate: string, branch: string, outcome: string, detail: nullable(string) })),
      runs: list(string),
      expired: list(string),
      sandboxes: list(string),
    }),
    DETACHED,
  ),
  uninstall: object({ folders: list(string), refs: list(string), worktree_entries: list(string), removed: boolean }),
}
