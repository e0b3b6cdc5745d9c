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
import { createReport } from './report.ts'
import { addTap, tapName } from './tap-output.ts'

const TEST_FILE = /^[^\s]+\.[cm]?[jt]sx?$/

/** tape and node-tap, and plain `node FILE` of a package that depends on one of them: all print TAP on stdout. */
export const tap: TestRunner = {
  id: 'tap',
  async recognise(command, context) {
    const origin = scriptOrigin(command)
    const { flags, targets } = scriptArguments(command.args)
    const shared = { runner: 'tap' as const, scope: context.scope, targets, env: command.env, origin }
    if (command.program === 'tape')
      return detection({ ...shared, command: [...(await nodeProgram(context, 'tape', 'bin/tape')), ...flags] })
    if (command.program === 'tap') {
      const args = flags.filter(
        (flag) =>
          !/^--(?:cov|100|check-coverage|no-cov|disable-coverage|allow-incomplete-coverage|statements|branches|functions|lines)/.test(flag),
      )
      return detection({
        ...shared,
        command: [...(await nodeProgram(context, 'tap', 'dist/esm/run.mjs')), ...args, '--reporter=tap', '--disable-coverage'],
      })
    }
    const manifest = await readManifest(context)
    if (command.program !== 'node' || targets.length === 0 || !(dependsOn(manifest, 'tape') || dependsOn(manifest, 'tap'))) return undefined
    return detection({ ...shared, command: ['node', ...flags], details: { single: 'yes' } })
  },
  async detect(context) {
    const manifest = await readManifest(context)
    if (manifest?.['tap'] === undefined && !(await context.tree.entry(context.scope === '' ? '.taprc' : `${context.scope}/.taprc`)))
      return undefined
    return detection({
      runner: 'tap',
      scope: context.scope,
      command: [...(await nodeProgram(context, 'tap', 'dist/esm/run.mjs')), '--reporter=tap', '--disable-coverage'],
      origin: '.taprc or package.json tap',
    })
  },
  command(entry, selection) {
    // `node FILE` runs exactly that file: a selection of others is not possible.
    const files = entry.details?.['single'] ? undefined : selectedFiles(entry, selection)
    return withCoverage(entry, selection, { command: [...entry.command, ...(files ?? entry.targets ?? [])], env: {}, reports: [] })
  },
  async parse({ entry, exitCode, stdout }) {
    const report = createReport()
    const ended = addTap(report, stdout, (line) => {
      // node-tap makes every file a subtest of its own
      const [first = line.name] = line.parents
      if (!TEST_FILE.test(first)) return { file: entry.scope, name: tapName(line) }
      const inner = line.parents.length === 0 ? '(file)' : tapName({ ...line, parents: line.parents.slice(1) })
      return { file: posix.join(entry.scope, first), name: inner }
    })
    return report.finish({ ended, exitCode })
  },
  coverage: scriptCoverage,
}
