import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Playground, createPlayground, refuses } from './playground.ts'

describe('command lines of improve that are not understood', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground()
  })
  afterAll(() => place.cleanup())

  it.each([
    ['a duration without a unit', ['--time-limit', '15']],
    ['a negative duration', ['--time-limit=-5m']],
    ['words as a duration', ['--time-limit', 'soon']],
    ['no candidates at all', ['--max', '0']],
    ['a part of a candidate', ['--max', '1.5']],
    ['an unknown source', ['--source', 'magic']],
    ['an unknown rule', ['--rule', 'no/such-rule']],
    ['an unknown isolation', ['--isolation', 'docker']],
    ['an unknown flag', ['--fast']],
    ['an unknown kind to fail on', ['--fail-on', 'landed']],
    ['two explicit candidates', ['--patch', '-', '--branch', 'work']],
    ['a source beside a patch', ['--patch', '-', '--source', 'rules']],
    ['a rule beside a program', ['--exec', 'true', '--rule', 'js/prefer-at']],
    ['two targets', ['--into', 'current', '--propose']],
    ['network for no program', ['--exec-net']],
    ['network and no network', ['--exec', 'true', '--exec-net', '--offline']],
    ['a variable that does not exist', ['--exec', 'true', '--exec-env', 'NO_SUCH_VARIABLE_HERE']],
    ['a metric without a command', ['--metric', 'size']],
    ['a metric without a name', ['--metric', '=wc -c < src/list.js']],
    ['a metric with a direction that is none', ['--metric', 'size[bytes,sideways]=wc -c < src/list.js']],
    ['a folder that is not there', ['no/such/folder']],
    ['a folder above the repository', ['../..']],
    ['a branch name git would not take', ['--into', 'not..a branch']],
    ['a program that is empty', ['--exec', '']],
    ['a test command that is empty', ['--test', '']],
  ])('%s', async (_name, args) => {
    const answer = await refuses(place, ['improve', ...args], 'USAGE', 2)
    expect(answer.stderr).toBe('')
    expect(answer.json.error!.message).not.toContain('    at ')
  })

  it('paths are meant from the folder one stands in', async () => {
    const answer = await place.run(['improve', 'list.js', '--source', 'rules', '--rule', 'js/prefer-at', '--dry-run', '--max', '1'], {
      cwd: `${place.root}/src`,
    })
    expect(answer.exitCode, answer.stdout).toBe(0)
    expect(answer.json.data.candidates).toMatchObject([{ files: ['src/list.js'] }])
    await refuses(place, ['improve', 'src/list.js', '--dry-run'], 'USAGE', 2, { cwd: `${place.root}/src` })
  })

  it('a flag that may be repeated takes one value: what follows is a path', async () => {
    const answer = await place.run([
      'improve',
      '--rule',
      'js/prefer-at',
      '--rule',
      'js/prefer-includes',
      'src/list.js',
      '--dry-run',
      '--max',
      '1',
    ])
    expect(answer.exitCode, answer.stdout).toBe(0)
    const files = (answer.json.data.candidates as { files: string[] }[]).map((each) => each.files)
    expect(files.length).toBeGreaterThan(0)
    expect(new Set(files.flat())).toEqual(new Set(['src/list.js']))
  })

  it('settings that are not valid, each named with its place', async () => {
    const answer = await refuses(place, ['improve'], 'CONFIG_INVALID', 2, { env: { SINGULARITY_REGRESSION_THRESHOLD: 'much' } })
    expect(answer.json.error!.message).toContain('SINGULARITY_REGRESSION_THRESHOLD')
    place.write({ '.singularity/config.json': '{ "plan": { "test": [' })
    const broken = await refuses(place, ['improve'], 'CONFIG_INVALID', 2)
    expect(broken.json.error!.message).toContain('.singularity/config.json')
    place.write({ '.singularity/config.json': null })
  })
})
