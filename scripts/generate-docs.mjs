// Writes docs/cli.md, docs/errors.md, docs/json-schema/ and the lint fences (test/architecture/fences.json) from the program itself; `--check` only says what has drifted.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const check = process.argv.includes('--check')
const NOTE = '<!-- Written by scripts/generate-docs.mjs. Change the source, then: npm run docs -->'

/** Compiles TypeScript sources to one module and loads it. */
async function load(contents) {
  const folder = mkdtempSync(join(root, 'node_modules', '.singularity-docs-'))
  try {
    const outfile = join(folder, 'source.mjs')
    await build({
      stdin: { contents, resolveDir: root, loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
      logLevel: 'error',
    })
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const fill = (text) => text.replaceAll('<%= config.bin %>', 'singularity')
const cell = (text) => text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((each) => cell(String(each))).join(' | ')} |`).join('\n')

function flagSyntax({ name, char, type, options, allowNo }) {
  const value = type === 'boolean' ? '' : ` ${options ? options.join('\\|') : name.toUpperCase()}`
  return `\`${char ? `-${char}, ` : ''}--${allowNo ? '[no-]' : ''}${name}${value.replaceAll('\\|', '|')}\``
}

function flagRows(flags) {
  return flags.map((flag) => [
    flagSyntax(flag) + (flag.multiple ? ' (repeatable)' : ''),
    flag.description ?? '',
    flag.default === undefined ? '' : `\`${flag.default}\``,
    flag.env ? `\`${flag.env}\`` : '',
  ])
}

function commandSection({ id, summary, description, args, flags, examples, aliases }) {
  const words = id.replaceAll(':', ' ')
  const usage = Object.values(args)
    .map(({ name, required }) => (required ? ` ${name.toUpperCase()}` : ` [${name.toUpperCase()}]`))
    .join('')
  const own = Object.values(flags).filter(({ helpGroup, hidden }) => helpGroup !== 'GLOBAL' && !hidden)
  const argRows = Object.values(args).map(({ name, description }) => [`\`${name.toUpperCase()}\``, description ?? ''])
  return [
    `## ${words}`,
    summary ?? '',
    ...(description ? [description] : []),
    `\`\`\`sh\nsingularity ${words}${usage}${own.length > 0 ? ' [FLAGS]' : ''}\n\`\`\``,
    ...(aliases?.length ? [`Also: ${aliases.map((alias) => `\`${alias}\``).join(', ')}`] : []),
    ...(argRows.length > 0 ? [table(['Argument', 'Meaning'], argRows)] : []),
    ...(own.length > 0 ? [table(['Flag', 'Meaning', 'Default', 'Environment'], flagRows(own))] : []),
    ...(examples?.length
      ? [`\`\`\`sh\n${examples.map((each) => fill(typeof each === 'string' ? each : each.command)).join('\n')}\n\`\`\``]
      : []),
  ].join('\n\n')
}

function commandsDocument(manifest) {
  const commands = Object.values(manifest.commands)
    .filter(({ hidden }) => !hidden)
    .sort((a, b) => a.id.localeCompare(b.id))
  const shared = Object.values(commands[0].flags).filter(({ helpGroup }) => helpGroup === 'GLOBAL')
  return [
    '# Commands',
    NOTE,
    'Without a command, `singularity` takes a two-minute look. Results go to stdout, everything else to stderr. Exit codes and error codes: [errors.md](errors.md). Shapes of `--json`: [json-schema](json-schema).',
    table(
      ['Command', 'What it does'],
      commands.map(({ id, summary }) => [`[${id.replaceAll(':', ' ')}](#${id.replaceAll(':', '-')})`, summary ?? '']),
    ),
    '## Flags of every command',
    table(['Flag', 'Meaning', 'Default', 'Environment'], flagRows(shared)),
    ...commands.map(commandSection),
    '',
  ].join('\n\n')
}

const EXIT_MEANING = {
  done: 'Done. Discovered candidates that are rolled back are normal work.',
  negative: 'A negative result: an explicit candidate was not kept, a check or gate failed, a request was rejected.',
  usage: 'The command line, an id or a setting is wrong.',
  undecided: 'It could not be decided.',
  personNeeded: 'A person has to answer; the command that answers is printed.',
  limit: 'A budget, limit or deadline was reached; what was done until then stands.',
  environment: 'Something around the program is missing or unusable: git, tests, isolation, file system.',
  provider: 'A provider or the network failed.',
  bug: 'A bug in singularity.',
  sigint: 'Stopped by Ctrl-C.',
  sigterm: 'Stopped by a signal.',
}

function errorsDocument({ CATALOG, EXIT, SingularityError }) {
  const codes = Object.keys(CATALOG).sort()
  return [
    '# Exit codes and errors',
    NOTE,
    'Every command ends with one of these codes, with and without `--json`. Where several hold, the first of 130, 143, 70, 2, 6, 7, 5, 4, 1, 3, 0 wins.',
    table(
      ['Code', 'Meaning'],
      Object.entries(EXIT).map(([name, code]) => {
        if (!EXIT_MEANING[name]) throw new Error(`scripts/generate-docs.mjs does not say what exit ${name} means`)
        return [code, EXIT_MEANING[name]]
      }),
    ),
    'An error is printed as `error CODE message` with the next commands below it; with `--json` as [error.json](json-schema/error.json).',
    ...codes.map((code) => {
      const { kind, exitCode, hints } = new SingularityError(code, '')
      return [
        `## ${code}`,
        `${CATALOG[code].title}.`,
        `Kind \`${kind}\`, exit code ${exitCode}.${hints.length > 0 ? ` Next: ${hints.map((hint) => (/^[a-z]/.test(hint) ? `\`${hint}\`` : hint)).join(' ')}` : ''}`,
      ].join('\n\n')
    }),
    '',
  ].join('\n\n')
}

const source = await load(
  "export { CATALOG, EXIT, SingularityError } from './src/core/kernel/index.ts'\nexport { SCHEMAS } from './src/commands/_schemas/index.ts'\nexport { lintFences } from './test/architecture/fences.ts'\nexport { REQUEST_SCHEMA } from './src/core/llm/request-schema.ts'\nexport { ROUTING_SCHEMA } from './src/core/llm/routing-schema.ts'",
)
/** What people write and the program reads, beside what it answers. */
const INPUTS = {
  'llm.request': ['A request for a model', source.REQUEST_SCHEMA],
  'llm.routing': ['llm.json, the routing table of a user', source.ROUTING_SCHEMA],
}
const input = ([title, schema]) => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...schema })
const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'))
const documents = new Map([
  ['docs/cli.md', commandsDocument(manifest)],
  ['docs/errors.md', errorsDocument(source)],
  ['test/architecture/fences.json', `${JSON.stringify(source.lintFences(), null, 2)}\n`],
  ...Object.entries(source.SCHEMAS).map(([name, schema]) => [`docs/json-schema/${name}.json`, `${JSON.stringify(schema, null, 2)}\n`]),
  ...Object.entries(INPUTS).map(([name, each]) => [`docs/json-schema/${name}.json`, `${JSON.stringify(input(each), null, 2)}\n`]),
])

const schemas = join(root, 'docs', 'json-schema')
mkdirSync(schemas, { recursive: true })
const stale = readdirSync(schemas)
  .map((name) => `docs/json-schema/${name}`)
  .filter((path) => !documents.has(path))
const drifted = [...documents]
  .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text)
  .map(([path]) => path)
if (!check) {
  for (const [path, text] of documents) writeFileSync(join(root, path), text)
  for (const path of stale) rmSync(join(root, path))
} else if (drifted.length + stale.length > 0) {
  console.error(`Not as the source says: ${[...drifted, ...stale].join(', ')}. Write them anew with: npm run docs`)
  process.exitCode = 1
}
