import { StringDecoder } from 'node:string_decoder'

/**
 * The lines of a stream without their ends; `null` for one that is longer than `most` characters, of which no more is kept.
 * Whoever speaks with us over a pipe may send anything.
 */
export async function* boundedLines(stream: AsyncIterable<Uint8Array | string>, most: number): AsyncGenerator<string | null> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let isTooLong = false
  for await (const chunk of stream) {
    const parts = `${typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk))}`.split('\n')
    for (const [at, part] of parts.entries()) {
      if (!isTooLong) rest += part
      if (rest.length > most) [rest, isTooLong] = ['', true]
      if (at === parts.length - 1) break
      yield isTooLong ? null : rest.replace(/\r$/, '')
      ;[rest, isTooLong] = ['', false]
    }
  }
  if (isTooLong) yield null
  else if (rest !== '') yield rest
}
