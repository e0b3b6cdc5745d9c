import { deserialize, serialize } from 'node:v8'
import { messageOf } from '../kernel/index.ts'
import { createUnframer, frame } from '../process/index.ts'
import { type ModelQuestion, type ModelReply, type RunningModel, RuntimeMissing, openModel } from './model-child.ts'

/** The whole work of the process that runs a model: framed questions in, framed replies out, one after the other. */
export async function serveModel(input: AsyncIterable<Uint8Array>, reply: (bytes: Uint8Array) => void): Promise<void> {
  let model: RunningModel | undefined
  const unframer = createUnframer()
  for await (const chunk of input)
    for (const message of unframer.add(chunk)) {
      const question = deserialize(message) as ModelQuestion
      let answer: ModelReply
      try {
        if ('open' in question) {
          model = await openModel(question.open, question)
          answer = { opened: true }
        } else answer = await model!.embed(question)
      } catch (error) {
        answer = { failed: error instanceof RuntimeMissing ? 'runtime' : 'model', why: messageOf(error) }
      }
      reply(frame(serialize(answer)))
    }
}
