import { fileURLToPath } from 'node:url'
import { Config, loadHelpClass } from '@oclif/core'
import { COMMANDS } from 'singularity-commands'
import { SingularityError } from '../../core/kernel/index.ts'
import { exitWith, presentError } from './present-error.ts'
import { suggest } from './suggest.ts'

type CommandLine = { id: string; argv: string[] }

/**
 * `rules show ID` is the command `rules:show` with the argument ID: the longest leading words that name a command.
 * oclif's own `run` is not used because it replaces a given configuration by one that imports every command.
 * @throws USAGE naming the nearest command
 */
function findCommand(words: readonly string[]): CommandLine {
  for (let count = Math.min(words.length, 3); count > 0; count--) {
    const id = words.slice(0, count).join(':')
    if (Object.hasOwn(COMMANDS, id)) return { id, argv: words.slice(count) }
  }
  const plain = words.filter((word) => !word.startsWith('-'))
  const names = Object.keys(COMMANDS).map((name) => name.replaceAll(':', ' '))
  const near = suggest(plain.slice(0, 2).join(' '), names) ?? suggest(plain[0] ?? '', names)
  throw new SingularityError('USAGE', `There is no command "${plain.slice(0, 2).join(' ')}".`, {
    hints: [near === undefined ? 'singularity --help' : `Did you mean: singularity ${near}`],
    data: { command: plain[0], suggestion: near ?? null },
  })
}

function wantsHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  const own = end === -1 ? words : words.slice(0, end)
  return words[0] === 'help' || own.includes('--help') || own.includes('-h')
}

/** Help of a command, of a topic ("rules") or, with no word, of the program. */
async function showHelp(words: readonly string[]): Promise<void> {
  const config = await loadConfig()
  const plain = words.filter((word) => !word.startsWith('-') && word !== 'help')
  const isTopic = config.topics.some(({ name }) => name === plain[0]) && plain.length === 1
  if (plain.length > 0 && !isTopic) findCommand(plain)
  const Help = await loadHelpClass(config)
  await new Help(config, config.pjson.oclif.helpOptions ?? config.pjson.helpOptions).showHelp(plain)
}

async function loadConfig(): Promise<Config> {
  const config = new Config({ root: fileURLToPath(new URL('..', import.meta.url)) })
  await config.load()
  return config
}

/** Runs one command line. A bare command line is the two-minute look. Every way out passes here. */
export async function main(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: { code?: string }) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
    })
  const json = argv.includes('--json')
  const words = [...argv]
  try {
    if (wantsHelp(words)) return await showHelp(words)
    if (words[0] === undefined || words[0].startsWith('-')) words.unshift('look')
    if (COMMANDS[words[0]!] === undefined && words.length === 1 && isTopic(words[0]!)) return await showHelp(words)
    const { id, argv: rest } = findCommand(words)
    const { default: command } = await COMMANDS[id]!()
    command.id = id // else oclif takes the name of the class, and the name of the schema follows it
    await run(command, rest)
  } catch (error) {
    const isExit = (error as { code?: string }).code === 'EEXIT'
    if (isExit) return exitWith((error as { oclif: { exit: number } }).oclif.exit)
    exitWith(presentError(error, { json, command: words.filter((word) => !word.startsWith('-'))[0] ?? 'singularity' }))
  }
}

/** What oclif's static `run` does, without loading the configuration a second time. */
async function run(command: unknown, argv: string[]): Promise<void> {
  const Runnable = command as new (argv: string[], config: Config) => { _run(): Promise<unknown> }
  await new Runnable(argv, await loadConfig())._run()
}

/** `singularity rules` alone lists the commands below it. */
function isTopic(word: string): boolean {
  return Object.keys(COMMANDS).some((id) => id.startsWith(`${word}:`))
}
