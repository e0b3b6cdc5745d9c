import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hasTerminal, openTerminal } from '../support/terminal.ts'
import { type Playground, TINY, createPlayground } from './playground.ts'

/** Three candidates of three rules. */
const THREE = {
  ...TINY,
  'src/list.js': `${String(TINY['src/list.js'])}\nexport function square(value) {\n  return Math.pow(value, 2)\n}\n`,
  'test/list.test.js': `${String(TINY['test/list.test.js']).replace('{ has, last }', '{ has, last, square }')}test('square', () => assert.equal(square(3), 9))\n`,
}
const RULES = ['js/prefer-at', 'js/prefer-includes', 'js/prefer-exponent'].flatMap((rule) => ['--rule', rule])

describe.skipIf(!hasTerminal)(`on a terminal${hasTerminal ? '' : ' (skipped: script of util-linux is missing)'}`, () => {
  let place: Playground
  beforeEach(() => {
    place = createPlayground(THREE)
  })
  afterEach(() => place.cleanup())

  const states = async (): Promise<string[]> => {
    const [run] = (await place.run(['runs'])).json.data.runs as { id: string }[]
    return ((await place.run(['show', run!.id])).json.data.candidates as { state: string }[]).map(({ state }) => state)
  }

  it('each kept candidate is asked for: diff, yes, no; Ctrl-C leaves the rest waiting, exit 130', async () => {
    const terminal = openTerminal(place, ['improve', ...RULES])
    await terminal.sees(/\d+ tests so far/)
    await terminal.sees('3 candidates: 3 kept')
    await terminal.sees('[y]es, [n]o, [d]iff, [a]ll, [q]uit:')
    terminal.type('what\n')
    await terminal.sees('[y]es, [n]o')
    terminal.type('d\n')
    await terminal.sees(/^\+ {2}return /m)
    await terminal.sees('[y]es, [n]o')
    terminal.type('y\n')
    await terminal.sees(/landed [0-9a-f]{12} on work /)
    await terminal.sees('[y]es, [n]o')
    terminal.type('n\n')
    await terminal.sees('declined c')
    await terminal.sees('[y]es, [n]o')
    terminal.type('\u0003')
    await terminal.sees('1 still waits for you: singularity inbox')
    expect(await terminal.done).toBe(130)
    expect((await states()).toSorted()).toEqual(['awaiting_approval', 'declined', 'landed'])
    expect(place.git('log', '--format=%s', 'work').split('\n')).toHaveLength(2)
  })

  it('Ctrl-C once while the train rides: what is decided is kept and waits, exit 130; the same command goes on', async () => {
    const terminal = openTerminal(place, ['improve', ...RULES, 'src'])
    await terminal.sees('train: ')
    terminal.type('\u0003')
    await terminal.sees('Stopping: what is decided is kept')
    await terminal.sees('waiting for you')
    await terminal.sees(`singularity improve src ${RULES.join(' ')}`)
    expect(await terminal.done).toBe(130)
    expect(terminal.text()).not.toContain('[y]es')
    expect(await states()).toContain('awaiting_approval')
    expect(place.git('worktree', 'list').split('\n')).toHaveLength(1)
    expect((await place.run(['inbox'])).json.data.candidates[0].candidate).toMatchObject({ verdict: 'keep', state: 'awaiting_approval' })
  })

  it('all lands the rest, exit 0; lines fit the terminal', async () => {
    const terminal = openTerminal(place, ['improve', ...RULES], { columns: 70 })
    await terminal.sees('[y]es, [n]o')
    terminal.type('a\n')
    expect(await terminal.done).toBe(0)
    expect(await states()).toEqual(['landed', 'landed', 'landed'])
    expect(place.git('status', '--porcelain')).toBe('')
    const table = terminal
      .text()
      .split('\n')
      .filter((line) => /^ {2}keep +c/.test(line))
    expect(table.length).toBeGreaterThanOrEqual(3)
    expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(70)
  })

  it('nothing is asked with --no-input or in CI; NO_COLOR prints no colour', async () => {
    const terminal = openTerminal(place, ['improve', ...RULES, '--no-input'], { env: { NO_COLOR: '1' } })
    expect(await terminal.done).toBe(4)
    expect(terminal.text()).not.toContain('[y]es')
    // oxlint-disable-next-line no-control-regex -- looking for colours is the purpose
    expect(terminal.raw()).not.toMatch(/\u001b\[\d+(?:;\d+)*m/)
    const asked = openTerminal(place, ['inbox'])
    await asked.sees('3 wait for you')
    asked.type('q')
    expect(await asked.done).toBe(0)
    const listed = openTerminal(place, ['inbox', '--limit', '2', '--search', "a'b c"], { env: { CI: '1' } })
    expect(await listed.done).toBe(0)
    expect(listed.text()).toContain('Nothing waits for you.')
    const paged = openTerminal(place, ['inbox', '--limit', '2', '--search', 'Use '], { env: { CI: '1' } })
    expect(await paged.done).toBe(4)
    expect(paged.text()).toMatch(/singularity inbox --limit 2 --search 'Use ' --cursor c\w+/)
  })
})
