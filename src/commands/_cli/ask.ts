import { userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import type { Actor, ImproveOutcome, ImprovementService } from '../../core/improvement/index.ts'
import { EXIT, SingularityError } from '../../core/kernel/index.ts'
import { paint } from './paint.ts'

/** Who answers here: the account's name. */
export function actor(via: Actor['via']): Actor {
  return { name: process.env['USER'] || userInfo().username, via }
}

/** Asks about each waiting candidate: yes, no, diff, all, quit. What stays open is waiting still. */
export async function askForCandidates(service: ImprovementService, outcome: ImproveOutcome): Promise<ImproveOutcome> {
  const waiting = outcome.data.candidates.filter(({ state }) => state === 'awaiting_approval')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  let all = false
  let open = waiting.length
  try {
    for (const { id, title } of waiting) {
      for (let decided = false; !decided;) {
        const answer: string = all
          ? 'y'
          : (await lines.question(`\nLand ${paint('bold', id)} ${title}? [y]es, [n]o, [d]iff, [a]ll, [q]uit: `)).trim().toLowerCase()
        if (answer === 'd') process.stdout.write(await service.diff(id, { color: true }))
        else if (answer === 'q') return finish(outcome, open)
        else if (answer === 'y' || answer === 'yes' || answer === 'a') {
          all ||= answer === 'a'
          try {
            const { commit } = await service.approve(id, actor('terminal'))
            process.stderr.write(`${paint('green', 'landed')} ${commit?.slice(0, 12) ?? ''}   singularity undo ${id}\n`)
          } catch (error) {
            if (!SingularityError.isInstance(error) || error.kind !== 'conflict') throw error
            process.stderr.write(`${paint('yellow', 'not landed')} ${error.message}\n`)
          }
          open--
          decided = true
        } else if (answer === 'n' || answer === 'no') {
          await service.reject(id, actor('terminal'), 'declined on the terminal')
          open--
          decided = true
        }
      }
    }
  } finally {
    lines.close()
  }
  return finish(outcome, open)
}

function finish(outcome: ImproveOutcome, open: number): ImproveOutcome {
  return open === 0 && outcome.exitCode === EXIT.personNeeded ? { ...outcome, exitCode: EXIT.done } : outcome
}
