/**
 * Head and tail of an output: the first quarter and the last three quarters of `limit` bytes, with a line that says how
 * much is missing.
 */
export function headAndTail(output: Buffer, limit: number): string {
  if (output.byteLength <= limit) return output.toString('utf8')
  const head = Math.floor(limit / 4)
  const tail = limit - head
  const missing = output.byteLength - limit
  return `${output.subarray(0, head).toString('utf8')}\n... ${missing} bytes left out ...\n${output.subarray(-tail).toString('utf8')}`
}
