import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError, makeFolder } from '../kernel/index.ts'
import { type Database, isBusy, openDatabase } from '../storage/index.ts'
import { INDEX_APPLICATION_ID, INDEX_MIGRATIONS, INDEX_SCHEMA } from './migrations.ts'

const NAME = /^index-(\d+)-(\d+)\.db$/
const POINTER = 'index'

export type Generation = { file: string; schema: number; number: number }

/** The files of the index: one is pointed to, others are being built or left over. Disposable: whatever is wrong, a new one is built. */
export function createGenerations(folder: string) {
  const pointer = join(folder, POINTER)

  /** The generation in use; `undefined` where there is none, or one of an older schema. @throws STATE_NEWER */
  function current(): Generation | undefined {
    let text: string
    try {
      text = readFileSync(pointer, 'utf8').trim()
    } catch {
      return undefined
    }
    const found = parse(text)
    if (found !== undefined && found.schema > INDEX_SCHEMA)
      throw new SingularityError('STATE_NEWER', `The index ${join(folder, text)} was written by a newer version.`, {
        hints: ['Update singularity.', `rm '${pointer}'`],
      })
    return found?.schema === INDEX_SCHEMA && existsSync(join(folder, found.file)) ? found : undefined
  }

  function parse(file: string): Generation | undefined {
    const [, schema, number] = NAME.exec(file) ?? []
    return schema === undefined ? undefined : { file, schema: Number(schema), number: Number(number) }
  }

  const all = (): Generation[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .flatMap((name) => parse(name) ?? [])
          .sort((a, b) => a.number - b.number)
      : []

  /** A generation after all others; nobody reads it before `point`. */
  function next(): Generation {
    const number = Math.max(0, ...all().map((each) => each.number)) + 1
    return { file: `index-${INDEX_SCHEMA}-${number}.db`, schema: INDEX_SCHEMA, number }
  }

  /** From now on everybody opens this one; older ones go, also while somebody still reads them. */
  function point(generation: Generation): void {
    makeFolder(folder)
    const temporary = `${pointer}.${process.pid}`
    writeFileSync(temporary, `${generation.file}\n`, { mode: 0o600 })
    renameSync(temporary, pointer)
    for (const each of all()) if (each.file !== generation.file && each.schema <= INDEX_SCHEMA) remove(each)
  }

  function remove({ file }: Generation): void {
    for (const ending of ['', '-wal', '-shm']) rmSync(join(folder, `${file}${ending}`), { force: true })
  }

  /** @throws STATE_UNUSABLE, STATE_NEWER, DISK_FULL, READ_ONLY */
  function open(generation: Generation, { readOnly = false } = {}): Database {
    const db = openDatabase({
      path: join(folder, generation.file),
      applicationId: INDEX_APPLICATION_ID,
      migrations: INDEX_MIGRATIONS,
      readOnly,
      shadowTables: !readOnly,
    })
    // what a power cut takes is read again
    if (!readOnly) db.setSynchronous('NORMAL')
    return db
  }

  /**
   * The right to write, held by the operating system for as long as this process lives: a killed writer holds nobody up.
   * `undefined` while another has it.
   */
  function lease(): (() => void) | undefined {
    makeFolder(folder)
    const db = openDatabase({
      path: join(folder, 'index-lease.db'),
      applicationId: INDEX_APPLICATION_ID,
      migrations: ['CREATE TABLE lease (id INTEGER PRIMARY KEY)'],
      busyTimeoutMs: 0,
    })
    try {
      db.run('BEGIN IMMEDIATE')
    } catch (error) {
      db.close()
      if (isBusy(error)) return undefined
      throw error
    }
    return () => db.close()
  }

  const path = ({ file }: Generation): string => join(folder, file)

  const bytes = ({ file }: Generation): number =>
    ['', '-wal'].reduce((sum, ending) => sum + (statSync(join(folder, `${file}${ending}`), { throwIfNoEntry: false })?.size ?? 0), 0)

  return { folder, path, bytes, current, all, next, point, remove, open, lease }
}

const DAMAGE = /^SQLITE_(?:CORRUPT|NOTADB|IOERR|CANTOPEN)/

/** The file is no database, not ours, gone, or its pages are broken: all of it ends with a new one. */
export function isDamaged(error: unknown): error is SingularityError {
  if (!SingularityError.isInstance(error) || error.code !== 'STATE_UNUSABLE') return false
  const cause = error.cause as { code?: string; message?: string } | undefined
  return cause === undefined || DAMAGE.test(cause.code ?? '') || /^no such (?:table|column)/.test(cause.message ?? '')
}

export type Generations = ReturnType<typeof createGenerations>
