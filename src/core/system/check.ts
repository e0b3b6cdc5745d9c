import { messageOf } from '../kernel/index.ts'
import type { SystemDeps } from './deps.ts'

export type CheckStatus = 'ok' | 'warn' | 'fail'

/** One line of `doctor`. `fix` holds commands to copy; empty where nothing has to be done. */
export type CheckResult = { id: string; status: CheckStatus; detail: string; fix: readonly string[] }

export type Check = {
  id: string
  run(deps: SystemDeps): Promise<Omit<CheckResult, 'id'>>
  /** What `--fix` does where the check did not say ok; answers what a person should know of it. */
  repair?: (deps: SystemDeps) => Promise<readonly string[] | void>
}

export const ok = (detail: string): Omit<CheckResult, 'id'> => ({ status: 'ok', detail, fix: [] })
export const warn = (detail: string, ...fix: string[]): Omit<CheckResult, 'id'> => ({ status: 'warn', detail, fix })
export const fail = (detail: string, ...fix: string[]): Omit<CheckResult, 'id'> => ({ status: 'fail', detail, fix })

/** A check that throws has failed, with the reason it gives. */
export async function runCheck(check: Check, deps: SystemDeps): Promise<CheckResult> {
  try {
    return { id: check.id, ...(await check.run(deps)) }
  } catch (error) {
    return { id: check.id, ...fail(messageOf(error).split('\n')[0]!) }
  }
}
