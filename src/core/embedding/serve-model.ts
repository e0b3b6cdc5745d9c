import { deserialize, serialize } from 'node:v8'
import { messageOf } from '../kernel/index.ts'
import { frame } from '../process/index.ts'
import { type ModelQuestion, type ModelReply, type RunningModel, RuntimeMissing, openModel } from './model-child.ts'

/** The whole work of the process that runs a model: framed questions in, framed replies out, one after the other. */
export async function serveModel(input: AsyncIterable<Uint8Array>, reply: (bytes: Uint8Array) => void): Promise<void> {
  let model: RunningModel | undefined
  let received = Buffer.alloc(0)
  for await (const chunk of input) {
    received = Buffer.concat([received, chunk])
    while (received.length >= 4 && received.length >= 4 + received.readUInt32LE(0)) {
      const question = deserialize(received.subarray(4, 4 + received.readUInt32LE(0))) as ModelQuestion
      received = received.subarray(4 + received.readUInt32LE(0))
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
}
