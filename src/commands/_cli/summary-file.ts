import { accessSync, constants, existsSync, fstatSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ImproveData } from '../../core/improvement/index.ts'
import { SingularityError, diskRefusal, messageOf } from '../../core/kernel/index.ts'
import { presentSummary } from '../_present/summary.ts'

/** Told before minutes of work, not after them. @throws USAGE */
export function assertWritable(file: string): void {
  try {
    if (existsSync(file)) {
      if (statSync(file).isDirectory()) throw new Error('it is a folder')
      if (isStandardOutput(file)) throw new Error('standard output has the answer')
      accessSync(file, constants.W_OK)
    } else accessSync(dirname(resolve(file)), constants.W_OK)
  } catch (error) {
    throw new SingularityError('USAGE', `--summary ${file} cannot be written: ${messageOf(error)}.`, {
      cause: error,
      hints: ['singularity show RUN --markdown   # prints it afterwards'],
    })
  }
}

function isStandardOutput(file: string): boolean {
  const [there, own] = [statSync(file), fstatSync(1)]
  return file !== '/dev/null' && there.dev === own.dev && there.ino === own.ino
}

/** @throws USAGE, READ_ONLY, DISK_FULL; what the run decided stays decided. */
export function writeSummary(file: string, data: ImproveData): void {
  try {
    writeFileSync(file, presentSummary(data))
  } catch (error) {
    throw (
      diskRefusal(error, file) ??
      new SingularityError('USAGE', `--summary ${file} cannot be written: ${messageOf(error)}.`, {
        cause: error,
        hints: [`singularity show ${data.run.id} --markdown`],
      })
    )
  }
}

/** The refusal instead of throwing it. */
export function attemptSummary(file: string, data: ImproveData): SingularityError | undefined {
  try {
    writeSummary(file, data)
    return undefined
  } catch (error) {
    if (SingularityError.isInstance(error)) return error
    throw error
  }
}
