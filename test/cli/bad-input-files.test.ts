import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  GOOD_PATCH,
  type Playground,
  TINY,
  candidateOf,
  createPlayground,
  expectProven,
  judge,
  patchAdding,
  patchOf,
  refuses,
} from './playground.ts'

const LFS_POINTER =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n'
const NEWLINE = 'docs/two\nlines \t"quoted".txt'
const LONG_LINE = `export const table = ${JSON.stringify('x'.repeat(1024 * 1024))}\nexport const first = table[0]\n`
const BINARY = Uint8Array.from({ length: 4096 }, (_value, index) => (index * 31) % 256)

describe('one repository with every kind of awkward file', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground({
      ...TINY,
      // not a bare `node --test`, which follows every link and gives up at a broken one
      'package.json': String(TINY['package.json']).replace('node --test', 'node --test test/*.test.js'),
      '.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n',
      'art/logo.psd': LFS_POINTER,
      'docs/größe-日本-🎉.md': 'text\n',
      [NEWLINE]: 'text\n',
      'src/-rf.js': 'export const dash = 1\n',
      'src/größe.js': 'export function letzte(liste) {\n  return liste[liste.length - 1]\n}\n',
      'test/größe.test.js':
        "import assert from 'node:assert/strict'\nimport { test } from 'node:test'\nimport { letzte } from '../src/größe.js'\ntest('letzte 🎉', () => assert.equal(letzte([1, 2]), 2))\n",
      'src/table.js': LONG_LINE,
      'assets/noise.bin': BINARY,
      'Readme.md': 'one\n',
      'README.md': 'two\n',
      'links/outside': { link: '/etc/hostname' },
      'links/above': { link: '../../beside' },
      'links/nowhere': { link: 'missing' },
      'links/inside': { link: '../src' },
    })
    mkdirSync(join(place.folder, 'beside'))
    const library = join(place.folder, 'library')
    mkdirSync(library)
    const git = (cwd: string, ...args: string[]): string =>
      execFileSync('git', args, { cwd, env: { ...process.env, ...place.env }, encoding: 'utf8' })
    git(library, 'init', '--quiet')
    writeFileSync(join(library, 'lib.js'), 'export function tail(list) {\n  return list[list.length - 1]\n}\n')
    git(library, 'add', '.')
    git(library, '-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '--quiet', '-m', 'start')
    place.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'vendor/library')
    place.commit('chore: a submodule')
  })
  afterAll(() => place.cleanup())

  it('is looked through by the rules, and only ordinary source files are candidates', async () => {
    const before = place.frozen()
    const answer = await place.run(['improve', '--source', 'rules', '--rule', 'js/prefer-at', '--dry-run'])
    const files = (answer.json.data?.candidates ?? []).flatMap((candidate: { files: string[] }) => candidate.files)
    expect({ exitCode: answer.exitCode, files: files.toSorted() }, answer.stdout.slice(0, 3000)).toEqual({
      exitCode: 0,
      files: ['src/größe.js', 'src/list.js'],
    })
    expect(place.frozen()).toEqual(before)
  })

  it('does not stop a patch elsewhere', async () => {
    expectProven(await judge(place, GOOD_PATCH), 4)
  })

  it('lets a patch change a line beside one of a megabyte', async () => {
    const patch = patchOf('src/table.js', LONG_LINE, (text) => text.replace('table[0]', 'table.charAt(0)'))
    const candidate = candidateOf(await judge(place, patch))
    expect({ verdict: candidate.verdict, codes: candidate.reasons.map(({ code }: { code: string }) => code) }).toEqual({
      verdict: 'cannot_decide',
      codes: ['no_control', 'unexercised'],
    })
  })

  it('lets a patch change a binary file and one with a newline in its name', async () => {
    writeFileSync(
      join(place.root, 'assets/noise.bin'),
      BINARY.map((byte) => byte ^ 1),
    )
    writeFileSync(join(place.root, NEWLINE), 'other text\n')
    // not through the helper that trims: a binary patch ends with an empty line
    const patch = execFileSync('git', ['diff', '--binary'], { cwd: place.root, env: place.env })
    place.git('checkout', '--quiet', '.')
    const candidate = candidateOf(await judge(place, patch))
    expect(candidate.files.toSorted()).toEqual(['assets/noise.bin', NEWLINE])
    expect(candidate.evidence.tests.regressed).toEqual([])
    expect(candidate.state).not.toBe('errored')
  })

  it('does not follow a symbolic link that a patch adds and that leaves the tree', async () => {
    const outside = join(place.folder, 'outside.txt')
    writeFileSync(outside, 'mine\n')
    const answer = await judge(place, patchAdding('src/escape', outside, '120000'))
    const candidate = candidateOf(answer)
    expect(answer.exitCode).toBe(1)
    expect(candidate).toMatchObject({
      verdict: 'roll_back',
      state: 'rejected',
      reasons: [{ code: 'contract', detail: expect.stringContaining('symlink_leaves_tree') }],
    })
    expect(readFileSync(outside, 'utf8')).toBe('mine\n')
  })

  it('does not write through a link to a file outside', async () => {
    const patch = `diff --git a/links/above/etc.txt b/links/above/etc.txt\nnew file mode 100644\n--- /dev/null\n+++ b/links/above/etc.txt\n@@ -0,0 +1,1 @@\n+written\n`
    await refuses(place, ['improve', '--patch', '-', '--dry-run'], 'PATCH_INVALID', 2, { input: patch })
  })

  it('judges a patch that adds a name differing in case only', async () => {
    const candidate = candidateOf(await judge(place, patchAdding('src/List.js', 'export const other = 1\n')))
    expect(candidate).toMatchObject({
      verdict: 'roll_back',
      state: 'rejected',
      reasons: [{ code: 'contract', detail: expect.stringContaining('name_clash') }],
    })
  })
})
