import { redactSecrets } from '../telemetry/index.ts'
import { MOST_INCLUDED_BYTES } from './file-class.ts'
import { readBytes, statOf } from './listing.ts'

export type Preview = { /** 1-based. */ first: number; lines: string[] }

/** Lines around one, as the file lies here; `undefined` where it cannot be read. Nothing that looks like a credential. */
export function readPreview(root: string, path: string, line: number, rows: number): Preview | undefined {
  if ((statOf(root, path)?.size ?? Infinity) > MOST_INCLUDED_BYTES) return undefined
  const bytes = readBytes(root, path)
  if (bytes === undefined) return undefined
  const all = Buffer.from(bytes).toString('utf8').split(/\r?\n/)
  if (all.at(-1) === '') all.pop()
  const first = Math.max(1, line - rows)
  const text = all.slice(first - 1, line + rows).map((each) => each.slice(0, 2000))
  return { first, lines: redactSecrets(text.join('\n'), []).split('\n') }
}
