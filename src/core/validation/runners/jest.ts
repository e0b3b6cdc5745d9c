import { posix } from 'node:path'
import type { TestRunner } from '../runner.ts'
import {
  DEPENDENCIES,
  dependsOn,
  detection,
  nodeProgram,
  parseJestJson,
  readManifest,
  scriptArguments,
  scriptCoverage,
  scriptOrigin,
  selectedFiles,
  withCoverage,
} from './javascript.ts'
import { parseReport } from './report.ts'

const PLACE = 'bin/jest.js'
const CONFIGS = ['ts', 'js', 'mjs', 'cjs', 'json'].map((extension) => `jest.config.${extension}`)

/** Jest 27 and later. */
export const jest: TestRunner = {
  id: 'jest',
  async recognise(command, context) {
    // `node --experimental-vm-modules node_modules/jest/bin/jest.js` is the documented call for ES modules.
    const node = command.program === 'node' ? command.args.findIndex((arg) => /(?:^|\/)(?:jest\/bin\/jest\.js|\.bin\/jest)$/.test(arg)) : -1
    if (command.program !== 'jest' && node < 0) return undefined
    const { flags, targets } = scriptArguments(node < 0 ? command.args : command.args.slice(node + 1))
    const [program, ...script] = await nodeProgram(context, 'jest', PLACE)
    const nodeFlags = node < 0 ? [] : command.args.slice(0, node)
    return detection({
      runner: 'jest',
      scope: context.scope,
      command: [program!, ...nodeFlags, ...script, ...flags],
      targets,
      env: command.env,
      origin: scriptOrigin(command),
    })
  },
  async detect(context) {
    const manifest = await readManifest(context)
    let config: string | undefined
    for (const name of CONFIGS) if (await context.tree.entry(posix.join(context.scope, name))) config ??= name
    if (!config && manifest?.['jest'] !== undefined) config = 'package.json jest'
    if (!config && !dependsOn(manifest, 'jest')) return undefined
    return detection({
      runner: 'jest',
      scope: context.scope,
      command: await nodeProgram(context, 'jest', PLACE),
      origin: config ?? DEPENDENCIES,
    })
  },
  command(entry, selection) {
    const files = selectedFiles(entry, selection)
    return withCoverage(entry, selection, {
      command: [
        ...entry.command,
        '--ci',
        '--json',
        '--outputFile=/out/jest.json',
        '--no-watchman',
        '--coverage=false',
        '--watchAll=false',
        '--passWithNoTests',
        ...(selection.noCache ? ['--no-cache'] : []),
        // In one process, so that what was executed is written before a worker is ended.
        ...(selection.coverage ? ['--runInBand'] : []),
        ...(files ? ['--runTestsByPath', ...files] : (entry.targets ?? [])),
      ],
      env: {},
      reports: ['jest.json'],
    })
  },
  async parse({ entry, exitCode, read, root }) {
    return parseJestJson({ report: parseReport(await read('jest.json')), root, scope: entry.scope, exitCode })
  },
  coverage: scriptCoverage,
}
