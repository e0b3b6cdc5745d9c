import { messageOf } from '../kernel/index.ts'
import { type CheckResult, runCheck } from './check.ts'
import { CHECKS } from './checks/index.ts'
import type { SystemDeps } from './deps.ts'

/** `notes`: what a repair did, and what could not be repaired. */
export type DoctorReport = { checks: CheckResult[]; fixed: string[]; notes: string[] }

/** Runs every check; with `fix`, repairs what can be repaired without a person and looks again. */
export async function runDoctor(deps: SystemDeps, options: { fix: boolean }): Promise<DoctorReport> {
  const checks: CheckResult[] = []
  const fixed: string[] = []
  const notes: string[] = []
  for (const check of CHECKS) {
    let result = await runCheck(check, deps)
    if (options.fix && result.status !== 'ok' && check.repair) {
      const repaired = await check.repair(deps).then(
        (told) => {
          notes.push(...(told ?? []))
          return true
        },
        (error: unknown) => {
          notes.push(messageOf(error))
          return false
        },
      )
      result = await runCheck(check, deps)
      if (repaired && result.status === 'ok') fixed.push(check.id)
    }
    checks.push(result)
  }
  return { checks, fixed, notes }
}
