import type { RunEvent } from '../../core/improvement/index.ts'
import { formatDuration, oneLine, plural } from '../../core/kernel/index.ts'
import { verdictWord } from '../_present/run.ts'
import { fit } from '../_present/text.ts'
import { type Paint, paint } from './paint.ts'

const FRAME_MS = 120

/** Phases of which every step is told: each may take as long as the whole suite, or cost money. */
const EACH: ReadonlySet<string> = new Set(['control', 'sources'])

/**
 * What a run tells while it goes on, on stderr: one line that is redrawn on a terminal, one plain line per phase
 * (and per planted fault) elsewhere.
 */
export function createProgress({ silent, live }: { silent: boolean; live: boolean }) {
  const started = performance.now()
  let phase = ''
  let line = ''
  let tests = 0
  let end = Number.NEGATIVE_INFINITY
  let isAside = false
  let timer: ReturnType<typeof setInterval> | undefined
  const write = (text: string): void => void (silent || process.stderr.write(text))
  const tint = (color: Paint, text: string): string => paint(color, text, process.stderr)
  const clear = (): void => void (live && write('\r\u001b[2K'))
  const draw = (): void => {
    if (isAside) return
    const now = performance.now()
    const left = end - now > 1000 ? `, about ${formatDuration(end - now)} left` : ''
    const head = `${formatDuration(now - started)}${left}${tests > 0 ? `, ${plural(tests, 'test')} so far` : ''}`
    const width = (process.stderr.columns || 80) - 1
    clear()
    write(`${tint('dim', fit(head, width))} ${head.length + 12 < width ? fit(line, width - head.length - 1) : ''}`)
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
        if (event.ms !== undefined) end = performance.now() + event.ms
        if (event.phase === 'estimate') permanent(`${tint('bold', 'estimate:')} ${oneLine(event.detail)}`)
        else {
          if (!live && (event.phase !== phase || EACH.has(event.phase))) write(`${text}\n`)
          phase = event.phase // an estimate in the middle of a phase does not end it
        }
        line = text
      } else if (event.type === 'tests') tests += event.count
      else if (event.type === 'candidate') line = `${event.stage} ${event.index} of ${event.of}: ${event.id} ${oneLine(event.title)}`
      else if (event.type === 'note') permanent(oneLine(event.text))
      else if (event.type === 'verdict') {
        const { id, title } = event.candidate
        const { word, color } = verdictWord(event.candidate)
        permanent(`  ${tint(color, word.padEnd(9))}  ${id}  ${oneLine(title)}`)
      }
      if (live && !silent) {
        draw()
        timer ??= setInterval(draw, FRAME_MS)
        timer.unref()
      }
    },
    async aside<R>(body: () => Promise<R>): Promise<R> {
      clear()
      isAside = true
      try {
        return await body()
      } finally {
        isAside = false
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
