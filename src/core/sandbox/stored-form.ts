import type { Git } from '../git/index.ts'

/** How git stores a text file of given attributes: what `text`, `eol`, `ident` and `working-tree-encoding` say. */
export type StoredForm = { crlf: 'never' | 'always' | 'auto'; ident: boolean; encoding: string | null }

const RAW: StoredForm = { crlf: 'never', ident: false, encoding: null }
const NAMES = ['text', 'crlf', 'eol', 'ident', 'working-tree-encoding']

/**
 * The stored forms of paths by the attributes of the index of the work tree (the base's own). Filters are left out on
 * purpose: they are programs of the person's configuration, and the content comes from an untrusted one.
 */
export async function storedForms(
  git: Git,
  place: { path: string; admin: string },
  paths: readonly string[],
): Promise<(path: string) => StoredForm> {
  if (paths.length === 0) return () => RAW
  const answer = await git.run(['check-attr', '--cached', '-z', '--stdin', ...NAMES], {
    gitDir: place.admin,
    workTree: place.path,
    input: paths.map((path) => `${path}\0`).join(''),
  })
  const found = new Map<string, Record<string, string>>()
  const fields = answer.text.split('\0')
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path, name, value] = [fields[at]!, fields[at + 1]!, fields[at + 2]!]
    found.set(path, { ...found.get(path), [name]: value })
  }
  return (path) => formOf(found.get(path) ?? {})
}

function formOf(attributes: Readonly<Record<string, string>>): StoredForm {
  const { text, crlf, eol, ident, 'working-tree-encoding': encoding = 'unspecified' } = attributes
  // `crlf` is the old name of `text`; an `eol` alone makes a file text
  const known = ['set', 'unset', 'input', 'auto']
  const asked = known.includes(text!) ? text : known.includes(crlf!) ? crlf : eol === 'lf' || eol === 'crlf' ? 'set' : 'unset'
  return {
    crlf: asked === 'auto' ? 'auto' : asked === 'unset' ? 'never' : 'always',
    ident: ident === 'set',
    encoding: ['unspecified', 'set', 'unset'].includes(encoding) || /^utf-?8$/i.test(encoding) ? null : encoding,
  }
}

/**
 * The bytes `git add` would store for a file of the work tree.
 * @param base what the base holds at this path: `text=auto` leaves a file alone that was committed with CRLF
 */
export function toStored(content: Uint8Array, form: StoredForm, base: Uint8Array | undefined): Uint8Array {
  let bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  if (form.encoding !== null) bytes = decoded(bytes, form.encoding) ?? bytes
  if (form.crlf === 'always' || (form.crlf === 'auto' && !isBinary(bytes) && !(base && hasCrlf(base) && !isBinary(base))))
    bytes = withoutCrlf(bytes)
  if (form.ident && bytes.includes('$Id:')) bytes = Buffer.from(bytes.toString('latin1').replace(/\$Id:[^\n$]*\$/g, '$$Id$$'), 'latin1')
  return bytes
}

function hasCrlf(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('\r\n')
}

function withoutCrlf(bytes: Buffer): Buffer {
  return bytes.includes('\r\n') ? Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : bytes
}

/** Git's own measure (convert.c): a NUL, a lone CR, or more than one control character in 128. */
function isBinary(bytes: Uint8Array): boolean {
  let [printable, control] = [0, 0]
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === 13) {
      if (bytes[++at] !== 10) return true
    } else if (byte === 0) return true
    else if (byte === 10) continue
    else if (byte === 127 || (byte < 32 && ![8, 9, 12, 27].includes(byte))) control++
    else printable++
  }
  if (bytes.at(-1) === 26) control--
  return printable >> 7 < control
}

/** UTF-8 of a file in another encoding; `undefined` where it is unknown here or the bytes do not fit: they stay then. */
function decoded(bytes: Buffer, encoding: string): Buffer | undefined {
  const bigEndian = /^utf-?16$/i.test(encoding) && bytes[0] === 0xfe && bytes[1] === 0xff
  try {
    return Buffer.from(new TextDecoder(bigEndian ? 'utf-16be' : encoding.replace(/-BOM$/i, ''), { fatal: true }).decode(bytes), 'utf8')
  } catch {
    return undefined
  }
}
