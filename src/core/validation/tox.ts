import { posix } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import type { DetectContext, Detection, ScriptCommand } from './runner.ts'
import { pytest } from './runners/pytest.ts'
import { readPyproject } from './runners/python.ts'
import { asArray, asRecord, asText } from './runners/report.ts'
import { unittest } from './runners/unittest.ts'
import { splitScript, unwrap } from './shell-words.ts'

type Commands = { origin: string; lines: string[] }

/**
 * The suites that tox runs in its plain environment: `commands` of tox.ini `[testenv]`, setup.cfg `[tox:testenv]`, tox.toml or
 * pyproject.toml `[tool.tox]`. Commands of no known runner (reports, linters) are left out; so is an environment that
 * changes its folder.
 */
export async function toxSuites(context: DetectContext): Promise<Detection[]> {
  const found = await readCommands(context)
  const suites: Detection[] = []
  for (const line of found?.lines ?? [])
    for (const part of splitScript(line) ?? []) {
      const command = unwrap(part)
      const own = command && (await asPytest(command, context))
      const detection = own && ((await pytest.recognise(own, context)) ?? (await unittest.recognise(own, context)))
      if (detection) suites.push({ ...detection, origin: `${found!.origin} (${line.slice(0, 80)})` })
    }
  return suites
}

/** nose has not worked since Python 3.10; pytest runs what it ran: its arguments, else the folders named for tests. */
async function asPytest(command: ScriptCommand, { tree, scope }: DetectContext): Promise<ScriptCommand> {
  if (!/^(?:nosetests|nose2?)$/.test(command.program)) return command
  const named = command.args.filter((arg) => !arg.startsWith('-') && /^[\w./]+$/.test(arg))
  const folders = new Set<string>()
  for (const { path } of await tree.entries()) {
    const [folder, ...rest] = posix.relative(scope, path).split('/')
    if (rest.length > 0 && /^tests?$/.test(folder!)) folders.add(folder!)
  }
  return { ...command, program: 'pytest', args: named.length > 0 ? named : [...folders] }
}

async function readCommands(context: DetectContext): Promise<Commands | undefined> {
  const text = async (name: string): Promise<string | undefined> => context.tree.text(posix.join(context.scope, name))
  const ini = (origin: string, source: string | undefined, section: string): Commands | undefined => {
    const keys = source === undefined ? undefined : iniLines(source, section)
    if (!keys?.get('commands') || keys.has('changedir') || keys.has('change_dir')) return undefined
    return { origin: `${origin} [${section}]`, lines: keys.get('commands')!.flatMap(plainCommand) }
  }
  const toml = (origin: string, source: unknown): Commands | undefined => {
    const base = asRecord(asRecord(source)['env_run_base'])
    if (!Array.isArray(base['commands']) || base['change_dir'] !== undefined) return undefined
    const lines = base['commands'].map((line) => asArray(line).flatMap(tomlWord).join(' '))
    return { origin: `${origin} env_run_base`, lines: lines.flatMap(plainCommand) }
  }
  const project = asRecord(asRecord(asRecord(await readPyproject(context))['tool'])['tox'])
  const legacy = project['legacy_tox_ini']
  return (
    ini('tox.ini', await text('tox.ini'), 'testenv') ??
    toml('tox.toml', readToml(await text('tox.toml'))) ??
    toml('pyproject.toml [tool.tox]', project) ??
    ini('pyproject.toml', typeof legacy === 'string' ? legacy : undefined, 'testenv') ??
    ini('setup.cfg', await text('setup.cfg'), 'tox:testenv')
  )
}

function readToml(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseToml(text)
  } catch {
    return undefined
  }
}

/** A word of a TOML command: text, or `{ replace = "posargs", default = [...] }`. */
function tomlWord(word: unknown): string[] {
  if (typeof word !== 'string') return asArray(asRecord(word)['default']).map(asText).flatMap(tomlWord)
  return [/^[\w@%+=:,./{}*-]+$/.test(word) ? word : `'${word}'`]
}

/** The keys of one section with their lines; a line that ends with a backslash goes on. */
function iniLines(text: string, section: string): Map<string, string[]> | undefined {
  let keys: Map<string, string[]> | undefined
  let current: string[] | undefined
  let inside = false
  for (const line of text.replace(/\\\r?\n\s*/g, ' ').split(/\r?\n/)) {
    const header = /^\[([^\]]+)\]/.exec(line)
    if (header) {
      inside = header[1]!.trim() === section
      if (inside) keys ??= new Map()
      current = undefined
    } else if (inside && !/^\s*[#;]/.test(line)) {
      const pair = /^([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)$/.exec(line)
      if (pair) keys!.set(pair[1]!, (current = pair[2]!.trim() === '' ? [] : [pair[2]!.trim()]))
      else if (current && /^\s+\S/.test(line)) current.push(line.trim())
    }
  }
  return keys
}

/** A line of `commands` without tox's own signs: conditions, `-` and `!` for the exit code, substitutions. */
function plainCommand(line: string): string[] {
  const plain = line
    .replace(/^[!\w.,{}-]+:\s+/, '')
    .replace(/^[-!]\s*/, '')
    .replace(/\{posargs(?::((?:[^{}]|\{[^{}]*\})*))?\}/g, (_all, usual: string | undefined) => usual ?? '')
    .replace(/\{(?:toxinidir|tox_root)\}\/?/g, './')
    .replace(/\{(?:envpython|env_python)\}/g, 'python')
    .replace(/\{(?:envbindir|env_bin_dir)\}\//g, '')
    .replace(/(?<=\s)-\S*=\{[^{}]*\}\S*/g, '') // folders of tox itself (--basetemp={env_tmp_dir})
    .trim()
  return plain === '' || /[{}]/.test(plain) ? [] : [plain]
}
