import type { RunnerCase } from './case.ts'
import { JEST, MOCHA, NODE_TEST, VITEST } from './javascript.ts'
import { AVA_CASE, TAPE_CASE, TAP_CASE } from './tap.ts'

export type { RunnerCase } from './case.ts'

/** One case per adapter and runner. */
export const CASES: readonly RunnerCase[] = [VITEST, JEST, MOCHA, NODE_TEST, TAPE_CASE, TAP_CASE, AVA_CASE]
