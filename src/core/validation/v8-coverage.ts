import { posix } from 'node:path'
import type { CoverageMap, ReadReport } from './runner.ts'
import { asArray, asNumber, asRecord, asText, parseReport } from './runners/report.ts'
import { decodeMappings } from './source-map.ts'

export const COLLECTOR_NAME = 'helper-coverage.mjs'

/**
 * Loaded by every node process of a run (NODE_OPTIONS=--import). NODE_V8_COVERAGE is not enough: it is lost when a worker is
 * ended by a signal, and it does not hold the text of transformed modules, without which offsets mean nothing.
 */
export const COLLECTOR = `
import { Session } from 'node:inspector'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { isMainThread, threadId } from 'node:worker_threads'
import { dirname, resolve } from 'node:path'
const directory = process.env.SINGULARITY_COVERAGE
if (directory) {
  const root = process.env.SINGULARITY_COVERAGE_ROOT ??= resolve(process.cwd(), '../'.repeat(Number(process.env.SINGULARITY_COVERAGE_DEPTH ?? 0)))
  const write = writeFileSync, kill = process.kill.bind(process), pid = process.pid
  let written = 0
  const session = new Session()
  session.connect()
  const post = (method, params) => { let answer; session.post(method, params, (_error, result) => { answer = result }); return answer }
  post('Profiler.enable')
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const pathOf = (url) => { try { return url.startsWith('file://') ? decodeURIComponent(new URL(url).pathname) : url.split('?')[0] } catch { return url } }
  const read = readFileSync, size = (path) => statSync(path).size
  const mapBeside = (path, source) => {
    const name = /\\n\\/\\/# sourceMappingURL=(?!data:)(\\S+)\\s*$/.exec(source.slice(-2000))?.[1]
    try {
      const file = name && resolve(dirname(path), decodeURIComponent(name))
      return file?.startsWith(root + '/') && size(file) < 50e6 ? { path: file.slice(root.length + 1), text: read(file, 'utf8') } : undefined
    } catch { return undefined }
  }
  const dump = () => {
    try {
      const own = (post('Profiler.takePreciseCoverage')?.result ?? []).filter(({ url }) => { const path = pathOf(url); return path.startsWith(root + '/') && !path.includes('/node_modules/') })
      if (own.length === 0) return
      post('Debugger.enable')
      const scripts = own.map((script) => {
        const path = pathOf(script.url), source = post('Debugger.getScriptSource', { scriptId: script.scriptId })?.scriptSource ?? ''
        const functions = script.functions.map((item) => item.ranges.map((range) => [range.startOffset, range.endOffset, range.count]))
        return { path: path.slice(root.length + 1), source, map: mapBeside(path, source), functions }
      })
      post('Debugger.disable')
      mkdirSync(directory, { recursive: true })
      write(directory + '/' + pid + '-' + threadId + '-' + written++ + '.json', JSON.stringify({ scripts }))
    } catch { /* the test itself must not notice */ }
  }
  process.on('exit', dump)
  // A program with a listener of its own lives on; any other one ends as it would have.
  if (isMainThread) process.once('SIGTERM', () => { dump(); if (process.listenerCount('SIGTERM') === 0) kill(pid, 'SIGTERM') })
}
`

/** `map`: the source map beside the file (a build result), which names its sources from where it lies. */
type Painted = { source: string; map: { path: string; text: string } | undefined; covered: Uint8Array }

/** What the collector wrote, as lines of the original files; transformed and built modules are followed through their source map. */
export async function readCollected(
  read: ReadReport,
  list: () => Promise<readonly string[]>,
  _root: string,
): Promise<CoverageMap | undefined> {
  const names = (await list()).filter((name) => name.startsWith('coverage/') && name.endsWith('.json'))
  const painted = new Map<string, Painted[]>()
  let any = false
  for (const name of names) {
    const report = asRecord(parseReport(await read(name)))
    any ||= Array.isArray(report['scripts'])
    for (const raw of asArray(report['scripts'])) {
      const script = asRecord(raw)
      const source = asText(script['source'])
      const beside = asRecord(script['map'])
      const map = typeof beside['path'] === 'string' ? { path: beside['path'], text: asText(beside['text']) } : undefined
      if (source !== '') paint(painted, asText(script['path']), { source, map }, asArray(script['functions']))
    }
  }
  if (!any) return undefined
  const files = new Map<string, { executed: Set<number>; executable: Set<number>; partial: Set<number> }>()
  const noteLine = (file: string, line: number, some: boolean, all: boolean): void => {
    let entry = files.get(file)
    if (!entry) files.set(file, (entry = { executed: new Set(), executable: new Set(), partial: new Set() }))
    const before = entry.executed.has(line) && !entry.partial.has(line)
    entry.executable.add(line)
    if (some) entry.executed.add(line)
    if (some && !all && !before) entry.partial.add(line)
    if (all) entry.partial.delete(line)
  }
  for (const [path, variants] of painted) for (const variant of variants) toLines(path, variant, noteLine)
  return files
}

/** Ranges are nested, outer first: the last one that holds a character decides. Runs of the same text are joined. */
function paint(
  painted: Map<string, Painted[]>,
  path: string,
  { source, map }: Omit<Painted, 'covered'>,
  functions: readonly unknown[],
): void {
  const covered = new Uint8Array(source.length)
  for (const ranges of functions) {
    for (const raw of asArray(ranges)) {
      const [start, end, count] = asArray(raw).map(asNumber)
      covered.fill((count ?? 0) > 0 ? 1 : 0, Math.max(0, start ?? 0), Math.min(source.length, end ?? 0))
    }
  }
  const variants = painted.get(path) ?? []
  painted.set(path, variants)
  const same = variants.find((variant) => variant.source === source)
  if (!same) variants.push({ source, map, covered })
  else for (let index = 0; index < covered.length; index++) same.covered[index]! |= covered[index]!
}

type NoteLine = (file: string, line: number, some: boolean, all: boolean) => void

function toLines(path: string, { source, map: beside, covered }: Painted, note: NoteLine): void {
  const starts = [0]
  for (let index = source.indexOf('\n'); index >= 0; index = source.indexOf('\n', index + 1)) starts.push(index + 1)
  const map = inlineMap(path, source) ?? (beside && readMap(beside.path, beside.text))
  if (!map) {
    for (let line = 0; line < starts.length; line++) {
      const state = stateOf(source, covered, starts[line]!, starts[line + 1] ?? source.length)
      if (state) note(path, line + 1, state.some, state.all)
    }
    return
  }
  const lines = new Map<string, { some: boolean; all: boolean }>()
  for (const [line, segments] of decodeMappings(map.mappings).entries()) {
    const start = starts[line]
    if (start === undefined) break
    const limit = starts[line + 1] ?? source.length
    for (const [index, segment] of segments.entries()) {
      const end = Math.min(limit, start + (segments[index + 1]?.column ?? limit - start))
      const state = stateOf(source, covered, start + segment.column, end)
      if (!state) continue
      const file = map.sources[segment.source]
      if (file === undefined || file.startsWith('../')) continue
      const key = `${segment.line + 1}\n${file}`
      const known = lines.get(key)
      lines.set(key, { some: state.some || (known?.some ?? false), all: state.all && (known?.all ?? true) })
    }
  }
  for (const [key, { some, all }] of lines) {
    const cut = key.indexOf('\n')
    note(key.slice(cut + 1), Number(key.slice(0, cut)), some, all)
  }
}

/** Whether some and all code characters of a range were covered; undefined where there is no code (blank, brackets, comments). */
function stateOf(source: string, covered: Uint8Array, start: number, end: number): { some: boolean; all: boolean } | undefined {
  const text = source.slice(start, end)
  if (/^[\s{}()[\];,]*(?:\/\/.*|\/?\*.*)?$/.test(text.trim())) return undefined
  let some = false
  let all = true
  for (let index = start; index < end; index++) {
    if (/[\s{}()[\];,]/.test(source[index]!)) continue
    if (covered[index]) some = true
    else all = false
  }
  return { some, all }
}

/** `sources`: paths from the top of the repository. */
type SourceMap = { mappings: string; sources: string[] }

/** What transforms a module as it is loaded names the module itself, in many ways; only `../src/x.ts` is another file. */
function inlineMap(path: string, source: string): SourceMap | undefined {
  const at = source.lastIndexOf('//# sourceMappingURL=data:application/json')
  if (at < 0) return undefined
  const text = source.slice(at)
  const comma = text.indexOf('base64,')
  if (comma < 0) return undefined
  const map = readMap(path, Buffer.from(text.slice(comma + 7).split('\n', 1)[0]!, 'base64').toString('utf8'))
  return map?.sources.length === 1 && !map.named[0]!.startsWith('../') ? { ...map, sources: [path] } : map
}

function readMap(path: string, text: string): (SourceMap & { named: string[] }) | undefined {
  const map = asRecord(parseReport(Buffer.from(text)))
  if (typeof map['mappings'] !== 'string') return undefined
  const named = asArray(map['sources']).map((source) => posix.join(asText(map['sourceRoot']), asText(source)))
  return { mappings: map['mappings'], named, sources: named.map((source) => posix.normalize(posix.join(posix.dirname(path), source))) }
}
