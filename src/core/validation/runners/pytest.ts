import { posix } from 'node:path'
import type { DetectContext, Detection, ScriptCommand, TestRunner } from '../runner.ts'
import { separateTargets, splitScript } from '../shell-words.ts'
import { selectedFiles } from './javascript.ts'
import { readJunit } from './junit.ts'
import {
  protectedPython,
  pytestArguments,
  pythonModule,
  PYTHON_ENV,
  pythonCoverage,
  pythonCoverageEnv,
  readPyproject,
  readPytestSettings,
  sourcePath,
  TRACER,
  TRACER_MODULE,
} from './python.ts'
import { createReport, relativeToTop } from './report.ts'

const VALUED = new Set([
  '-k',
  '-m',
  '-p',
  '-c',
  '-o',
  '-n',
  '--ignore',
  '--ignore-glob',
  '--deselect',
  '--rootdir',
  '--confcutdir',
  '--import-mode',
  '-W',
  '--timeout',
  '--basetemp',
])

async function found(
  context: DetectContext,
  origin: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  interpreter: readonly string[] = [],
): Promise<Detection> {
  const settings = await readPytestSettings(context)
  const words = splitScript(settings?.addopts ?? '')?.flatMap((part) => part.words)
  const kept = words ? pytestArguments(words) : undefined
  // addopts are replaced only where they hold something that would change the report or the end of the run.
  const override = words && kept && kept.length !== words.length ? ['-o', `addopts=${kept.map(quote).join(' ')}`] : []
  const { flags, targets } = separateTargets(pytestArguments(args), VALUED)
  return {
    runner: 'pytest',
    scope: context.scope,
    command: [await context.tools.python(context.scope), ...interpreter, '-m', 'pytest', ...override, ...flags],
    targets,
    env: { ...PYTHON_ENV, ...(await sourcePath(context)), ...env },
    origin,
    protectedPaths: protectedPython(context.scope),
  }
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`
}

function callOf({ program, args }: ScriptCommand): { flags: readonly string[]; args: readonly string[] } | undefined {
  if (program === 'pytest' || program === 'py.test') return { flags: [], args }
  const called = pythonModule(program, args)
  return called?.module === 'pytest' ? called : undefined
}

/** pytest 6 and later, through JUnit XML of the xunit1 family, the one that names files. */
export const pytest: TestRunner = {
  id: 'pytest',
  async recognise(command, context) {
    const call = callOf(command)
    return call ? found(context, command.text, call.args, command.env, call.flags) : undefined
  },
  async detect(context) {
    const settings = await readPytestSettings(context)
    if (settings) return found(context, settings.origin, [], {})
    const prefix = context.scope === '' ? '' : `${context.scope}/`
    const files = (await context.tree.entries())
      .filter((entry) => entry.path.startsWith(prefix))
      .map((entry) => entry.path.slice(prefix.length))
    const manifest =
      ['setup.py', 'setup.cfg', 'requirements.txt', 'Pipfile'].some((name) => files.includes(name)) ||
      (await readPyproject(context)) !== undefined
    const tests = files.filter((file) => /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/.test(file))
    if (files.includes('conftest.py') || files.includes('tests/conftest.py') || files.includes('test/conftest.py'))
      return found(context, 'conftest.py', [], {})
    if (!manifest || tests.length === 0) return undefined
    // Plain unittest classes run under unittest; pytest is chosen where a file imports it or has bare test functions.
    for (const file of tests.slice(0, 200)) {
      const text = await context.tree.text(posix.join(context.scope, file))
      if (text && /^(?:import pytest|from pytest|def test_|async def test_)/m.test(text)) return found(context, `${file}`, [], {})
    }
    return undefined
  },
  command(entry, selection) {
    const [python, ...rest] = entry.command
    return {
      command: [
        python!,
        ...rest,
        '--junitxml=/out/pytest.xml',
        '-o',
        'junit_family=xunit1',
        '-p',
        'no:cacheprovider',
        '--continue-on-collection-errors',
        '-q',
        ...(selection.coverage ? ['-p', TRACER_MODULE] : []),
        ...(selectedFiles(entry, selection) ?? entry.targets ?? []),
      ],
      env: selection.coverage ? pythonCoverageEnv(entry) : {},
      reports: ['pytest.xml'],
      ...(selection.coverage ? { helpers: { [`${TRACER_MODULE}.py`]: TRACER } } : {}),
    }
  },
  async parse({ entry, exitCode, read, root }) {
    const report = createReport()
    const junit = readJunit(await read('pytest.xml'))
    for (const item of junit?.cases ?? []) {
      const file = item.file === '' ? entry.scope : relativeToTop(item.file, root, entry.scope)
      const module = item.file.replace(/\.py$/, '').replaceAll('/', '.')
      const owner = item.classname.startsWith(module) ? item.classname.slice(module.length + 1) : item.classname
      const name = [owner, item.name].filter((part) => part !== '').join('::')
      // An expected failure is not a pass: marking a test xfail must be visible as a change.
      const status =
        item.outcome === 'skipped' ? (item.kind === 'pytest.xfail' ? 'todo' : 'skip') : item.outcome === 'failure' ? 'fail' : item.outcome
      report.add({ file, name, status, ms: item.seconds === null ? null : item.seconds * 1000, message: item.message })
    }
    // Exit 5: nothing was collected.
    return report.finish({ ended: junit !== undefined, exitCode: exitCode === 5 && report.size === 0 ? 0 : exitCode })
  },
  coverage: pythonCoverage,
}
