import { posix } from 'node:path'
import type { Detection, DetectContext, TestRunner } from '../runner.ts'
import { readJunit } from './junit.ts'
import { createReport } from './report.ts'

function found(
  context: DetectContext,
  origin: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  built: string | undefined,
): Detection {
  return {
    runner: 'ctest',
    scope: context.scope,
    command: ['ctest', ...args],
    env: { CTEST_OUTPUT_ON_FAILURE: '1', ...env },
    origin,
    ...(built === undefined ? {} : { details: { build: built } }),
    protectedPaths: [
      '{test,tests}/**',
      '**/*_test.{c,cc,cpp,cxx}',
      '**/test_*.{c,cc,cpp,cxx}',
      '**/CMakeLists.txt',
      '**/*.cmake',
      'CMakePresets.json',
      'CTestConfig.cmake',
    ].map((glob) => posix.join(context.scope, glob)),
  }
}

/**
 * CTest 3.21 and later (`--output-junit`). Without a build folder of the project's own, configuring and building are part of the
 * run, in a folder outside the tree; a build that fails leaves no report.
 */
export const ctest: TestRunner = {
  id: 'ctest',
  async recognise(command, context) {
    if (command.program !== 'ctest') return undefined
    const at = command.args.indexOf('--test-dir')
    const build = at < 0 ? undefined : command.args[at + 1]
    const args = command.args.filter((_arg, index) => at < 0 || (index !== at && index !== at + 1))
    return found(context, command.text, args, command.env, build)
  },
  async detect(context) {
    const text = await context.tree.text(posix.join(context.scope, 'CMakeLists.txt'))
    if (text === undefined || !/^\s*(?:enable_testing\s*\(|include\s*\(\s*CTest\s*\))/im.test(text)) return undefined
    return found(context, 'CMakeLists.txt enable_testing', [], {}, undefined)
  },
  command(entry) {
    const build = entry.details?.['build']
    const call = `"$@" --test-dir "$B" --output-junit /out/ctest.xml --no-tests=error`
    const script =
      build === undefined
        ? `B=/out/build && cmake -S . -B "$B" >/dev/null && cmake --build "$B" && exec ${call}`
        : `B='${build.replace(/'/g, `'\\''`)}' && exec ${call}`
    return { command: ['sh', '-c', script, 'sh', ...entry.command], env: {}, reports: ['ctest.xml'] }
  },
  async parse({ entry, exitCode, stdout, read }) {
    const report = createReport()
    const junit = readJunit(await read('ctest.xml'))
    for (const item of junit?.cases ?? []) {
      // 'notrun' is a program that could not be started or a skip; 'disabled' is set by the project.
      const skipped =
        item.status === 'disabled' || (item.outcome === 'skipped' && !/Unable to find|not available|NOT_AVAILABLE/i.test(item.message))
      const status =
        item.status === 'run' ? 'pass' : skipped ? 'skip' : item.status === 'fail' ? 'fail' : item.outcome === 'pass' ? 'pass' : 'error'
      report.add({
        file: entry.scope,
        name: item.name,
        status,
        ms: item.seconds === null ? null : item.seconds * 1000,
        message: item.message,
      })
    }
    if (junit?.declared !== undefined && junit.declared !== null && junit.declared !== junit.cases.length)
      report.problem(`the report holds ${junit.cases.length} of ${junit.declared} tests`)
    const none = junit === undefined && /No tests were found/i.test(stdout)
    return report.finish({ ended: junit !== undefined || none, exitCode: none || junit?.cases.length === 0 ? 0 : exitCode })
  },
}
