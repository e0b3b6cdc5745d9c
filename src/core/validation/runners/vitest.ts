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

const PLACE = 'vitest.mjs'
const CONFIGS = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((extension) => `vitest.config.${extension}`)

/** Vitest 1 and later. Two reporters must never share one output file: each writes its own. */
export const vitest: TestRunner = {
  id: 'vitest',
  async recognise(command, context) {
    if (command.program !== 'vitest') return undefined
    if (command.args[0] === 'bench' || command.args[0] === 'typecheck') return undefined
    const { flags, targets: words } = scriptArguments(command.args)
    // `vitest run`, and `vitest --config x run` as well
    const targets = ['run', 'watch', 'dev'].includes(words[0] ?? '') ? words.slice(1) : words
    return detection({
      runner: 'vitest',
      scope: context.scope,
      command: [...(await nodeProgram(context, 'vitest', PLACE)), 'run', ...flags],
      targets,
      env: command.env,
      origin: scriptOrigin(command),
    })
  },
  async detect(context) {
    const manifest = await readManifest(context)
    let config: string | undefined
    for (const name of CONFIGS) if (await context.tree.entry(posix.join(context.scope, name))) config ??= name
    if (!config && !dependsOn(manifest, 'vitest')) return undefined
    return detection({
      runner: 'vitest',
      scope: context.scope,
      command: [...(await nodeProgram(context, 'vitest', PLACE)), 'run'],
      origin: config ?? DEPENDENCIES,
    })
  },
  command(entry, selection) {
    const files = selectedFiles(entry, selection)
    return withCoverage(entry, selection, {
      command: [
        ...entry.command,
        '--reporter=json',
        '--outputFile.json=/out/vitest.json',
        '--coverage.enabled=false',
        '--passWithNoTests',
        ...(selection.noCache ? ['--no-cache'] : []),
        // Worker threads are ended without a chance to write what they executed.
        ...(selection.coverage ? ['--pool=forks'] : []),
        ...(files ?? entry.targets ?? []),
      ],
      env: {},
      reports: ['vitest.json'],
    })
  },
  async parse({ entry, exitCode, read, root }) {
    return parseJestJson({ report: parseReport(await read('vitest.json')), root, scope: entry.scope, exitCode })
  },
  coverage: scriptCoverage,
}
