import picomatch from 'picomatch'
import type { TestRunner } from '../runner.ts'
import { detection, readManifest, scriptArguments, scriptCoverage, scriptOrigin, selectedFiles, withCoverage } from './javascript.ts'
import { asNumber, asRecord, asText, createReport, parseLines, relativeToScope, relativeToTop } from './report.ts'

const REPORTER = 'helper-node-test.mjs'

/** Our reporter for node:test: the built-in junit one has no file names on Node 20. Each line stands for itself. */
const REPORTER_SOURCE = `
const text = (error) => error === undefined || error === null ? '' : String(error.cause?.stack ?? error.cause?.message ?? error.stack ?? error.message ?? error)
export default async function* report(events) {
  // what a file said before it died: its failure alone is the words "test failed"
  const said = new Map()
  const last = ({ name, file, nesting }) => (nesting === 0 && (name === file || file?.endsWith('/' + name)) ? '\\n' + (said.get(file) ?? '') : '')
  for await (const { type, data } of events) {
    if (type === 'test:stderr') said.set(data.file, ((said.get(data.file) ?? '') + data.message).slice(-4000))
    else if (type === 'test:start') yield JSON.stringify({ type: 'start', name: data.name, nesting: data.nesting, file: data.file }) + '\\n'
    else if (type === 'test:pass' || type === 'test:fail') yield JSON.stringify({
      type: type === 'test:pass' ? 'pass' : 'fail', name: data.name, nesting: data.nesting, file: data.file, kind: data.details?.type,
      ms: data.details?.duration_ms, failure: data.details?.error?.failureType, message: type === 'test:fail' ? text(data.details?.error) + last(data) : '',
      skip: data.skip !== undefined && data.skip !== false, todo: data.todo !== undefined && data.todo !== false,
    }) + '\\n'
  }
  yield JSON.stringify({ type: 'end' }) + '\\n'
}
`

const GUARD = 'helper-node-test-guard.mjs'
const EXITS = 'node-test-exits.jsonl'

/**
 * Loaded in every test file's process: node:test calls a file that ends itself with exit 0 in the middle a pass, without
 * the tests it had. The hook behind the last test tells whether the file had come to its end.
 */
const GUARD_SOURCE = `
import { appendFileSync } from 'node:fs'
if (process.env.NODE_TEST_CONTEXT?.startsWith('child') && process.argv[1]) {
  const { after } = await import('node:test')
  let done = false
  after(() => { done = true })
  const exit = process.exit
  process.exit = (code) => {
    if (!done && !(code ?? process.exitCode)) appendFileSync('/out/${EXITS}', JSON.stringify({ file: process.argv[1] }) + '\\n')
    return exit.call(process, code)
  }
}
`

type Event = {
  type: string
  name: string
  nesting: number
  file: string
  kind: string
  ms: number | null
  failure: string
  message: string
  skip: boolean
  todo: boolean
}

function eventOf(value: unknown): Event {
  const item = asRecord(value)
  return {
    type: asText(item['type']),
    name: asText(item['name']),
    nesting: asNumber(item['nesting']) ?? 0,
    file: asText(item['file']),
    kind: asText(item['kind']),
    ms: asNumber(item['ms']),
    failure: asText(item['failure']),
    message: asText(item['message']),
    skip: item['skip'] === true,
    todo: item['todo'] === true,
  }
}

/** node:test of Node 20 and later. Globs of a script are expanded at the base commit: Node 20 does not know them. */
export const nodeTest: TestRunner = {
  id: 'node-test',
  async recognise(command, context) {
    const tsx = command.program === 'tsx'
    if ((command.program !== 'node' && !tsx) || !command.args.includes('--test')) return undefined
    const { flags, targets } = scriptArguments(command.args.filter((arg) => arg !== '--test'))
    const files: string[] = []
    for (const target of targets) {
      if (!/[*?[{]/.test(target)) files.push(target)
      else {
        const matches = picomatch(target.replace(/^\.\//, ''))
        const found = (await context.tree.entries())
          .map((entry) => relativeToScope(entry.path, context.scope))
          .filter((path) => !path.startsWith('../') && matches(path))
        files.push(...found)
      }
    }
    return detection({
      runner: 'node-test',
      scope: context.scope,
      command: ['node', ...(tsx ? ['--import', 'tsx'] : []), '--test', ...flags],
      targets: files,
      env: command.env,
      origin: scriptOrigin(command),
    })
  },
  async detect(context) {
    const manifest = await readManifest(context)
    if (!manifest || manifest.scripts?.['test'] !== undefined) return undefined
    const prefix = context.scope === '' ? '' : `${context.scope}/`
    const entries = await context.tree.entries()
    // a package below has a suite of its own: its tests are not run twice
    const inner = entries
      .map(({ path }) => path)
      .filter((path) => path.startsWith(prefix) && path.endsWith('/package.json') && path !== `${prefix}package.json`)
      .map((path) => path.slice(0, -'package.json'.length))
    for (const entry of entries) {
      if (inner.some((folder) => entry.path.startsWith(folder))) continue
      if (!entry.path.startsWith(prefix) || !/(?:^|[./_-])tests?\.[cm]?js$|(?:^|\/)test\/[^/]+\.[cm]?js$/.test(entry.path)) continue
      const text = await context.tree.text(entry.path)
      if (text && /['"]node:test['"]/.test(text))
        return detection({
          runner: 'node-test',
          scope: context.scope,
          command: ['node', '--test'],
          origin: `${entry.path} imports node:test`,
        })
    }
    return undefined
  },
  command(entry, selection) {
    const files = selectedFiles(entry, selection)
    return withCoverage(entry, selection, {
      command: [
        ...entry.command,
        `--import=/out/${GUARD}`,
        `--test-reporter=/out/${REPORTER}`,
        '--test-reporter-destination=/out/node-test.jsonl',
        ...(files ?? entry.targets ?? []),
      ],
      env: {},
      reports: ['node-test.jsonl', EXITS],
      helpers: { [REPORTER]: REPORTER_SOURCE, [GUARD]: GUARD_SOURCE },
    })
  },
  async parse({ entry, exitCode, read, root }) {
    const report = createReport()
    const { values, cut, noise } = parseLines((await read('node-test.jsonl'))?.toString('utf8') ?? '')
    const stack: string[] = []
    const open = new Map<string, number>()
    let ended = false
    for (const event of values.map(eventOf)) {
      if (event.type === 'end') ended = true
      const isFile = event.nesting === 0 && event.file !== '' && (event.name === event.file || event.file.endsWith(`/${event.name}`))
      const key = `${event.file}\n${event.nesting}\n${event.name}`
      if (event.type === 'start') {
        stack.length = event.nesting
        stack[event.nesting] = event.name
        open.set(key, (open.get(key) ?? 0) + 1)
      }
      if (event.type !== 'pass' && event.type !== 'fail') continue
      open.set(key, (open.get(key) ?? 0) - 1)
      if (event.kind === 'suite' && event.type === 'pass') continue
      const file = relativeToTop(event.file, root, entry.scope)
      if (isFile) {
        if (event.type === 'fail') report.add({ file, name: '(file)', status: 'error', message: event.message })
        continue
      }
      // A suite or parent that fails only because of its children says nothing of its own.
      if (event.type === 'fail' && event.failure === 'subtestsFailed') continue
      const name = [...stack.slice(0, event.nesting), event.name].filter((part) => part !== undefined).join(' > ')
      const status = event.skip ? 'skip' : event.todo ? 'todo' : event.type === 'pass' ? 'pass' : 'fail'
      report.add({ file, name, status, ms: event.ms, message: event.message })
    }
    for (const [key, count] of open) if (count > 0) report.problem(`started but never finished: ${key.split('\n').slice(2).join(' ')}`)
    const left = parseLines((await read(EXITS))?.toString('utf8') ?? '').values.map((item) => asText(asRecord(item)['file']))
    for (const file of new Set(left))
      report.add({ file: relativeToTop(file, root, entry.scope), name: '(file)', status: 'error', message: 'ended itself with exit 0' })
    if (noise.length > 0) report.problem('the report holds lines that are not JSON')
    return report.finish({ ended: ended && !cut, exitCode })
  },
  coverage: scriptCoverage,
}
