import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRepository } from '../support/repository.ts'
import { BUCKETS, bare, openSearch } from '../support/search.ts'

const PATHS = [
  'src/date.py',
  'src/retry.py',
  'lib/queue.js',
  'test/test_date.py',
  'notes.md',
  'vendor/other.js',
  'a/b/c.txt',
  '.env',
  'край.py',
] as const
const TEXTS = [
  'def parse_date(text):\n    """Reads a date."""\n    return text.split("-")\n',
  'def retry_delay(attempt):\n    return 2 ** attempt\n\n\ndef parse_date(text):\n    return None\n',
  'export function enqueue(job) {\n  return job.retry ? parseDate(job.at) : null\n}\n',
  'class Queue { retryDelay() { return 1 } }\nclass Other { parse() { return "дата 検索エンジン" } }\n',
  '# Notes\n\nHow a date is parsed and when a retry comes.\n',
  'date\r\nretry\r\n',
  'token = "ghp_abcdefghijklmnopqrstuvwxyz012345"\ndate = 1\n',
  '',
] as const

type Step =
  | { do: 'write'; path: string; text: string }
  | { do: 'delete'; path: string }
  | { do: 'commit' | 'stash' | 'index' | 'search' | 'stopped' | 'forget' | 'back' }
  | { do: 'switch'; branch: string }
  | { do: 'ignore' | 'attributes'; line: string }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('write' as const), path: fc.constantFrom(...PATHS), text: fc.constantFrom(...TEXTS) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), path: fc.constantFrom(...PATHS) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('commit' as const, 'index' as const, 'search' as const, 'stopped' as const, 'forget' as const, 'back' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('switch' as const), branch: fc.constantFrom('one', 'two') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ignore' as const), line: fc.constantFrom('*.md', 'src/', '') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('attributes' as const),
      line: fc.constantFrom('*.py linguist-generated', '* text=auto eol=crlf', '*.js ident', ''),
    }),
  },
)

const QUERIES = ['parse_date', 'when does a retry come', '"retry delay"', 'src/date.py', '検索', 'дата', 'enqueue job', 'date']

describe('the law of the index', () => {
  it('results after any history are those of a fresh index', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), fc.boolean(), async (steps, vectors) => {
        const repository = createRepository({ 'src/date.py': TEXTS[0], 'lib/queue.js': TEXTS[2], 'notes.md': TEXTS[4] })
        try {
          repository.git('branch', 'one')
          repository.git('branch', 'two')
          const search = await openSearch(repository, 'singularity', { space: vectors ? BUCKETS : undefined })
          await search.index()
          for (const each of steps) {
            if (each.do === 'write') repository.write({ [each.path]: each.text })
            else if (each.do === 'delete') repository.write({ [each.path]: null })
            else if (each.do === 'commit') repository.commit('work')
            else if (each.do === 'switch') repository.git('checkout', '--quiet', '--force', each.branch)
            else if (each.do === 'back') repository.git('checkout', '--quiet', '--force', '--detach', 'HEAD~0')
            else if (each.do === 'ignore') writeFileSync(join(repository.root, '.gitignore'), `${each.line}\n`)
            else if (each.do === 'attributes') writeFileSync(join(repository.root, '.gitattributes'), `${each.line}\n`)
            else if (each.do === 'index') await search.index()
            else if (each.do === 'search') await search.search({ text: 'date' })
            else if (each.do === 'forget') await search.forget({ gone: true })
            else if (each.do === 'stopped') {
              const stop = new AbortController()
              stop.abort()
              await search.index({ signal: stop.signal }).catch((error: unknown) => expect(error).toMatchObject({ code: 'INTERRUPTED' }))
            }
          }
          const fresh = await openSearch(repository, 'fresh', { space: vectors ? BUCKETS : undefined })
          await fresh.index({ full: true })
          for (const text of QUERIES) {
            const answer = await search.search({ text, explain: true })
            expect(answer.freshness).toEqual({ state: 'exact', behindFiles: 0, building: false })
            expect(bare(answer)).toEqual(bare(await fresh.search({ text, explain: true })))
          }
          expect(await search.verify({ againstFresh: true })).toMatchObject({ ok: true, mismatched: [] })
        } finally {
          repository.cleanup()
        }
      }),
      { numRuns: 25, endOnFailure: true },
    )
  }, 240_000)
})
