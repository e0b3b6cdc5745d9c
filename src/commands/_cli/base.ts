import { Command } from '@oclif/core/command'
import type { InferredFlags } from '@oclif/core/interfaces'
import type { App, AppContext } from '../../core/app.ts'
import { EXIT, type SingularityError, jsonLine } from '../../core/kernel/index.ts'
import { wantsJson, wantsQuiet } from './command-line.ts'
import { openContext } from './context.ts'
import { setColor } from './paint.ts'
import { asOurs, exitWith, presentError } from './present-error.ts'
import { Flags } from './oclif.ts'

export type BaseFlags = InferredFlags<typeof BaseCommand.baseFlags>

/** `soft`: end after what runs (the first Ctrl-C); `hard`: end now (the second one, or SIGTERM). */
export type Stop = { soft: AbortSignal; hard: AbortSignal }

/** Shared by whoever may reach a model. */
export const OFFLINE_FLAG = {
  offline: Flags.boolean({ description: 'Refuse the network: models of this machine only.', env: 'SINGULARITY_OFFLINE' }),
}

/** Flags that are settings, for `app`. One that is not given leaves the setting as it is. */
export const settingsOf = ({ offline }: { offline?: boolean | undefined }): NonNullable<AppContext['flags']> => (offline ? { offline } : {})

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

  /** Which signal came, if one did. */
  protected ended: 'SIGINT' | 'SIGTERM' | null = null

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

  /** The core, built on first use for the folder the user stands in; `flags` of that first use are settings. */
  protected async app(flags: NonNullable<AppContext['flags']> = {}): Promise<App> {
    if (!this.opened) {
      const { createApp } = await import('../../core/app.ts')
      const quiet = wantsQuiet(this.argv, process.env)
      const warn = (text: string): void => this.say(`warning: ${text}`, { quiet, json: this.isJson })
      this.opened = createApp({ ...openContext(this.config.version), flags, warn })
    }
    return this.opened
  }

  /** Ends a command that has data: the envelope for machines, or the text for people. */
  protected answer(data: unknown, text: string, exitCode: number = EXIT.done): void {
    const schema = `singularity.${(this.id ?? 'look').replaceAll(':', '.')}/1`
    process.stdout.write(
      this.isJson ? `${jsonLine({ schema, ok: true, data })}\n` : text === '' || text.endsWith('\n') ? text : `${text}\n`,
    )
    exitWith(exitCode)
  }

  /** Talk goes to stderr; nothing of it when --quiet or --json. */
  protected say(text: string, flags: { quiet?: boolean | undefined; json?: boolean | undefined }): void {
    if (!flags.quiet && !flags.json) process.stderr.write(`${text}\n`)
  }

  /** Runs what a signal may end; `onSoft` hears of the first Ctrl-C. */
  protected async untilSignal<T>(work: (stop: Stop) => Promise<T>, onSoft: () => void = () => undefined): Promise<T> {
    const [soft, hard] = [new AbortController(), new AbortController()]
    const onSignal = (name: NodeJS.Signals): void => {
      if (this.ended !== null || name === 'SIGTERM') hard.abort()
      this.ended ??= name === 'SIGTERM' ? 'SIGTERM' : 'SIGINT'
      this.terminated = this.ended === 'SIGTERM'
      soft.abort()
      if (!hard.signal.aborted) onSoft()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
    try {
      return await work({ soft: soft.signal, hard: hard.signal })
    } finally {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    }
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

  /** What a family of commands does last, while the core is still open. */
  protected async tidy(): Promise<void> {}

  override async finally(): Promise<void> {
    await this.tidy()
    await this.opened?.close()
  }
}
