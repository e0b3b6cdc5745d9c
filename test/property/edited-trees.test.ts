import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/core/parsing/fact-engine.ts'
import { createNativeEngine } from '../../src/core/parsing/fact-engines/native.ts'
import { packagedGrammars, packagedParsing, packagedTables } from '../support/parsing.ts'

const made = createNativeEngine({
  tables: packagedTables(),
  grammars: packagedGrammars(),
  addonFile: packagedParsing.addonFile,
  threads: 1,
})

const SOURCES: Readonly<Record<string, string>> = {
  typescript:
    '// größe 日本\nexport class A<T> {\n  one = (x: T) => x ? `a${x}b` : null\n  two(): void {\n    for (const each of [1, 2]) if (each > 1) this.one(each as T)\n  }\n}\n',
  javascript: 'function f(a, b) {\n  const re = /x\\/y/g\n  return a < b ? re.test(a) : { k: [b, "s"] }\n}\nexport default f\n',
  python:
    'class A:\n    """doc"""\n    def one(self, x):\n        if x and not self.y:\n            return [z for z in x]\n        return f"{x}"\n',
  go: 'package p\n\nfunc f(a int) (int, error) {\n\tif a > 1 {\n\t\treturn a, nil\n\t}\n\tswitch a {\n\tcase 1:\n\t}\n\treturn 0, nil\n}\n',
  rust: "fn f<T: Copy>(a: &T) -> Option<u8> {\n    match a { _ if true => Some(b'x'), _ => None }\n}\n// é\n",
}
const PIECES = [
  '',
  ' ',
  '\n',
  '{',
  '}',
  '(',
  ')',
  '"',
  "'",
  '`',
  '/*',
  '*/',
  '//',
  '#',
  'if (a) b\n',
  'é',
  '日',
  '\u{1f600}',
  'x',
  '0',
  'return 1\n',
  '    ',
  ';',
  ':',
]

/** Where, how much of the text goes, and what comes instead. */
const edits = fc.array(fc.tuple(fc.nat(10_000), fc.nat(12), fc.constantFrom(...PIECES)), { minLength: 1, maxLength: 12 })

describe.skipIf('reason' in made)('a file that is read from the tree of the version before', () => {
  let next = 1
  it.each(Object.keys(SOURCES))('%s has the same facts as one that is read anew, after any edits', async (language) => {
    if ('reason' in made) return
    expect((await made.support(language)).ok).toBe(true)
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => {
        const keep = next++
        let text = SOURCES[language]!.repeat(2)
        const read = async (): Promise<void> => {
          const bytes = Buffer.from(text)
          const [again] = await made.read([{ language, bytes, keep }], DEFAULT_LIMITS)
          const [anew] = await made.read([{ language, bytes }], DEFAULT_LIMITS)
          expect(again, JSON.stringify(text)).toEqual(anew)
        }
        await read()
        for (const [place, gone, piece] of changes) {
          const letters = [...text]
          const at = place % (letters.length + 1)
          text = [...letters.slice(0, at), piece, ...letters.slice(at + gone)].join('')
          await read()
        }
      }),
      { numRuns: 60 },
    )
    expect(made.reusedTrees()).toBeGreaterThan(60)
  })
})
