import { deserialize, serialize } from 'node:v8'
import { createFactReader, type FactFile, type FactReader, type FactReaderDeps, type FactRecord } from './fact-reader.ts'

/** What is written to the child process that reads untrusted files, and what it answers. */
export type ChildRequest = { deps: FactReaderDeps; files: FactFile[] }
export type ChildAnswer = FactRecord[]

/** The child's whole work: a request in, an answer out, both as V8 writes values. One that stays keeps its reader, which keeps trees. */
export function createChildAnswers(): (request: Uint8Array) => Promise<Uint8Array> {
  let known: { key: string; reader: FactReader } | undefined
  return async (request) => {
    const { deps, files } = deserialize(request) as ChildRequest
    const key = JSON.stringify(deps)
    if (known?.key !== key) known = { key, reader: createFactReader(deps) }
    const answer: ChildAnswer = await known.reader.readRecords(files)
    return serialize(answer)
  }
}
