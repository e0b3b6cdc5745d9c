import { spawn } from 'node:child_process'

export type Conversation = {
  /** Asks one thing at a time; `undefined` where the program ended, or did not answer in time: it is over then. */
  ask(message: Uint8Array, timeoutMs: number): Promise<Buffer | undefined>
  /** Ends the program and everything it started. */
  close(): void
}

const HEAD_BYTES = 4

/** A message as it stands in the pipe: its length in four bytes, then itself. */
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

/** A program that answers messages until it is closed. It ends by itself when this process does: its input ends then. */
export function startConversation(command: string, args: readonly string[], { cwd }: { cwd: string }): Conversation {
  const child = spawn(command, args, { cwd, env: {}, detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
  const unframer = createUnframer()
  let [answered, over] = [(_answer: Buffer | undefined): void => undefined, false]
  const end = (): void => {
    over = true
    answered(undefined)
  }
  const close = (): void => {
    if (!over && child.pid !== undefined)
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        child.kill('SIGKILL')
      }
    end()
  }
  child.on('error', end)
  child.on('close', end)
  child.stdin.on('error', () => undefined) // `close` tells
  child.stdout.on('data', (chunk: Buffer) => {
    for (const message of unframer.add(chunk)) answered(message)
  })
  return {
    close,
    ask(message, timeoutMs) {
      if (over) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        const timer = setTimeout(close, timeoutMs)
        answered = (answer) => (clearTimeout(timer), resolve(answer))
        child.stdin.write(frame(message))
      })
    },
  }
}
