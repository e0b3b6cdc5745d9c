import { posix } from 'node:path'
import { parseJson } from '../../kernel/index.ts'
import type { TestRunner } from '../runner.ts'
import {
  DEPENDENCIES,
  dependsOn,
  detection,
  nodeProgram,
  readManifest,
  scriptArguments,
  scriptCoverage,
  scriptOrigin,
  selectedFiles,
  withCoverage,
} from './javascript.ts'
import { asNumber, asRecord, asText, createReport, relativeToTop } from './report.ts'

const PLACE = 'bin/mocha.js'
const CONFIGS = ['.mocharc.js', '.mocharc.cjs', '.mocharc.mjs', '.mocharc.json', '.mocharc.jsonc', '.mocharc.yml', '.mocharc.yaml']

const REPORTER = 'helper-mocha.cjs'
const REPORT = 'mocha.jsonl'

/**
 * A reporter of our own, one line per event: the one that mocha brings writes to a file only since 9.2, and loses everything when
 * the process ends early. Works with every version from 2 on, also with --parallel.
 */
const REPORTER_SOURCE = `
var fs = require('fs'), path = require('path')
module.exports = function Reporter(runner) {
  var report = path.join(__dirname, '${REPORT}')
  var say = function (line) { fs.appendFileSync(report, JSON.stringify(line) + '\\n') }
  var place = function (item) { for (var each = item; each; each = each.parent) if (each.file) return each.file }
  var describe = function (item) { return { file: place(item), name: item.fullTitle ? item.fullTitle() : item.title, ms: item.duration } }
  var told = [], failure = ''
  runner.on('fail', function (item, error) {
    failure = String((error && (error.stack || error.message)) || error)
    if (item.type !== 'hook' && told.indexOf(item) === -1) return // its end is still to come
    var line = describe(item)
    line.event = 'error'
    line.message = failure
    say(line)
  })
  runner.on('test end', function (item) {
    var line = describe(item)
    line.event = 'test'
    line.status = item.state === 'failed' ? 'fail' : item.pending || (item.isPending && item.isPending()) ? 'skip' : 'pass'
    if (line.status === 'fail') line.message = failure
    told.push(item)
    say(line)
  })
  runner.on('end', function () { say({ event: 'end' }) })
}
`

/** Mocha. Specs of .mocharc are merged with selected files: a selection may run more. */
export const mocha: TestRunner = {
  id: 'mocha',
  async recognise(command, context) {
    if (command.program !== 'mocha' && command.program !== '_mocha') return undefined
    const { flags, targets } = scriptArguments(command.args)
    return detection({
      runner: 'mocha',
      scope: context.scope,
      command: [...(await nodeProgram(context, 'mocha', PLACE)), ...flags],
      targets,
      env: command.env,
      origin: scriptOrigin(command),
    })
  },
  async detect(context) {
    const manifest = await readManifest(context)
    let config: string | undefined
    for (const name of CONFIGS) if (await context.tree.entry(posix.join(context.scope, name))) config ??= name
    if (!config && !dependsOn(manifest, 'mocha')) return undefined
    return detection({
      runner: 'mocha',
      scope: context.scope,
      command: await nodeProgram(context, 'mocha', PLACE),
      origin: config ?? DEPENDENCIES,
    })
  },
  command(entry, selection) {
    const files = selectedFiles(entry, selection)
    return withCoverage(entry, selection, {
      command: [...entry.command, '--reporter', `/out/${REPORTER}`, '--no-color', '--exit', ...(files ?? entry.targets ?? [])],
      env: {},
      reports: [REPORT],
      helpers: { [REPORTER]: REPORTER_SOURCE },
    })
  },
  async parse({ entry, exitCode, read, root }) {
    const report = createReport()
    const text = (await read(REPORT))?.toString('utf8') ?? ''
    const lines = text.split('\n').map((line) => asRecord(parseJson(line)))
    const place = (file: unknown): string => (file ? relativeToTop(asText(file), root, entry.scope) : entry.scope)
    for (const line of lines) {
      const test = { file: place(line['file']), name: asText(line['name']), ms: asNumber(line['ms']) }
      // Hooks, and tests that failed after they had ended.
      if (line['event'] === 'error') report.add({ ...test, status: 'error', message: asText(line['message']) })
      if (line['event'] === 'test') {
        const status = line['status'] === 'pass' || line['status'] === 'skip' ? line['status'] : 'fail'
        report.add({ ...test, status, ...(status === 'fail' && { message: asText(line['message']) }) })
      }
    }
    return report.finish({ ended: lines.some(({ event }) => event === 'end'), exitCode })
  },
  coverage: scriptCoverage,
}
