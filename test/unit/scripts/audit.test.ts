import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'

const script = pathToFileURL(join(import.meta.dirname, '..', '..', '..', 'scripts', 'audit.mjs')).href
type Audit = { checked: boolean; reason?: string; serious?: string[] }
const { readAudit } = (await import(script)) as { readAudit(text: string): Audit }

const answer = (...vulnerabilities: [string, string][]) =>
  JSON.stringify({
    vulnerabilities: Object.fromEntries(vulnerabilities.map(([name, severity]) => [name, { name, severity, range: '<2' }])),
    metadata: { vulnerabilities: { total: vulnerabilities.length } },
  })

it('an audit passes with what is not serious, and names what is', () => {
  expect(readAudit(answer())).toEqual({ checked: true, serious: [] })
  expect(readAudit(answer(['a', 'moderate'], ['b', 'high'], ['c', 'critical']))).toEqual({
    checked: true,
    serious: ['b <2: high', 'c <2: critical'],
  })
})

it('an audit that nobody answered is none', () => {
  expect(readAudit(JSON.stringify({ message: '405 Method Not Allowed', statusCode: 405, error: { summary: '' } }))).toEqual({
    checked: false,
    reason: '405 Method Not Allowed',
  })
  expect(readAudit(JSON.stringify({ error: { code: 'ENOLOCK', summary: 'needs a lock file' } })).checked).toBe(false)
  expect(readAudit('').checked).toBe(false)
  expect(readAudit('npm error').checked).toBe(false)
})
