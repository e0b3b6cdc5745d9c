import { deserialize, serialize } from 'node:v8'
import { createFactReader, type FactFile, type FactReaderDeps, type FactRecord } from './fact-reader.ts'

/** What is written to the child process that reads untrusted files, and what it answers. */
export type ChildRequest = { deps: FactReaderDeps; files: FactFile[] }
export type ChildAnswer = FactRecord[]

/** The child's whole work: one request in, one answer out, both as V8 writes values. */
export async function answerChildRequest(request: Uint8Array): Promise<Uint8Array> {
  const { deps, files } = deserialize(request) as ChildRequest
  const answer: ChildAnswer = await createFactReader(deps).readRecords(files)
  return serialize(answer)
}
