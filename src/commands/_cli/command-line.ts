import { suggest } from '../../core/kernel/index.ts'

export type CommandLine =
  | { kind: 'command'; id: string; argv: readonly string[] }
  | { kind: 'help'; words: readonly string[] }
  | { kind: 'version' }
  /** The name of a group alone: `rules`. */
  | { kind: 'topic'; topic: string; names: readonly string[] }
  | { kind: 'unknown'; typed: string; near: string | undefined }

/** Flags of every command that may also stand before its name. */
const GLOBAL = /^--(?:json|quiet|verbose|input|no-input|color=.*)$/
const HELP = new Set(['--help', '-h'])
const TRUE = new Set(['1', 'true', 'y', 'yes'])

const spoken = (id: string): string => id.replaceAll(':', ' ')

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}

/** Whether a machine reads the answer: the flag, or its twin in the environment. Known before anything is parsed. */
export function wantsJson(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean {
  return beforeDashes(argv).includes('--json') || TRUE.has((env['SINGULARITY_JSON'] ?? '').toLowerCase())
}

/**
 * Finds the command in a command line: the longest name that is one (`rules list` before `rules`). A bare command line,
 * or one with flags only, is the look. What is nearly a name is suggested, never run.
 * @param ids every command, parts joined by `:`
 */
export function readCommandLine(argv: readonly string[], ids: readonly string[]): CommandLine {
  const front = argv.findIndex((word) => !GLOBAL.test(word))
  const words = front > 0 && !argv[front]!.startsWith('-') ? argv.slice(front) : argv
  const moved = words.length < argv.length ? argv.slice(0, front) : []
  const first = words[0]
  if (first === '--version' || first === '-v') return { kind: 'version' }
  const named = words.findIndex((word) => word.startsWith('-'))
  const names = named === -1 ? words : words.slice(0, named)
  if (first === 'help') return help(names.slice(1), ids)
  if (beforeDashes(words).some((word) => HELP.has(word))) return help(names, ids)
  if (first === undefined || first.startsWith('-')) return { kind: 'command', id: 'look', argv: words }
  const name = longestName(names, ids)
  if (name) return { kind: 'command', id: name.join(':'), argv: [...moved, ...words.slice(name.length)] }
  const below = ids.filter((id) => id.startsWith(`${first}:`))
  if (below.length > 0 && names.length === 1) return { kind: 'topic', topic: first, names: below.map(spoken) }
  return unknown(names, ids)
}

function help(words: readonly string[], ids: readonly string[]): CommandLine {
  const name = longestName(words, ids)
  if (name || words[0] === undefined) return { kind: 'help', words: name ?? [] }
  return ids.some((id) => id.startsWith(`${words[0]}:`)) && words.length === 1 ? { kind: 'help', words } : unknown(words, ids)
}

function unknown(names: readonly string[], ids: readonly string[]): CommandLine {
  const [first = '', second] = names
  const isTopic = ids.some((id) => id.startsWith(`${first}:`))
  const typed = isTopic && second !== undefined ? `${first} ${second}` : first
  const all = ids.map(spoken)
  return { kind: 'unknown', typed, near: suggest(typed, all) ?? suggest(names.slice(0, 2).join(' '), all) }
}

function longestName(words: readonly string[], ids: readonly string[]): readonly string[] | undefined {
  for (let length = Math.min(3, words.length); length > 0; length--) {
    const name = words.slice(0, length)
    if (ids.includes(name.join(':'))) return name
  }
  return undefined
}
