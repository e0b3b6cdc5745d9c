/** Edit distance with transpositions (Damerau 1964, optimal string alignment). */
function distance(a: string, b: string): number {
  let [before, previous, current] = [[] as number[], Array.from({ length: b.length + 1 }, (_value, index) => index), [] as number[]]
  for (let row = 1; row <= a.length; row++) {
    current = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      let best = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + cost)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        best = Math.min(best, before[column - 2]! + 1)
      current.push(best)
    }
    ;[before, previous] = [previous, current]
  }
  return previous[b.length]!
}

/** The nearest name, if it is near enough to be what was meant. */
export function suggest(typed: string, names: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(typed.length / 3))
  const near = names
    .map((name) => ({ name, far: name.startsWith(typed) && typed.length > 2 ? 0 : distance(typed, name) }))
    .toSorted((a, b) => a.far - b.far)[0]
  return near && near.far <= limit ? near.name : undefined
}
