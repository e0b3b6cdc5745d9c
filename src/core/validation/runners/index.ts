import type { RunnerId, TestRunner } from '../runner.ts'
import { ava } from './ava.ts'
import { cargo } from './cargo.ts'
import { command } from './command.ts'
import { ctest } from './ctest.ts'
import { go } from './go.ts'
import { jest } from './jest.ts'
import { mocha } from './mocha.ts'
import { nodeTest } from './node-test.ts'
import { pytest } from './pytest.ts'
import { tap } from './tap.ts'
import { unittest } from './unittest.ts'
import { vitest } from './vitest.ts'

/** Every adapter; `command` stands last and takes what no other recognises. */
export const RUNNERS: readonly TestRunner[] = [vitest, jest, mocha, nodeTest, tap, ava, pytest, unittest, go, cargo, ctest, command]

const BY_ID = new Map(RUNNERS.map((runner) => [runner.id, runner]))

export function runnerOf(id: RunnerId): TestRunner {
  return BY_ID.get(id)!
}
