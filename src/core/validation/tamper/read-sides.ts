import { tableOf, testLanguageOf } from '../../analysis/index.ts'
import type { ChangedFile } from '../../git/index.ts'
import type { FactFile, FileFacts, IsolatedReader } from '../../parsing/index.ts'

/** The file of one tree: its text, and what its language table finds in it where no syntax table reads the language. */
export type Side = { text: string | undefined; facts: FileFacts | undefined }
export type Sides = { base: Side; candidate: Side }

/** Reads facts; a child process does it, as nobody knows who wrote the files. */
export type FactSource = Pick<IsolatedReader, 'tables' | 'read'>

/** A path whose language no syntax table reads, as far as its name tells. */
const needsFacts = (path: string): boolean => tableOf(testLanguageOf(path))?.words !== undefined || testLanguageOf(path) === undefined

/**
 * Both sides of every changed file. Languages without a syntax table are read in one batch; where that fails, or no reader is there,
 * their files have no facts and are compared by lines.
 */
export async function readSides(input: {
  changedFiles: readonly Pick<ChangedFile, 'path' | 'oldPath' | 'status'>[]
  readBase(path: string): Promise<string | undefined>
  readCandidate(path: string): Promise<string | undefined>
  facts?: () => Promise<FactSource>
}): Promise<Sides[]> {
  const sides: Sides[] = []
  const source = input.changedFiles.some(({ path, oldPath }) => [path, oldPath ?? path].some(needsFacts))
    ? await input.facts?.()
    : undefined
  const wanted: { side: Side; file: FactFile }[] = []
  const sideOf = (path: string, text: string | undefined): Side => {
    const side: Side = { text, facts: undefined }
    const language = text === undefined ? undefined : source?.tables.detect(path)
    if (language !== undefined && tableOf(language)?.words !== undefined)
      wanted.push({ side, file: { path, language, bytes: Buffer.from(text!) } })
    return side
  }
  for (const file of input.changedFiles) {
    const oldPath = file.oldPath ?? file.path
    const base = file.status === 'added' ? undefined : await input.readBase(oldPath)
    const candidate = file.status === 'deleted' ? undefined : await input.readCandidate(file.path)
    sides.push({ base: sideOf(oldPath, base), candidate: sideOf(file.path, candidate) })
  }
  if (wanted.length === 0) return sides
  const read = await source!.read(wanted.map(({ file }) => file)).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'AbortError') throw error
    return undefined
  })
  read?.forEach((facts, at) => {
    wanted[at]!.side.facts = facts
  })
  return sides
}
