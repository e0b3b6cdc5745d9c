import { posix } from 'node:path'
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
import { AVA_EVENTS, AVA_HELPER, AVA_HELPER_SOURCE, parseAvaEvents } from './ava-events.ts'
import { createReport } from './report.ts'
import { addTap, tapName } from './tap-output.ts'

const PLACE = 'entrypoints/cli.mjs'
const CONFIGS = ['ava.config.js', 'ava.config.mjs', 'ava.config.cjs']

/** AVA 4 and later: the events of its TAP reporter through a helper of ours, else what that reporter prints. */
export const ava: TestRunner = {
  id: 'ava',
  async recognise(command, context) {
    if (command.program !== 'ava') return undefined
    const { flags, targets } = scriptArguments(command.args)
    return detection({
      runner: 'ava',
      scope: context.scope,
      command: [...(await nodeProgram(context, 'ava', PLACE)), ...flags],
      targets,
      env: command.env,
      origin: scriptOrigin(command),
    })
  },
  async detect(context) {
    const manifest = await readManifest(context)
    let config: string | undefined
    for (const name of CONFIGS) if (await context.tree.entry(posix.join(context.scope, name))) config ??= name
    if (!config && manifest?.['ava'] !== undefined) config = 'package.json ava'
    if (!config && !dependsOn(manifest, 'ava')) return undefined
    return detection({
      runner: 'ava',
      scope: context.scope,
      command: await nodeProgram(context, 'ava', PLACE),
      origin: config ?? DEPENDENCIES,
    })
  },
  command(entry, selection) {
    const files = selectedFiles(entry, selection)
    const [node, ...rest] = entry.command
    return withCoverage(entry, selection, {
      command: [
        node!,
        ...(node === 'node' ? [`--import=/out/${AVA_HELPER}`] : []),
        ...rest,
        '--tap',
        // Worker threads are ended without a chance to write what they executed.
        ...(selection.coverage ? ['--no-worker-threads'] : []),
        ...(files ?? entry.targets ?? []),
      ],
      env: {},
      reports: [AVA_EVENTS],
      helpers: { [AVA_HELPER]: AVA_HELPER_SOURCE },
    })
  },
  async parse(input) {
    const events = await parseAvaEvents(input)
    if (events) return events
    const report = createReport()
    const ended = addTap(report, input.stdout, (line) => ({ file: input.entry.scope, name: tapName(line) }))
    return report.finish({ ended, exitCode: input.exitCode })
  },
  coverage: scriptCoverage,
}
