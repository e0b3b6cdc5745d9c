export function withTax(net, percent) {
  return Math.round(net * (100 + percent)) / 100
}

/** Compound interest per year, in cents. */
export function grow(cents, rate, years) {
  return Math.round(cents * Math.pow(1 + rate, years))
}

export function label(code) {
  return code.substr(0, 3).toUpperCase()
}

export function total(lines) {
  return lines.reduce((sum, line) => sum + line.price * line.count, 0)
}

/** Nobody tests this one. */
export function shipping(weight, express) {
  if (weight > 20) return express ? 30 : 15
  return express ? 12 : 5
}
