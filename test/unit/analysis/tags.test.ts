import { describe, expect, it } from 'vitest'
import { type Tag, formatTags, tagsOf } from '../../../src/core/analysis/index.ts'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { packagedParsing } from '../../support/parsing.ts'

const reader = createFactReader(packagedParsing)
const tagsIn = async (path: string, text: string | Uint8Array): Promise<Tag[]> => {
  const bytes = Buffer.from(text)
  const [facts] = await reader.read([{ path, bytes }])
  return tagsOf(path, bytes, facts!)
}
const linesOf = (tags: readonly Tag[]): string[] =>
  formatTags(tags, '1')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('!_TAG_'))

describe('a tags file', () => {
  it('names what is defined, where, and inside of what', async () => {
    expect(linesOf(await tagsIn('a b.py', 'class Box:\n    @property\n    def size(self):\n        return 1\n'))).toEqual([
      'Box\ta b.py\t/^class Box:$/;"\tclass\tline:1\tlanguage:python\tend:4',
      'size\ta b.py\t/^    def size(self):$/;"\tmethod\tline:3\tlanguage:python\tclass:Box\tend:4',
    ])
  })

  it('is sorted by bytes, headers first, nothing twice', async () => {
    const tags = await tagsIn(
      'a.js',
      'function b() {}\nfunction Z() {}\nfunction é() {}\nfunction $() {}\nfunction 𝒳() {}\nfunction ｆ() {}\n',
    )
    const text = formatTags([...tags, ...tags], '1')
    const lines = text.trimEnd().split('\n')
    const sorted = lines.map((line) => Buffer.from(line)).toSorted(Buffer.compare)
    expect(lines).toEqual(sorted.map(String))
    expect(lines[0]).toBe('!_TAG_FILE_ENCODING\tutf-8\t//')
    expect(linesOf(tags).map((line) => line.split('\t')[0])).toEqual(['$', 'Z', 'b', 'é', 'ｆ', '𝒳'])
  })

  it('finds lines with slashes, dollars, line ends of Windows, and long ones; by number what is no text', async () => {
    const long = `const ${'x'.repeat(120)} = () => 1`
    expect(linesOf(await tagsIn('a.js', `function a() { return /\\// } // $\r\n${long}\n`)).map((line) => line.split('\t')[2])).toEqual([
      String.raw`/^function a() { return \/\\\/\/ } \/\/ \$$/;"`,
      `/^${long.slice(0, 96)}/;"`,
    ])
    expect(
      linesOf(await tagsIn('a.py', Buffer.concat([Buffer.from('def a(): # '), Buffer.from([0xff]), Buffer.from('\n    pass\n')]))),
    ).toEqual(['a\ta.py\t1;"\tfunction\tline:1\tlanguage:python\tend:2'])
  })

  it('says names so that a reader takes them for no header and no column', () => {
    const tag = { path: 'x\ty', line: 1, lineEnd: 1, kind: 'key', container: null, containerKind: null, language: 'json', text: 'a\tb' }
    expect(linesOf([{ ...tag, name: '!_TAG_X\t\\' }])).toEqual(['\\x21_TAG_X\\t\\\\\tx\\ty\t/^a\tb$/;"\tkey\tline:1\tlanguage:json'])
  })
})
