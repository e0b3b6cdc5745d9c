#!/usr/bin/env node
// Are a language table's definitions those of another tool? Compares them by name and line with universal-ctags, or with a list made by
// hand where ctags does not know the language:
//   node scripts/verify-languages.mjs LANGUAGE FILE|FOLDER... [--list FILE [--kinds KIND,KIND]] [--max N] [--show N] [--json]
// (scripts/conformance has programs that print such lists for Java and for scripts, from other parsers.) A list has one `path:line name` per line. Recall: its share that we have; precision: the share of ours of the same kinds that it has.
// Exit 1 where one is below 97 % or fewer than 20 files were read. docs/languages.md keeps the figures.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadRooms, readerDeps } from './conformance/readers.mjs'

const FLOOR = 0.97
const FEWEST_FILES = 20

/** ctags' name of a language, the letters of its kinds that a table must have, and our kinds that ctags must have. */
const ORACLES = {
  python: { name: 'Python', tags: 'cfm', kinds: ['class', 'function', 'method'] },
  rust: { name: 'Rust', tags: 'nsifgtveMP', kinds: ['function', 'method', 'struct', 'enum', 'trait', 'module', 'type', 'macro'] },
  java: { name: 'Java', tags: 'acgim', kinds: ['class', 'interface', 'enum', 'annotation', 'method', 'constructor'] },
  // Prototypes: `= default` and `= delete` are no function definitions for ctags.
  cpp: {
    name: 'C++',
    options: ['--kinds-C++=+p'],
    tags: 'cfgsun',
    kinds: ['class', 'struct', 'union', 'enum', 'function', 'method', 'constructor', 'namespace'],
  },
  // Blocks of RSpec are classes for ctags.
  ruby: { name: 'Ruby', tags: 'cfmS', kinds: ['class', 'module', 'method', 'function'], only: { c: /\bclass\b/u } },
  // ctags reads the examples inside of documentation.
  elixir: { name: 'Elixir', tags: 'pmfdga', kinds: ['module', 'protocol', 'function', 'macro'], blank: /"""[^]*?"""/gu },
  tsx: { name: 'TypeScript', tags: 'fcigmn', kinds: ['class', 'interface', 'enum', 'function', 'method', 'namespace'] },
  php: { name: 'PHP', tags: 'cdfint', kinds: ['class', 'interface', 'trait', 'function', 'method', 'constructor', 'namespace'] },
  'c-sharp': {
    name: 'C#',
    tags: 'cgimnpsE',
    kinds: ['class', 'interface', 'struct', 'enum', 'method', 'constructor', 'property', 'namespace'],
  },
  kotlin: {
    name: 'Kotlin',
    tags: 'Tcimop',
    kinds: ['class', 'interface', 'object', 'function', 'method', 'type', 'package'],
    // Parameters of lambdas are methods for ctags.
    only: { m: /\bfun\b/u },
  },
  // Arrays and lines of help texts are functions for ctags.
  bash: { name: 'Sh', tags: 'f', kinds: ['function'], only: { f: /^\s*(?:function\s|[^\s=]+\s*\(\s*\))/u } },
  // A call of `function_argument` is a function for ctags.
  lua: { name: 'Lua', tags: 'f', kinds: ['function'], only: { f: /\bfunction\b\s*[\w.:]*\s*\(/u } },
  haskell: {
    name: 'Haskell',
    tags: 'cft',
    kinds: ['function', 'type', 'constructor'],
    top: true,
    // Keywords and Template Haskell's splices are functions and types for ctags.
    only: { f: /^(?!class|deriv|type|data|newtype|instance|pattern|foreign)/u, t: /^(?!type family|data family|type instance|class)/u },
  },
  ocaml: {
    name: 'OCaml',
    tags: 'MCefmtcp',
    kinds: ['function', 'type', 'module', 'constructor', 'exception', 'class', 'method'],
    top: true,
  },
  julia: { name: 'Julia', tags: 'cfmnst', kinds: ['function', 'macro', 'module', 'struct', 'type', 'constant'] },
  r: { name: 'R', tags: 'f', kinds: ['function'] },
  objc: { name: 'ObjectiveC', tags: 'IPcfim', kinds: ['function', 'method', 'interface', 'implementation', 'protocol'] },
  json: { name: 'JSON', tags: 'abnosz', kinds: ['key'] },
  css: { name: 'CSS', tags: 'cis', kinds: ['selector'] },
  markdown: { name: 'Markdown', tags: 'csStTu', kinds: ['section'] },
  html: { name: 'HTML', tags: 'I', kinds: ['id'] },
  xml: { name: 'XML', tags: 'i', kinds: ['id'] },
  sql: { name: 'SQL', tags: 'ftVipT', kinds: ['function', 'table', 'view', 'index', 'procedure', 'trigger'] },
  powershell: { name: 'PowerShell', tags: 'f', kinds: ['function'] },
  perl: { name: 'Perl', tags: 'ps', kinds: ['function', 'package'] },
  cmake: { name: 'CMake', tags: 'fm', kinds: ['function', 'macro'] },
  make: { name: 'Make', tags: 't', kinds: ['target'] },
  scss: { name: 'SCSS', tags: 'mf', kinds: ['mixin', 'function'] },
  fortran: { name: 'Fortran', tags: 'fsmpt', kinds: ['function', 'subroutine', 'module', 'program', 'type'] },
  d: { name: 'D', tags: 'cfisug', kinds: ['function', 'class', 'enum'] },
  elm: { name: 'Elm', tags: 'ftacmp', kinds: ['function', 'type', 'module'] },
  lisp: { name: 'Lisp', tags: 'fm', kinds: ['function', 'macro'] },
  scheme: { name: 'Scheme', tags: 'f', kinds: ['function'] },
  latex: { name: 'Tex', tags: 'pcsubPG', kinds: ['section'] },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'string' },
    kinds: { type: 'string', default: 'function,method,constructor' },
    max: { type: 'string', default: '400' },
    show: { type: 'string', default: '20' },
    json: { type: 'boolean' },
  },
})
const [language, ...places] = positionals
if (!language || places.length === 0) {
  console.error('usage: verify-languages.mjs LANGUAGE FILE|FOLDER... [--list FILE [--kinds KIND,KIND]] [--max N] [--show N] [--json]')
  process.exit(2)
}

function* filesUnder(place) {
  const info = statSync(place, { throwIfNoEntry: false })
  if (info === undefined) return
  if (!info.isDirectory()) yield place
  else for (const name of readdirSync(place).sort()) yield* filesUnder(join(place, name))
}

/** `path:line` and the name without quotes; what stands before its last dot, colon or backslash is a scope, and `operator +` is `+`. */
const key = (path, line, name) => `${path}:${line} ${name.replaceAll('`', '').replace(/^.*[.:\\](?=[^.:\\]+$)|^operator\s*(?=\W)/u, '')}`

function tagsOf(oracle, files) {
  const options = ['--options=NONE', `--language-force=${oracle.name}`, ...(oracle.options ?? [])]
  const folder = oracle.blank === undefined ? '' : blankCopies(oracle.blank, files)
  const text = execFileSync('ctags', [...options, '-f', '-', '--sort=no', '--fields=kn', '--excmd=number', ...files], {
    cwd: folder || process.cwd(),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  if (folder) rmSync(folder, { recursive: true })
  const tags = text
    .split('\n')
    .filter(Boolean)
    .map((row) => {
      const [name, path, , kind, line] = row.split('\t')
      // A selector is known by its first word.
      return { name: language === 'objc' ? name.split(':', 1)[0] : name.replaceAll('\\\\', '\\'), path, line: Number(line.slice(5)), kind }
    })
  // ctags' row of a selector is the one where it ends.
  if (language === 'objc')
    for (const tag of tags)
      for (let row = tag.line; row > tag.line - 12; row--)
        if (lineOf(tag.path, row).includes(tag.name)) {
          tag.line = row
          break
        }
  // A name that is not on its line is one of ctags' own, for what has none.
  const written = tags.filter(({ name, path, line }) => lineOf(path, line).includes(name))
  return written.map(({ name, path, line, kind }) => ({
    key: key(path, line, name),
    wanted: oracle.tags.includes(kind) && (oracle.only?.[kind]?.test(lineOf(path, line)) ?? true),
  }))
}

/** The files below another folder, with blank lines where `blank` matches. */
function blankCopies(blank, files) {
  const folder = mkdtempSync(join(tmpdir(), 'verify-'))
  for (const path of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(
      join(folder, path),
      readFileSync(path, 'utf8').replace(blank, (text) => text.replace(/[^\n]/gu, ' ')),
    )
  }
  return folder
}

const texts = new Map()
function lineOf(path, line) {
  if (!texts.has(path)) texts.set(path, readFileSync(path, 'utf8').split('\n'))
  return texts.get(path)[line - 1] ?? ''
}

function listed(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((row) => {
      const [, path, line, name] = /^(.*):(\d+) (.*)$/u.exec(row)
      return { key: key(path, line, name), wanted: true }
    })
}

const reader = (await loadRooms()).createFactReader(readerDeps)
const files = places
  .flatMap((place) => [...filesUnder(place)])
  .filter((path) => places.includes(path) || reader.tables.detect(path, readFileSync(path, 'utf8').split('\n', 1)[0]) === language)
  .slice(0, Number(values.max))
const facts = await reader.read(files.map((path) => ({ path, language, bytes: readFileSync(path) })))
const ours = files.flatMap((path, i) =>
  facts[i].definitions.map(({ name, kind, nameRow, function: around }) => ({ key: key(path, nameRow + 1, name), kind, around })),
)
const oracle = ORACLES[language]
const theirs = values.list ? listed(values.list) : tagsOf(oracle, files)
const counted = values.list ? new Set(values.kinds.split(',')) : new Set(oracle.kinds)
const [ourKeys, theirKeys] = [new Set(ours.map((one) => one.key)), new Set(theirs.map((one) => one.key))]
const wanted = [...new Set(theirs.filter((one) => one.wanted).map((one) => one.key))]
const given = [...new Set(ours.filter((one) => counted.has(one.kind) && !(oracle?.top && one.around !== null)).map((one) => one.key))]
const missing = wanted.filter((one) => !ourKeys.has(one))
const extra = given.filter((one) => !theirKeys.has(one))
const broken = new Set(files.filter((_, i) => facts[i].partial !== null))
const whole = (keys) => keys.filter((one) => !broken.has(one.slice(0, one.lastIndexOf(':', one.indexOf(' ')))))
const share = (part, whole) => (whole === 0 ? 0 : (whole - part) / whole)
const result = {
  language,
  oracle: values.list ? 'list' : 'ctags',
  files: files.length,
  partial: facts.filter(({ partial }) => partial !== null).length,
  tier: Math.max(...facts.map(({ tier }) => tier)),
  definitions: given.length,
  oracle_definitions: wanted.length,
  precision: share(extra.length, given.length),
  recall: share(missing.length, wanted.length),
  // The same over the files that the grammar reads without an error.
  precision_whole: share(whole(extra).length, whole(given).length),
  recall_whole: share(whole(missing).length, whole(wanted).length),
}
if (values.json) console.log(JSON.stringify({ ...result, missing, extra }))
else {
  const percent = (figure) => `${(100 * figure).toFixed(2)} %`
  console.log(`${language}: ${result.files} files (${result.partial} partial, tier ${result.tier}), ${given.length} definitions`)
  console.log(`precision ${percent(result.precision)}, recall ${percent(result.recall)} of ${wanted.length} by ${result.oracle}`)
  if (result.partial > 0)
    console.log(`without partial files: precision ${percent(result.precision_whole)}, recall ${percent(result.recall_whole)}`)
  for (const one of missing.slice(0, Number(values.show))) console.log(`missing ${one}`)
  for (const one of extra.slice(0, Number(values.show))) console.log(`extra   ${one}`)
}
process.exitCode = result.files >= FEWEST_FILES && result.precision >= FLOOR && result.recall >= FLOOR ? 0 : 1
