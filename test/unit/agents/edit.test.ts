import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EditOperation, type ReadFiles, openTransaction } from '../../../src/core/agents/edit.ts'
import { ToolFailure } from '../../../src/core/agents/failure.ts'
import { nearestRegion } from '../../../src/core/agents/match.ts'
import { checkPath, isDenied, readText, writeFileSafely } from '../../../src/core/agents/paths.ts'
import { findPatchText, operationsOfPatch } from '../../../src/core/agents/patch-text.ts'
import { findPlaceholder } from '../../../src/core/agents/placeholders.ts'
import { temporaryFolder } from '../../support/isolation.ts'

let folder: { path: string; remove(): void }
let reads: ReadFiles

beforeEach(() => {
  folder = temporaryFolder('singularity-edit-')
  reads = new Map()
})
afterEach(() => folder.remove())

const put = (path: string, text: string): void => {
  mkdirSync(join(folder.path, path, '..'), { recursive: true })
  writeFileSync(join(folder.path, path), text)
  reads.set(path, readText(folder.path, path)!.hash)
}
const get = (path: string): string => readFileSync(join(folder.path, path), 'utf8')
const apply = (...operations: EditOperation[]) => {
  const transaction = openTransaction(folder.path, reads, { longestRewrite: 150, paths: [] })
  for (const operation of operations) transaction.apply(operation)
  return transaction.commit()
}
const codeOf = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof ToolFailure) return error.code
    throw error
  }
  return 'none'
}
const messageOf = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('the ladder of a search and replace', () => {
  it('takes the exact unique place', () => {
    put('a.js', 'const a = 1\nconst b = 2\n')
    expect(apply({ kind: 'edit', path: 'a.js', old: 'b = 2', new: 'b = 3' })[0]!.level).toBe('exact')
    expect(get('a.js')).toBe('const a = 1\nconst b = 3\n')
  })

  it('refuses a text that stands twice, and names the lines', () => {
    put('a.js', 'f(1)\nf(2)\nf(1)\n')
    const twice = (): unknown => apply({ kind: 'edit', path: 'a.js', old: 'f(1)', new: 'f(3)' })
    expect(codeOf(twice)).toBe('AMBIGUOUS_MATCH')
    expect(messageOf(twice)).toContain('lines 1, 3')
    expect(get('a.js')).toBe('f(1)\nf(2)\nf(1)\n')
  })

  it('takes other white space inside the lines and at their ends', () => {
    put('a.py', 'def f(a,  b):\n    return a  +  b   \n')
    expect(apply({ kind: 'edit', path: 'a.py', old: 'def f(a, b):\n    return a + b', new: 'def f(a, b):\n    return b' })[0]!.level).toBe(
      'whitespace',
    )
    expect(get('a.py')).toBe('def f(a, b):\n    return b\n')
  })

  it('shifts a text with another indentation, and the new one with it', () => {
    put('a.py', 'class A:\n    def f(self):\n        if self.a:\n            return 1\n        return 2\n')
    const done = apply({ kind: 'edit', path: 'a.py', old: 'if self.a:\n    return 1', new: 'if self.b:\n    return 3' })
    expect(done[0]!.level).toBe('indentation')
    expect(get('a.py')).toBe('class A:\n    def f(self):\n        if self.b:\n            return 3\n        return 2\n')
  })

  it('refuses what is only similar, with the nearest region and its similarity', () => {
    put('a.js', 'function one() {\n  return 1\n}\nfunction two() {\n  return 2\n}\n')
    const wrong = (): unknown => apply({ kind: 'edit', path: 'a.js', old: 'function two() {\n  return 3\n}', new: 'x()' })
    expect(codeOf(wrong)).toBe('NO_MATCH')
    expect(messageOf(wrong)).toMatch(/lines 4-6, similarity 0\.\d\d:\nfunction two/)
    expect(nearestRegion(['a b', 'c d'], ['c e'])).toEqual({ at: 1, similarity: 0.5 })
  })

  it('keeps the line ends of a file', () => {
    put('a.js', 'a()\r\nb()\r\nc()\r\n')
    apply({ kind: 'edit', path: 'a.js', old: 'a()\nb()', new: 'a()\nd()' })
    expect(get('a.js')).toBe('a()\r\nd()\r\nc()\r\n')
  })

  it('refuses an edit that changes nothing or has nothing to look for', () => {
    put('a.js', 'a()\n')
    expect(codeOf(() => apply({ kind: 'edit', path: 'a.js', old: 'a()', new: 'a()' }))).toBe('NOTHING_CHANGED')
    expect(codeOf(() => apply({ kind: 'edit', path: 'a.js', old: '', new: 'b()' }))).toBe('NO_MATCH')
  })
})

describe('what an edit may not do', () => {
  it('touches a file that was not read, or that changed since', () => {
    put('a.js', 'a()\n')
    writeFileSync(join(folder.path, 'a.js'), 'b()\n')
    expect(codeOf(() => apply({ kind: 'edit', path: 'a.js', old: 'b()', new: 'c()' }))).toBe('CHANGED_SINCE_READ')
    reads.clear()
    expect(codeOf(() => apply({ kind: 'edit', path: 'a.js', old: 'b()', new: 'c()' }))).toBe('NOT_READ')
    expect(codeOf(() => apply({ kind: 'write', path: 'a.js', content: 'c()\n' }))).toBe('NOT_READ')
    expect(get('a.js')).toBe('b()\n')
  })

  it('makes a file parse worse than before', () => {
    put('a.js', 'function a() {\n  return 1\n}\n')
    expect(codeOf(() => apply({ kind: 'edit', path: 'a.js', old: 'return 1\n}', new: 'return (1\n' }))).toBe('SYNTAX')
    expect(codeOf(() => apply({ kind: 'write', path: 'new.ts', content: 'const a: = 1' }))).toBe('SYNTAX')
    put('broken.js', 'function ( {\nlet a = 1\n')
    expect(codeOf(() => apply({ kind: 'edit', path: 'broken.js', old: 'let a = 1', new: 'let a = 2' }))).toBe('none')
  })

  it.each([
    ['// ... rest of the code unchanged'],
    ['  # rest of the function'],
    ['/* existing code */'],
    ['// ...'],
    ['<!-- remaining content unchanged -->'],
    ['// existing implementation here'],
    ['{/* ... existing code ... */}'],
    ['...'],
    ['// (code unchanged)'],
    ['// your code here'],
  ])('leaves code out with %j', (line) => {
    put('a.js', 'a()\n')
    expect(findPlaceholder('a.js', 'a()\n', `a()\n${line}\n`)).toBe(line.trim())
    if (line !== '...') expect(codeOf(() => apply({ kind: 'edit', path: 'a.js', old: 'a()', new: `a()\n${line}` }))).toBe('PLACEHOLDER')
  })

  it.each([
    ['// remainder of the division'],
    ['// Existing code relies on this order'],
    ['// ...args are forwarded'],
    ['// the rest of the day'],
    ['f(...rest)'],
    ['// unchanged files are skipped'],
  ])('may say %j', (line) => {
    expect(findPlaceholder('a.js', '', line)).toBeNull()
  })

  it('may keep a placeholder that stood there, and an ellipsis of Python', () => {
    expect(findPlaceholder('a.js', 'a()\n// ...\n', 'b()\n// ...\n')).toBeNull()
    expect(findPlaceholder('a.py', '', 'class A:\n    ...\n')).toBeNull()
  })

  it('writes back what was hidden from the model', () => {
    put('a.js', 'const k = "abc"\n')
    expect(codeOf(() => apply({ kind: 'write', path: 'a.js', content: 'const k = "[hidden]"\n' }))).toBe('REDACTED')
  })

  it('rewrites a long file whole', () => {
    put('a.js', 'a()\n'.repeat(200))
    expect(codeOf(() => apply({ kind: 'write', path: 'a.js', content: 'b()\n' }))).toBe('TOO_LARGE')
  })

  it('leaves half a turn behind: nothing is written when one edit fails', () => {
    put('a.js', 'a()\n')
    const transaction = openTransaction(folder.path, reads, { longestRewrite: 150, paths: [] })
    transaction.apply({ kind: 'edit', path: 'a.js', old: 'a()', new: 'b()' })
    expect(codeOf(() => transaction.apply({ kind: 'edit', path: 'a.js', old: 'a()', new: 'c()' }))).toBe('NO_MATCH')
    expect(get('a.js')).toBe('a()\n')
  })

  it('leaves the paths of its task', () => {
    put('src/a.js', 'a()\n')
    const transaction = openTransaction(folder.path, reads, { longestRewrite: 150, paths: ['lib'] })
    expect(codeOf(() => transaction.apply({ kind: 'edit', path: 'src/a.js', old: 'a()', new: 'b()' }))).toBe('PATH_DENIED')
  })
})

describe('several edits of one turn', () => {
  it('build on each other, and on a new file', () => {
    put('a.js', 'a()\n')
    apply(
      { kind: 'edit', path: 'a.js', old: 'a()', new: 'b()' },
      { kind: 'edit', path: 'a.js', old: 'b()', new: 'c()' },
      { kind: 'write', path: 'lib/new.js', content: 'export const x = 1\n' },
    )
    expect([get('a.js'), get('lib/new.js')]).toEqual(['c()\n', 'export const x = 1\n'])
    // what was written counts as read
    expect(codeOf(() => apply({ kind: 'edit', path: 'lib/new.js', old: 'x = 1', new: 'x = 2' }))).toBe('none')
  })

  it('keep the executable bit', () => {
    put('run.sh', 'echo a\n')
    writeFileSafely(folder.path, 'run.sh', 'echo a\n', true)
    apply({ kind: 'edit', path: 'run.sh', old: 'echo a', new: 'echo b' })
    expect(readText(folder.path, 'run.sh')).toMatchObject({ text: 'echo b\n', executable: true })
  })
})

describe('paths of a model', () => {
  it.each([
    ['/etc/passwd', 'PATH_OUTSIDE'],
    ['../a', 'PATH_OUTSIDE'],
    ['a/../../b', 'PATH_OUTSIDE'],
    ['~/x', 'PATH_OUTSIDE'],
    ['C:/x', 'PATH_OUTSIDE'],
    ['a\\b', 'PATH_OUTSIDE'],
    ['a\0b', 'PATH_OUTSIDE'],
    ['', 'PATH_OUTSIDE'],
    ['.git/config', 'PATH_DENIED'],
    ['sub/.GIT/hooks/pre-commit', 'PATH_DENIED'],
    ['.singularity/config.json', 'PATH_DENIED'],
    ['.env', 'PATH_DENIED'],
    ['app/.env.local', 'PATH_DENIED'],
    ['deploy/server.pem', 'PATH_DENIED'],
    ['home/id_ed25519', 'PATH_DENIED'],
    ['.npmrc', 'PATH_DENIED'],
    ['secrets/tls.KEY', 'PATH_DENIED'],
  ])('refuses %j with %s', (path, code) => {
    expect(codeOf(() => checkPath(folder.path, path))).toBe(code)
    expect(codeOf(() => apply({ kind: 'write', path, content: 'x' }))).toBe(code)
  })

  it('refuses links, wherever they lead', () => {
    mkdirSync(join(folder.path, 'src'))
    symlinkSync('/etc', join(folder.path, 'out'))
    symlinkSync('src', join(folder.path, 'in'))
    symlinkSync('/etc/hosts', join(folder.path, 'src/link.js'))
    for (const path of ['out/hosts', 'in/a.js', 'src/link.js'])
      expect(codeOf(() => apply({ kind: 'write', path, content: 'x' }))).toBe('PATH_LINK')
  })

  it('takes what a repository has', () => {
    for (const path of ['src/a.js', './src/a.js', '.github/workflows/ci.yml', 'src/keyboard.ts', 'environment.ts', 'a..b/c'])
      expect(codeOf(() => checkPath(folder.path, path))).toBe('none')
    expect(isDenied('monkey.ts')).toBe(false)
  })

  it('refuses what is no text', () => {
    writeFileSync(join(folder.path, 'a.bin'), Buffer.from([1, 0, 2]))
    writeFileSync(join(folder.path, 'latin.txt'), Buffer.from([0xe9, 0x0a]))
    expect(codeOf(() => readText(folder.path, 'a.bin'))).toBe('NOT_TEXT')
    expect(codeOf(() => readText(folder.path, 'latin.txt'))).toBe('NOT_TEXT')
  })
})

describe('replace_symbol', () => {
  it.each([
    [
      'a.js',
      'export function f() {\n  return 1\n}\nf()\n',
      'f',
      'export function f() {\n  return 2\n}',
      'export function f() {\n  return 2\n}\nf()\n',
    ],
    ['a.js', 'export function f() {\n  return 1\n}\n', 'f', 'function f() {\n  return 2\n}', 'export function f() {\n  return 2\n}\n'],
    ['a.ts', 'const g = () => 1\nconst h = 2\n', 'g', 'const g = (): number => 2', 'const g = (): number => 2\nconst h = 2\n'],
    ['a.ts', 'class A {\n  m() {\n    return 1\n  }\n}\n', 'A.m', 'm() {\n  return 2\n}', 'class A {\n  m() {\n    return 2\n  }\n}\n'],
    ['a.ts', 'class A {\n  m() {\n    return 1\n  }\n}\n', 'm', '  m() {\n    return 2\n  }', 'class A {\n  m() {\n    return 2\n  }\n}\n'],
    [
      'a.py',
      'class A:\n    def m(self):\n        return 1\n\nx = 1\n',
      'A.m',
      'def m(self):\n    return 2',
      'class A:\n    def m(self):\n        return 2\n\nx = 1\n',
    ],
    [
      'a.go',
      'package a\n\nfunc (t *T) M() int {\n\treturn 1\n}\n',
      'T.M',
      'func (t *T) M() int {\n\treturn 2\n}',
      'package a\n\nfunc (t *T) M() int {\n\treturn 2\n}\n',
    ],
    ['a.c', 'int f(int a) {\n  return a;\n}\n', 'f', 'int f(int a) {\n  return a + 1;\n}', 'int f(int a) {\n  return a + 1;\n}\n'],
  ])('replaces a declaration in %s', (path, before, symbol, content, after) => {
    put(path, before)
    expect(apply({ kind: 'replace_symbol', path, symbol, content })[0]!.level).toBe('symbol')
    expect(get(path)).toBe(after)
  })

  it('refuses a symbol that is not there, with those that are, and one that is there twice', () => {
    put('a.ts', 'class A {\n  m() {}\n}\nclass B {\n  m() {}\n}\n')
    expect(messageOf(() => apply({ kind: 'replace_symbol', path: 'a.ts', symbol: 'x', content: 'x() {}' }))).toContain('A, A.m, B, B.m')
    expect(codeOf(() => apply({ kind: 'replace_symbol', path: 'a.ts', symbol: 'm', content: 'm() {}' }))).toBe('AMBIGUOUS_MATCH')
    put('a.txt', 'a\n')
    expect(codeOf(() => apply({ kind: 'replace_symbol', path: 'a.txt', symbol: 'a', content: 'b' }))).toBe('NO_MATCH')
  })
})

describe('patches that a model emits unasked', () => {
  it('become edits, writes and deletions: apply_patch', () => {
    put('a.js', 'one()\ntwo()\nthree()\n')
    put('old.js', 'x()\n')
    const text = [
      'Here it is:',
      '*** Begin Patch',
      '*** Update File: a.js',
      '@@ function',
      ' one()',
      '-two()',
      '+2()',
      '@@',
      '-three()',
      '+four()',
      '*** Add File: b/new.js',
      '+export const b = 1',
      '*** Delete File: old.js',
      '*** End Patch',
    ].join('\n')
    apply(...operationsOfPatch(findPatchText(text)!))
    expect([get('a.js'), get('b/new.js')]).toEqual(['one()\n2()\nfour()\n', 'export const b = 1\n'])
    expect(readText(folder.path, 'old.js')).toBeUndefined()
  })

  it('become edits without believing their line numbers: unified diff', () => {
    put('src/a.js', 'zero()\none()\ntwo()\nthree()\n')
    const text =
      '```diff\n--- a/src/a.js\n+++ b/src/a.js\n@@ -90,2 +90,2 @@\n one()\n-two()\n+2()\n--- /dev/null\n+++ b/n.js\n@@ -0,0 +1 @@\n+n()\n```\n'
    apply(...operationsOfPatch(findPatchText(text)!))
    expect([get('src/a.js'), get('n.js')]).toEqual(['zero()\none()\n2()\nthree()\n', 'n()\n'])
  })

  it('are refused where they are no patch', () => {
    expect(findPatchText('I would change a.js.')).toBeNull()
    expect(codeOf(() => operationsOfPatch('*** Begin Patch\n*** End Patch'))).toBe('PATCH_INVALID')
    expect(codeOf(() => operationsOfPatch('--- a/x\n+++ b/x\n@@ -1 +1 @@\n+only added\n'))).toBe('PATCH_INVALID')
    expect(codeOf(() => operationsOfPatch('*** Begin Patch\n*** Update File: a\n*** Move to: b\n*** End Patch'))).toBe('PATCH_INVALID')
  })
})
