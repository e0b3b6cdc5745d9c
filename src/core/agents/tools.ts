import { join } from 'node:path'
import type { Git } from '../git/index.ts'
import { printable } from '../kernel/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import { ToolFailure } from './failure.ts'
import type { ReadFiles } from './edit.ts'
import { type OutputFiles, OUTPUT_PREFIX, asData, capOutput } from './output.ts'
import type { CheckedCall } from './params.ts'
import { DENIED_GLOBS, checkPath, isHidden, readText } from './paths.ts'
import type { ToolResult } from './turn.ts'

const RUN_SECONDS = 120
const LONGEST_RUN_SECONDS = 1800
const SEARCH_MS = 20_000
/** Files of a list, lines of a search: what is beyond is counted, not shown. */
const MOST_LISTED = 2000

/** What a tool needs of the place it works in. */
export type Workplace = {
  git: Git
  sandbox: Pick<Sandbox, 'path' | 'root' | 'run'>
  outputs: OutputFiles
  reads: ReadFiles
  /** Programs may be started: there is a jail around them. */
  canRun: boolean
  /** Values that are hidden wherever they stand. */
  secrets: readonly string[]
  signal?: AbortSignal
  /** What a call came to when the conversation was recorded, which is then not made again; null where it is. @throws REPLAY_MISS */
  recorded?: (call: CheckedCall) => ToolResult | null
  /** Milliseconds programs may still take. */
  timeLeft(): number
}

/** Answers one call that changes no file by itself, as data for the model. @throws ToolFailure */
export async function answerCall(call: CheckedCall, place: Workplace): Promise<string> {
  const { params } = call
  switch (call.tool) {
    case 'read':
      return told(place, 'read', read(place, String(params['path']), params['range'] as LineRange | null))
    case 'search':
      return told(place, 'search', await search(place, String(params['pattern']), params['glob'] as string | null))
    case 'list':
      return told(place, 'list', await list(place, String(params['glob'])))
    case 'run':
      return told(place, 'run', await run(place, params['argv'] as string[], params['timeout'] as number | null))
    default:
      throw new ToolFailure('UNKNOWN_TOOL', `${call.tool} is not answered here.`)
  }
}

function told(place: Workplace, tool: string, text: string): string {
  return asData(
    tool,
    capOutput(text, (whole) => place.outputs.keep(whole), place.secrets),
  )
}

type LineRange = { start: number; end: number }

function read(place: Workplace, typed: string, range: LineRange | null): string {
  if (typed.startsWith(OUTPUT_PREFIX)) return cut(place.outputs.read(typed), range)
  const path = checkPath(place.sandbox.path, typed)
  const file = readText(place.sandbox.path, path)
  if (!file) throw new ToolFailure('NOT_FOUND', `There is no file ${path}.`)
  place.reads.set(path, file.hash)
  return cut(file.text.replaceAll('\r\n', '\n'), range)
}

function cut(text: string, range: LineRange | null): string {
  if (range === null) return text
  const { start, end } = range
  const lines = text.split('\n')
  if (start < 1 || end < start) throw new ToolFailure('INVALID_PARAMS', `read: lines ${start}-${end} are no range.`)
  if (start > lines.length) throw new ToolFailure('NOT_FOUND', `read: the file has ${lines.length} lines.`)
  return lines.slice(start - 1, end).join('\n')
}

const EXCLUDED = [...DENIED_GLOBS, '**/.git/**', '**/.singularity/**'].map((glob) => `:(exclude,glob,icase)${glob}`)

/** A glob of a model as a path specification that cannot be anything else. @throws ToolFailure PATH_OUTSIDE */
function pathspec(glob: string): string {
  if (glob.startsWith('/') || glob.startsWith(':') || glob.split('/').includes('..') || /[\0\n\\]/.test(glob))
    throw new ToolFailure('PATH_OUTSIDE', `${JSON.stringify(glob.slice(0, 80))} is not a glob below the top of the repository.`)
  return `:(glob)${glob.replace(/^(?:\.\/)+/, '').replace(/\/$/, '/**') || '**'}`
}

async function search(place: Workplace, pattern: string, glob: string | null): Promise<string> {
  if (pattern === '' || /[\0\n]/.test(pattern)) throw new ToolFailure('INVALID_PARAMS', 'search: the pattern is empty or has a line break.')
  const spec = pathspec(glob ?? '**')
  const args = ['grep', '--no-index', '--exclude-standard', '-nIE', '-z', '--no-color', '-m', '200', '-e', pattern, '--', spec, ...EXCLUDED]
  const found = await gitInside(place, args, [0, 1, 2, 128])
  if (found.exitCode > 1) throw new ToolFailure('SEARCH_FAILED', `search: ${printable(found.stderr).trim().slice(0, 300)}`)
  const lines = found.text.split('\n').flatMap((line) => {
    const [path = '', number = '', ...rest] = line.split('\0')
    return path === '' || isHidden(path) ? [] : [`${path}:${number}:${rest.join('')}`]
  })
  return lines.length === 0 ? 'Nothing was found.' : shorten(lines).map(printable).join('\n')
}

/** Against an index that does not exist everything in the tree is untracked, and what git ignores is left out. */
async function list(place: Workplace, glob: string): Promise<string> {
  const args = ['ls-files', '-z', '--others', '--exclude-standard', '--', pathspec(glob), ...EXCLUDED]
  const found = await gitInside(place, args, [0])
  const paths = found.text
    .split('\0')
    .filter((path) => path !== '' && !isHidden(path))
    .sort()
  return paths.length === 0 ? 'No file matches.' : shorten(paths).map(printable).join('\n')
}

function shorten(lines: readonly string[]): string[] {
  if (lines.length <= MOST_LISTED) return [...lines]
  return [...lines.slice(0, MOST_LISTED), `[... ${lines.length - MOST_LISTED} more: narrow it down ...]`]
}

function gitInside({ git, sandbox, signal }: Workplace, args: readonly string[], accept: readonly number[]) {
  const env = { GIT_INDEX_FILE: join(git.repository.gitDir, 'singularity', 'no-index'), GIT_LITERAL_PATHSPECS: '0' }
  return git.run(args, { workTree: sandbox.path, env, accept, timeoutMs: SEARCH_MS, ...(signal && { signal }) })
}

async function run(place: Workplace, argv: readonly string[], seconds: number | null): Promise<string> {
  if (!place.canRun)
    throw new ToolFailure('RUN_DISABLED', 'run: there is no jail on this machine, so no program is started. Go on without it.')
  if (argv.length === 0 || argv[0] === '') throw new ToolFailure('INVALID_PARAMS', 'run: argv is empty.')
  if (argv.some((word) => word.includes('\0'))) throw new ToolFailure('INVALID_PARAMS', 'run: an argument holds a zero byte.')
  if (seconds !== null && (seconds < 1 || seconds > LONGEST_RUN_SECONDS))
    throw new ToolFailure('INVALID_PARAMS', `run: timeout is 1 to ${LONGEST_RUN_SECONDS} seconds.`)
  const timeoutMs = Math.max(1000, Math.min((seconds ?? RUN_SECONDS) * 1000, place.timeLeft()))
  const result = await place.sandbox.run({ command: argv, timeoutMs, network: 'none', ...(place.signal && { signal: place.signal }) })
  const ended = result.timedOut
    ? `did not end within ${Math.round(timeoutMs / 1000)} s and was ended`
    : result.outputLimited
      ? 'printed too much and was ended'
      : result.limit
        ? `went over the limit of ${result.limit} and was ended`
        : result.exitCode === null
          ? `was ended by ${result.signal}`
          : `exit code ${result.exitCode}`
  const part = (name: string, text: string): string =>
    text.trim() === '' ? '' : `--- ${name} ---\n${printable(text).replaceAll(`${place.sandbox.root}/`, '').trimEnd()}\n`
  return `${ended}\n${part('stdout', result.stdout)}${part('stderr', result.stderr)}`.trimEnd()
}
