// Compares figures of functions and lines of one oracle with ours. A function that we do not find counts as unequal.

/** Byte offsets to UTF-16 offsets, as the oracles in JavaScript count. */
export function utf16Of(bytes) {
  const text = bytes.toString('utf8')
  if (text.length === bytes.length) return (offset) => offset
  const at = new Uint32Array(bytes.length + 1)
  let [byte, unit] = [0, 0]
  for (const letter of text) {
    const length = Buffer.byteLength(letter)
    for (let i = 0; i < length; i++) at[byte + i] = unit
    byte += length
    unit += letter.length
  }
  at[byte] = unit
  return (offset) => at[offset]
}

export const createTally = () => ({ all: 0, equal: 0, missing: 0, high: 0, highEqual: 0, packages: new Map(), unequal: [] })

/** `ours`: undefined where we do not have the function. */
export function count(tally, { name, path, line, oracle, ours }) {
  tally.all += 1
  tally.packages.set(name, (tally.packages.get(name) ?? 0) + 1)
  const isEqual = oracle === ours
  if (isEqual) tally.equal += 1
  else tally.unequal.push({ path, line, oracle, ours: ours ?? null })
  if (ours === undefined) tally.missing += 1
  if (oracle >= 5) {
    tally.high += 1
    if (isEqual) tally.highEqual += 1
  }
}

export function summarize(tally) {
  const largest = Math.max(0, ...tally.packages.values())
  return {
    packages: tally.packages.size,
    largest_share: tally.all === 0 ? 0 : largest / tally.all,
    functions: tally.all,
    equal: tally.all === 0 ? 0 : tally.equal / tally.all,
    functions_5: tally.high,
    equal_5: tally.high === 0 ? 0 : tally.highEqual / tally.high,
    not_found: tally.missing,
  }
}

/** A figure of our functions by the place of the function. */
export function byPlace(facts, bytes, figureOf) {
  const unit = utf16Of(bytes)
  return new Map(facts.functions.map((each) => [`${unit(each.start)} ${unit(each.end)}`, figureOf(each)]))
}

/**
 * mccabe adds functions inside a function to it, each with its own 1: so is ours summed. Lambdas are expressions, which it does not
 * look into.
 */
export function byLineWithInner(facts) {
  const sums = facts.functions.map((each) => (each.kind === 'lambda' ? 0 : each.cyclomatic.eslint))
  for (let i = sums.length - 1; i >= 0; i--) {
    const { parent } = facts.functions[i]
    if (parent !== null) sums[parent] += sums[i]
  }
  return new Map(facts.functions.flatMap((each, i) => (each.kind === 'lambda' ? [] : [[each.row + 1, sums[i]]])))
}

/**
 * checkstyle and pmccabe count decisions of lambdas for the function around them, in our profile `default`. A function is found by its
 * first line and by that of its name; `conditional`: a line inside begins with `#`.
 */
export function byLineWithLambdas(facts, bytes) {
  const lines = bytes.toString('utf8').split('\n')
  const sums = facts.functions.map((each) => each.cyclomatic.default)
  const found = new Map()
  for (let i = sums.length - 1; i >= 0; i--) {
    const { kind, parent, row, rowEnd, nameStart } = facts.functions[i]
    if (kind === 'lambda' && parent !== null) sums[parent] += sums[i] - 1
    if (kind === 'lambda') continue
    const figures = { value: sums[i], conditional: lines.slice(row, rowEnd + 1).some((line) => /^\s*#/.test(line)) }
    const nameRow = nameStart === null ? row : bytes.subarray(0, nameStart).toString('latin1').split('\n').length - 1
    for (const at of new Set([row, nameRow])) found.set(at + 1, figures)
  }
  return found
}
