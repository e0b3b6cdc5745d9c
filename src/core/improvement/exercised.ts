import type { Git } from '../git/index.ts'
import type { BaseCoverage, StoredCoverage } from './base.ts'
import { coverageName } from './coverage-name.ts'
import type { BlindSpot } from './data.ts'
import type { Store } from './store.ts'

/** Whether a test runs some lines, and what shows it; null where no run of the main job has seen the file as it is. */
export type Exercised = { exercised: boolean; by: 'coverage' | 'fault' } | null

/** How many runs are looked back at. */
const RUNS = 20

/**
 * What earlier runs learnt about the lines of a commit's files: their coverage, and functions in which a planted fault stayed
 * unnoticed. It holds for a file as long as its bytes are those of that run's base.
 */
export async function openExercise({ store, git }: { store: Store; git: Git }, commit: string) {
  // what measures is loaded for those who ask, not for every command
  const { isExercised, readCoverage } = await import('./base.ts')
  const runs: { baseTree: string; coverage: BaseCoverage | null; spots: readonly BlindSpot[] }[] = []
  const seen = new Set<string>()
  for (const { baseTree, summary } of store.runs(RUNS)) {
    const key = store.cached<string>(coverageName(baseTree))
    const stored = key === undefined || seen.has(baseTree) ? undefined : store.cached<StoredCoverage>(key)
    seen.add(baseTree)
    const spots = (summary as { blind_spots?: BlindSpot[] } | null)?.blind_spots ?? []
    if (stored || spots.length > 0) runs.push({ baseTree, coverage: stored ? readCoverage(stored) : null, spots })
  }
  const reader = git.reader(commit)
  const isSame = async (tree: string, path: string): Promise<boolean> => {
    const [own, then] = await Promise.all([
      reader.entry(path),
      git
        .reader(tree)
        .entry(path)
        .catch(() => undefined),
    ])
    return own !== undefined && own.oid === then?.oid
  }
  return async (path: string, line: number, lineEnd: number): Promise<Exercised> => {
    const lines = Array.from({ length: lineEnd - line + 1 }, (_line, index) => line + index)
    for (const { baseTree, coverage, spots } of runs) {
      if (!(await isSame(baseTree, path))) continue
      const spot = spots.find((each) => each.file === path && each.line >= line && each.line <= lineEnd)
      if (spot) return { exercised: false, by: spot.kind === 'unnoticed_fault' ? 'fault' : 'coverage' }
      // the line of a declaration runs when its file is loaded
      const inside = lines.length > 1 ? lines.slice(1) : lines
      const known = coverage && isExercised(coverage, path, inside)
      if (known !== null && known !== undefined) return { exercised: known, by: 'coverage' }
    }
    return null
  }
}
