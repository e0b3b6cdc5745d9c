import { posix } from 'node:path'
import type { TestRunner } from '../runner.ts'
import { selectedFiles } from './javascript.ts'
import {
  protectedPython,
  PYTHON_ENV,
  pythonModule,
  pythonCoverage,
  pythonCoverageEnv,
  sourcePath,
  TRACER,
  TRACER_MODULE,
} from './python.ts'
import { asNumber, asRecord, asText, createReport, parseLines, relativeToTop } from './report.ts'

const DRIVER = 'helper_unittest.py'

/** unittest's own program with a result class that writes one JSON line per test. */
const DRIVER_SOURCE = `
import json, os, sys, time
OUT = os.environ.get("SINGULARITY_OUT", "/out")
if os.environ.get("SINGULARITY_LINES"):
    import ${TRACER_MODULE}
sys.path.insert(0, os.getcwd())
import unittest
stream = open(os.path.join(OUT, "unittest.jsonl"), "w", buffering=1)

def emit(**item):
    stream.write(json.dumps(item) + "\\n")
    stream.flush()

def file_of(test):
    module = sys.modules.get(type(test).__module__)
    return getattr(module, "__file__", None) or ""

class Result(unittest.TextTestResult):
    def startTest(self, test):
        super().startTest(test)
        self._started_at = time.perf_counter()
        self._states = []
    def note(self, test, status, message=""):
        if getattr(self, "_states", None) is None:
            self._states = []
        if test is not None and not hasattr(test, "_testMethodName"):
            emit(type="test", file="", name=str(test), status=status, message=message, ms=None)
        else:
            self._states.append((status, message))
    def stopTest(self, test):
        order = ["error", "fail", "skip", "todo", "pass"]
        states = sorted(self._states or [("pass", "")], key=lambda item: order.index(item[0]))
        emit(type="test", file=file_of(test), name=type(test).__qualname__ + "." + getattr(test, "_testMethodName", str(test)), module=type(test).__module__,
             status=states[0][0], message=states[0][1], ms=(time.perf_counter() - self._started_at) * 1000)
        self._states = None
        super().stopTest(test)
    def addSuccess(self, test):
        super().addSuccess(test); self.note(test, "pass")
    def addFailure(self, test, err):
        super().addFailure(test, err); self.note(test, "fail", self._exc_info_to_string(err, test))
    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "error", self._exc_info_to_string(err, test) if hasattr(test, "_testMethodName") else str(err[1]))
    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skip", reason)
    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err); self.note(test, "todo")
    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test); self.note(test, "fail", "unexpected success")
    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, "fail" if issubclass(err[0], test.failureException) else "error", self._exc_info_to_string(err, test))

class Runner(unittest.TextTestRunner):
    resultclass = Result
    def run(self, test):
        result = super().run(test)
        emit(type="end", run=result.testsRun)
        return result

unittest.main(module=None, argv=["python -m unittest"] + sys.argv[1:], testRunner=Runner, exit=True)
`

/** unittest of Python 3.8 and later, through a driver of ours around unittest.main. */
export const unittest: TestRunner = {
  id: 'unittest',
  async recognise(command, context) {
    const called = pythonModule(command.program, command.args)
    if (called?.module !== 'unittest') return undefined
    const args = called.args.filter((arg) => !/^(?:-v|--verbose|-q|--quiet|-f|--failfast|-b|--buffer)$/.test(arg))
    return {
      runner: 'unittest',
      scope: context.scope,
      command: [await context.tools.python(context.scope), ...called.flags],
      targets: args.length === 0 ? ['discover'] : args,
      env: { ...PYTHON_ENV, ...(await sourcePath(context)), ...command.env },
      origin: command.text,
      protectedPaths: protectedPython(context.scope),
    }
  },
  async detect(context) {
    const prefix = context.scope === '' ? '' : `${context.scope}/`
    for (const entry of await context.tree.entries()) {
      if (!entry.path.startsWith(prefix) || !/(?:^|\/)test[^/]*\.py$/.test(entry.path)) continue
      const text = await context.tree.text(entry.path)
      if (!text || !/^\s*(?:import\s[^\n#]*\bunittest\b|from\s+unittest\b)/m.test(text)) continue
      const folder = entry.path.slice(prefix.length).split('/')
      const packaged = (await context.tree.entry(posix.join(context.scope, folder[0]!, '__init__.py'))) !== undefined
      const start = folder.length === 1 || packaged ? [] : ['-s', folder.slice(0, -1).join('/')]
      return {
        runner: 'unittest',
        scope: context.scope,
        command: [await context.tools.python(context.scope)],
        targets: ['discover', ...start],
        env: { ...PYTHON_ENV, ...(await sourcePath(context)) },
        origin: `${entry.path} imports unittest`,
        protectedPaths: protectedPython(context.scope),
      }
    }
    return undefined
  },
  command(entry, selection) {
    const files = selectedFiles(entry, selection)
    // Files are named by path, which only works below the folder the tests import from; discovery covers the others.
    const usable = files && !entry.targets?.includes('-s') && !entry.targets?.includes('-t') ? files : undefined
    return {
      command: [...entry.command, `/out/${DRIVER}`, ...(usable ?? entry.targets ?? ['discover'])],
      env: { SINGULARITY_OUT: '/out', ...(selection.coverage ? { ...pythonCoverageEnv(entry), SINGULARITY_LINES: '1' } : {}) },
      reports: ['unittest.jsonl'],
      helpers: { [DRIVER]: DRIVER_SOURCE, ...(selection.coverage ? { [`${TRACER_MODULE}.py`]: TRACER } : {}) },
    }
  },
  async parse({ entry, exitCode, read, root }) {
    const report = createReport()
    const { values, cut, noise } = parseLines((await read('unittest.jsonl'))?.toString('utf8') ?? '')
    let ended = false
    for (const item of values.map(asRecord)) {
      if (item['type'] === 'end') ended = true
      if (item['type'] !== 'test') continue
      const status = (['pass', 'fail', 'skip', 'todo', 'error'] as const).find((known) => known === item['status']) ?? 'error'
      const path = asText(item['file'])
      report.add({
        file: path === '' ? entry.scope : relativeToTop(path, root, entry.scope),
        name: asText(item['name']),
        status,
        ms: asNumber(item['ms']),
        message: asText(item['message']),
      })
    }
    if (noise.length > 0) report.problem('the report holds lines that are not JSON')
    // Python 3.12 and later: exit 5 when nothing was found.
    return report.finish({ ended: ended && !cut, exitCode: exitCode === 5 && report.size === 0 ? 0 : exitCode })
  },
  coverage: pythonCoverage,
}
