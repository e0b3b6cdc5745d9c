import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../config/index.ts'
import { makeFolder } from '../kernel/index.ts'
import { runProcess } from '../process/index.ts'
import type { AppContext } from './context.ts'
import type { Reading } from './reading.ts'

/** A package registry that does not answer is asked again by people, not by us. */
const FETCH_MS = 300_000
/** While files wait to be read. */
const ON_DEMAND_MS = 60_000
/** A grammar that could not be had is not asked for again before. */
const RETRY_MS = 24 * 3_600_000

export type Grammars = ReturnType<typeof composeGrammars>
export type GrammarParts = { context: AppContext; reading: Reading; settings: () => Promise<Settings> }

/** Brings grammars that are not here: large ones come when a file of their language is read for the first time. */
export function composeGrammars({ context, reading, settings }: GrammarParts) {
  const missedFile = join(context.stateHome, 'singularity', 'grammars-missed.json')

  /**
   * The installation's own script, in a process of its own: it alone speaks to a package registry.
   * @returns its last line, which says what went wrong if something did
   */
  async function fetchGrammars(
    grammars: readonly string[],
    options: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<string> {
    makeFolder(reading.grammarFolder)
    const env = Object.fromEntries(Object.entries(context.env).filter((entry): entry is [string, string] => entry[1] !== undefined))
    const result = await runProcess({
      command: process.execPath,
      args: [join(context.packageRoot, 'scripts', 'fetch-grammars.mjs'), '--into', reading.grammarFolder, ...grammars],
      cwd: context.packageRoot,
      env,
      timeoutMs: options.timeoutMs ?? FETCH_MS,
      ...(options.signal && { signal: options.signal }),
    })
    return result.stderr.toString('utf8').trim().split('\n').at(-1) ?? ''
  }

  /**
   * For languages whose files are about to be read: fetches the grammars that are not here, where the network is allowed; else says
   * in one line how to get them. Reading goes on without them, by tokens.
   */
  async function bring(languages: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const absent = await reading.absent(new Set(languages))
    if (absent.length === 0) return
    const missed = readMissed(missedFile)
    const now = context.clock.now()
    const offline = (await settings()).get<boolean>('offline')
    const wanted = absent.filter(({ grammar }) => !offline && Math.abs(now - (missed[grammar] ?? 0)) >= RETRY_MS)
    if (wanted.length > 0) {
      const names = wanted.map(({ grammar }) => grammar)
      context.warn?.(`fetching the grammar of ${wanted.map(({ name }) => name).join(', ')}, once`)
      await fetchGrammars(names, { timeoutMs: ON_DEMAND_MS, signal })
      if (signal?.aborted) return
    }
    const left = await reading.absent(absent.map(({ id }) => id))
    const gone = new Set(left.map(({ grammar }) => grammar))
    const still = wanted.filter(({ grammar }) => gone.has(grammar))
    if (still.length > 0) {
      writeFileSync(missedFile, `${JSON.stringify({ ...missed, ...Object.fromEntries(still.map(({ grammar }) => [grammar, now])) })}\n`)
    }
    if (left.length > 0)
      context.warn?.(
        `${left.map(({ name }) => name).join(', ')}: read by tokens, the grammar is not here: singularity code languages add ${left[0]!.id}`,
      )
  }

  /** The same for files, told by their names. */
  async function bringFor(paths: readonly string[], signal?: AbortSignal): Promise<void> {
    const { tables } = await reading.local()
    await bring(new Set(paths.flatMap((path) => tables.detect(path) ?? [])), signal)
  }

  return { fetchGrammars, bring, bringFor }
}

/** When a grammar could not be had: its name to milliseconds since 1970. A damaged file holds nothing. */
function readMissed(file: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>
  } catch {
    return {}
  }
}
