import { posix } from 'node:path'
import type { TestRunner } from '../runner.ts'
import {
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
import { asArray, asNumber, asRecord, asText, createReport, parseReport, relativeToTop } from './report.ts'

const PLACE = 'bin/mocha.js'
const CONFIGS = ['.mocharc.js', '.mocharc.cjs', '.mocharc.mjs', '.mocharc.json', '.mocharc.jsonc', '.mocharc.yml', '.mocharc.yaml']

/** Mocha 8 and later (`--reporter-option output=`). Specs of .mocharc are merged with selected files: a selection may run more. */
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
      origin: config ?? 'package.json dependencies',
    })
  },
  command(entry, selection) {
    const files = selectedFiles(entry, selection)
    return withCoverage(entry, selection, {
      command: [
        ...entry.command,
        '--reporter',
        'json',
        '--reporter-option',
        'output=/out/mocha.json',
        '--no-color',
        '--exit',
        ...(files ?? entry.targets ?? []),
      ],
      env: {},
      reports: ['mocha.json'],
    })
  },
  async parse({ entry, exitCode, read, root }) {
    const report = createReport()
    const top = asRecord(parseReport(await read('mocha.json')))
    const stats = asRecord(top['stats'])
    const name = (test: Record<string, unknown>): string => asText(test['fullTitle']) || asText(test['title'])
    const place = (test: Record<string, unknown>): string =>
      test['file'] ? relativeToTop(asText(test['file']), root, entry.scope) : entry.scope
    const listed = new Set<string>()
    const key = (test: Record<string, unknown>): string => `${place(test)}\n${name(test)}`
    for (const raw of asArray(top['tests'])) {
      const test = asRecord(raw)
      const failed = Object.keys(asRecord(test['err'])).length > 0
      const ran = test['duration'] !== undefined
      listed.add(key(test))
      report.add({
        file: place(test),
        name: name(test),
        status: failed ? 'fail' : ran ? 'pass' : 'skip',
        ms: asNumber(test['duration']),
        message: asText(asRecord(test['err'])['stack']),
      })
    }
    for (const raw of asArray(top['failures'])) {
      const test = asRecord(raw)
      // Hooks are listed among the failures only.
      if (!listed.has(key(test)))
        report.add({ file: place(test), name: name(test), status: 'error', message: asText(asRecord(test['err'])['stack']) })
    }
    return report.finish({ ended: typeof stats['end'] === 'string', exitCode })
  },
  coverage: scriptCoverage,
}
