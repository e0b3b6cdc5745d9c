export type TrainOutcome = 'green' | 'red' | 'errored'

export type TrainResult<T> = {
  /** Members of the final train; its tip was seen green. */
  kept: T[]
  /** Each found by bisection, with the outcome of the shortest train that was not green because of it. */
  culprits: { member: T; outcome: Exclude<TrainOutcome, 'green'> }[]
  /** Members that were not decided before the time was up. */
  undecided: T[]
  validations: number
}

/**
 * The merge train: all members on one tip, validated once; when the tip is red, bisection over the prefixes finds the
 * first member that turns it red, which leaves the train, and the new tip is validated again (merge-queue bisection as
 * in bors and Mergify). At most log2(n) + 2 validations per culprit, plus one.
 */
export async function rideTrain<T>(
  members: readonly T[],
  options: { validate: (members: readonly T[]) => Promise<TrainOutcome>; mayContinue: () => boolean },
): Promise<TrainResult<T>> {
  const riding = [...members]
  const culprits: TrainResult<T>['culprits'] = []
  let validations = 0
  let green = 0 // length of the prefix known to be green
  const validate = async (length: number): Promise<TrainOutcome> => {
    validations++
    return options.validate(riding.slice(0, length))
  }
  while (riding.length > green) {
    // The first validation always happens: a run is never without one.
    if (validations > 0 && !options.mayContinue()) break
    let outcome = await validate(riding.length)
    if (outcome === 'green') return { kept: riding, culprits, undecided: [], validations }
    let red = riding.length
    while (red - green > 1 && options.mayContinue()) {
      const middle = Math.floor((green + red) / 2)
      const half = await validate(middle)
      if (half === 'green') green = middle
      else [red, outcome] = [middle, half]
    }
    if (red - green > 1) break
    culprits.push({ member: riding.splice(red - 1, 1)[0]!, outcome })
  }
  return { kept: riding.slice(0, green), culprits, undecided: riding.slice(green), validations }
}

/**
 * Who carries a train past the margin: of a train that is too slow as a whole, the last member of the shortest prefix
 * that is too slow as well, by bisection; at most log2(n) measurements. What rides before it is within the margin. Many
 * small costs have no single culprit: the first member that does not fit any more is found then.
 * @returns null when the time was up before it was found
 */
export async function findCarrier<T>(
  members: readonly T[],
  options: { isSlow: (prefix: readonly T[]) => Promise<boolean>; mayContinue: () => boolean },
): Promise<{ member: T; others: number } | null> {
  let [fine, slow] = [0, members.length]
  while (slow - fine > 1) {
    if (!options.mayContinue()) return null
    const middle = Math.floor((fine + slow) / 2)
    if (await options.isSlow(members.slice(0, middle))) slow = middle
    else fine = middle
  }
  return { member: members[slow - 1]!, others: slow - 1 }
}
