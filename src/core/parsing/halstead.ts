/** Counts operators and operands of all open functions at once. native/src/halstead.h is its twin. */
export type Halstead = {
  open(): void
  /** Closes the innermost function: n1, n2, N1, N2 with everything inside. */
  close(): [number, number, number, number]
  operator(symbol: number): void
  operand(text: number): void
}

type Level = { since: number; n1: number; n2: number; before1: number; before2: number }

/**
 * A token is new to a function when it was last seen before the function began; then it may be new to the functions around it
 * too, and where it is not new it is not new further out either. So each token looks at few levels.
 */
export function createHalstead(symbols: number): Halstead {
  const levels: Level[] = []
  const lastOperator = new Uint32Array(symbols)
  const lastOperand: number[] = []
  let tick = 1
  let total1 = 0
  let total2 = 0
  return {
    open() {
      levels.push({ since: tick, n1: 0, n2: 0, before1: total1, before2: total2 })
    },
    close() {
      const { n1, n2, before1, before2 } = levels.pop()!
      return [n1, n2, total1 - before1, total2 - before2]
    },
    operator(symbol) {
      total1 += 1
      for (let i = levels.length - 1; i >= 0 && lastOperator[symbol]! < levels[i]!.since; i--) levels[i]!.n1 += 1
      lastOperator[symbol] = tick++
    },
    operand(text) {
      total2 += 1
      const last = lastOperand[text] ?? 0
      for (let i = levels.length - 1; i >= 0 && last < levels[i]!.since; i--) levels[i]!.n2 += 1
      lastOperand[text] = tick++
    },
  }
}
