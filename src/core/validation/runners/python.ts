import { posix } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import type { CoverageMap, DetectContext, PlanEntry, ReadReport } from '../runner.ts'
import { asArray, asNumber, asRecord, asText, parseReport, relativeToTop } from './report.ts'

export function protectedPython(scope: string): string[] {
  return [
    '**/test_*.py',
    '**/*_test.py',
    '**/tests.py',
    '**/conftest.py',
    '**/{test,tests,testing,fixtures,testdata}/**',
    '**/__snapshots__/**',
    'pytest.ini',
    '.pytest.ini',
    'tox.ini',
    'setup.cfg',
    'setup.py',
    'pyproject.toml',
    '.coveragerc',
    'noxfile.py',
    'mypy.ini',
    '.mypy.ini',
    'ruff.toml',
    '.ruff.toml',
    '**/sitecustomize.py',
    '**/usercustomize.py',
    '**/*.pth',
  ].map((glob) => posix.join(scope, glob))
}

/** One section of an INI file, as configparser reads it: continuation lines are joined with a blank. */
export function iniSection(text: string, section: string): Record<string, string> | undefined {
  let found: Record<string, string> | undefined
  let current = false
  let key: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]+)\]/.exec(line)
    if (header) {
      current = header[1]!.trim() === section
      if (current) found ??= {}
      key = undefined
    } else if (current && found) {
      if (/^\s*[#;]/.test(line)) continue
      const pair = /^([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)$/.exec(line)
      if (pair) {
        key = pair[1]!
        found[key] = pair[2]!.trim()
      } else if (key && /^\s+\S/.test(line)) found[key] = `${found[key]} ${line.trim()}`.trim()
    }
  }
  return found
}

export async function readPyproject(context: Pick<DetectContext, 'tree' | 'scope'>): Promise<Record<string, unknown> | undefined> {
  const text = await context.tree.text(posix.join(context.scope, 'pyproject.toml'))
  if (text === undefined) return undefined
  try {
    return parseToml(text)
  } catch {
    return {}
  }
}

/**
 * Packages below `src` come before installed copies of them, else the suite would judge what is installed. Where something
 * is compiled the sources alone do not load, and the installation is left to decide.
 */
export async function sourcePath(context: Pick<DetectContext, 'tree' | 'scope'>): Promise<Record<string, string>> {
  const below = `${posix.join(context.scope, 'src')}/`
  const paths = (await context.tree.entries()).map(({ path }) => path).filter((path) => path.startsWith(below))
  const packaged = paths.some((path) => /^[\w-]+\/__init__\.py$/.test(path.slice(below.length)))
  const compiled = paths.some((path) => /\.(?:c|cc|cpp|pyx|rs|f90)$/.test(path))
  return packaged && !compiled ? { PYTHONPATH: 'src' } : {}
}

export type PytestSettings = { origin: string; addopts: string }

/** pytest's own order: pytest.ini, pyproject.toml, tox.ini, setup.cfg. The first that has a section wins. */
export async function readPytestSettings(context: Pick<DetectContext, 'tree' | 'scope'>): Promise<PytestSettings | undefined> {
  const ini = async (name: string, section: string, bare: boolean): Promise<PytestSettings | undefined> => {
    const text = await context.tree.text(posix.join(context.scope, name))
    if (text === undefined) return undefined
    const found = iniSection(text, section)
    return found || bare ? { origin: name, addopts: found?.['addopts'] ?? '' } : undefined
  }
  const own = (await ini('pytest.ini', 'pytest', true)) ?? (await ini('.pytest.ini', 'pytest', true))
  if (own) return own
  const pytest = asRecord(asRecord(asRecord(await readPyproject(context))['tool'])['pytest'])
  if (pytest['ini_options'] !== undefined) {
    const options = asRecord(pytest['ini_options'])
    const addopts = options['addopts']
    return {
      origin: 'pyproject.toml [tool.pytest.ini_options]',
      addopts: Array.isArray(addopts) ? addopts.map(asText).join(' ') : asText(addopts),
    }
  }
  return (await ini('tox.ini', 'pytest', false)) ?? (await ini('setup.cfg', 'tool:pytest', false))
}

/** Options that would measure coverage, stop early, run in parallel or write elsewhere. */
const DROPPED =
  /^(?:--cov(?:-.*)?|--no-cov.*|-x|--exitfirst|--maxfail|--junit-?xml|--durations(?:-min)?|--ff|--failed-first|--lf|--last-failed|--nf|--new-first|--sw|--stepwise|--html|--self-contained-html|--color|--pdb|--tb|--report-log|--benchmark-.*|-v+|-q+|-l|-s|--capture|-r[A-Za-z]*|-ra|--verbose|--quiet)$/
const VALUED = new Set([
  '--cov',
  '--cov-report',
  '--cov-config',
  '--maxfail',
  '--junitxml',
  '--junit-xml',
  '--durations',
  '--durations-min',
  '--html',
  '--color',
  '--tb',
  '--report-log',
  '-r',
  '--capture',
])

/** Options of `coverage run` that take the next word. */
const COVERAGE_VALUED = new Set(['--source', '--omit', '--include', '--rcfile', '--data-file', '--context', '--concurrency', '--debug'])

export type PythonModule = { module: string; flags: string[]; args: string[] }

/**
 * The module a command runs: `python -W error -m pytest x`, also behind `coverage run`, which only measures. `flags` are the
 * interpreter's own. Undefined where a command runs something else.
 */
export function pythonModule(program: string, args: readonly string[]): PythonModule | undefined {
  if (program === 'coverage' || /^coverage[\d.]+$/.test(program)) {
    if (args[0] !== 'run') return undefined
    for (let index = 1; index < args.length && args[index]!.startsWith('-'); index++) {
      if (args[index] === '-m' || args[index] === '--module')
        return args[index + 1] === undefined ? undefined : { module: args[index + 1]!, flags: [], args: args.slice(index + 2) }
      if (COVERAGE_VALUED.has(args[index]!)) index++
    }
    return undefined
  }
  if (!/^python[\d.]*$/.test(program)) return undefined
  const flags: string[] = []
  for (let index = 0; index < args.length && args[index]!.startsWith('-'); index++) {
    const [arg, next] = [args[index]!, args[index + 1]]
    if (arg === '-m') {
      if (next === 'coverage') return pythonModule('coverage', args.slice(index + 2))
      return next === undefined ? undefined : { module: next, flags, args: args.slice(index + 2) }
    }
    flags.push(arg)
    if ((arg === '-W' || arg === '-X') && next !== undefined) flags.push(args[++index]!)
  }
  return undefined
}

/** What is left of pytest arguments when the plan sets report, order and end itself. */
export function pytestArguments(args: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!
    const name = arg.split('=', 1)[0]!
    if (DROPPED.test(name)) {
      const next = args[index + 1]
      if (!arg.includes('=') && VALUED.has(name) && next !== undefined && !next.startsWith('-')) index++
    } else kept.push(arg)
  }
  return kept
}

/** Environment that every Python suite gets: no bytecode beside the sources, a fixed hash seed. */
export const PYTHON_ENV: Readonly<Record<string, string>> = { PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0', PYTHONUNBUFFERED: '1' }

export const TRACER_MODULE = 'singularity_lines'

/**
 * Records executed lines with sys.monitoring (3.12 and later), else with a trace function that leaves a code object alone
 * once all its lines were seen. coverage.py is not needed and not touched.
 */
export const TRACER = `
import ast, json, os, sys, threading, time
ROOT = os.environ.get("SINGULARITY_COVERAGE_ROOT") or os.path.abspath(os.path.join(os.getcwd(), "../" * int(os.environ.get("SINGULARITY_COVERAGE_DEPTH", "0")) or "."))
os.environ["SINGULARITY_COVERAGE_ROOT"] = ROOT
PREFIX = ROOT.rstrip("/") + "/"
SKIP = ("/site-packages/", "/dist-packages/", "/.venv/", "/venv/", "/node_modules/")
SEEN = {}
_wanted = {}
_left = {}

def wanted(path):
    answer = _wanted.get(path)
    if answer is None:
        if path.startswith("<"):
            _wanted[path] = False
            return False
        full = os.path.abspath(path)
        answer = _wanted[path] = full if full.startswith(PREFIX) and not any(part in full for part in SKIP) else False
    return answer

def lines_of(code):
    return {line for _start, _end, line in code.co_lines() if line}

def trace(frame, event, arg):
    code = frame.f_code
    path = wanted(code.co_filename)
    if not path:
        return None
    left = _left.get(code)
    if left is None:
        left = _left[code] = lines_of(code)
    if not left:
        return None
    seen = SEEN.setdefault(path, set())
    if event == "call":
        left.discard(frame.f_lineno)
        seen.add(frame.f_lineno)
    def local(frame, event, arg):
        if event == "line":
            line = frame.f_lineno
            seen.add(line)
            left.discard(line)
        return local
    return local

def start():
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None:
        tool = 4
        monitoring.use_tool_id(tool, "singularity")
        def line(code, number):
            path = wanted(code.co_filename)
            if path:
                SEEN.setdefault(path, set()).add(number)
            return monitoring.DISABLE
        monitoring.register_callback(tool, monitoring.events.LINE, line)
        monitoring.set_events(tool, monitoring.events.LINE)
    else:
        threading.settrace(trace)
        sys.settrace(trace)

_executable = {}

def executable(path):
    found = _executable.get(path)
    if found is not None:
        return found
    found = _executable[path] = set()
    try:
        with open(path, "rb") as file:
            stack = [compile(file.read(), path, "exec", dont_inherit=True)]
    except Exception:
        return found
    while stack:
        code = stack.pop()
        found |= lines_of(code)
        stack.extend(item for item in code.co_consts if hasattr(item, "co_lines"))
    return found

_unsure = {}
PARTS = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

# Lines are all that is seen: which part of one ran, nobody can tell.
def unsure(path):
    found = _unsure.get(path)
    if found is None:
        found = _unsure[path] = set()
        try:
            with open(path, "rb") as file:
                tree = ast.parse(file.read())
        except Exception:
            return found
        for node in ast.walk(tree):
            if isinstance(node, PARTS):
                found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
                if isinstance(body, list) and body and isinstance(node, ast.stmt) and body[0].lineno == node.lineno:
                    found.update(range(node.lineno, (body[-1].end_lineno or node.lineno) + 1))
    return found

def write():
    files = {}
    for path, seen in list(SEEN.items()):
        files[path[len(PREFIX):]] = {
            "executed": sorted(seen),
            "executable": sorted(executable(path) | seen),
            "unsure": sorted(unsure(path) & seen),
        }
    folder = os.path.join(os.environ.get("SINGULARITY_OUT", "/out"), "coverage")
    os.makedirs(folder, exist_ok=True)
    name = os.path.join(folder, "python-%d" % os.getpid())
    with open(name + ".part", "w") as file:
        json.dump({"files": files}, file)
    os.replace(name + ".part", name + ".json")

def stop(_done=[]):
    if _done:
        return
    _done.append(True)
    if getattr(sys, "monitoring", None) is None:
        sys.settrace(None)
        threading.settrace(None)
    write()

start()
import atexit
atexit.register(stop)

# What was seen so far is kept, should the run be ended from outside.
_next = [time.monotonic() + 1]

def pytest_runtest_logfinish(nodeid, location):
    before = time.monotonic()
    if before > _next[0]:
        write()
        after = time.monotonic()
        _next[0] = after + max(1, 20 * (after - before))

def pytest_unconfigure(config):
    stop()
`

export function pythonCoverageEnv({ scope, env }: Pick<PlanEntry, 'scope' | 'env'>): Record<string, string> {
  const path = ['/out', env['PYTHONPATH']].filter(Boolean).join(':')
  return { PYTHONPATH: path, SINGULARITY_OUT: '/out', SINGULARITY_COVERAGE_DEPTH: String(scope === '' ? 0 : scope.split('/').length) }
}

export async function pythonCoverage(
  read: ReadReport,
  list: () => Promise<readonly string[]>,
  root: string,
): Promise<CoverageMap | undefined> {
  const map = new Map<string, { executed: Set<number>; executable: Set<number>; unsure: Set<number> }>()
  let any = false
  for (const name of (await list()).filter((item) => /^coverage\/python-\d+\.json$/.test(item))) {
    const files = asRecord(parseReport(await read(name)))['files']
    any ||= files !== undefined
    for (const [path, raw] of Object.entries(asRecord(files))) {
      const file = relativeToTop(path, root, '')
      const entry = map.get(file) ?? { executed: new Set<number>(), executable: new Set<number>(), unsure: new Set<number>() }
      map.set(file, entry)
      for (const kind of ['executed', 'executable', 'unsure'] as const)
        for (const line of asArray(asRecord(raw)[kind])) entry[kind].add(asNumber(line) ?? 0)
    }
  }
  return any ? map : undefined
}
