import { writeSync } from 'node:fs'

/** Answers whoever started this process as a peer, on descriptor 3. */
export function reply(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(3, bytes, at)
}
