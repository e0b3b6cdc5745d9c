import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { file, openLanding } from '../support/landing.ts'
import { createRepository, type RepositorySnapshot } from '../support/repository.ts'

const PATHS = ['a.txt', 'b.txt', 'dir/c.txt', 'dir/d.txt', 'e', 'e/f.txt', 'new.txt', 'ünï code.txt'] as const
const START = { 'a.txt': 'a\n', 'b.txt': 'b\n', 'dir/c.txt': 'c\n', 'dir/d.txt': 'd\n', e: 'e\n' }

const path = fc.constantFrom(...PATHS)
const content = fc.constantFrom('x\n', 'yy\n', '', 'a\n')
const userEdit = fc.record({ path, content: fc.option(content, { nil: null }), stage: fc.boolean() })
const change = fc.record({ path, content: fc.option(content, { nil: null }) })

/** The same candidate never names a path twice, nor a file and something below it. */
const candidate = fc.uniqueArray(change, {
  selector: (each) => each.path.split('/')[0]! + (each.path.startsWith('dir') ? each.path : ''),
  minLength: 1,
  maxLength: 4,
})

function without(snapshot: RepositorySnapshot, paths: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(snapshot.files).filter(([name]) => !paths.has(name)))
}

describe('landing', () => {
  it('changes nothing but the landed paths, whatever else the user is doing', { timeout: 300_000 }, async () => {
    const seen: Record<string, number> = {}
    await fc.assert(
      fc.asyncProperty(fc.array(userEdit, { maxLength: 4 }), candidate, async (edits, changes) => {
        const repository = createRepository(START)
        try {
          for (const edit of edits) {
            try {
              repository.write({ [edit.path]: edit.content })
              if (edit.stage) repository.git('add', '--all', '--', edit.path.split('/')[0]!)
            } catch {
              // A file stands where this edit wants a folder: the user could not do it either.
            }
          }
          const bench = await openLanding(repository)
          const request = await bench.propose(changes.map((each) => file(each.path, each.content)))
          const touched = new Set(
            (await bench.git.changedFiles(request.base, request.commit)).flatMap((each) => [
              each.path,
              ...(each.oldPath ? [each.oldPath] : []),
            ]),
          )
          const before = repository.snapshot()
          const result = await bench.landing.land(request)
          const after = repository.snapshot()
          seen[result.status] = (seen[result.status] ?? 0) + 1
          if (result.status !== 'landed') {
            expect(after).toEqual(before)
            expect(['dirty', 'unchanged']).toContain(result.status)
            return
          }
          expect(after.status).toBe(before.status)
          expect(without(after, touched)).toEqual(without(before, touched))
          for (const name of touched) {
            const wanted = await bench.git.reader(result.commit).read(name)
            if (wanted) expect(readFileSync(join(repository.root, name))).toEqual(wanted)
            else expect(after.files[name]).toBeUndefined()
          }
          expect(
            (await bench.landing.undo({ candidateId: 'c1', landedCommit: result.commit, targetRef: 'refs/heads/main', sign: false }))
              .status,
          ).toBe('undone')
          expect({ ...repository.snapshot(), refs: '' }).toEqual({ ...before, refs: '' })
        } finally {
          repository.cleanup()
        }
      }),
      { numRuns: 60, seed: 7 },
    )
    // The property says nothing if one side never happens.
    expect(seen['landed']).toBeGreaterThan(5)
    expect(seen['dirty']).toBeGreaterThan(5)
  })
})
