import { deserialize, serialize } from 'node:v8'
import { createFactReader, type FactFile, type FactReaderDeps, type FactRecord } from './fact-reader.ts'

/** What is written to the child, and what it answers. */
export type ChildRequest = { deps: FactReaderDeps; files: FactFile[] }
export type ChildAnswer = FactRecord[]

/** The whole life of the process that reads untrusted files: one request on standard input, one answer on standard output. */
async function serve(): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  const { deps, files } = deserialize(Buffer.concat(chunks)) as ChildRequest
  const answer: ChildAnswer = await createFactReader(deps).readRecords(files)
  process.stdout.write(serialize(answer))
}

await serve()
