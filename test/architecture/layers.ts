/**
 * The one layer table. A room may import from rooms of later rows only; an import inside a row must stand in `SIDEWAYS`.
 * The lint fences (.oxlintrc.json) and ARCHITECTURE.md are checked against it.
 */
export const LAYERS: readonly (readonly string[])[] = [
  ['agents'],
  ['improvement', 'system'],
  ['answering'],
  ['rules', 'validation', 'approvals', 'landing', 'search'],
  ['analysis', 'sandbox', 'queue', 'llm'],
  ['parsing', 'embedding'],
  ['storage', 'git', 'process', 'config', 'telemetry'],
  ['kernel'],
]

/** Allowed imports between rooms of one row: importer -> imported. */
export const SIDEWAYS: Readonly<Record<string, readonly string[]>> = {
  git: ['process'],
  storage: ['config', 'telemetry'],
  landing: ['approvals'],
  llm: ['queue'],
}

/** Packages that only their owners may import. */
export const PRIVATE_PACKAGES: Readonly<Record<string, string | readonly string[]>> = {
  ink: 'src/ui',
  react: 'src/ui',
  'better-sqlite3': 'src/core/storage',
  'sqlite-vec': 'src/core/storage',
  '@ast-grep/napi': 'src/core/parsing',
  'web-tree-sitter': 'src/core/parsing',
  'simple-git': 'src/core/git',
  '@oclif/core': 'src/commands',
  openai: 'src/core/llm',
  '@anthropic-ai/sdk': 'src/core/llm',
  undici: 'src/core/llm',
  jsonrepair: 'src/core/llm',
  'age-encryption': 'src/core/llm',
  handlebars: ['src/core/answering', 'src/core/parsing'],
}

/** Who may speak HTTP: the adapters of models, and the loopback that stands between an agent and its provider. */
export const NETWORK: Readonly<Record<'owners' | 'modules' | 'globals', readonly string[]>> & { message: string } = {
  owners: ['src/core/llm', 'src/core/agents'],
  modules: ['node:http', 'node:https', 'node:http2'],
  globals: ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'],
  message: 'Only the adapters of the room llm speak HTTP.',
}
