import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROGRAM } from './playground.ts'

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { flags: Record<string, { name: string; options?: string[] }> }>
}
const first = [...new Set(Object.keys(manifest.commands).map((id) => id.split(':')[0]!))].toSorted()

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-completion-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0

function script(shell: string): string {
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, 'completion', shell], { cwd: folder, encoding: 'utf8' })
  expect(status).toBe(0)
  const path = join(folder, `script.${shell}`)
  writeFileSync(path, stdout)
  return path
}

describe.skipIf(!has('bash'))('bash', () => {
  /** What bash offers after these words, asked of bash itself; --noprofile --norc keep the developer's own out. */
  function offered(...words: string[]): string[] {
    const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _singularity; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync('bash', ['--noprofile', '--norc', '-c', ask, 'bash', script('bash'), ...words], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    return stdout.split('\n').filter(Boolean).toSorted()
  }

  it('offers every command and group of the manifest', () => {
    expect(offered('singularity', '')).toEqual(first)
  })

  it.each([
    [['sgl', 'rul'], ['rules']],
    [
      ['singularity', 'rules', ''],
      ['list', 'show', 'test'],
    ],
    [['singularity', 'config', 'g'], ['get']],
    [['singularity', 'code', 'lang'], ['languages']],
    [['singularity', 'code', 'languages', 'add', '--off'], ['--offline']],
    [
      ['singularity', 'improve', '--source', ''],
      ['fixers', 'rules'],
    ],
    [['singularity', 'improve', '--source', '=', 'fi'], ['fixers']],
    [['singularity', 'improve', '--source', 'rules', '--isol'], ['--isolation']],
    [['singularity', 'rules', 'list', '--saf'], ['--safety']],
    [['singularity', 'improve', '--patch', ''], []],
    [['singularity', 'nonsense', ''], []],
  ])('%j -> %j', (words, expected) => {
    expect(offered(...words)).toEqual(expected)
  })

  it('offers every flag of every command', () => {
    for (const [id, { flags }] of Object.entries(manifest.commands)) {
      const given = offered('singularity', ...id.split(':'), '--')
      for (const name of Object.keys(flags)) expect(given, id).toContain(`--${name}`)
    }
  })

  it('is registered for both names', () => {
    const { stdout } = spawnSync(
      'bash',
      ['--noprofile', '--norc', '-c', 'source "$1"; complete -p singularity sgl', 'bash', script('bash')],
      { encoding: 'utf8' },
    )
    expect(stdout.trim().split('\n')).toHaveLength(2)
  })
})

describe.skipIf(!has('fish'))('fish', () => {
  it.each([
    ['singularity rul', ['rules']],
    ['singularity rules ', ['list', 'show', 'test']],
    ['singularity improve --source ', ['fixers', 'rules']],
    ['sgl improve --isol', ['--isolation']],
  ])('%s', (line, expected) => {
    const { stdout } = spawnSync('fish', ['--no-config', '-c', `source ${script('fish')}; complete -C '${line}'`], { encoding: 'utf8' })
    expect(
      stdout
        .split('\n')
        .filter(Boolean)
        .map((each) => each.split('\t')[0]!)
        .toSorted(),
    ).toEqual(expected)
  })
})

describe.skipIf(!has('zsh'))('zsh', () => {
  it('reads the script', () => {
    expect(spawnSync('zsh', ['-n', script('zsh')], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })
})

describe('every shell', () => {
  it.each(['zsh', 'fish'])('%s: names every command, and quotes what stands in a summary', (shell) => {
    const text = readFileSync(script(shell), 'utf8')
    for (const id of Object.keys(manifest.commands)) for (const word of id.split(':')) expect(text).toContain(word)
    expect(text.split("'").length % 2).toBe(1)
  })

  it('no other shell', () => {
    const { status, stdout } = spawnSync(process.execPath, [PROGRAM, 'completion', 'tcsh', '--json'], { cwd: folder, encoding: 'utf8' })
    expect({ status, code: JSON.parse(stdout).error.code }).toEqual({ status: 2, code: 'USAGE' })
  })
})
