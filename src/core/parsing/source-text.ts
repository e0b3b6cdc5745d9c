import { createByteOffsets } from './offsets.ts'

export type SourceText = {
  text: string
  /** False where bytes are no UTF-8: the text is then one letter per byte, so that offsets stay true. */
  valid: boolean
  /** Byte of a UTF-16 offset. */
  byteOf(offset: number): number
}

/** The text that engines in JavaScript parse, and the way back from its offsets to bytes. */
export function decodeForEngine(bytes: Uint8Array): SourceText {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { text, valid: true, byteOf: createByteOffsets(text) }
  } catch {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    return { text, valid: false, byteOf: (offset) => offset }
  }
}
