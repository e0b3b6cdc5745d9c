import type { RunnerCase } from './case.ts'
import { CARGO_CASE, COMMAND_CASE, COMMAND_TAP_CASE, CTEST_CASE, GO_CASE } from './compiled.ts'
import { JEST, MOCHA, NODE_TEST, VITEST } from './javascript.ts'
import { PYTEST_CASE, UNITTEST_CASE } from './python.ts'
import { AVA_CASE, TAPE_CASE, TAP_CASE } from './tap.ts'

export type { RunnerCase } from './case.ts'

/** One case per adapter and runner. */
export const CASES: readonly RunnerCase[] = [
  VITEST,
  JEST,
  MOCHA,
  NODE_TEST,
  TAPE_CASE,
  TAP_CASE,
  AVA_CASE,
  PYTEST_CASE,
  UNITTEST_CASE,
  GO_CASE,
  CARGO_CASE,
  CTEST_CASE,
  COMMAND_CASE,
  COMMAND_TAP_CASE,
]
