// Start-up of the commands that only read, against an empty module, taken in turn so that drift hits all alike. The launcher
// around each of them counts the CPU time of the whole process tree.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRepository, median, program, root, round, singularity, timed, withFolder } from './common.mjs'

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
    const names = Object.keys(commands).filter((name) => name !== 'floor')
    // Once as the person's Node starts here, once without what the environment makes Node do (NODE_EXTRA_CA_CERTS doubles its start).
    const inherited = { ...repository, env: { ...process.env, ...repository.env } }
    const [usual, bare] = [inherited, repository].map((place) => {
      const starts = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
      for (let turn = 0; turn <= rounds; turn++)
        for (const [name, args] of Object.entries(commands)) {
          const each = timed([process.execPath, ...args], place)
          if (turn > 0) starts[name].push(each) // the first turn warms the disk
        }
      const medianOf = (name, what) => median(starts[name].map((each) => each[what]))
      const ratiosOf = (what) => Object.fromEntries(names.map((name) => [name, round(medianOf(name, what) / medianOf('floor', what))]))
      return { floorMs: round(medianOf('floor', 'wall'), 1), ratios: ratiosOf('wall'), cpuRatios: ratiosOf('cpu') }
    })
    return {
      rounds,
      ...usual,
      bare,
      extraCertificates: process.env.NODE_EXTRA_CA_CERTS !== undefined,
      files: Object.fromEntries(names.map((name) => [name, countFiles(commands[name], repository, mkdtempSync(join(folder, 'loaded-')))])),
      targets: TARGETS,
      met: Object.entries(TARGETS).every(([name, most]) => usual.ratios[name] <= most),
    }
  })
