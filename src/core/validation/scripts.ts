import type { ScriptCommand } from './runner.ts'
import { splitScript, unwrap } from './shell-words.ts'

type Scripts = Readonly<Record<string, string>>

const MAX_DEPTH = 6
const MANAGERS = new Set(['npm', 'yarn', 'pnpm', 'bun'])
const SEQUENCES = new Set(['run-s', 'run-p', 'npm-run-all', 'npm-run-all2', 'concurrently'])
const RUN_WORDS = new Set(['run', 'run-script'])
/** Arguments of package managers that send a script to other packages. */
const FAN_OUT = /^(?:-r|--recursive|--filter(?:=.*)?|-F|-ws|--workspaces?(?:=.*)?|-w|workspaces?|-C|--prefix|--cwd|foreach)$/
const MONOREPO_TOOLS = new Set(['turbo', 'nx', 'lerna', 'rush', 'moon', 'wireit'])
const CHECKS = new Set([
  'tsc',
  'eslint',
  'xo',
  'standard',
  'prettier',
  'biome',
  'oxlint',
  'oxfmt',
  'tsd',
  'publint',
  'attw',
  'knip',
  'rimraf',
  'rm',
  'echo',
  'mkdir',
  'cp',
])

/** Whether a command only sends a script to the packages of a workspace. */
export function isFanOut({ program, args }: ScriptCommand): boolean {
  return MONOREPO_TOOLS.has(program) || (MANAGERS.has(program) && args.some((arg) => FAN_OUT.test(arg)))
}

/** Whether a command of a test script is no test: types and style are steps of the plan, the rest is housekeeping. */
export function isCheck({ program }: ScriptCommand): boolean {
  return CHECKS.has(program)
}

/** The simple commands that a script runs in the end, `npm run x` followed. Undefined where it needs a real shell. */
export function flattenScript(script: string, scripts: Scripts, depth = 0): ScriptCommand[] | undefined {
  const parts = splitScript(script)
  if (!parts || depth > MAX_DEPTH) return undefined
  const commands: ScriptCommand[] = []
  for (const part of parts) {
    if (part.operator === '|' || part.operator === '||') continue // a formatter behind the suite, or what happens when it fails
    const command = unwrap(part)
    if (!command) continue
    const called = calledScripts(command, scripts)
    if (!called) commands.push(command)
    for (const { name, rest } of called ?? []) {
      const nested = flattenScript([scripts[name]!, ...rest].join(' '), scripts, depth + 1)
      if (!nested) return undefined
      commands.push(...nested.map((item) => ({ ...item, env: { ...command.env, ...item.env } })))
    }
  }
  return commands
}

/** The scripts of the same package that a command calls by name, with the arguments it hands on. */
function calledScripts(command: ScriptCommand, scripts: Scripts): { name: string; rest: string[] }[] | undefined {
  const known = (name: string): boolean => Object.hasOwn(scripts, name)
  if (SEQUENCES.has(command.program)) {
    const names = command.args
      .map((arg) => arg.replace(/^npm(?: run |:)/, ''))
      .flatMap((arg) => (arg.endsWith('*') ? Object.keys(scripts).filter((name) => name.startsWith(arg.replace(/\*+$/, ''))) : [arg]))
      .filter(known)
    return names.length > 0 ? names.map((name) => ({ name, rest: [] })) : undefined
  }
  if (!MANAGERS.has(command.program) || isFanOut(command)) return undefined
  const words = command.args.filter((arg) => arg !== '-s' && arg !== '--silent' && arg !== '-q')
  if (words[0] !== undefined && RUN_WORDS.has(words[0])) words.shift()
  else if (words[0] === 't' || words[0] === 'tst') words[0] = 'test'
  const [name, ...rest] = words
  if (name === undefined || !known(name)) return undefined
  return [{ name, rest: rest.filter((arg) => arg !== '--').map((arg) => (/^[\w@%+=:,./*-]+$/.test(arg) ? arg : `'${arg}'`)) }]
}
