import { type Progress, type SearchService, isModelFailure } from '../../core/search/index.ts'
import { SingularityError, formatDuration, oneLine } from '../../core/kernel/index.ts'
import { fit } from '../_present/text.ts'

const EVERY_MS = 100
/** A search that found no index builds it for so long at most; the next one goes on. */
const AFTERWARDS_MS = 10_000

/** What indexing tells on stderr: a line that is redrawn on a terminal, one line at the start elsewhere. */
export function createIndexProgress({ silent, live }: { silent: boolean; live: boolean }) {
  const started = performance.now()
  let drawn = Number.NEGATIVE_INFINITY
  let told = ''
  const write = (text: string): void => void (silent || process.stderr.write(text))
  const clear = (): void => void (live && write('\r\u001b[2K'))
  const line = (text: string): void => {
    clear()
    write(`${text}\n`)
  }
  return {
    observe({ done, of, path, unit = 'files' }: Progress): void {
      if (!live) {
        if (told !== unit) write(`index: ${of} ${unit} to ${unit === 'files' ? 'read' : 'embed'}\n`)
        told = unit
        return
      }
      const now = performance.now()
      if (now - drawn < EVERY_MS) return
      drawn = now
      const spent = now - started
      const left = done === 0 ? '' : `, about ${formatDuration((spent / done) * (of - done))} left`
      const width = (process.stderr.columns || 80) - 1
      clear()
      write(fit(`${done} of ${of} ${unit}, ${formatDuration(spent)}${left}  ${oneLine(path)}`, width))
    },
    wait: (): void => line('Another process writes the index: waiting for it.'),
    fail: (why: string): void => line(`No index was built: ${oneLine(why)}`),
    stop: (): void => line('Stopping after this batch; what is done stays.'),
    end: clear,
  }
}

/** Starts the index in this process, after the answer is out. What is not done in time, or after Ctrl-C, stays for the next time. */
export async function buildAfterwards(
  service: SearchService,
  stop: AbortSignal,
  flags: { quiet: boolean; json?: boolean | undefined },
): Promise<void> {
  const progress = createIndexProgress({ silent: flags.quiet || flags.json === true, live: process.stderr.isTTY === true })
  try {
    await service.index({ signal: AbortSignal.any([stop, AbortSignal.timeout(AFTERWARDS_MS)]), onProgress: progress.observe })
  } catch (error) {
    // the answer is out; 'singularity index' ends with what is only told here
    if (isModelFailure(error)) progress.fail(error.message)
    else if (!SingularityError.isInstance(error) || error.code !== 'INTERRUPTED') throw error
  } finally {
    progress.end()
  }
}
