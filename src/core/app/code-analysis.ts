import { createHash } from 'node:crypto'
import type { FileMetrics, Finding, Limit, Profile } from '../analysis/index.ts'
import type { Git } from '../git/index.ts'
import { SingularityError, parseJson } from '../kernel/index.ts'
import type { FactFile, FileFacts, IsolatedReader } from '../parsing/index.ts'
import { changedPaths, openTree, type CodeQuery } from './code-files.ts'
import type { Grammars } from './grammars.ts'
import type { Reading } from './reading.ts'

export type AnalyzedFile = { path: string; blob: string } & FileMetrics

export type Analysis = {
  profile: Profile
  /** The commit that changes are seen from; null where all files were read. */
  base: string | null
  files: AnalyzedFile[]
  skipped: { path: string; reason: string }[]
  findings: Finding[]
  totals: ReturnType<typeof import('../analysis/index.ts').sumFiles>
}

export type AnalysisOptions = {
  profile: Profile
  limits: readonly Limit[]
  signal?: AbortSignal
  onProgress?: (done: number, of: number) => void
}

/** What is read and sent to the child at once: enough to pay for a process, little enough to be held in memory. */
const BATCH = { files: 400, bytes: 16 * 1024 * 1024 }

/** The name that standard input has in an answer. */
const STDIN = '-'

/** Metrics of a repository's files, of one text, and of a request as the seeds put it. */
export function composeAnalysis({ git, reading, grammars }: { git: () => Promise<Git>; reading: Reading; grammars: Grammars }) {
  /** `changed`: only what differs from the base; the base is then the fork point of HEAD and `query.base` (HEAD where none is given). */
  async function analyze(query: CodeQuery & { changed: boolean }, options: AnalysisOptions): Promise<Analysis> {
    const [opened, { isBinary }] = [await git(), await import('../parsing/index.ts')]
    const tree = await openTree(opened, { paths: query.paths })
    const changes = query.changed ? await changedPaths(opened, query.base ?? 'HEAD') : undefined
    const paths = changes === undefined ? tree.paths : tree.paths.filter((path) => changes.paths.has(path))
    await grammars.bringFor(paths, options.signal)
    const reader = await reading.isolated(options.signal)
    const { objectFormat } = opened.repository
    const files: AnalyzedFile[] = []
    const skipped: Analysis['skipped'] = []
    let batch: (FactFile & { path: string })[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      files.push(...(await measure(reader, batch, options.profile, objectFormat, options.signal)))
      options.onProgress?.(files.length + skipped.length, paths.length)
      batch = []
      bytes = 0
    }
    for (const path of [...paths].sort()) {
      if (options.signal?.aborted) throw stopped()
      const content = await tree.read(path)
      const reason = content === undefined ? 'no regular file that can be read' : isBinary(content) ? 'binary' : undefined
      if (content === undefined || reason !== undefined) {
        skipped.push({ path, reason: reason! })
        continue
      }
      batch.push({ path, bytes: content })
      bytes += content.length
      if (batch.length >= BATCH.files || bytes >= BATCH.bytes) await flush()
    }
    await flush()
    return answer(files, { ...options, base: changes?.base ?? null, skipped })
  }

  /** The same for one text outside of any repository. @throws USAGE where the language is not known */
  async function analyzeText(bytes: Uint8Array, language: string, options: AnalysisOptions): Promise<Analysis> {
    const reader = await reading.isolated(options.signal)
    const id = await languageId(reader, language)
    await grammars.bring([id], options.signal)
    const { isBinary } = await import('../parsing/index.ts')
    if (isBinary(bytes)) return answer([], { ...options, base: null, skipped: [{ path: STDIN, reason: 'binary' }] })
    return answer(await measure(reader, [{ path: STDIN, language: id, bytes }], options.profile, 'sha1', options.signal), {
      ...options,
      base: null,
      skipped: [],
    })
  }

  async function measure(
    reader: IsolatedReader,
    files: readonly (FactFile & { path: string })[],
    profile: Profile,
    objectFormat: 'sha1' | 'sha256',
    signal: AbortSignal | undefined,
  ): Promise<AnalyzedFile[]> {
    const { measureFile } = await import('../analysis/index.ts')
    const facts = await readFacts(reader, files, signal)
    return files.map(({ path, bytes }, i) => ({ path, blob: blobOf(bytes, objectFormat), ...measureFile(facts[i]!, profile) }))
  }

  async function answer(
    files: AnalyzedFile[],
    parts: Pick<Analysis, 'base' | 'skipped'> & Pick<AnalysisOptions, 'profile' | 'limits'>,
  ): Promise<Analysis> {
    const { checkLimits, sumFiles } = await import('../analysis/index.ts')
    const { profile, limits, base, skipped } = parts
    const findings = files.flatMap((file) => checkLimits(file.path, file, limits))
    return { profile, base, files, skipped, findings, totals: sumFiles(files, skipped.length) }
  }

  /** The seeds' request for one text, and its reply. @throws REQUEST_INVALID, USAGE */
  async function answerRequest(text: string, options: Pick<AnalysisOptions, 'profile' | 'signal'>) {
    const { readRequest, replyOf } = await import('../analysis/index.ts')
    const request = readRequest(parseJson(text))
    const reader = await reading.isolated(options.signal)
    const language = await languageId(reader, request.language)
    await grammars.bring([language], options.signal)
    const [facts] = await readFacts(reader, [{ language, bytes: Buffer.from(request.content) }], options.signal)
    const ast = request.options.generate_ast ? await (await reading.local()).tree({ language, bytes: Buffer.from(request.content) }) : null
    return replyOf(request, facts!, options.profile, ast)
  }

  /** @throws USAGE with what is wrong with one of them */
  async function parseLimits(texts: readonly string[]): Promise<Limit[]> {
    if (texts.length === 0) return []
    const { parseLimit } = await import('../analysis/index.ts')
    return texts.map(parseLimit)
  }

  return { analyze, analyzeText, answerRequest, parseLimits }
}

const stopped = (): SingularityError => new SingularityError('INTERRUPTED', 'Stopped by a signal.')

/** @throws INTERRUPTED */
async function readFacts(reader: IsolatedReader, files: readonly FactFile[], signal: AbortSignal | undefined): Promise<FileFacts[]> {
  return reader.read(files).catch((error: unknown) => {
    throw signal?.aborted ? stopped() : error
  })
}

/** An id, a name or an extension, in any case. @throws USAGE */
async function languageId({ tables }: Pick<IsolatedReader, 'tables'>, typed: string): Promise<string> {
  const { findLanguage, suggestLanguage } = await import('../parsing/index.ts')
  const id = findLanguage(tables, typed)
  if (id !== undefined) return id
  const near = suggestLanguage(tables, typed)
  throw new SingularityError('USAGE', `No language is called ${typed}.`, {
    hints: [...(near === undefined ? [] : [`--language ${near}`]), 'singularity code languages'],
  })
}

/** The id git would give these bytes. */
function blobOf(bytes: Uint8Array, format: 'sha1' | 'sha256'): string {
  return createHash(format).update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}
