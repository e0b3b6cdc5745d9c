import { randomBytes, randomInt } from 'node:crypto'
import type { Clock } from './clock.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const EPOCH_SECONDS = 1_704_067_200 // 2024-01-01

/** One letter per kind of thing, so that a person sees what an id names. */
export type IdKind = 'r' | 'c' | 'a' | 'q' | 's' | 'o'

function encode(value: number, length: number): string {
  let rest = value
  let text = ''
  for (let index = 0; index < length; index++) {
    text = ALPHABET[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** Short, sortable by second, 2^25 random values per second: `r` run, `c` candidate, `a` approval, ... */
export function newId(kind: IdKind, clock: Clock): string {
  const seconds = Math.max(0, Math.floor(clock.now() / 1000) - EPOCH_SECONDS)
  return kind + encode(seconds, 6) + encode(randomInt(2 ** 25), 5)
}

/** UUID version 7 (RFC 9562): sortable by millisecond, for rows other programs read. */
export function newUuid(clock: Clock): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(clock.now(), 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
