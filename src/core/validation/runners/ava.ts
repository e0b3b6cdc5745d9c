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
import { addTap } from './tap-output.ts'

const PLACE = 'entrypoints/cli.mjs'
const CONFIGS = ['ava.config.js', 'ava.config.mjs', 'ava.config.cjs']

const CACHELESS = 'helper-ava.mjs'
/** AVA makes its cache folder in node_modules even where it will write nothing, and fails when that is read-only. */
const CACHELESS_SOURCE = `
import fs from 'node:fs'
const make = fs.mkdirSync
fs.mkdirSync = (path, options) => {
  try {
    return make(path, options)
  } catch (error) {
    if (!String(path).replaceAll('\\\\', '/').endsWith('node_modules/.cache/ava')) throw error
  }
}
`

/** AVA 4 and later through its TAP reporter, which names 'file › title' when several files run. */
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
      origin: config ?? 'package.json dependencies',
    })
  },
  command(entry, selection) {
    const files = selectedFiles(entry, selection)
    const preload = `--import=/out/${CACHELESS}`
    return withCoverage(entry, selection, {
      // Worker threads are ended without a chance to write what they executed.
      command: [...entry.command, '--tap', ...(selection.coverage ? ['--no-worker-threads'] : []), ...(files ?? entry.targets ?? [])],
      env: { NODE_OPTIONS: selection.coverage || !entry.env['NODE_OPTIONS'] ? preload : `${entry.env['NODE_OPTIONS']} ${preload}` },
      reports: [],
      helpers: { [CACHELESS]: CACHELESS_SOURCE },
    })
  },
  async parse({ entry, exitCode, stdout }) {
    const report = createReport()
    const ended = addTap(report, stdout, (line) => ({ file: entry.scope, name: line.name.replace(/^- /, '') }))
    return report.finish({ ended, exitCode })
  },
  coverage: scriptCoverage,
}
