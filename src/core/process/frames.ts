const HEAD_BYTES = 4

/** A message as it stands in a pipe: its length in four bytes, then itself. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(message.byteLength)
  return Buffer.concat([head, message])
}

/** Takes whole messages out of what has come through a pipe. */
export function createUnframer() {
  let [chunks, size] = [[] as Buffer[], 0]
  return {
    add(chunk: Uint8Array): Buffer[] {
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
      size += chunk.byteLength
      const messages: Buffer[] = []
      while (size >= HEAD_BYTES) {
        if (chunks[0]!.length < HEAD_BYTES) chunks = [Buffer.concat(chunks)]
        const end = HEAD_BYTES + chunks[0]!.readUInt32LE()
        if (size < end) break
        const all = Buffer.concat(chunks)
        messages.push(all.subarray(HEAD_BYTES, end))
        chunks = [all.subarray(end)]
        size -= end
      }
      return messages
    },
  }
}
