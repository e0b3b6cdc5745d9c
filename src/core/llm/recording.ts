import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs'
import { SingularityError, digest, messageOf, oneLine, parseJson } from '../kernel/index.ts'
import type { StoredRequest, StoredResult } from './request.ts'

/** One answered request as a line of JSON; the hash is that of the request. */
export type Exchange = { schema: 'singularity.exchange/1'; hash: string; request: StoredRequest; result: StoredResult }

const SCHEMA = 'singularity.exchange/1'

/** What an answer depends on: everything of a request but who pays for it, and how long it may take. SHA-256 in hex. */
export function requestHash(request: StoredRequest): string {
  const { run: _run, deadline_ms: _deadline, max_cost_usd: _cost, ...stable } = request
  return digest(stable)
}

/**
 * Appends answered requests to a file that only its owner reads. It is opened at once: nobody pays for an answer that cannot be kept.
 * @throws USAGE
 */
export function openRecorder(path: string): { add(request: StoredRequest, result: StoredResult): void } {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw new SingularityError('USAGE', `The recording ${path} cannot be written: ${messageOf(error)}.`, { cause: error })
  }
  return {
    add(request, result) {
      const exchange: Exchange = { schema: SCHEMA, hash: requestHash(request), request, result }
      appendFileSync(path, `${JSON.stringify(exchange)}\n`)
    },
  }
}

/**
 * Answers from a recording and nobody else; of equal requests the one recorded last counts.
 * @throws USAGE where the file cannot be read, RECORD_INVALID naming the line
 */
export function openRecording(path: string): { answerTo(request: StoredRequest): StoredResult } {
  const exchanges = readExchanges(path)
  return {
    /** @throws REPLAY_MISS naming the nearest recorded request */
    answerTo(request) {
      const hash = requestHash(request)
      const found = exchanges.findLast((exchange) => exchange.hash === hash)
      if (found) return { ...found.result, cost_nusd: 0, cached: true }
      const known = exchanges.map((exchange, index) => ({ name: `request ${index + 1}`, lines: linesOf(exchange.request) }))
      const nearest = nearestTo(linesOf(request), known)
      const hint = nearest === null ? 'It is empty.' : `The nearest is ${nearest.name}; it differs first in: ${oneLine(nearest.difference)}`
      throw new SingularityError('REPLAY_MISS', `The recording ${path} does not hold this request. ${hint}`, {
        hints: ['Record it: the same command with --record in the place of --replay.'],
        data: { hash, nearest },
      })
    },
  }
}

function readExchanges(path: string): Exchange[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new SingularityError('USAGE', `The recording ${path} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const exchange = parseJson(line) as Exchange | undefined
    const whole = exchange?.schema === SCHEMA && Array.isArray(exchange.request?.messages) && typeof exchange.result?.response === 'string'
    if (!whole) throw invalid(path, index, 'is no recorded request')
    if (requestHash(exchange.request) !== exchange.hash) throw invalid(path, index, 'was altered: its hash is not that of its request')
    return [exchange]
  })
}

function invalid(path: string, index: number, why: string): SingularityError {
  return new SingularityError('RECORD_INVALID', `${path}: line ${index + 1} ${why}.`, { hints: [], data: { line: index + 1 } })
}

/** Everything a request says, line by line. */
function linesOf({ messages, ...rest }: StoredRequest): string[] {
  const { run: _run, deadline_ms: _deadline, max_cost_usd: _cost, ...more } = rest
  return [
    ...messages.flatMap(({ role, content }) => content.split('\n').map((line) => `${role}: ${line}`)),
    ...Object.entries(more).map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
  ]
}

/** The text that shares most lines with the wanted one, and the first line of the wanted one that it lacks. */
export function nearestTo(
  wanted: readonly string[],
  known: readonly { name: string; lines: readonly string[] }[],
): { name: string; difference: string } | null {
  const scored = known.map(({ name, lines }) => {
    const own = new Set(lines)
    const shared = wanted.filter((line) => own.has(line)).length
    const difference = (wanted.find((line) => !own.has(line)) ?? 'what it leaves out').slice(0, 160)
    return { name, difference, score: shared / Math.max(wanted.length, lines.length, 1) }
  })
  const [best] = scored.toSorted((a, b) => b.score - a.score)
  return best ? { name: best.name, difference: best.difference } : null
}
