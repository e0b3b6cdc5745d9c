// Landing, undoing and rejecting, in this process and as whole commands, against git's own commit and revert in the same run.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRepository, median, openApp, root, round, singularity, withFolder } from './common.mjs'

const ms = (values) => round(median(values), 1)

async function timed(values, body) {
  const started = performance.now()
  const result = await body()
  values.push(performance.now() - started)
  return result
}

export const measureLanding = (core, { rounds }) =>
  withFolder(async (folder) => {
    const repository = makeRepository(folder, join(root, 'examples', 'shop'))
    const answer = singularity(repository, ['improve', '--source', 'rules', '--max', '3'])
    const waiting = (answer.json?.data?.candidates ?? []).filter(({ state }) => state === 'awaiting_approval').map(({ id }) => id)
    if (waiting.length === 0) throw new Error(`Nothing was kept: ${answer.text ?? JSON.stringify(answer.json?.error)}`)
    const times = { land: [], undo: [], commit: [], revert: [], landCommand: [], undoCommand: [] }
    const actor = { name: 'bench', via: 'command' }
    const app = openApp(core, repository)
    const service = await app.improvement()
    const expect = (state, wanted) => {
      if (state !== wanted) throw new Error(`A candidate is ${state}, not ${wanted}.`)
    }
    // git's own way, in the same repository
    for (let turn = 0; turn < rounds; turn++) {
      writeFileSync(join(repository.path, 'note.txt'), `${turn}\n`)
      await timed(times.commit, () => repository.commit(`docs: note ${turn}`))
      await timed(times.revert, () => repository.git('revert', '--no-edit', 'HEAD'))
    }
    repository.git('reset', '-q', '--hard', `HEAD~${rounds * 2}`)
    // one landing per candidate: an undone one is done with
    const [first, ...others] = waiting
    expect((await timed(times.land, () => service.approve(first, actor))).state, 'landed')
    expect((await timed(times.undo, () => service.undo(first, actor))).state, 'undone')
    await app.close()
    for (const id of others) {
      const landed = singularity(repository, ['approve', id])
      expect(landed.json?.data?.state, 'landed')
      times.landCommand.push(landed.ms)
      const undone = singularity(repository, ['undo', id, '--yes'])
      expect(undone.json?.data?.state, 'undone')
      times.undoCommand.push(undone.ms)
    }
    return {
      candidates: waiting.length,
      undoRatio: round(median(times.undo) / median(times.revert)),
      ms: {
        commit: ms(times.commit),
        revert: ms(times.revert),
        land: ms(times.land),
        undo: ms(times.undo),
        ...(others.length > 0 && { landCommand: ms(times.landCommand), undoCommand: ms(times.undoCommand) }),
      },
    }
  })

/** A candidate that the static contract refuses, and one that affected tests refuse, against one run of the whole suite. */
const REJECTED = {
  static: (text) => text.replace("test('the total of a basket'", "test.skip('the total of a basket'"),
  affected: (text) => text.replace('(100 + percent)', '(100 - percent)'),
}
const FILES = { static: 'test/price.test.js', affected: 'src/price.js' }

export const measureRejection = (core, { rounds }) =>
  withFolder(async (folder) => {
    const repository = makeRepository(folder, join(root, 'examples', 'shop'))
    const patches = Object.fromEntries(
      Object.entries(REJECTED).map(([name, edit]) => {
        const file = join(repository.path, FILES[name])
        writeFileSync(file, edit(readFileSync(file, 'utf8')))
        const patch = join(folder, `${name}.patch`)
        writeFileSync(patch, repository.git('diff'))
        repository.git('checkout', '-q', '--', '.')
        return [name, patch]
      }),
    )
    const repositorySuite = () => execFileSync('node', ['--test'], { cwd: repository.path, env: repository.env, stdio: 'ignore' })
    const app = openApp(core, repository)
    const service = await app.improvement()
    const times = { static: [], affected: [] }
    const suite = []
    for (let turn = 0; turn <= rounds; turn++)
      for (const [name, patch] of Object.entries(patches)) {
        const request = requestOf(patch, readFileSync(patch))
        const stop = new AbortController().signal
        let begun
        let ended
        const observe = (event) => {
          if (event.type === 'candidate') begun ??= performance.now()
          if (event.type === 'verdict') ended ??= performance.now()
        }
        const before = performance.now()
        repositorySuite()
        suite.push(performance.now() - before)
        const { data } = await service.improve(request, observe, stop, stop)
        const found = data.candidates[0]
        if (found?.verdict !== 'roll_back') throw new Error(`The ${name} patch was not refused: ${found?.verdict}.`)
        if (turn > 0 && begun !== undefined && ended !== undefined) times[name].push(ended - begun) // the first turn measures the baseline
      }
    await app.close()
    return {
      rounds,
      staticMs: ms(times.static),
      affectedMs: ms(times.affected),
      suiteMs: ms(suite),
      suiteRatio: round(median(times.affected) / median(suite)),
    }
  })

function requestOf(name, bytes) {
  return {
    paths: [],
    sources: [],
    rules: [],
    patch: { name, bytes },
    branch: null,
    exec: null,
    test: null,
    metrics: [],
    base: null,
    into: null,
    propose: false,
    summary: null,
    max: 10,
    timeLimitMs: 600_000,
    isolation: 'bubblewrap',
    retry: false,
    failOn: [],
    yes: false,
    dryRun: true,
    offline: false,
    look: false,
  }
}
