// What commands that only read need of the models, by itself: the whole room would cost them a third of their time.
export { openLlm } from '../llm/index.ts'
