// What a command needs that only tells what was sent: the whole room of the models would cost it more than its work.
export { createSentRecord } from '../llm/index.ts'
