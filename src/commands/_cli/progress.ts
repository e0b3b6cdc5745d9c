import type { RunEvent } from '../../core/improvement/index.ts'
import { formatDuration, oneLine } from '../../core/kernel/index.ts'
import { fit } from '../_present/text.ts'
import { paint } from './paint.ts'

const FRAME_MS = 120
const MARKS = { keep: 'green', roll_back: 'red', cannot_decide: 'yellow' } as const

/**
 * What a run tells while it goes on, on stderr: one line that is redrawn on a terminal, one plain line per phase
 * elsewhere.
 */
export function createProgress({ silent, live }: { silent: boolean; live: boolean }) {
  const started = performance.now()
  let phase = ''
  let line = ''
  let timer: ReturnType<typeof setInterval> | undefined
  const write = (text: string): void => void (silent || process.stderr.write(text))
  const clear = (): void => void (live && write('\r\u001b[2K'))
  const draw = (): void => {
    const width = (process.stderr.columns ?? 80) - 1
    clear()
    write(`${paint('dim', formatDuration(performance.now() - started).padStart(7))} ${fit(line, Math.max(20, width - 9))}`)
  }
  const permanent = (text: string): void => {
    clear()
    write(`${text}\n`)
    if (live && line) draw()
  }
  return {
    observe(event: RunEvent): void {
      if (event.type === 'phase') {
        const text = `${event.phase}: ${oneLine(event.detail)}`
        if (event.phase === 'estimate') permanent(`${paint('bold', 'estimate')} ${oneLine(event.detail)}`)
        else {
          if (!live && event.phase !== phase) write(`${text}\n`)
          phase = event.phase
        }
        line = text
      } else if (event.type === 'candidate') line = `${event.index}/${event.of} ${event.id} ${oneLine(event.title)}`
      else if (event.type === 'note') permanent(oneLine(event.text))
      else if (event.type === 'verdict') {
        const { verdict, id, title } = event.candidate
        permanent(`  ${paint(verdict === null ? 'red' : MARKS[verdict], (verdict ?? 'errored').padEnd(13))} ${id} ${oneLine(title)}`)
      }
      if (live && !silent) {
        draw()
        timer ??= setInterval(draw, FRAME_MS)
        timer.unref()
      }
    },
    note: (text: string): void => permanent(text),
    end(): void {
      clearInterval(timer)
      clear()
      line = ''
    },
  }
}
