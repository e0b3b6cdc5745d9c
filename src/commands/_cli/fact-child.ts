import { answerChildRequest } from '../../core/parsing/index.ts'

/** The process that reads files whose author is not trusted: standard input is the request, standard output the answer. */
const chunks: Buffer[] = []
for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
process.stdout.write(await answerChildRequest(Buffer.concat(chunks)))
