import type { QueueService } from '../../core/queue/index.ts'
import { BaseCommand } from './base.ts'
import { paint } from './paint.ts'

/** `soft`: end after what runs (the first Ctrl-C); `hard`: end now (the second one, or SIGTERM). */
export type Stop = { soft: AbortSignal; hard: AbortSignal }

/** What the commands of the queue share. */
export abstract class QueueCommand extends BaseCommand {
  /** Which signal came, if one did. */
  protected ended: 'SIGINT' | 'SIGTERM' | null = null

  private service: QueueService | undefined

  protected async queue(): Promise<QueueService> {
    return (this.service ??= await (await this.app()).queue())
  }

  protected override async tidy(): Promise<void> {
    await this.service?.tidy()
  }

  /** Requests wait for ever where nobody works: said at once, with the command that does. */
  protected sayIfNobodyWorks(workers: number, flags: { quiet?: boolean | undefined }): void {
    if (workers > 0 || flags.quiet) return
    const command = paint('cyan', 'singularity queue work', process.stderr)
    process.stderr.write(`No worker is running: requests wait until one does.\n  ${command}\n`)
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
}
