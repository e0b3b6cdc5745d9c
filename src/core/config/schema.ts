import { formatDuration, parseDuration } from '../kernel/index.ts'

export type SettingValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>> | null
type Kind = 'string' | 'number' | 'boolean' | 'duration' | 'list' | 'map'

export type Setting = {
  kind: Kind
  default: SettingValue
  about: string
  choices?: readonly string[]
  /** Also read from this variable (the seeds' names); SINGULARITY_<KEY> always works. */
  env?: string
  /** What a repository's own file may do: set it, only make it stricter (`narrow`), or nothing. */
  repository: 'set' | 'narrow' | 'never'
  /** For `narrow`: what counts when the repository says `next` where `current` is allowed; `undefined`: it is refused. */
  narrow?: (next: SettingValue, current: SettingValue) => SettingValue | undefined
  /** What a repository sets may not be more than the value of this other setting. */
  within?: string
  /** Only the user's own file may set it: neither a repository nor an environment somebody else wrote. */
  userFileOnly?: true
  /** Smaller numbers are not valid. */
  least?: number
  /** Larger numbers are not valid. */
  most?: number
}

/**
 * How long a suite may take. `plan.timeout` replaces the first where it is set; a change gets a multiple of what the suite
 * took on the unchanged code, within that.
 */
export const SUITE_LIMIT = { longestMs: 20 * 60_000, factor: 3, shortestMs: 15_000 } as const

/** The default of `plan.timeout` in words. */
export const SUITE_LIMIT_TEXT =
  `${formatDuration(SUITE_LIMIT.longestMs)} on the unchanged code; on a change ${SUITE_LIMIT.factor} times what it took there, ` +
  `at least ${formatDuration(SUITE_LIMIT.shortestMs)}`

const RISKS = ['none', 'low', 'medium', 'high']
const lower = (next: SettingValue, current: SettingValue): SettingValue | undefined => (Number(next) <= Number(current) ? next : undefined)

/** What the repository lists comes on top; a list that would only leave something out is refused. */
function added(next: SettingValue, current: SettingValue): SettingValue | undefined {
  const [wanted, kept] = [next as readonly string[], current as readonly string[]]
  const more = wanted.filter((item) => !kept.includes(item))
  return more.length === 0 && kept.some((item) => !wanted.includes(item)) ? undefined : [...kept, ...more]
}

/** Every setting: one row of data. `config list` prints it, docs/cli.md and `init` explain from it. */
export const SETTINGS = {
  'sandbox.include': {
    kind: 'list',
    default: [],
    about: 'Ignored files copied into every sandbox (.env only by its exact name).',
    repository: 'set',
  },
  'sandbox.setup': {
    kind: 'string',
    default: null,
    about: 'Command run once in a new sandbox before anything else (code generation).',
    repository: 'set',
  },
  'sandbox.services': {
    kind: 'list',
    default: [],
    about: 'Commands started beside the tests in the same network namespace.',
    repository: 'set',
  },
  'sandbox.git': {
    kind: 'string',
    default: 'none',
    choices: ['none', 'synthetic'],
    about: 'synthetic: a one-commit repository in the sandbox, for suites that call git.',
    repository: 'set',
  },
  'plan.test': { kind: 'string', default: null, about: 'Test command, instead of the detected one.', repository: 'set' },
  'plan.build': { kind: 'string', default: null, about: 'Build command before the tests (suites that test dist/).', repository: 'set' },
  'plan.env': { kind: 'map', default: {}, about: 'Environment of the tests.', repository: 'set' },
  'plan.timeout': {
    kind: 'duration',
    default: null,
    about: `Longest time of one suite; default ${SUITE_LIMIT_TEXT}.`,
    repository: 'set',
    within: 'timeout_ms',
  },
  'plan.scope': { kind: 'list', default: [], about: 'Package folders to consider; all when empty.', repository: 'set' },
  'isolation.kind': {
    kind: 'string',
    default: 'auto',
    choices: ['auto', 'bubblewrap', 'seatbelt', 'none'],
    about: 'How untrusted code is kept in.',
    repository: 'never',
  },
  'isolation.trustOwnTests': {
    kind: 'boolean',
    default: false,
    about: 'Run your own tests without a jail where none is available (recorded).',
    repository: 'never',
  },
  'isolation.separate_db': { kind: 'boolean', default: true, about: 'Experiments never see the state database.', repository: 'never' },
  'isolation.separate_git': { kind: 'boolean', default: true, about: 'Experiments never see the main .git.', repository: 'never' },
  'isolation.aggressive_hotreload': {
    kind: 'boolean',
    default: true,
    about: 'A landed rule or setting counts from the next command on.',
    repository: 'never',
  },
  timeout_ms: { kind: 'duration', default: 3_600_000, about: 'Longest time of one experiment.', repository: 'narrow', narrow: lower },
  max_iterations: {
    kind: 'number',
    default: 100,
    about: 'Most repetitions of one search (parts of a change).',
    repository: 'narrow',
    narrow: lower,
  },
  auto_rollback_on_regression: {
    kind: 'boolean',
    default: true,
    about: 'A metric that got worse rolls the candidate back; false: a person weighs it.',
    repository: 'never',
  },
  'measure.cpu': {
    kind: 'boolean',
    default: true,
    about: 'Compare the CPU time of the tests with and without a change; false: only what --metric names is measured.',
    repository: 'never',
  },
  regression_threshold: {
    kind: 'number',
    default: 0.05,
    about: 'Largest harm a guarded metric may show (0.05 = 5 %).',
    repository: 'narrow',
    narrow: lower,
  },
  'approvals.autoRisk': {
    kind: 'string',
    default: 'low',
    choices: RISKS,
    about: 'Highest risk that --yes approves.',
    repository: 'narrow',
    narrow: (next, current) => (RISKS.indexOf(String(next)) <= RISKS.indexOf(String(current)) ? next : undefined),
  },
  'approvals.expiry': {
    kind: 'duration',
    default: 14 * 86_400_000,
    about: 'How long a request for approval stays open.',
    repository: 'narrow',
    narrow: lower,
  },
  'landing.protected': {
    kind: 'list',
    default: ['main', 'master', 'develop', 'release/*'],
    about: 'Branches that are only proposed to. A repository may only add to them.',
    repository: 'narrow',
    narrow: added,
  },
  'landing.hooks': {
    kind: 'string',
    default: 'run',
    choices: ['run', 'skip'],
    about: "run: your pre-commit and commit-msg hooks are checks of what lands, in the jail. skip: as git's --no-verify.",
    repository: 'narrow',
    narrow: (next, current) => (next === 'run' || current === 'skip' ? next : undefined),
  },
  'cache.semantic': {
    kind: 'string',
    default: 'off',
    choices: ['off', 'shadow', 'on'],
    about:
      'Answers to nearly the same question. shadow: looked up and compared with what the model then says, never given. ' +
      'on: given as well, for kinds of tasks whose audits allow it.',
    repository: 'never',
  },
  'cache.embedding_model': {
    kind: 'string',
    default: null,
    env: 'EMBEDDING_MODEL',
    about:
      "Which model compares questions: 'openai/text-embedding-3-small', or any of a server on this machine ('ollama/nomic-embed-text').",
    repository: 'never',
  },
  'cache.embedding_dimensions': {
    kind: 'number',
    default: null,
    env: 'EMBEDDING_DIMENSIONS',
    about: 'How many numbers it makes of a text; not set: as many as it likes.',
    repository: 'never',
    least: 1,
  },
  'queue.batch_size': {
    kind: 'number',
    default: 100,
    env: 'SHARED_QUEUE_BATCH_SIZE',
    about: 'Most messages and jobs a worker takes at once.',
    repository: 'never',
    least: 1,
  },
  'queue.poll_ms': {
    kind: 'duration',
    default: 1000,
    env: 'SHARED_QUEUE_POLL_MS',
    about: 'How often a worker looks for messages and jobs where nothing woke it.',
    repository: 'never',
    least: 1,
  },
  'queue.llm_batch_size': {
    kind: 'number',
    default: 50,
    env: 'SHARED_QUEUE_LLM_BATCH_SIZE',
    about: 'Most requests to models a worker takes at once.',
    repository: 'never',
    least: 1,
  },
  'queue.llm_poll_ms': {
    kind: 'duration',
    default: 100,
    env: 'SHARED_QUEUE_LLM_POLL_MS',
    about: 'How often a worker looks for requests to models where nothing woke it.',
    repository: 'never',
    least: 1,
  },
  'queue.lease_ms': {
    kind: 'duration',
    default: 30_000,
    about: 'How long a worker that shows no sign of life keeps what it took; renewed every third of it.',
    repository: 'never',
    least: 200,
  },
  'queue.retention_days': {
    kind: 'number',
    default: 90,
    env: 'SHARED_QUEUE_RETENTION_DAYS',
    about: 'Days that requests and messages stay after they ended.',
    repository: 'never',
  },
  'search.build': {
    kind: 'string',
    default: 'terminal',
    choices: ['terminal', 'always', 'never'],
    about: 'When a search without an index builds one after it answered, for ten seconds at most: on a terminal, always, never.',
    repository: 'never',
  },
  'embedding.model': {
    kind: 'string',
    default: null,
    env: 'EMBEDDING_MODEL',
    about:
      "What gives meaning to the search: the folder of an ONNX model ('/models/bge-small', '~/models/...'), or a model of a server " +
      "('ollama/nomic-embed-text', 'openai/text-embedding-3-small'); not set: the bundled one.",
    repository: 'never',
  },
  'embedding.dimensions': {
    kind: 'number',
    default: null,
    env: 'EMBEDDING_DIMENSIONS',
    about: 'How many numbers that model has to make of a text; not set: as many as it makes.',
    repository: 'never',
    least: 1,
  },
  'embedding.batch': {
    kind: 'number',
    default: 32,
    about: 'Texts that the model takes at once.',
    repository: 'never',
    least: 1,
  },
  'embedding.timeout': {
    kind: 'duration',
    default: 60_000,
    about: 'How long the model may take for so many texts.',
    repository: 'never',
    least: 1,
  },
  'embedding.allow': {
    kind: 'list',
    default: [],
    about:
      'Hosts that pieces of your repositories may be sent to, to make vectors of them. Each repository asks once more before the first.',
    repository: 'never',
    userFileOnly: true,
  },
  'search.include': {
    kind: 'list',
    default: [],
    about: 'Generated, vendored and huge files that are searched all the same: globs (index --include keeps some for this repository).',
    repository: 'set',
  },
  'search.similarity_weight': {
    kind: 'number',
    default: 0.7,
    about: 'How much the similarity counts in the score of what is known (search --kind knowledge).',
    repository: 'never',
  },
  'search.success_weight': {
    kind: 'number',
    default: 0.2,
    about: 'How much it counts there how often something ended well.',
    repository: 'never',
  },
  'search.recency_weight': {
    kind: 'number',
    default: 0.1,
    about: 'How much it counts there how lately something was used.',
    repository: 'never',
  },
  'search.recency_half_life_days': {
    kind: 'number',
    default: 30,
    about: 'Days without use after which the recency is a half.',
    repository: 'never',
  },
  'search.code_past': {
    kind: 'number',
    default: 0,
    about:
      'How much landed and taken back changes of its file may raise or lower a piece of code: 0 to 0.5. With 0 the answer depends on nothing but the files, the model and the settings.',
    repository: 'never',
    most: 0.5,
  },
  offline: {
    kind: 'boolean',
    default: false,
    about: 'No network: models on this machine only, rules and caches.',
    repository: 'narrow',
    narrow: (next) => (next === true ? true : undefined),
  },
  'log.level': {
    kind: 'string',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    env: 'LOG_LEVEL',
    about: 'How much goes to the log files.',
    repository: 'never',
  },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof SETTINGS

/** Reads one value of any layer. Text comes from the environment, other types from files. `undefined`: not valid. */
export function readValue(setting: Setting, raw: unknown): SettingValue | undefined {
  const value = typeof raw === 'string' ? fromText(setting.kind, raw) : raw
  if (value === null) return setting.default === null ? null : undefined
  if (setting.choices && !setting.choices.includes(value as string)) return undefined
  switch (setting.kind) {
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'number':
    case 'duration':
      return typeof value === 'number' && Number.isFinite(value) && value >= (setting.least ?? 0) && value <= (setting.most ?? Infinity)
        ? value
        : undefined
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? (value as string[]) : undefined
    case 'map': {
      const isMap =
        typeof value === 'object' && !Array.isArray(value) && Object.values(value as object).every((item) => typeof item === 'string')
      return isMap ? (value as Record<string, string>) : undefined
    }
  }
}

function fromText(kind: Kind, text: string): unknown {
  if (kind === 'boolean') return { true: true, '1': true, yes: true, false: false, '0': false, no: false }[text.toLowerCase()]
  if (kind === 'number') return text.trim() === '' ? undefined : Number(text)
  if (kind === 'duration') return parseDuration(text) ?? (/^\d+$/.test(text) ? Number(text) : undefined)
  if (kind === 'list') return text === '' ? [] : text.split(',').map((item) => item.trim())
  if (kind === 'map')
    return Object.fromEntries(
      text
        .split(',')
        .filter(Boolean)
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
  return text
}

/** 'plan.test' is SINGULARITY_PLAN_TEST, 'approvals.autoRisk' is SINGULARITY_APPROVALS_AUTO_RISK. */
export function environmentName(name: string): string {
  return `SINGULARITY_${name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`
}
