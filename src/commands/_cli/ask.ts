import { userInfo } from 'node:os'
import { type Interface, createInterface } from 'node:readline/promises'
import type { Actor, CandidateData, ImproveOutcome, ImprovementService } from '../../core/improvement/index.ts'
import { EXIT, SingularityError, oneLine } from '../../core/kernel/index.ts'
import { presentDiff } from '../_present/diff.ts'
import { paint } from './paint.ts'

/** Who answers here: the account's name. */
export function actor(via: Actor['via']): Actor {
  return { name: process.env['USER'] || userInfo().username, via }
}

type Streams = { input: NodeJS.ReadableStream; output: NodeJS.WritableStream }
type Answers = { landed: number; failed: number; open: number; stopped: boolean }

/**
 * Asks about each waiting candidate: yes, no, diff, all, quit. What stays open is waiting still. Ctrl-C and the end of
 * the input stop the asking, with the exit code of a signal. The data is read again, so that it tells what came of it.
 */
export async function askForCandidates(
  service: ImprovementService,
  outcome: ImproveOutcome,
  streams: Streams = { input: process.stdin, output: process.stderr },
): Promise<ImproveOutcome> {
  const waiting = outcome.data.candidates.filter(({ state }) => state === 'awaiting_approval')
  if (waiting.length === 0) return outcome
  const answers = await askEach(service, waiting, streams)
  const shown = await service.show(outcome.data.run.id)
  const data = shown.kind === 'run' ? shown.data : outcome.data
  if (answers.open > 0)
    streams.output.write(
      `\n${answers.open} still ${answers.open === 1 ? 'waits' : 'wait'} for you: ${paint('cyan', 'singularity inbox')}\n`,
    )
  if (answers.stopped) return { data, exitCode: EXIT.sigint }
  const settled = answers.open === 0 && answers.failed === 0 && outcome.exitCode === EXIT.personNeeded
  return { data, exitCode: settled ? EXIT.done : outcome.exitCode }
}

async function askEach(service: ImprovementService, waiting: readonly CandidateData[], { input, output }: Streams): Promise<Answers> {
  const lines = createInterface({ input, output })
  const answers: Answers = { landed: 0, failed: 0, open: waiting.length, stopped: false }
  const stop = new AbortController()
  lines.once('SIGINT', () => stop.abort())
  lines.once('close', () => stop.abort())
  let all = false
  try {
    for (const candidate of waiting) {
      const { id } = candidate
      for (let decided = false; !decided;) {
        const answer: string | null = all ? 'y' : await question(lines, candidate, stop.signal)
        if (answer === null) return { ...answers, stopped: true }
        if (answer === 'q' || answer === 'quit') return answers
        if (answer === 'd' || answer === 'diff') output.write(presentDiff(await service.diff(id, { color: false })))
        else if (answer === 'y' || answer === 'yes' || answer === 'a' || answer === 'all') {
          all ||= answer.startsWith('a')
          output.write(`landing ${id} ...\n`)
          if (await landed(service, id, output)) answers.landed++
          else answers.failed++
          decided = true
        } else if (answer === 'n' || answer === 'no') {
          await service.reject(id, actor('terminal'), 'declined on the terminal')
          output.write(`declined ${id}\n`)
          decided = true
        }
      }
      answers.open--
    }
  } finally {
    lines.close()
  }
  return answers
}

/** Asks what a model wants to know; null for an empty line, the end of the input and Ctrl-C, which is a signal as everywhere. */
export async function askPerson(
  { id, text }: { id: string; text: string },
  signal: AbortSignal,
  { input, output }: Streams = { input: process.stdin, output: process.stderr },
): Promise<{ by: string; text: string } | null> {
  const lines = createInterface({ input, output })
  const stop = new AbortController()
  lines.once('close', () => stop.abort())
  lines.once('SIGINT', () => {
    stop.abort()
    process.kill(process.pid, 'SIGINT')
  })
  try {
    const asked = `\nThe model asks (${id}): ${paint('bold', oneLine(text))}\n> `
    const said = (await lines.question(asked, { signal: AbortSignal.any([signal, stop.signal]) })).trim()
    return said === '' ? null : { by: actor('terminal').name, text: said }
  } catch (error) {
    if (signal.aborted || stop.signal.aborted || (error as { code?: string }).code === 'ABORT_ERR') return null
    throw error
  } finally {
    lines.close()
  }
}

/** Null where there will be no answer any more. */
async function question(lines: Interface, { id, title }: CandidateData, signal: AbortSignal): Promise<string | null> {
  if (signal.aborted) return null
  // the choices on a line of their own: behind a long title they would be broken anywhere
  const text = `\nLand ${paint('bold', id)} ${oneLine(title)}?\n[y]es, [n]o, [d]iff, [a]ll, [q]uit: `
  try {
    return (await lines.question(text, { signal })).trim().toLowerCase()
  } catch (error) {
    if (signal.aborted || (error as { code?: string }).code === 'ABORT_ERR') return null
    throw error
  }
}

async function landed(service: ImprovementService, id: string, output: NodeJS.WritableStream): Promise<boolean> {
  try {
    const { commit, landed_on: branch } = await service.approve(id, actor('terminal'))
    // often a branch of proposals, where the one checked out is protected: who looks at their files sees no change then
    const where = branch === null ? '' : ` on ${oneLine(branch)}`
    output.write(`${paint('green', 'landed')} ${commit?.slice(0, 12) ?? ''}${where}   singularity undo ${id}\n`)
    return true
  } catch (error) {
    if (!SingularityError.isInstance(error) || error.kind !== 'conflict') throw error
    output.write(`${paint('yellow', 'not landed')} ${oneLine(error.message)}\n`)
    return false
  }
}
