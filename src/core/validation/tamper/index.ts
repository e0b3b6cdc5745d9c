export { detectWeakening, type WeakeningInput, type WeakeningReport } from './detect.ts'
export { testFacts, testLanguageOf, type AssertionFact, type TestFact, type TestFacts } from './facts.ts'
export { configOf, hasTestName, isSnapshot, looksLikeTestFile } from './paths.ts'
