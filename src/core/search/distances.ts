/** distances.wat, assembled. 128-bit SIMD without relaxed instructions: the same numbers on every machine. */
const BYTES =
  'AGFzbQEAAAABCQFgBX9/f39/AAMCAQAFAwEAAQcWAgZtZW1vcnkCAAlkaXN0YW5jZXMAAArFAQHCAQICfwV7IAQgAkECdGohBgJAA0AgBCAGTw0B/QwAAAAAAAAAAAAAAAAAAAAAIQtBACEFA0AgACAFav0ABAAhByABIAVq/QAEACEIIAf9hwEgCP2HAf2RASEJIAf9iAEgCP2IAf2RASEKIAsgCSAJ/boB/a4BIQsgCyAKIAr9ugH9rgEhCyAFQRBqIQUgBSADSQ0ACyAEIAv9GwAgC/0bAWogC/0bAiAL/RsDamo2AgAgASADaiEBIARBBGohBAwACwsL'
const PAGE = 65_536
/** More vectors than fit into so many bytes are scanned without WebAssembly: its addresses end at 4 GB. */
const MOST_BYTES = 2 ** 31

/** Vectors in a row, all of one length; `distances` are squared, one per vector, and belong to the caller until the next call. */
export type Scan = {
  readonly kind: 'wasm' | 'plain'
  readonly count: number
  /** Appends vectors that stand one behind the other. */
  append(vectors: Int8Array): void
  distances(query: Int8Array): Int32Array
}

type Exports = {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  distances(query: number, rows: number, count: number, stride: number, out: number): void
}
type Module = { readonly module: unique symbol }

/** What we need of it; Node's types do not describe it. */
const wasm = (
  globalThis as unknown as {
    WebAssembly: {
      validate(bytes: Uint8Array): boolean
      Module: new (bytes: Uint8Array) => Module
      Instance: new (module: Module) => { exports: Exports }
    }
  }
).WebAssembly

let loaded: Module | null | undefined

/** `null` where this machine has no 128-bit SIMD. */
function loadModule(): Module | null {
  if (loaded !== undefined) return loaded
  const bytes = Buffer.from(BYTES, 'base64')
  return (loaded = wasm.validate(bytes) ? new wasm.Module(bytes) : null)
}

/** Room for vectors of `dimensions`; in WebAssembly where that is here, and has room for `capacity` vectors. */
export function createScan(dimensions: number, capacity: number): Scan {
  const stride = Math.ceil(dimensions / 16) * 16
  const code = (capacity + 1) * (stride + 4) < MOST_BYTES ? loadModule() : null
  return code === null ? createPlainScan(dimensions) : createWasmScan(code, dimensions, stride, capacity)
}

function createWasmScan(code: Module, dimensions: number, stride: number, capacity: number): Scan {
  const { memory, distances } = new wasm.Instance(code).exports
  let count = 0
  /** The query stands first, then the vectors, then their distances. */
  const reserve = (most: number): void => {
    const missing = stride + most * (stride + 4) - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
  }
  reserve(capacity)
  return {
    kind: 'wasm',
    get count() {
      return count
    },
    append(vectors) {
      const added = vectors.length / dimensions
      // a scan that has to grow grows by a half: many small additions stay cheap
      if (stride + (count + added) * (stride + 4) > memory.buffer.byteLength) reserve(Math.ceil((count + added) * 1.5))
      const bytes = new Int8Array(memory.buffer)
      const start = stride + count * stride
      if (stride === dimensions) bytes.set(vectors, start)
      else
        for (let at = 0; at < added; at++) {
          bytes.fill(0, start + at * stride, start + (at + 1) * stride)
          bytes.set(vectors.subarray(at * dimensions, (at + 1) * dimensions), start + at * stride)
        }
      count += added
    },
    distances(query) {
      const bytes = new Int8Array(memory.buffer, 0, stride)
      bytes.fill(0)
      bytes.set(query)
      const out = stride + count * stride
      distances(0, stride, count, stride, out)
      return new Int32Array(memory.buffer, out, count)
    },
  }
}

/** The same in plain JavaScript. */
export function createPlainScan(dimensions: number): Scan {
  const parts: Int8Array[] = []
  let count = 0
  return {
    kind: 'plain',
    get count() {
      return count
    },
    append(vectors) {
      parts.push(vectors.slice())
      count += vectors.length / dimensions
    },
    distances(query) {
      const found = new Int32Array(count)
      let row = 0
      for (const part of parts)
        for (let start = 0; start < part.length; start += dimensions) {
          let sum = 0
          for (let at = 0; at < dimensions; at++) {
            const difference = query[at]! - part[start + at]!
            sum += difference * difference
          }
          found[row++] = sum
        }
      return found
    },
  }
}
