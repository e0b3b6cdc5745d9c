import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { printable } from '../../kernel/index.ts'
import { asArray, asNumber, asRecord, asText } from './report.ts'

const MAX_BYTES = 64 * 1024 * 1024

export type JunitCase = {
  name: string
  classname: string
  file: string
  seconds: number | null
  status: string
  outcome: 'pass' | 'failure' | 'error' | 'skipped'
  message: string
  kind: string
}

/** Decodes the five predefined entities and character references; nothing else exists, so nothing can expand. */
function decode(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|quot|apos|amp));/g,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name) return { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }[name] ?? whole
      const code = hex ? Number.parseInt(hex, 16) : Number(decimal)
      return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
    },
  )
}

/** The cases of a JUnit file, wherever they are nested. Undefined where it is missing, cut, too large, or declares a document type. */
export function readJunit(data: Buffer | undefined): { cases: JunitCase[]; declared: number | null } | undefined {
  if (!data || data.length === 0 || data.length > MAX_BYTES) return undefined
  const xml = data.toString('utf8')
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) return undefined
  if (XMLValidator.validate(xml) !== true) return undefined
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    processEntities: false,
    parseTagValue: false,
    parseAttributeValue: false,
    textNodeName: '#text',
    isArray: (name) => name === 'testcase' || name === 'testsuite' || name === 'failure' || name === 'error' || name === 'skipped',
  })
  const cases: JunitCase[] = []
  let declared: number | null = null
  const visit = (node: Record<string, unknown>, inheritedFile: string): void => {
    for (const suite of asArray(node['testsuite']).map(asRecord)) {
      const count = asNumber(suite['tests'])
      if (count !== null) declared = (declared ?? 0) + count
      visit(suite, decode(asText(suite['file'])) || inheritedFile)
    }
    for (const item of asArray(node['testcase']).map(asRecord)) {
      const found = (['error', 'failure', 'skipped'] as const).find((name) => item[name] !== undefined)
      const detail = asRecord(found ? asArray(item[found])[0] : undefined)
      const body = found ? asArray(item[found])[0] : undefined
      cases.push({
        name: decode(asText(item['name'])),
        classname: decode(asText(item['classname'])),
        file: decode(asText(item['file'])) || inheritedFile,
        seconds: asNumber(item['time']),
        status: asText(item['status']),
        outcome: found ?? 'pass',
        message: printable(
          decode([asText(detail['message']), typeof body === 'string' ? body : asText(detail['#text'])].filter(Boolean).join('\n')),
        ),
        kind: asText(detail['type']),
      })
    }
  }
  try {
    const top = asRecord(parser.parse(xml) as unknown)
    if (top['testsuites'] === undefined && top['testsuite'] === undefined) return undefined
    visit({ ...asRecord(top['testsuites']), ...(top['testsuite'] === undefined ? {} : { testsuite: top['testsuite'] }) }, '')
  } catch {
    return undefined
  }
  return { cases, declared }
}
