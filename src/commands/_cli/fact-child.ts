import { createChildAnswers } from '../../core/parsing/index.ts'
import { createUnframer, frame } from '../../core/process/index.ts'
import { reply } from './reply.ts'

/**
 * The process that reads files whose author is not trusted: standard input is the request, standard output the answer. With --stay
 * there are many of both, each with its length before it, until the input ends; the answers go to descriptor 3.
 */
const answerTo = createChildAnswers()
if (process.argv[2] === '--stay') {
  const unframer = createUnframer()
  for await (const chunk of process.stdin) for (const request of unframer.add(chunk as Buffer)) reply(frame(await answerTo(request)))
} else {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  process.stdout.write(await answerTo(Buffer.concat(chunks)))
}
