import type { AnswerOptions, Answering, Question } from '../answering/index.ts'
import type { EnqueueResult, QueueEngine, QueueService } from '../queue/index.ts'
import type { Models } from './models.ts'

export type DetachParts = {
  answering: () => Promise<Answering>
  models: Pick<Models, 'createJob'>
  engine: () => Promise<QueueEngine>
  queue: () => Promise<QueueService>
}

/** Puts a question into the queue for a worker to answer. @throws REQUEST_INVALID */
export function composeDetach({ answering, models, engine, queue }: DetachParts) {
  return async (question: Question, options: AnswerOptions): Promise<EnqueueResult & { workers: number }> => {
    const room = await answering()
    const request = await room.requestOf(question)
    const job = await models.createJob({ ...options, request, uniqueKey: room.keyOf(question, request, options) })
    const [enqueued] = await (await engine()).enqueue([job])
    return { ...enqueued!, workers: await (await queue()).liveWorkers() }
  }
}
