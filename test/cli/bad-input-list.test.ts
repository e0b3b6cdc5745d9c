import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const table = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'bad-input.md'), 'utf8')
const rows = [...table.matchAll(/^\| (.+?) \| (bad-input-\w+|search) \| (.+) \|$/gm)].map(([, situation, file, title]) => ({
  situation,
  file,
  title,
}))

it('docs/bad-input.md names tests that exist', () => {
  expect(rows.length).toBeGreaterThan(35)
  const missing = rows.filter(({ file, title }) => {
    const source = readFileSync(join(import.meta.dirname, `${file}.test.ts`), 'utf8')
    return !["'", '"'].some((mark) => source.includes(`${mark}${title}${mark}`))
  })
  expect(missing).toEqual([])
})
