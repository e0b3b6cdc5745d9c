import { fileURLToPath } from 'node:url'
import { Config, loadHelpClass, run } from '@oclif/core'
import { COMMANDS } from 'singularity-commands'
import { SingularityError } from '../../core/kernel/index.ts'
import { exitWith, presentError } from './present-error.ts'
import { suggest } from './suggest.ts'

/** Commands are imported when they run: the manifest answers everything else. */
class LazyConfig extends Config {
  override async runCommand<T = unknown>(id: string, argv: string[] = []): Promise<T> {
    const load = COMMANDS[id]
    if (!load) throw unknownCommand(id, argv)
    const { default: command } = await load()
    return (await command.run(argv, this)) as T
  }
}

function unknownCommand(id: string, argv: readonly string[]): SingularityError {
  const typed = id.replaceAll(':', ' ')
  const full = [typed, ...argv.filter((arg) => !arg.startsWith('-'))].join(' ')
  const names = Object.keys(COMMANDS).map((name) => name.replaceAll(':', ' '))
  const near = suggest(typed, names) ?? suggest(full, names)
  return new SingularityError('USAGE', `There is no command "${typed}".`, { hints: [`singularity ${near ?? '--help'}`] })
}

const HELP = new Set(['--help', '-h', 'help'])

/** Runs one command line. A bare command line is the two-minute look. Every way out passes here. */
export async function main(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: { code?: string }) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
    })
  const json = argv.includes('--json')
  try {
    const config = new LazyConfig({ root: fileURLToPath(new URL('..', import.meta.url)) })
    await config.load()
    const words = [...argv]
    if (words[0] === 'help' || (words.length === 1 && HELP.has(words[0]!))) {
      const Help = await loadHelpClass(config)
      await new Help(config, config.pjson.oclif.helpOptions ?? config.pjson.helpOptions).showHelp(words.filter((word) => !HELP.has(word)))
      return
    }
    if (words[0] === undefined || (words[0].startsWith('-') && !HELP.has(words[0]))) words.unshift('look')
    await run(words, config)
  } catch (error) {
    const isExit = (error as { oclif?: { exit?: number }; code?: string }).code === 'EEXIT'
    if (isExit) return exitWith((error as { oclif: { exit: number } }).oclif.exit)
    exitWith(presentError(error, { json, command: argv.filter((word) => !word.startsWith('-'))[0] ?? 'singularity' }))
  }
}
