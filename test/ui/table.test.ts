import { afterEach, describe, expect, it } from 'vitest'
import { table } from '../../src/commands/_present/text.ts'

const { columns } = process.stdout
afterEach(() => {
  process.stdout.columns = columns
})
const rows = [
  [`packages/${'deep/'.repeat(20)}file.ts:12:3`, 'call'],
  [`${'a long sentence '.repeat(10)}.`, 'a word '.repeat(20)],
]

describe('a table', () => {
  it('cuts nothing in a pipe', () => {
    process.stdout.columns = undefined as never
    expect(table(rows, { grow: 0 })).toContain(rows[0]![0])
    expect(table(rows, { grow: 0 })).toContain(rows[1]![1]!.trim())
  })

  it('fits a terminal: paths keep their ends, texts their beginnings, and no other column takes it all', () => {
    process.stdout.columns = 80
    const [place, text] = table(rows, { grow: 0 }).split('\n')
    expect([place!.length, text!.length].every((length) => length <= 80)).toBe(true)
    expect(place).toMatch(/^ {2}…[\w/]+\/file\.ts:12:3 +call$/)
    expect(text).toMatch(/^ {2}a long sentence .*… +a word a word a word.*…$/)
  })
})
