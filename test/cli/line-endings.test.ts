import { afterEach, expect, it } from 'vitest'
import { type Playground, TINY, candidateOf, createPlayground } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

it('a file that is checked out with CRLF is committed as git add would: only the edited line differs', async () => {
  place = createPlayground({ ...TINY, '.gitattributes': '* text eol=crlf\n' })
  const edit = "sed -i 's/list.indexOf(item) !== -1/list.includes(item)/' src/list.js"
  const answer = await place.run(['improve', '--exec', edit])
  const { id, commit, verdict } = candidateOf(answer)
  expect(verdict).toBe('keep')
  expect(place.git('diff', '--numstat', 'HEAD', commit)).toBe('1\t1\tsrc/list.js')
  expect(place.git('show', `${commit}:src/list.js`)).not.toContain('\r')
  expect((await place.run(['diff', id])).stdout).not.toContain('\\r')
})
