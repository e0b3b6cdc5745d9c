export { codeOf, testFacts, testLanguageOf } from './facts.ts'
export { assertingWords, tableOf, type LanguageTable } from './tables.ts'
export type { AssertionFact, TestFact, TestFacts } from './test-fact.ts'
export { tokensOf, treeOf, wordsOf, type Node } from './syntax.ts'
