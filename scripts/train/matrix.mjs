// Dense arithmetic and chance of the trainer.

/** multiply.wat, assembled. 128-bit SIMD without relaxed instructions: the same bits on every machine. */
const MULTIPLY =
  'AGFzbQEAAAABDwJgAXsBfWAGf39/f39/AAMDAgABBQQBAIAEBxUCBm1lbW9yeQIACG11bHRpcGx5AAEKvwQCGQAgAP0fACAA/R8BkiAA/R8CIAD9HwOSkguiBAIIfwt7' +
  'IAVBAnQhDCAEQQJ0IQ0DQEEAIQcDQP0MAAAAAAAAAAAAAAAAAAAAACER/QwAAAAAAAAAAAAAAAAAAAAAIRL9DAAAAAAAAAAAAAAAAAAAAAAhE/0MAAAAAAAAAAAAAAAA' +
  'AAAAACEU/QwAAAAAAAAAAAAAAAAAAAAAIRX9DAAAAAAAAAAAAAAAAAAAAAAhFv0MAAAAAAAAAAAAAAAAAAAAACEX/QwAAAAAAAAAAAAAAAAAAAAAIRggACAGIAxsaiEJ' +
  'IAEgByAMbGohCkEAIQgDQCAJ/QAEACEOIAkgDGr9AAQAIQ8gCv0ABAAhECARIA4gEP3mAf3kASERIBUgDyAQ/eYB/eQBIRUgCiAMav0ABAAhECASIA4gEP3mAf3kASES' +
  'IBYgDyAQ/eYB/eQBIRYgCiAMQQF0av0ABAAhECATIA4gEP3mAf3kASETIBcgDyAQ/eYB/eQBIRcgCiAMQQNsav0ABAAhECAUIA4gEP3mAf3kASEUIBggDyAQ/eYB/eQB' +
  'IRggCUEQaiEJIApBEGohCiAIQQRqIQggCCAFSQ0ACyACIAYgBGwgB2pBAnRqIQsgCyAREAA4AgAgCyASEAA4AgQgCyATEAA4AgggCyAUEAA4AgwgCyANaiELIAsgFRAA' +
  'OAIAIAsgFhAAOAIEIAsgFxAAOAIIIAsgGBAAOAIMIAdBBGohByAHIARJDQALIAZBAmohBiAGIANJDQALCw=='

/** Matrices that live in the memory of one WebAssembly module. */
export function createArena() {
  const { multiply, memory } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(MULTIPLY, 'base64'))).exports
  let used = 0
  return {
    matrix(length) {
      const matrix = new Float32Array(memory.buffer, used, length)
      used += length * 4
      return matrix
    },
    /** out[m x n] = a[m x k] . b[n x k]^T, row by row; m a multiple of 2, n and k of 4. */
    multiply: (a, b, out, m, n, k) => multiply(a.byteOffset, b.byteOffset, out.byteOffset, m, n, k),
  }
}

/** out[n x m] = a[m x n]^T */
export function transpose(a, out, m, n) {
  for (let i = 0; i < m; i += 16) {
    for (let j = 0; j < n; j += 16) {
      for (let x = i; x < i + 16 && x < m; x += 1) for (let y = j; y < j + 16 && y < n; y += 1) out[y * m + x] = a[x * n + y]
    }
  }
}

/** A small seeded generator (mulberry32): uniform in [0, 1). */
export function createRandom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function shuffle(list, random) {
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1))
    ;[list[at], list[other]] = [list[other], list[at]]
  }
  return list
}
