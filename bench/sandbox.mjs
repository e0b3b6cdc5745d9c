// Sandbox create and discard against `git worktree add` and `remove`, and what the jail costs a run.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeRepository, median, openSandboxes, root, round, withFolder } from './common.mjs'

async function timed(times, body) {
  const started = performance.now()
  const value = await body()
  times.push(performance.now() - started)
  return value
}

const medians = (times) => Object.fromEntries(Object.entries(times).map(([name, values]) => [name, round(median(values))]))

/** A repository of `files` text files of 1 KB or so, in 50 folders. */
export const measureSandboxes = (core, { files, rounds }) =>
  withFolder(async (folder) => {
    const repository = makeRepository(folder, null)
    for (let index = 0; index < files; index++) {
      const path = join(repository.path, `d${index % 50}`, `f${index}.txt`)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, `file ${index}\n`.repeat(100))
    }
    repository.commit('feat: files')
    const sandboxes = await openSandboxes(core, repository, folder)
    try {
      const head = await sandboxes.git.resolve('HEAD')
      const times = { add: [], create: [], remove: [], discard: [] }
      for (let turn = 0; turn < rounds; turn++) {
        const path = join(folder, `plain-${turn}`)
        await timed(times.add, () => repository.git('worktree', 'add', '-q', '--detach', path))
        const sandbox = await timed(times.create, () => sandboxes.create(head))
        await timed(times.remove, () => repository.git('worktree', 'remove', '--force', path))
        await timed(times.discard, () => sandbox.discard())
      }
      const ms = medians(times)
      return { files, rounds, createRatio: round(ms.create / ms.add), discardRatio: round(ms.discard / ms.remove, 3), ms }
    } finally {
      sandboxes.close()
    }
  })

/** The same command in the jail and outside, in turn: one that does nothing, and the example's suite. */
export const measureJail = (core, { rounds }) =>
  withFolder(async (folder) => {
    const repository = makeRepository(folder, join(root, 'examples', 'shop'))
    const sandboxes = await openSandboxes(core, repository, folder)
    try {
      const sandbox = await sandboxes.create(await sandboxes.git.resolve('HEAD'))
      const times = { nothingOutside: [], nothingInside: [], suiteOutside: [], suiteInside: [] }
      const outside = (command) => {
        const { status } = spawnSync(command[0], command.slice(1), { cwd: repository.path, env: repository.env })
        if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}`)
      }
      const inside = async (command) => {
        const { exitCode, stderr } = await sandbox.run({ command, timeoutMs: 60_000, measuring: true })
        if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode} in the jail: ${stderr}`)
      }
      const suite = ['node', '--test']
      for (let turn = 0; turn < rounds; turn++) {
        await timed(times.nothingOutside, () => outside(['true']))
        await timed(times.nothingInside, () => inside(['true']))
        await timed(times.suiteOutside, () => outside(suite))
        await timed(times.suiteInside, () => inside(suite))
      }
      await sandbox.discard()
      const ms = medians(times)
      return { rounds, nothingMs: round(ms.nothingInside - ms.nothingOutside), suiteRatio: round(ms.suiteInside / ms.suiteOutside), ms }
    } finally {
      sandboxes.close()
    }
  })
