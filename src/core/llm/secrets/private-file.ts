import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { diskRefusal, makeFolder } from '../../kernel/index.ts'

/** Replaces a file at once; only its owner can read it, also while it is written. @throws READ_ONLY, DISK_FULL */
export function writePrivate(path: string, data: string | Uint8Array): void {
  try {
    makeFolder(dirname(path))
    const temporary = `${path}.${process.pid}`
    writeFileSync(temporary, data, { mode: 0o600, flag: 'w' })
    renameSync(temporary, path)
  } catch (error) {
    throw diskRefusal(error, path) ?? error
  }
}

/** null where there is no such file. */
export function readPrivate(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null
    throw diskRefusal(error, path) ?? error
  }
}
