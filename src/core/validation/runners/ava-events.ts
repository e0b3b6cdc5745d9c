import type { ParseInput, TestReport } from '../runner.ts'
import { asRecord, asText, createReport, parseLines, relativeToTop } from './report.ts'

export const AVA_HELPER = 'helper-ava.mjs'
export const AVA_EVENTS = 'ava.jsonl'

/**
 * AVA has no machine report that names files: its TAP output shortens them, and leaves them out where one file runs.
 * This module is loaded before AVA and adds two lines to AVA's own modules as they are loaded: the TAP reporter also
 * writes its events as JSON lines, and the cache, which AVA always makes below node_modules, goes to /out.
 */
export const AVA_HELPER_SOURCE = `
import { appendFileSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const EVENTS = '/out/${AVA_EVENTS}'
const HOOKS = \`
const reporter = "\\\\nglobalThis.__avaEvents?.(TapReporter)\\\\n"
const api = "\\\\nApi.prototype._getLocalCacheDir = () => '/out/ava-cache'\\\\n"
export async function load(url, context, next) {
  const loaded = await next(url, context)
  const added = url.endsWith('/ava/lib/reporters/tap.js') ? reporter : url.endsWith('/ava/lib/api.js') ? api : ''
  return added === '' || !loaded.source ? loaded : { ...loaded, source: String(loaded.source instanceof Uint8Array ? new TextDecoder().decode(loaded.source) : loaded.source) + added }
}
\`
const text = (error) => error === undefined || error === null ? '' : String(error.stack || error.message || error.summary || '')
if (isMainThread && !process.send) {
  const emit = (item) => appendFileSync(EVENTS, JSON.stringify(item) + '\\n')
  globalThis.__avaEvents = (TapReporter) => {
    const { startRun, endRun, consumeStateChange } = TapReporter.prototype
    TapReporter.prototype.startRun = function (plan) {
      writeFileSync(EVENTS, '')
      return startRun.call(this, plan)
    }
    TapReporter.prototype.consumeStateChange = function (event) {
      const { type, testFile, title, duration, skip, todo, knownFailing, nonZeroExitCode, err } = event
      const file = testFile ? String(testFile) : ''
      if (type === 'process-exit' || type === 'timeout' || type === 'interrupt')
        for (const [pending, titles] of event.pendingTests ?? []) for (const name of titles) emit({ type: 'unfinished', why: type, file: String(pending), name })
      if (type === 'worker-finished') {
        const stats = this.stats?.byFile.get(testFile)
        emit({ type, file, declared: stats?.declaredTests ?? 0, remaining: stats?.remainingTests ?? 0, exits: stats?.unexpectedProcessExits ?? 0 })
      } else if (type !== 'stats' && type !== 'worker-stdout' && type !== 'worker-stderr' && type !== 'declared-test')
        emit({ type, file, name: title, ms: duration, skip: !!skip, todo: !!todo, known: !!knownFailing, code: nonZeroExitCode, message: text(err) })
      return consumeStateChange.call(this, event)
    }
    TapReporter.prototype.endRun = function (...args) {
      emit({ type: 'end' })
      return endRun.apply(this, args)
    }
  }
  register('data:text/javascript,' + encodeURIComponent(HOOKS))
}
`

/** The report of the events our helper wrote; undefined where it wrote none (an AVA it does not know). */
export async function parseAvaEvents({ entry, exitCode, read, root }: ParseInput): Promise<TestReport | undefined> {
  const data = await read(AVA_EVENTS)
  if (!data) return undefined
  const report = createReport()
  const { values, cut, noise } = parseLines(data.toString('utf8'))
  let ended = false
  for (const event of values.map(asRecord)) {
    const type = asText(event['type'])
    const file = event['file'] ? relativeToTop(asText(event['file']), root, entry.scope) : entry.scope
    const add = (status: 'pass' | 'fail' | 'skip' | 'todo' | 'error', name = asText(event['name'])): void =>
      report.add({ file, name, status, ms: typeof event['ms'] === 'number' ? event['ms'] : null, message: asText(event['message']) })
    if (type === 'end') ended = true
    else if (type === 'selected-test' && event['skip'] === true) add('skip')
    else if (type === 'selected-test' && event['todo'] === true) add('todo')
    // A test that is known to fail is not a pass: marking one so must be visible as a change.
    else if (type === 'test-passed') add(event['known'] === true ? 'todo' : 'pass')
    else if (type === 'test-failed') add('fail')
    else if (type === 'hook-failed' || type === 'unfinished') add('error')
    else if (/^(?:uncaught-exception|unhandled-rejection|internal-error|worker-failed|missing-ava-import|process-exit)$/.test(type))
      add('error', '(file)')
    else if (type === 'worker-finished' && event['remaining'] !== 0)
      report.problem(`${file}: ${asText(event['remaining'])} tests never finished`)
  }
  return report.finish({ ended: ended && !cut && noise.length === 0, exitCode })
}
