import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Playground, TINY, candidateOf, createPlayground, judge, patchAdding, patchOf } from './playground.ts'

const LIST = String(TINY['src/list.js'])
const PLUS = 'export const isSame = (a, b) => a === b\n'
/** `has` made to use a file that is new. */
const USE = patchOf('src/list.js', LIST, (text) =>
  `import { isSame } from './same.js'\n${text}`.replace('list.indexOf(item) !== -1', 'list.some((each) => isSame(each, item))'),
)

describe('what a patch changes is only kept when a test runs it', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground({ ...TINY, 'src/dead.js': 'export const dead = () => 1\n' })
  })
  afterAll(() => place.cleanup())

  const reasonsOf = async (patch: string): Promise<{ verdict: string; codes: string[]; found: number }> => {
    const { verdict, reasons, sites } = candidateOf(await judge(place, patch))
    return { verdict, codes: reasons.map(({ code }: { code: string }) => code), found: sites.found }
  }

  it('a new file nobody loads', async () => {
    expect(await reasonsOf(patchAdding('src/fresh.js', 'export const fresh = () => 2\n'))).toMatchObject({
      verdict: 'cannot_decide',
      codes: expect.arrayContaining(['unexercised']),
      found: 1,
    })
  })

  it('a new file that the tests run', async () => {
    expect(await reasonsOf(USE + patchAdding('src/same.js', PLUS))).toEqual({ verdict: 'keep', codes: [], found: 3 })
  })

  it('a new function beside lines that are run', async () => {
    const patch = patchOf('src/list.js', LIST, (text) => `${text}\nexport function dark(list) {\n  return list.length * 2\n}\n`)
    expect(await reasonsOf(patch)).toMatchObject({ verdict: 'cannot_decide', codes: ['unexercised'] })
  })

  it('a deleted file nobody loads', async () => {
    const patch =
      'diff --git a/src/dead.js b/src/dead.js\ndeleted file mode 100644\n--- a/src/dead.js\n+++ /dev/null\n@@ -1 +0,0 @@\n-export const dead = () => 1\n'
    expect(await reasonsOf(patch)).toMatchObject({ verdict: 'cannot_decide', codes: expect.arrayContaining(['unexercised']) })
  })
})

const RULES = 'RULES = {"none": lambda v: v == None, "some": lambda v: v is not None}\n\n\ndef either(a, b):\n    return a == 1 or b == 2\n'

describe('a line of Python that is run only in part', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground({
      'setup.py': 'from setuptools import setup\nsetup(name="demo")\n',
      'rules.py': RULES,
      'test_rules.py': [
        'import unittest',
        'from rules import RULES, either',
        '',
        '',
        'class Rules(unittest.TestCase):',
        '    def test_some(self):',
        '        self.assertTrue(RULES["some"](1))',
        '',
        '    def test_either(self):',
        '        self.assertTrue(either(1, 0))',
        '        self.assertTrue(either(0, 2))',
        '        self.assertFalse(either(0, 0))',
        '',
      ].join('\n'),
    })
  })
  afterAll(() => place.cleanup())

  it('is not exercised where nothing calls the lambda', async () => {
    const patch = patchOf('rules.py', RULES, (text) => text.replace('v == None', 'v == 12345'))
    expect(candidateOf(await judge(place, patch))).toMatchObject({ verdict: 'cannot_decide' })
  })

  it('is exercised where a fault on it is noticed', async () => {
    const patch = patchOf('rules.py', RULES, (text) => text.replace('a == 1 or b == 2', 'b == 2 or a == 1'))
    expect(candidateOf(await judge(place, patch)).sites).toMatchObject({ found: 1, exercised: 1 })
  })
})
