import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { summarizeWork } from '../../../src/core/git/index.ts'
import { createRepository, testEnvironment, type TestRepository } from '../../support/repository.ts'

const made: TestRepository[] = []
afterEach(() => made.splice(0).forEach((repository) => repository.cleanup()))

describe('summarizeWork', () => {
  it('counts what is staged, modified and new, and runs none of the configured helpers', async () => {
    const repository = createRepository({ a: '1', b: '1', c: '1' })
    made.push(repository)
    const mark = join(repository.root, '..', 'sprung')
    writeFileSync(join(repository.root, '..', 'trap.sh'), `#!/bin/sh\ntouch '${mark}'\n`, { mode: 0o755 })
    repository.git('config', 'core.fsmonitor', join(repository.root, '..', 'trap.sh'))
    repository.write({ a: '2', b: '2', new: 'n', 'more/1': '', 'more/2': '' })
    repository.git('-c', 'core.fsmonitor=false', 'add', 'a')
    repository.write({ a: '3' })
    const git = await repository.open()
    const env = { ...testEnvironment(repository.root), GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere' }
    expect(await summarizeWork(git.repository, env)).toEqual({
      branch: 'main',
      upstream: null,
      staged: 1,
      modified: 2,
      untracked: 2,
      conflicted: 0,
    })
    expect(existsSync(mark)).toBe(false)
    repository.git('-c', 'core.fsmonitor=false', 'checkout', '--quiet', '--detach')
    expect((await summarizeWork(git.repository, env)).branch).toBeNull()
  })
})
