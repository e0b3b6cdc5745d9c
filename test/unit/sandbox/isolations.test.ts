import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Isolation, IsolationKind } from '../../../src/core/sandbox/index.ts'
import { createIsolation, seatbeltProfile, selectIsolation } from '../../../src/core/sandbox/machinery.ts'
import { createTurnstile } from '../../../src/core/sandbox/exclusive.ts'
import { fixFor } from '../../../src/core/sandbox/isolations/bubblewrap.ts'
import { headAndTail } from '../../../src/core/sandbox/isolations/output.ts'
import { sweepTemporary } from '../../../src/core/sandbox/isolations/temporary.ts'
import { mapPaths, mappingsOf } from '../../../src/core/sandbox/isolations/path-mapping.ts'
import { isolationDeps, jailRequest, temporaryFolder } from '../../support/isolation.ts'

/** Isolations as they are on this machine, with a PATH on which nothing is found where `absent`. */
function machine(stateDir: string, absent: boolean): (kind: IsolationKind) => Isolation {
  return (kind) => createIsolation(kind, isolationDeps(stateDir, absent ? { path: '/nonexistent' } : {}))
}

describe('which isolation a run gets', () => {
  const folder = temporaryFolder()
  const select = (absent: boolean, requested: 'auto' | IsolationKind, purpose: 'own-tests' | 'foreign', consent: boolean) =>
    selectIsolation({ requested, purpose, consent, platform: 'linux' }, machine(folder.path, absent))

  it('takes the jail where there is one, consent or not', async () => {
    for (const purpose of ['own-tests', 'foreign'] as const)
      for (const consent of [true, false]) {
        const found = await select(false, 'auto', purpose, consent)
        expect([found.isolation.kind, found.without]).toEqual(['bubblewrap', null])
      }
  })

  it('runs own tests without one only under the recorded consent', async () => {
    expect((await select(true, 'auto', 'own-tests', true)).without).toBe('consent')
    await expect(select(true, 'auto', 'own-tests', false)).rejects.toMatchObject({ code: 'ISOLATION_MISSING', exitCode: 6 })
  })

  it('runs foreign code without one only where it is spelled out', async () => {
    await expect(select(true, 'auto', 'foreign', true)).rejects.toMatchObject({ code: 'ISOLATION_MISSING', exitCode: 6 })
    await expect(select(true, 'bubblewrap', 'own-tests', true)).rejects.toMatchObject({ code: 'ISOLATION_MISSING' })
    expect((await select(true, 'none', 'foreign', false)).without).toBe('spelled_out')
  })

  it('says what to install', async () => {
    const error = (await select(true, 'auto', 'foreign', false).catch((caught: unknown) => caught)) as { hints: string[] }
    expect(error.hints.join('\n')).toMatch(/apt-get install bubblewrap[\s\S]*--isolation none/)
    expect(fixFor('bwrap: setting up uid map: Permission denied').join('\n')).toMatch(/apparmor|userns/)
    expect(fixFor('bwrap: Unknown option --disable-userns').join('\n')).toContain('0.8')
  })
})

describe('the seatbelt profile', () => {
  it('denies by default and names only the mounts', () => {
    const mounts = [
      { from: '/s/tree', to: '/repo', mode: 'rw' as const },
      { from: '/repo/node_modules', to: '/repo/node_modules', mode: 'ro' as const },
    ]
    const text = seatbeltProfile(jailRequest(['x'], { mounts }), mappingsOf(mounts))
    expect(text).toContain('(deny default)')
    expect(text).toContain('(allow file-write* (subpath "/s/tree"))')
    expect(text).toContain('(allow file-read* (subpath "/repo/node_modules"))')
    expect(text).not.toContain('(allow file-write* (subpath "/repo')
    expect(text).not.toMatch(/\(allow network\*\)$/m)
    expect(seatbeltProfile(jailRequest(['x'], { network: 'host' }), [])).toMatch(/\(allow network\*\)$/m)
  })

  it('cannot be broken out of by a name', () => {
    const text = seatbeltProfile(jailRequest(['x'], { mounts: [{ from: '/a")) (allow default) ("', to: '/x', mode: 'ro' }] }), [])
    expect(text).toContain('"/a\\")) (allow default) (\\""')
  })
})

describe('paths without mounts', () => {
  const mappings = mappingsOf([
    { from: '/s/tree', to: '/repo', mode: 'rw' },
    { from: '/s/out', to: '/out', mode: 'rw' },
    { from: '/repo/node_modules', to: '/repo/node_modules', mode: 'ro' },
    { from: '/layer', to: '/repo/sub', mode: 'ro' },
  ])

  it('maps whole paths only', () => {
    expect(mapPaths('/out/x', mappings)).toBe('/s/out/x')
    expect(mapPaths('--outputFile=/out/t.json:/repo', mappings)).toBe('--outputFile=/s/out/t.json:/s/tree')
    expect(mapPaths('/output /a/out /repository /repo.x', mappings)).toBe('/output /a/out /repository /repo.x')
    expect(mapPaths('/repo/sub/x', mappings)).toBe('/s/tree/sub/x')
  })

  it('comes back to where it was', () => {
    const word = fc.constantFrom('/repo', '/out', '/repo/a', ' ', ':', '=', 'x', '"')
    fc.assert(
      fc.property(
        fc.array(word).map((words) => words.join(' ')),
        (text) => mapPaths(mapPaths(text, mappings), mappings, 'toJail') === text,
      ),
    )
  })
})

describe('without isolation', () => {
  it('says so when a command touches the git directory or the checkout', async () => {
    const folder = temporaryFolder()
    const gitDir = join(folder.path, 'git')
    mkdirSync(join(gitDir, 'hooks'), { recursive: true })
    writeFileSync(join(gitDir, 'config'), '[core]\n')
    writeFileSync(join(gitDir, 'HEAD'), 'ref: refs/heads/main\n')
    const isolation = createIsolation('none', isolationDeps(join(folder.path, 'state'), { guarded: { gitDirs: [gitDir] } }))
    const packed = '# pack-refs\n1234 refs/heads/packed\n'
    writeFileSync(join(gitDir, 'packed-refs'), packed)
    // looking moves the index, a fetch in the background other references, packing none
    const harmless = `cd ${gitDir}; echo y > index; mkdir -p refs/heads refs/tags refs/remotes; echo 1 > refs/tags/v1; echo 1 > refs/remotes/x`
    await isolation.run(jailRequest(['sh', '-c', `${harmless}; echo 1234 > refs/heads/packed; : > packed-refs`]))
    for (const file of ['hooks/post-commit', 'config', 'objects/info/alternates', 'worktrees/w/gitdir', 'HEAD', 'refs/heads/packed'])
      await expect(
        isolation.run(jailRequest(['sh', '-c', `mkdir -p "$(dirname ${gitDir}/${file})"; echo evil >> ${gitDir}/${file}`])),
      ).rejects.toMatchObject({
        code: 'ISOLATION_BREACHED',
        data: { changed: [join(gitDir, file)] },
      })

    const workTree = join(folder.path, 'checkout')
    mkdirSync(join(workTree, 'src'), { recursive: true })
    mkdirSync(join(workTree, 'node_modules'))
    writeFileSync(join(workTree, 'src/a.js'), '1')
    const watching = createIsolation('none', isolationDeps(join(folder.path, 'state'), { guarded: { gitDirs: [], workTree } }))
    await watching.run(jailRequest(['sh', '-c', `cat ${workTree}/src/a.js; touch ${workTree}/node_modules/cache`]))
    for (const [file, script] of [
      ['src/a.js', 'touch -r src/a.js "$HOME/when"; printf 2 > src/a.js; touch -r "$HOME/when" src/a.js'],
      ['src/new.js', 'echo > src/new.js'],
      ['src/a.js', 'rm src/a.js'],
    ])
      await expect(watching.run(jailRequest(['sh', '-c', `cd ${workTree}; ${script}`]))).rejects.toMatchObject({
        data: { changed: [join(workTree, file!)] },
      })
    folder.remove()
  })

  it('has a temporary home that is gone afterwards', async () => {
    const folder = temporaryFolder()
    const isolation = createIsolation('none', isolationDeps(folder.path))
    const home = (await isolation.run(jailRequest(['sh', '-c', 'touch "$HOME/x"; printf %s "$HOME"']))).stdout
    expect(home).toBe('/tmp/home') // shown as in the jail
    expect(readdirSync(folder.path)).toEqual([])
    folder.remove()
  })
})

describe('temporary folders', () => {
  it('of killed processes are removed, those of living ones stay', () => {
    const folder = temporaryFolder()
    const dead = spawnSync('true').pid
    for (const name of [`home-${dead}-a`, `scratch-${dead}-b`, `home-${process.pid}-c`, 'isolation.json'])
      mkdirSync(join(folder.path, name))
    sweepTemporary(folder.path)
    expect(readdirSync(folder.path).sort()).toEqual([`home-${process.pid}-c`, 'isolation.json'])
    folder.remove()
  })
})

describe('measuring alone', () => {
  it('never overlaps with another run, and shared runs do overlap', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), async (kinds) => {
        const turnstile = createTurnstile()
        let shared = 0
        let alone = 0
        let broken = false
        const body = (isAlone: boolean) => async (): Promise<void> => {
          if (isAlone) alone++
          else shared++
          broken ||= alone > 1 || (alone > 0 && shared > 0)
          await new Promise((resolve) => setImmediate(resolve))
          if (isAlone) alone--
          else shared--
        }
        await Promise.all(kinds.map((isAlone) => (isAlone ? turnstile.alone(body(true)) : turnstile.shared(body(false)))))
        return !broken
      }),
    )
  })
})

describe('output', () => {
  it('keeps head and tail within the limit', () => {
    expect(headAndTail(Buffer.from('short'), 10)).toBe('short')
    const text = headAndTail(Buffer.from('a'.repeat(100) + 'z'.repeat(100)), 40)
    expect(text).toBe(`${'a'.repeat(10)}\n... 160 bytes left out ...\n${'z'.repeat(30)}`)
  })
})
