export * from './answer.ts'
export * from './answerer.ts'
export { loadAnswerers, readQuestionRows } from './answerers/index.ts'
