import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readRecord } from '../../src/core/improvement/record.ts'
import { hangLimit } from '../../src/core/improvement/trials.ts'
import { GOOD_PATCH, type Playground, TINY, createPlayground, judge, patchOf } from '../cli/playground.ts'
import { NO_REQUEST, openApp } from '../support/app.ts'
import { toolchainModules } from '../support/toolchain.ts'

/** Counts the runs of the suite in this sandbox, and fails a test in those that are listed. */
const COUNTING = (where: string, failing: string): string =>
  [
    "import { existsSync, readFileSync, writeFileSync } from 'node:fs'",
    `const count = (existsSync('${where}') ? Number(readFileSync('${where}', 'utf8')) : 0) + 1`,
    `writeFileSync('${where}', String(count))`,
    `const failing = ${failing}`,
    '',
  ].join('\n')

const LIST = String(TINY['src/list.js'])
/** `has` is wrong in the listed runs of a sandbox. */
const wrongIn = (runs: string): string =>
  patchOf(
    'src/list.js',
    LIST,
    (text) =>
      COUNTING('counted-by-source', runs) + text.replace('list.indexOf(item) !== -1', 'list.includes(item) || failing.includes(count)'),
  )

// oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever the machine output holds
type Read = any

/** The candidate as it was handed in: a part of it that is kept afterwards is another one. */
async function judged(files: typeof TINY, patch: string): Promise<Read> {
  const place: Playground = createPlayground(files)
  if (String(files['.gitignore']).includes('node_modules')) symlinkSync(toolchainModules(), join(place.root, 'node_modules'))
  try {
    const answer = await judge(place, patch)
    const whole = answer.json.data?.candidates.find(({ parent }: Read) => parent === null)
    expect(whole, answer.stdout.slice(0, 3000) + answer.stderr.slice(0, 3000)).toBeDefined()
    return whole
  } finally {
    place.cleanup()
  }
}

const HAS_NOT = 'test/list.test.js::has not'

describe('a test that fails and then passes', () => {
  // run 1 fails, the two reruns pass: a mixed result. Runs 4 to 13 are the ten on the candidate.
  it('is flaky when ten more runs on the candidate pass', async () => {
    const { verdict, evidence, reasons } = await judged(TINY, wrongIn('[1]'))
    expect({ verdict, ...evidence.tests }, JSON.stringify(reasons)).toMatchObject({ verdict: 'keep', regressed: [], flaky: [HAS_NOT] })
  })

  it('is regressed when the tenth of them fails and the base is stable', async () => {
    const { verdict, evidence } = await judged(TINY, wrongIn('[1, 13]'))
    expect({ verdict, ...evidence.tests }).toMatchObject({ verdict: 'roll_back', regressed: [HAS_NOT], flaky: [] })
  })

  it('is flaky when the base fails in the tenth of its own ten runs as well', async () => {
    const own = String(TINY['test/list.test.js']).replace('has([1], 2), false)', 'has([1], 2), failing.includes(count))')
    const files = { ...TINY, 'test/list.test.js': COUNTING('counted-by-test', '[10]') + own }
    const { evidence } = await judged(files, wrongIn('[1]'))
    expect(evidence.tests).toMatchObject({ regressed: [], flaky: [HAS_NOT] })
  })
})

describe('a runner that breaks although no test failed', () => {
  /** The runner itself, not a test, ends with 1 in the listed runs on the candidate. */
  const breaking = (runs: string): typeof TINY => ({
    ...TINY,
    '.gitignore': 'node_modules\n',
    'package.json':
      '{ "name": "tiny", "type": "module", "scripts": { "test": "mocha --require ./runner.mjs test/*.js" }, "devDependencies": { "mocha": "11" } }\n',
    'runner.mjs': `${COUNTING('counted-by-runner', runs)}if (readFileSync('src/list.js', 'utf8').includes('includes') && failing.includes(count)) process.on('exit', () => (process.exitCode = 1))\n`,
    'test/list.test.js':
      "import assert from 'node:assert/strict'\nimport { has } from '../src/list.js'\nit('has', () => assert.ok(has([1], 1)))\nit('has not', () => assert.ok(!has([1], 2)))\n",
  })
  const patch = patchOf('src/list.js', LIST, (text) => text.replace('list.indexOf(item) !== -1', 'list.includes(item)'))

  it('is asked again: a run that is whole tells', async () => {
    expect(await judged(breaking('[1]'), patch)).toMatchObject({ verdict: 'keep', evidence: { tests: { regressed: [] } } })
  })

  it.each(['[1, 2]', '[1, 3]'])('gives no verdict when it breaks again: runs %s', async (runs) => {
    expect(await judged(breaking(runs), patch)).toMatchObject({
      verdict: null,
      state: 'errored',
      reasons: [{ detail: expect.stringContaining('although no test failed') }, {}],
    })
  })
})

describe('the limit of a run', () => {
  it('is never below three times the time of the base, which ended', () => {
    expect(hangLimit({ timeoutMs: 600_000 }, { wallMs: 100 })).toBe(15_000)
    expect(hangLimit({ timeoutMs: 600_000 }, { wallMs: 100_000 })).toBe(300_000)
    expect(hangLimit({ timeoutMs: 10_000 }, { wallMs: 8_000 })).toBe(24_000)
    expect(hangLimit({ timeoutMs: 4_000 }, { wallMs: 100 })).toBe(4_000)
  })
})

describe('a machine on which the base fails as well by now', () => {
  const files = {
    ...TINY,
    '.gitignore': 'machine.txt\n',
    '.singularity/config.json': '{ "sandbox": { "include": ["machine.txt"] } }\n',
    'test/machine.test.js': [
      "import assert from 'node:assert/strict'",
      "import { readFileSync } from 'node:fs'",
      "import { it } from 'node:test'",
      "import '../src/list.js'",
      "it('answers', () => assert.equal(readFileSync('machine.txt', 'utf8'), 'calm'))\n",
    ].join('\n'),
  }
  const ANSWERS = 'test/machine.test.js::answers'

  /** The machine is calm until the candidate is looked at. */
  async function judgedLate(patch: string): Promise<Read> {
    const place = createPlayground(files)
    const app = openApp(place, {})
    const machine = join(place.root, 'machine.txt')
    writeFileSync(machine, 'calm')
    try {
      const service = await app.improvement()
      const { signal } = new AbortController()
      const request = { ...NO_REQUEST, patch: { name: 'p', bytes: Buffer.from(patch) }, dryRun: true }
      const { data } = await service.improve(request, ({ type }) => type === 'candidate' && writeFileSync(machine, 'busy'), signal, signal)
      const [candidate] = data.candidates
      const { evidence } = readRecord(join(place.root, '.git/singularity/records', `${data.run.id}.json.gz`)).candidates[0]!
      return { ...candidate, recorded: evidence.tests, replayed: await service.replay(candidate!.id, {}) }
    } finally {
      await app.close()
      place.cleanup()
    }
  }

  it('decides nothing by such a test, and says so; the record decides the same', async () => {
    const { verdict, reasons, recorded, replayed } = await judgedLate(GOOD_PATCH)
    expect({ verdict, recorded, replayed }, JSON.stringify(reasons)).toMatchObject({
      verdict: 'cannot_decide',
      recorded: { regressed: [], base_fails: [ANSWERS] },
      replayed: { ok: true, verdicts: [{ recorded: 'cannot_decide', now: 'cannot_decide' }] },
    })
    expect(reasons[0]).toEqual({ code: 'base_fails', detail: `the unchanged code fails them now, too: ${ANSWERS}` })
  })

  it('still rolls back what only the candidate breaks', async () => {
    const wrong = patchOf('src/list.js', LIST, (text) => text.replace('list.indexOf(item) !== -1', 'list.includes(list)'))
    const { verdict, recorded } = await judgedLate(wrong)
    expect({ verdict, recorded }).toMatchObject({
      verdict: 'roll_back',
      recorded: { regressed: ['test/list.test.js::has'], base_fails: [ANSWERS] },
    })
  })
})
