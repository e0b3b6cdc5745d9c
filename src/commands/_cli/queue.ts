import type { QueueService } from '../../core/queue/index.ts'
import { BaseCommand } from './base.ts'
import { paint } from './paint.ts'

/** What the commands of the queue share. */
export abstract class QueueCommand extends BaseCommand {
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
}
