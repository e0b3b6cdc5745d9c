import { closeSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { SingularityError, diskRefusal, messageOf } from '../../core/kernel/index.ts'

const HEADER = '!_TAG_'

export const folderOf = (file: string): string => dirname(resolve(file))

/**
 * Nobody's text is replaced by mistake: only a tags file, an empty one, or none.
 * @throws USAGE
 */
export function checkTagsFile(file: string): void {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isFile()) throw new SingularityError('USAGE', `${file} is no file.`, { hints: ['singularity code tags -o tags'] })
  const bytes = Buffer.alloc(HEADER.length)
  const opened = openSync(file, 'r')
  try {
    const read = readSync(opened, bytes, 0, bytes.length, 0)
    if (read > 0 && bytes.toString('latin1', 0, read) !== HEADER)
      throw new SingularityError('USAGE', `${file} is no tags file: it stays as it is.`, { hints: ['singularity code tags -o tags'] })
  } finally {
    closeSync(opened)
  }
}

/** Editors that read meanwhile see the old one or the new one. @throws USAGE, READ_ONLY, DISK_FULL */
export function writeTagsFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}`
  try {
    writeFileSync(temporary, text)
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    const refusal = new SingularityError('USAGE', `-o ${file} cannot be written: ${messageOf(error)}.`, { cause: error })
    throw diskRefusal(error, file) ?? refusal
  }
}
