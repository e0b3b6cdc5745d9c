import { gzipSync } from 'node:zlib'

/** A tar archive of one file, as npm packs it. */
export function archiveOf(path: string, bytes: Buffer): Buffer {
  const header = Buffer.alloc(512)
  header.write(`package/${path}`, 0)
  header.write('0000644\0', 100)
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('0', 156)
  header.write('ustar\0', 257)
  const padded = Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
  return gzipSync(Buffer.concat([header, padded, Buffer.alloc(1024)]))
}
