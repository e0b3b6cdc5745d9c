import type { Evidence } from '../../core/app/search-evidence.ts'
import { type SearchAnswer, type SearchRequest, type SearchService, packHits } from '../../core/search/index.ts'
import { SingularityError, jsonLine, messageOf, parseJson } from '../../core/kernel/index.ts'
import { boundedLines } from './bounded-lines.ts'
import { searchData } from '../_present/search.ts'

export type LineDefaults = Omit<SearchRequest, 'text'> & { maxTokens: number | undefined }

/** Answers one JSON query per line of standard input by one line each, from one process: `{"query": "...", "limit": 5}`. */
export async function answerLines(service: SearchService, defaults: LineDefaults, joined?: Evidence): Promise<void> {
  for await (const line of boundedLines(process.stdin, LONGEST_LINE)) {
    if (line?.trim() === '') continue
    process.stdout.write(`${jsonLine(await answerLine(service, line, defaults, joined))}\n`)
  }
}

async function answerLine(
  service: SearchService,
  line: string | null,
  { maxTokens, ...defaults }: LineDefaults,
  joined: Evidence | undefined,
): Promise<unknown> {
  try {
    const asked = readLine(line)
    const found = packed(await service.search({ ...defaults, ...asked.request }), asked.maxTokens ?? maxTokens)
    return { ok: true, data: searchData(found, await joined?.(found.hits)) }
  } catch (error) {
    const { code, hints } = SingularityError.isInstance(error) ? error : { code: 'INTERNAL', hints: [] }
    return { ok: false, error: { code, message: messageOf(error), hints } }
  }
}

/** The answer with as many whole hits as fit. */
export function packed(answer: SearchAnswer, tokens: number | undefined): SearchAnswer {
  return tokens === undefined ? answer : { ...answer, hits: packHits(answer.hits, tokens), artifacts: packHits(answer.artifacts, tokens) }
}

/** A query of 100 kB, every character of it escaped, fits. */
const LONGEST_LINE = 1_000_000
const MOST_HITS = 1000
const KINDS = ['code', 'symbol', 'knowledge']
const KEYS = new Set(['query', 'kind', 'language', 'path', 'limit', 'lexical', 'explain', 'max_tokens'])

function readLine(line: string | null): { request: SearchRequest; maxTokens: number | undefined } {
  const value = line === null ? undefined : (parseJson(line) as Record<string, unknown> | undefined)
  const fail = (why: string): never => {
    throw new SingularityError('USAGE', `A line of the input ${why}.`, { hints: ['{"query": "parse a date", "limit": 5}'] })
  }
  if (line === null) return fail(`is longer than ${LONGEST_LINE} characters`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('is no JSON object')
  const other = Object.keys(value).find((key) => !KEYS.has(key))
  if (other !== undefined) return fail(`has an unknown word "${other}"`)
  const { query, kind, language, path, limit, lexical, explain, max_tokens: maxTokens } = value
  const isText = (each: unknown): boolean => each === undefined || typeof each === 'string'
  const isCount = (each: unknown): boolean => each === undefined || (Number.isInteger(each) && (each as number) > 0)
  if (typeof query !== 'string') return fail('has no "query"')
  if (kind !== undefined && !KINDS.includes(kind as string)) return fail(`has another "kind" than ${KINDS.join(', ')}`)
  const isFlag = (each: unknown): boolean => each === undefined || typeof each === 'boolean'
  if (![language, path].every(isText) || ![limit, maxTokens].every(isCount) || ![lexical, explain].every(isFlag))
    return fail('has a value of the wrong type')
  if ((limit as number | undefined) !== undefined && (limit as number) > MOST_HITS) return fail(`has a "limit" over ${MOST_HITS}`)
  const given = Object.entries({ kind, language, path, limit, lexical, explain }).filter(([, each]) => each !== undefined)
  return { request: { text: query, ...Object.fromEntries(given) }, maxTokens: maxTokens as number | undefined }
}
