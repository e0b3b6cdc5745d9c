import { SingularityError, parseJson } from '../kernel/index.ts'
import type { QueueEngine } from './engine.ts'
import type { MessageHandler } from './handler.ts'
import type { Message, NewJob, NewMessage } from './job.ts'
import { sameJob } from './same.ts'

export type IntakeDeps = {
  engine: Pick<QueueEngine, 'get'>
  /** @throws REQUEST_INVALID */
  parseRequests: (text: string) => Promise<readonly NewJob[]>
}

/** Requests of other programs: a message of `ai_requests` becomes a request, or a failed result that says why not. */
export function createRequestIntake({ engine, parseRequests }: IntakeDeps): MessageHandler {
  return {
    queue: 'ai_requests',
    async take(message) {
      try {
        const jobs = await parseRequests(message.body)
        // the row would refuse it as well, but then nobody could be told
        for (const job of jobs) await sameJob(engine, job)
        return { jobs }
      } catch (error) {
        if (!SingularityError.isInstance(error) || error.kind !== 'usage') throw error
        return { messages: refusals(message, error) }
      }
    },
  }
}

function refusals(message: Message, error: SingularityError): NewMessage[] {
  const asked = parseJson(message.body) as { id?: unknown } | null
  const body = {
    request_id: typeof asked?.id === 'string' ? asked.id : null,
    message_id: message.id,
    response: null,
    model: null,
    tokens_used: null,
    cost_cents: null,
    status: 'failed',
    error_message: `${error.code}: ${error.message}`,
    errors: error.data?.['errors'] ?? [],
  }
  return ['ai_results', 'llm_results'].map((queue) => ({ queue, key: `message:${message.id}`, body: JSON.stringify(body) }))
}
