import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoadedFile, loadedFiles } from '../support/loaded-files.ts'
import { PROGRAM, type Playground, createPlayground } from './playground.ts'

let place: Playground
beforeAll(() => {
  place = createPlayground()
})
afterAll(() => place.cleanup())

type Said = { exitCode: number | null; stdout: string; stderr: string }

function say(args: readonly string[], env: Record<string, string> = {}): Said {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: place.root,
    env: { ...place.env, ...env },
    encoding: 'utf8',
  })
  return { exitCode: status, stdout, stderr }
}

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { examples?: string[]; summary?: string; flags: Record<string, { env?: string }> }>
}

describe('a command line that is not understood', () => {
  const wrong: [string, string[], string, string[]][] = [
    ['an unknown flag', ['improve', '--bogus'], 'improve', ['singularity improve --help']],
    ['a flag with a typing error', ['improve', '--dryrun'], 'improve', ['singularity improve --dry-run', 'singularity improve --help']],
    ['an unknown flag of a command of two words', ['rules', 'list', '--bogus'], 'rules.list', ['singularity rules list --help']],
    ['a value that is not a choice', ['runs', '--color=pink'], 'runs', ['singularity runs --help']],
    ['a missing argument', ['show'], 'show', ['singularity show --help']],
    ['an argument too many', ['runs', 'more'], 'runs', ['singularity runs --help']],
    ['a command with a typing error', ['imrpove'], 'help', ['singularity improve']],
    ['a second word with a typing error', ['rules', 'lst'], 'help', ['singularity rules list']],
    ['an unknown command', ['frobnicate'], 'help', ['singularity --help']],
    ['help for an unknown command', ['help', 'frobnicate'], 'help', ['singularity --help']],
  ]
  it.each(wrong)('%s: exit 2 for people, a line and what to type', (_name, args, _command, hints) => {
    const { exitCode, stdout, stderr } = say(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr.split('\n').filter((line) => line.startsWith('  -> '))).toEqual(hints.map((hint) => `  -> ${hint}`))
  })

  it.each(wrong)('%s: exit 2 for machines, one small envelope', (_name, args, command, hints) => {
    const { exitCode, stdout, stderr } = say([...args, '--json'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '' })
    expect(stdout.length).toBeLessThan(600)
    expect(JSON.parse(stdout)).toEqual({
      schema: `singularity.${command}/1`,
      ok: false,
      error: { code: 'USAGE', kind: 'usage', message: expect.any(String), hints, docs: 'docs/errors.md#usage' },
    })
  })

  it('names nothing of the home folder', () => {
    expect(say(['improve', '--bogus', '--json']).stdout).not.toContain(place.folder)
  })

  it('suggests and does not run: nothing is looked at', () => {
    const before = place.frozen()
    expect(say(['improv']).stderr).toContain('singularity improve')
    expect(place.frozen()).toEqual(before)
  })

  it.each([
    [['improve', '--max', 'x'], '--max takes a whole number, not "x".'],
    [['improve', '--max'], '--max needs a value.'],
    [['improve', '--source', 'foo'], '--source takes one of rules, fixers, not "foo".'],
    [['runs', '--wat'], 'There is no flag --wat here.'],
    [['show', 'a', 'b'], 'Unexpected argument: b'],
  ])('says what was wrong with %j in its own words', (words, sentence) => {
    expect(say(words)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`error USAGE ${sentence}\n`) })
  })

  it('strips control characters from what was typed', () => {
    expect(say(['\u001b[2Jrm']).stderr).not.toContain('\u001b')
  })
})

describe('what every command shares', () => {
  it.each(['1', 'true', 'yes'])('SINGULARITY_JSON=%s is --json, for answers and for errors', (value) => {
    expect(JSON.parse(say(['runs'], { SINGULARITY_JSON: value }).stdout)).toEqual({
      schema: 'singularity.runs/1',
      ok: true,
      data: { runs: [] },
    })
    expect(JSON.parse(say(['rnus'], { SINGULARITY_JSON: value }).stdout).error.hints).toEqual(['singularity runs'])
  })

  it('takes the common flags before the name too', () => {
    expect(say(['--json', '--quiet', 'runs']).stdout).toBe(say(['runs', '--json']).stdout)
  })

  it('does not take what stands after -- for a flag', () => {
    const { exitCode, stdout, stderr } = say(['runs', '--', '--json'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain('Unexpected argument')
  })

  it('colours when asked to, also what cannot be parsed, and never with NO_COLOR', () => {
    expect(say(['runs', '--bogus', '--color=always']).stderr).toContain('\u001b[31m')
    expect(say(['runs', '--bogus']).stderr).not.toContain('\u001b')
    expect(say(['runs', '--bogus'], { NO_COLOR: '1', FORCE_COLOR: '1' }).stderr).not.toContain('\u001b')
  })

  it('answers the version with and without the fast lane', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }
    expect(say(['--version'])).toEqual({ exitCode: 0, stdout: `singularity ${version}\n`, stderr: '' })
    expect(say(['--version', '--quiet']).stdout).toBe(`singularity ${version}\n`)
    const full = JSON.parse(say(['version', '--json']).stdout)
    expect(full).toMatchObject({ schema: 'singularity.version/1', ok: true, data: { version } })
    expect(JSON.parse(say(['--version', '--json']).stdout)).toEqual(full)
  })

  it('stops quietly when nobody reads any more', async () => {
    const child = spawn(process.execPath, [PROGRAM, '--help'], { cwd: place.root, env: place.env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    const talk: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => talk.push(chunk))
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, talk: Buffer.concat(talk).toString() }).toEqual({ code: 0, talk: '' })
  })
})

describe('help', () => {
  it.each([[['help']], [['--help']], [['-h']]])('%j lists every command', (args) => {
    const { exitCode, stdout } = say(args)
    expect(exitCode).toBe(0)
    for (const id of Object.keys(manifest.commands).filter((each) => !each.includes(':')))
      expect(stdout).toMatch(new RegExp(`^  ${id}\\b`, 'm'))
  })

  it.each(Object.keys(manifest.commands))('%s: the same by every way of asking, with an example', (id) => {
    const words = id.split(':')
    const { exitCode, stdout } = say(['help', ...words])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('EXAMPLE')
    expect(say([...words, '--help']).stdout).toBe(stdout)
    expect(say([...words, '-h']).stdout).toBe(stdout)
  })

  it('a group alone shows its commands; a machine is told to add a word', () => {
    expect(say(['rules'])).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('rules list') })
    const { exitCode, stdout } = say(['rules', '--json'])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout).error.hints).toEqual(
      Object.keys(manifest.commands)
        .filter((id) => id.startsWith('rules:'))
        .map((id) => `singularity ${id.replace(':', ' ')}`),
    )
  })
})

describe('the manifest', () => {
  it.each(Object.entries(manifest.commands))('%s has a summary, examples, and a twin in the environment for every flag', (_id, command) => {
    expect(command.summary).toBeTruthy()
    expect(command.examples?.length).toBeGreaterThan(0)
    for (const [name, flag] of Object.entries(command.flags)) expect(flag.env, name).toMatch(/^SINGULARITY_[A-Z_]+$/)
  })
})

describe('what is loaded', () => {
  const loaded = (args: readonly string[]): LoadedFile[] => loadedFiles([PROGRAM, ...args], { cwd: place.root, env: place.env })
  const HEAVY = /^\/\/ .*node_modules\/(?:ink|react|react-reconciler|yoga-layout|ajv|yaml|fast-xml-parser|@ast-grep\/napi)\//m
  const heavy = (files: LoadedFile[]): string[] =>
    files.filter(({ file, text }) => /node_modules\/(?:@ast-grep|react|tree-sitter)/.test(file) || HEAVY.test(text)).map(({ file }) => file)

  it('--version loads one file', () => {
    expect(loaded(['--version']).map(({ file }) => file)).toEqual([PROGRAM])
  })

  it.each(['runs', 'status'])('%s is read from one file of ours', (words) => {
    const files = loaded(words.split(' '))
    expect(heavy(files)).toEqual([])
    expect(files.filter(({ file }) => file.startsWith(join(PROGRAM, '..', '..', 'dist'))).map(({ file }) => basename(file))).toEqual([
      'read.js',
    ])
    expect(files.map(({ text }) => text).join('')).not.toMatch(
      /^\/\/ (?:src\/core\/improvement\/run\.ts|src\/ui\/|.*node_modules\/(?:execa|simple-git)\/)/m,
    )
  })

  it('search is answered from one file of ours, and by what reads a file where there is no index', () => {
    const files = loaded(['search', 'price', '--no-index'])
    expect(heavy(files)).toEqual([])
    const names = files.filter(({ file }) => file.startsWith(join(PROGRAM, '..', '..', 'dist'))).map(({ file }) => basename(file))
    expect(names).toContain('search.js')
    expect(names).not.toContain('cli.js')
    expect(files.map(({ text }) => text).join('')).not.toMatch(/^\/\/ src\/(?:core\/(?:improvement\/run|queue\/worker)\.ts|ui\/)/m)
  })

  it('config list loads no screen, no parser and no other command', () => {
    const files = loaded(['config', 'list'])
    expect(heavy(files)).toEqual([])
    const others = files
      .flatMap(({ text }) => [...text.matchAll(/^\/\/ src\/commands\/([^_].*)$/gm)].map(([, file]) => file))
      .filter((file) => file !== 'config/list.ts')
    expect(others).toEqual([])
  })

  it('and this would be seen', () => {
    expect(heavy(loaded(['rules', 'test']))).not.toEqual([])
  })
})
