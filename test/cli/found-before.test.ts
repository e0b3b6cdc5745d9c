import { afterEach, describe, expect, it } from 'vitest'
import { type Answer, type Playground, TINY, createPlayground } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

const RULE = ['improve', '--rule', 'js/prefer-includes']
const statesOf = (answer: Answer): string[] => answer.json.data.candidates.map(({ state }: { state: string }) => state)
const notesOf = (answer: Answer): string => answer.json.data.notes.join('\n')
const waiting = async (): Promise<string[]> =>
  (await place.run(['inbox'])).json.data.candidates.map(({ candidate }: { candidate: { id: string } }) => candidate.id)

describe('a change that an earlier run found', () => {
  it('is not asked twice; --retry asks again in its place', async () => {
    place = createPlayground()
    const first = await place.run(RULE)
    expect(statesOf(first), first.stdout).toEqual(['awaiting_approval'])
    const again = await place.run(RULE)
    expect({ states: statesOf(again), exitCode: again.exitCode }, again.stdout).toEqual({ states: [], exitCode: 0 })
    expect(notesOf(again)).toContain('1 candidate found before and waiting for you: singularity inbox')
    const retried = await place.run([...RULE, '--retry'])
    expect(statesOf(retried)).toEqual(['awaiting_approval'])
    const { id } = retried.json.data.candidates[0]
    expect(await waiting(), 'the new request stands for the old one').toEqual([id])
    const [old] = first.json.data.candidates
    expect((await place.run(['approve', old.id])).json.error?.code).toBe('STATE_CONFLICT')
    expect((await place.run(['approve', id])).json.data.state).toBe('landed')
    expect(await waiting()).toEqual([])
  })

  it('and undone is not offered again: a person took it back', async () => {
    place = createPlayground()
    const { id } = (await place.run([...RULE, '--yes'])).json.data.candidates[0]
    expect((await place.run(['undo', id, '--yes'])).json.data.state).toBe('undone')
    const again = await place.run([...RULE, '--yes'])
    expect({ states: statesOf(again), notes: notesOf(again) }).toEqual({
      states: [],
      notes: expect.stringContaining('1 candidate declined, rolled back or undone before'),
    })
    expect(statesOf(await place.run([...RULE, '--yes', '--retry']))).toEqual(['landed'])
  })

  it('is asked again by a run that may say yes', async () => {
    place = createPlayground()
    await place.run(RULE)
    expect(statesOf(await place.run([...RULE, '--yes']))).toEqual(['landed'])
    expect(await waiting()).toEqual([])
  })

  it('keeps waiting when the same change landed on a branch of another name', async () => {
    place = createPlayground()
    const { id } = (await place.run(RULE)).json.data.candidates[0]
    expect(statesOf(await place.run([...RULE, '--yes', '--into', 'release']))).toEqual(['landed'])
    expect(await waiting()).toEqual([id])
    expect((await place.run(['approve', id])).json.data).toMatchObject({ state: 'landed', landed_on: 'work' })
  })

  it('is approved and did not land: resume is named', async () => {
    place = createPlayground()
    const { id } = (await place.run(RULE)).json.data.candidates[0]
    place.write({ 'src/list.js': `${String(TINY['src/list.js'])}// mine\n` })
    expect((await place.run(['approve', id])).json.error?.code).toBe('LANDING_REFUSED')
    const again = await place.run([...RULE, '--yes'])
    expect({ states: statesOf(again), notes: notesOf(again) }, again.stdout).toEqual({
      states: [],
      notes: expect.stringContaining('1 candidate approved before and not landed yet: singularity resume'),
    })
  })

  it('does not land on a second branch while the first one waits to be merged', async () => {
    place = createPlayground()
    place.git('switch', '-qc', 'main')
    const branches = (): string[] => place.git('branch', '--list', 'singularity/*', '--format=%(refname:short)').split('\n').filter(Boolean)
    expect(statesOf(await place.run([...RULE, '--yes']))).toEqual(['landed'])
    const [branch] = branches()
    const again = await place.run([...RULE, '--yes'])
    expect(statesOf(again), again.stdout).toEqual([])
    expect(notesOf(again)).toContain(`1 candidate landed before on ${branch}, which is not merged yet`)
    expect(branches()).toEqual([branch])
    expect(statesOf(await place.run([...RULE, '--yes', '--into', 'other']))).toEqual(['landed'])
    place.git('branch', '-qD', branch!, 'other')
    expect(statesOf(await place.run([...RULE, '--yes']))).toEqual(['landed'])
  })
})
