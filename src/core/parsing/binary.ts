/** How far git looks for a NUL byte before it calls a file binary. */
const LOOKED_AT = 8000

/** Whether git would call these bytes binary: a NUL byte near the beginning. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, LOOKED_AT).includes(0)
}
