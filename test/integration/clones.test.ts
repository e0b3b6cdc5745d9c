import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { GOOD_PATCH, TINY, candidateOf, createPlayground, refuses } from '../cli/playground.ts'

it('a run that was exported is approved, landed and undone in another clone', async () => {
  const [here, there] = [createPlayground(), createPlayground(null)]
  try {
    const { id } = candidateOf(await here.run(['improve', '--patch', '-'], { input: GOOD_PATCH }))
    const run = (await here.run(['runs'])).json.data.runs[0].id as string
    const folder = join(here.folder, 'exported')
    const frozen = here.frozen()
    expect((await here.run(['export', run, folder])).exitCode).toBe(0)
    expect(here.frozen()).toEqual(frozen)
    expect(readdirSync(folder).toSorted()).toEqual(['candidates.bundle', 'record.json.gz', 'run.json'])

    there.git('fetch', '--quiet', here.root, 'work:work')
    there.git('checkout', '--quiet', 'work')
    const before = there.frozen()
    expect((await there.run(['approve', id])).json.error?.code).toBe('NOT_FOUND')
    const taken = await there.run(['import', folder])
    expect(taken.json.data, taken.stdout).toMatchObject({ run, candidates: [{ id, state: 'awaiting_approval' }] })
    expect(there.frozen()).toEqual(before)
    expect((await there.run(['inbox'])).json.data.total).toBe(1)

    const landed = await there.run(['approve', id])
    expect(landed.json.data, landed.stdout).toMatchObject({ id, state: 'landed', verdict: 'keep' })
    expect(there.git('show', 'work:src/list.js')).toContain('list.includes(item)')
    expect(there.git('log', '-1', '--format=%(trailers:key=Singularity-Run,valueonly)', 'work').trim()).toBe(run)
    expect((await there.run(['why', 'src/list.js:6'])).json.data.candidate.candidate.id).toBe(id)
    expect((await there.run(['replay', run])).json.data.ok).toBe(true)
    expect((await there.run(['undo', id, '--yes'])).json.data.state).toBe('undone')
    expect(there.git('show', 'work:src/list.js')).toBe(String(TINY['src/list.js']).trimEnd())
    expect((await here.run(['show', id])).json.data.candidate.state).toBe('awaiting_approval')
  } finally {
    here.cleanup()
    there.cleanup()
  }
})

it('what was damaged on the way, or has no base here, is refused, and nothing is taken over', async () => {
  const [here, there] = [createPlayground(), createPlayground({ ...TINY, 'other.txt': 'another history\n' })]
  try {
    await here.run(['improve', '--patch', '-'], { input: GOOD_PATCH })
    const run = (await here.run(['runs'])).json.data.runs[0].id as string
    const folder = join(here.folder, 'exported')
    await here.run(['export', run, folder])
    await refuses(there, ['import', join(here.folder, 'nowhere')], 'USAGE', 2)
    await refuses(there, ['import', folder], 'RECORD_INVALID', 1)
    there.git('fetch', '--quiet', here.root, 'work:theirs')
    writeFileSync(join(folder, 'candidates.bundle'), readFileSync(join(folder, 'candidates.bundle')).subarray(0, -40))
    await refuses(there, ['import', folder], 'RECORD_INVALID', 1)
    expect((await there.run(['runs'])).json.data.runs).toEqual([])
  } finally {
    here.cleanup()
    there.cleanup()
  }
})

it('in a folder of a monorepo: its suites and those of its dependents run, paths are meant from there', async () => {
  const member = (name: string, dependencies: Record<string, string> = {}): string =>
    `${JSON.stringify({ name, version: '1.0.0', type: 'module', main: 'index.js', engines: { node: '>=20' }, scripts: { test: 'node --test' }, dependencies })}\n`
  const source = 'export function last(list) {\n  return list[list.length - 1]\n}\n'
  const suite = `import assert from 'node:assert/strict'\nimport { test } from 'node:test'\nimport { last } from './index.js'\ntest('last', () => assert.equal(last([1, 2]), 2))\n`
  const place = createPlayground({
    '.gitignore': 'node_modules\n',
    'package.json': '{ "name": "root", "private": true, "workspaces": ["packages/*"] }\n',
    ...Object.fromEntries(
      ['one', 'two'].flatMap((name) => [
        [`packages/${name}/package.json`, member(name)],
        [`packages/${name}/index.js`, source],
        [`packages/${name}/index.test.js`, suite],
      ]),
    ),
  })
  try {
    const scopes = (answer: { json: { data?: { plan: { entries: { scope: string }[] } } } }): string[] =>
      answer.json.data!.plan.entries.map(({ scope }) => scope).toSorted()
    const cwd = join(place.root, 'packages/one')
    const inFolder = await place.run(['improve', '.', '--rule', 'js/prefer-at', '--dry-run'], { cwd })
    expect(inFolder.json.data.candidates, inFolder.stdout.slice(0, 2000)).toMatchObject([
      { verdict: 'keep', files: ['packages/one/index.js'] },
    ])
    place.write({ '.singularity/config.json': '{ "plan": { "scope": ["packages/two"] } }' })
    const before = place.frozen()
    const scoped = await place.run(['improve', '--rule', 'js/prefer-at', '--dry-run', '--retry'])
    expect(scopes(scoped), scoped.stdout.slice(0, 2000)).toEqual(['packages/two'])
    expect(place.frozen()).toEqual(before)
    place.write({ '.singularity/config.json': null })
    const landed = await place.run(['improve', 'index.js', '--rule', 'js/prefer-at', '--yes'], { cwd })
    expect(landed.json.data.candidates, landed.stdout.slice(0, 2000)).toMatchObject([{ state: 'landed', files: ['packages/one/index.js'] }])
    expect(place.git('show', 'work:packages/two/index.js')).toBe(source.trimEnd())
  } finally {
    place.cleanup()
  }
})
