/** Squared Euclidean distance of two int8 vectors: an integer, the same in SQL, WebAssembly and here. */
export function distance(a: Int8Array, b: Int8Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at += 1) {
    const difference = a[at]! - b[at]!
    sum += difference * difference
  }
  return sum
}

/** Inner product of two int8 vectors, an integer. */
export function dot(a: Int8Array, b: Int8Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at += 1) sum += a[at]! * b[at]!
  return sum
}

/**
 * Cosine of two unit vectors that were multiplied by `scale` and rounded, from their squared distance: 1 - d / (2 scale^2).
 * Rounding moves it by less than 0.01.
 */
export function cosineOf(squaredDistance: number, scale: number): number {
  return 1 - squaredDistance / (2 * scale * scale)
}

/** Knots of a monotone curve, ascending in the first number. */
export type Curve = readonly (readonly [number, number])[]

/** Straight lines between the knots, constant outside of them. */
export function readCurve(curve: Curve, value: number): number {
  const above = curve.findIndex(([x]) => x > value)
  if (above === 0) return curve[0]![1]
  if (above < 0) return curve.at(-1)?.[1] ?? 0
  const [x0, y0] = curve[above - 1]!
  const [x1, y1] = curve[above]!
  return y0 + ((value - x0) / (x1 - x0)) * (y1 - y0)
}
