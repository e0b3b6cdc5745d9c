/**
 * Converts UTF-16 offsets of a text to byte offsets of its UTF-8 form. Built once per text, answers in O(log n);
 * pure ASCII text costs nothing.
 */
export function createByteOffsets(text: string): (offset: number) => number {
  // One checkpoint per non-ASCII code unit: offset after it, and how many bytes more than code units came before.
  const offsets: number[] = []
  const surplus: number[] = []
  let extra = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) extra += 1
    else if (unit >= 0xd800 && unit <= 0xdbff && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      // A pair of two units is four bytes.
      extra += 2
      i++
    } else extra += 2
    offsets.push(i + 1)
    surplus.push(extra)
  }
  if (offsets.length === 0) return (offset) => offset
  return (offset) => {
    let low = 0
    let high = offsets.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (offsets[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return offset + (low === 0 ? 0 : surplus[low - 1]!)
  }
}

/** UTF-8 to text, or `undefined` where the bytes are not valid UTF-8 (so that offsets would lie) or hold NUL (binary). */
export function decodeSource(bytes: Uint8Array): string | undefined {
  if (bytes.subarray(0, 8192).includes(0)) return undefined
  try {
    // The byte order mark is kept: edits are byte ranges of the file as it is.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
