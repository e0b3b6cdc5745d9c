import { posix, win32 } from 'node:path'
import { describe, expect, it } from 'vitest'
import { belowRoot, fromTop } from '../../../src/core/git/index.ts'

const typedOn = (style: typeof posix, root: string, prefix: string) => (typed: string) => {
  try {
    return fromTop({ root, prefix }, typed, style)
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('paths as users write them', () => {
  it('on POSIX: from the folder they stand in; a backslash is a letter', () => {
    const at = typedOn(posix, '/repo', 'packages/a/')
    expect(['src', './src/', '../b/x.ts', '/repo/packages', '/repo', '..', '../..'].map(at)).toEqual([
      'packages/a/src',
      'packages/a/src',
      'packages/b/x.ts',
      'packages',
      '',
      'packages',
      '',
    ])
    expect(at(String.raw`odd\name`)).toBe(String.raw`packages/a/odd\name`)
    expect(['../../..', '/repository/x', '/repo/../x', '../../../repo2'].map(at)).toEqual(['USAGE', 'USAGE', 'USAGE', 'USAGE'])
  })

  it('on Windows: either slash, any drive letter, letters of either case', () => {
    // git itself answers with slashes
    const at = typedOn(win32, 'C:/Users/me/Repo', 'packages/a/')
    expect(
      [
        String.raw`src\x.ts`,
        'src/x.ts',
        String.raw`..\b`,
        String.raw`C:\Users\me\Repo\src\x.ts`,
        'c:/users/ME/repo/src',
        'C:/Users/me/Repo',
      ].map(at),
    ).toEqual(['packages/a/src/x.ts', 'packages/a/src/x.ts', 'packages/b', 'src/x.ts', 'src', ''])
    expect(
      [String.raw`D:\Users\me\Repo\src`, String.raw`..\..\..`, String.raw`C:\Users\me\Repo2`, 'C:src', String.raw`\\server\share\x`].map(
        at,
      ),
    ).toEqual(['USAGE', 'USAGE', 'USAGE', 'USAGE', 'USAGE'])
  })

  it('a folder whose name begins with two dots lies inside', () => {
    expect(belowRoot('/repo', '/repo/..x/y', posix)).toBe('..x/y')
    expect(belowRoot('C:\\repo', 'C:\\repo\\..x\\y', win32)).toBe('..x/y')
    expect(belowRoot('/repo', '/repo', posix)).toBe('')
    expect(belowRoot('C:\\repo', 'D:\\state', win32)).toBeNull()
    expect(belowRoot('/repo', '/state', posix)).toBeNull()
  })
})
