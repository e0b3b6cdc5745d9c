import { BaseCommand } from './_cli/base.ts'
import { completionCommands, completionScript } from './_cli/completion.ts'
import { Args } from './_cli/oclif.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export default class Completion extends BaseCommand {
  static override summary = 'Print the completion script of a shell.'
  static override description =
    'Load it where your shell starts: commands, flags and their values are then completed, without starting the program.'
  static override examples = [
    "echo 'source <(<%= config.bin %> completion bash)' >> ~/.bashrc",
    "echo 'source <(<%= config.bin %> completion zsh)' >> ~/.zshrc",
    '<%= config.bin %> completion fish > ~/.config/fish/completions/<%= config.bin %>.fish',
  ]
  static override args = { shell: Args.string({ description: 'Which shell.', required: true, options: [...SHELLS] }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Completion)
    this.common(flags)
    const config = await (await import('./_cli/help.ts')).loadConfig()
    const names = [...new Set([config.bin, ...(config.binAliases ?? [])])]
    const shell = SHELLS.find((each) => each === args.shell)!
    const script = completionScript(shell, completionCommands(config.commands), names)
    this.answer({ shell, script }, script)
  }
}
