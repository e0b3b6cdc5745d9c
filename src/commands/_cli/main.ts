import { COMMANDS } from 'singularity-commands'
import { SingularityError, printable } from '../../core/kernel/index.ts'
import { commandConfig, versionData } from './command-config.ts'
import { type CommandLine, readCommandLine, wantsJson } from './command-line.ts'
import { setColor } from './paint.ts'
import { exitWith, presentError } from './present-error.ts'

/** Runs one command line. A bare command line is the two-minute look. Every way out passes here. */
export async function main(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: { code?: string }) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
    })
  const json = wantsJson(argv, process.env)
  const line = readCommandLine(argv, Object.keys(COMMANDS))
  const command = line.kind === 'command' ? line.id.replaceAll(':', '.') : line.kind === 'version' ? 'version' : 'help'
  process.on('uncaughtException', (error) => process.exit(presentError(error, { json, command })))
  const color = /^--color=(always|never)$/.exec(argv.find((word) => word.startsWith('--color=')) ?? '')?.[1]
  if (color) setColor(color as 'always' | 'never')
  try {
    await follow(line, json)
  } catch (error) {
    const { code, oclif } = error as { code?: string; oclif?: { exit?: number } }
    exitWith(code === 'EEXIT' ? (oclif?.exit ?? 0) : presentError(error, { json, command }))
  }
}

/** oclif's own dispatcher would load its settings twice more, import every command, and never ask us about unknown names. */
async function follow(line: CommandLine, json: boolean): Promise<void> {
  switch (line.kind) {
    case 'command': {
      const { default: Command } = await COMMANDS[line.id]!()
      Command.id = line.id
      return new Command([...line.argv], commandConfig())._run()
    }
    case 'version': {
      const data = versionData(commandConfig())
      process.stdout.write(
        json ? `${JSON.stringify({ schema: 'singularity.version/1', ok: true, data })}\n` : `singularity ${data.version}\n`,
      )
      return
    }
    case 'topic':
      if (json)
        throw new SingularityError('USAGE', `"${line.topic}" needs one more word.`, {
          hints: line.names.map((name) => `singularity ${name}`),
        })
      return showHelp([line.topic])
    case 'help':
      return showHelp(line.words)
    case 'unknown':
      throw new SingularityError('USAGE', `There is no command "${printable(line.typed)}".`, {
        hints: [`singularity ${line.near ?? '--help'}`],
      })
  }
}

async function showHelp(words: readonly string[]): Promise<void> {
  const help = await import('./help.ts')
  return help.showHelp(words)
}
