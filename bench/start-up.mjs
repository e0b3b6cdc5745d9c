// Start-up of the commands that only read, against an empty module, taken in turn so that drift hits all alike.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRepository, median, program, root, round, singularity, withFolder } from './common.mjs'

export const TARGETS = { version: 1.3, runs: 2.2, show: 2.2, status: 2.2, why: 2.2, diff: 2.2 }

/** How many files of disk Node loads for a command line. */
function countFiles(args, repository, folder) {
  spawnSync(process.execPath, args, { cwd: repository.path, env: { ...repository.env, NODE_V8_COVERAGE: folder } })
  return readdirSync(folder)
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).result)
    .filter(({ url }) => url.startsWith('file:')).length
}

export const measureStartUp = ({ rounds }) =>
  withFolder(async (folder) => {
    const repository = makeRepository(folder, join(root, 'examples', 'shop'))
    const empty = join(folder, 'empty.mjs')
    writeFileSync(empty, '')
    const { json } = singularity(repository, ['improve', '--source', 'rules', '--rule', 'js/no-substr', '--dry-run'])
    const candidate = json?.data?.candidates[0]?.id
    if (!candidate) throw new Error(`No candidate to look at: ${JSON.stringify(json?.error)}`)
    const commands = {
      floor: [empty],
      version: [program, '--version'],
      help: [program, '--help'],
      runs: [program, 'runs', '--json'],
      show: [program, 'show', candidate, '--json'],
      status: [program, 'status', '--json'],
      why: [program, 'why', 'src/price.js:3', '--json'],
      diff: [program, 'diff', candidate, '--json'],
    }
    const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
    for (let turn = 0; turn <= rounds; turn++)
      for (const [name, args] of Object.entries(commands)) {
        const started = performance.now()
        const { status, stderr } = spawnSync(process.execPath, args, { cwd: repository.path, env: repository.env, encoding: 'utf8' })
        if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`)
        if (turn > 0) times[name].push(performance.now() - started) // the first turn warms the disk
      }
    const files = Object.fromEntries(
      Object.entries(commands).map(([name, args]) => [name, countFiles(args, repository, mkdtempSync(join(folder, 'loaded-')))]),
    )
    const floor = median(times.floor)
    const ratios = Object.fromEntries(
      Object.entries(times)
        .filter(([name]) => name !== 'floor')
        .map(([name, values]) => [name, round(median(values) / floor)]),
    )
    return {
      rounds,
      floorMs: round(floor, 1),
      ratios,
      targets: TARGETS,
      met: Object.entries(TARGETS).every(([name, most]) => ratios[name] <= most),
    }
  })
