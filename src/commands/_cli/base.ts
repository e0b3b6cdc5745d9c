import { Command } from '@oclif/core/command'
import type { InferredFlags } from '@oclif/core/interfaces'
import type { App } from '../../core/app.ts'
import { EXIT, type SingularityError } from '../../core/kernel/index.ts'
import { wantsJson } from './command-line.ts'
import { openContext } from './context.ts'
import { setColor } from './paint.ts'
import { asOurs, exitWith, presentError } from './present-error.ts'
import { Flags } from './oclif.ts'

export type BaseFlags = InferredFlags<typeof BaseCommand.baseFlags>

/** What every command shares: the common flags, the JSON envelope, the one exit door, the lazily built core. */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    json: Flags.boolean({ description: 'Print one JSON object for machines.', helpGroup: 'GLOBAL', env: 'SINGULARITY_JSON' }),
    input: Flags.boolean({
      description: 'Ask on a terminal (--no-input never asks).',
      allowNo: true,
      default: true,
      helpGroup: 'GLOBAL',
      env: 'SINGULARITY_INPUT',
    }),
    quiet: Flags.boolean({ description: 'Print results only.', helpGroup: 'GLOBAL', env: 'SINGULARITY_QUIET' }),
    verbose: Flags.boolean({ description: 'Print more of what happens.', helpGroup: 'GLOBAL', env: 'SINGULARITY_VERBOSE' }),
    color: Flags.option({ options: ['auto', 'always', 'never'] as const, default: 'auto' as const })({
      description: 'When to use colour.',
      helpGroup: 'GLOBAL',
      env: 'SINGULARITY_COLOR',
    }),
  }

  private opened: App | undefined

  /** SIGTERM and SIGINT both stop a run; only the exit code tells which it was. */
  protected terminated = false

  override async init(): Promise<void> {
    // without super.init(): it would load the help to warn of commands that are deprecated, and we have none
    // oclif fills a missing argument from standard input: `--patch -` would lose its patch, a script's pipe would be waited for.
    for (const arg of Object.values(this.ctor.args)) arg.ignoreStdin = true
  }

  protected get isJson(): boolean {
    return wantsJson(this.argv, process.env)
  }

  /** True where a person can be asked. */
  protected mayAsk(flags: { input: boolean; json: boolean | undefined }): boolean {
    return flags.input && !flags.json && process.stdin.isTTY === true && process.stdout.isTTY === true && !process.env['CI']
  }

  /** Applies the common flags; called first by every command. */
  protected common(flags: { color: 'auto' | 'always' | 'never' }): void {
    setColor(flags.color)
  }

  /** The core, built on first use for the folder the user stands in; `offline`: as if the setting were on. */
  protected async app({ offline }: { offline?: boolean | undefined } = {}): Promise<App> {
    if (!this.opened) {
      const [{ createApp }, context] = [await import('../../core/app.ts'), openContext(this.config.version)]
      this.opened = createApp(offline ? { ...context, env: { ...context.env, SINGULARITY_OFFLINE: 'true' } } : context)
    }
    return this.opened
  }

  /** Ends a command that has data: the envelope for machines, or the text for people. */
  protected answer(data: unknown, text: string, exitCode: number = EXIT.done): void {
    const schema = `singularity.${(this.id ?? 'look').replaceAll(':', '.')}/1`
    process.stdout.write(
      this.isJson ? `${JSON.stringify({ schema, ok: true, data })}\n` : text === '' || text.endsWith('\n') ? text : `${text}\n`,
    )
    exitWith(exitCode)
  }

  /** Talk goes to stderr; nothing of it when --quiet or --json. */
  protected say(text: string, flags: { quiet?: boolean | undefined; json?: boolean | undefined }): void {
    if (!flags.quiet && !flags.json) process.stderr.write(`${text}\n`)
  }

  /** 143 where 130 would be told and it was a SIGTERM. */
  protected exitCodeOf(code: number): number {
    return code === EXIT.sigint && this.terminated ? EXIT.sigterm : code
  }

  override async catch(error: unknown): Promise<void> {
    if ((error as { code?: string }).code === 'EEXIT') throw error
    const flags = Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags })
    const place = { json: this.isJson, command: (this.id ?? 'look').replaceAll(':', '.'), flags }
    const ours = asOurs(error, place)
    const log = ours.kind === 'bug' ? await this.record(ours) : undefined
    exitWith(this.exitCodeOf(presentError(ours, { ...place, log })))
  }

  /** Writes a bug of ours to the log file and answers its path. */
  private async record(error: SingularityError): Promise<string | undefined> {
    try {
      const log = await (await this.app()).log('cli')
      log.error(error.message, { command: this.id, argv: this.argv, error: error.cause ?? error, more: error.data })
      return log.path
    } catch {
      return undefined // what could not be loaded is what is told
    }
  }

  override async finally(): Promise<void> {
    await this.opened?.close()
  }
}
