import type { FileHistory, HistoryCounts, HotSpot, ModuleGraphs } from '../analysis/index.ts'
import type { Git, TreeReader } from '../git/index.ts'
import type { SeenBlindSpot } from '../improvement/index.ts'
import type { SearchHit } from '../search/index.ts'
import { once } from './context.ts'

/** What only the history of this repository knows of a hit. */
export type HitEvidence = {
  /** Test files of HEAD that reach its file through imports, nearest first; null where imports of its language are not followed. */
  tests: { files: string[]; complete: boolean } | null
  /** What runs could not see in its lines, while the file is as it was then. */
  blindSpots: SeenBlindSpot[]
  /** Its file among the hot spots; null where it is none. */
  hotSpot: { rank: number; of: number; score: number } | null
  changes: number
  fixes: number
  lastFix: FileHistory['lastFix']
}

export type EvidenceParts = {
  git: () => Promise<Git>
  graphs: ModuleGraphs
  /** The latest first. */
  blindSpots: () => Promise<SeenBlindSpot[]>
  /** All of them, the hottest first, with the history they were made from. */
  hotSpots: () => Promise<{ history: HistoryCounts; files: readonly HotSpot[] }>
}

type Head = { commit: string; reader: TreeReader; tests: Promise<string[]>; spots: ReturnType<EvidenceParts['hotSpots']> }

const FOLLOWED = /\.(?:[cm]?[jt]sx?|pyi?|go)$/
const NO_TEST = /(?:^|\/)(?:fixtures|testdata|__mocks__|__snapshots__|support|helpers)\//

/** Joins hits to tests, blind spots, hot spots and fixes. What holds for all hits is worked out once per commit. */
export function composeEvidence({ git, graphs, blindSpots, hotSpots }: EvidenceParts) {
  const seen = once(blindSpots)
  let last: Head | undefined

  async function readHead(commit: string): Promise<Head> {
    if (last?.commit === commit) return last
    const reader = (await git()).reader(commit)
    return (last = { commit, reader, tests: testsOf(reader), spots: hotSpots() })
  }

  async function testsOf(reader: TreeReader): Promise<string[]> {
    const { classifyPath } = await import('../search/index.ts')
    const entries = await reader.entries()
    return entries
      .map(({ path }) => path)
      .filter((path) => classifyPath(path).class === 'test' && FOLLOWED.test(path) && !NO_TEST.test(path))
  }

  /** Whether a path holds the same bytes in two commits. */
  const isSame = async (path: string, one: TreeReader, other: string): Promise<boolean> => {
    const [now, then] = await Promise.all([one.entry(path), (await git()).resolve(`${other}:${path}`)])
    return now !== undefined && now.oid === then
  }

  async function testsReaching(path: string, { reader, tests }: Head): Promise<HitEvidence['tests']> {
    if (!FOLLOWED.test(path) || (await reader.entry(path)) === undefined) return null
    const { affectedTests, moduleTreeOf } = await import('../analysis/index.ts')
    const reached = await affectedTests(graphs, moduleTreeOf(reader), { paths: [path], tests: await tests })
    const files = reached.tests.flatMap((test) => (test.distance === null || test.path === path ? [] : [test.path]))
    return { files, complete: reached.complete }
  }

  async function blindSpotsIn(hit: Pick<SearchHit, 'path' | 'line' | 'lineEnd'>, reader: TreeReader): Promise<SeenBlindSpot[]> {
    const found: SeenBlindSpot[] = []
    for (const spot of await seen()) {
      if (spot.file !== hit.path || spot.line < hit.line || spot.line > hit.lineEnd) continue
      if (found.some(({ kind, line }) => kind === spot.kind && line === spot.line)) continue
      if (await isSame(hit.path, reader, spot.base)) found.push(spot)
    }
    return found
  }

  /** One for each hit, in their order; nothing is known before the first commit. */
  return async (hits: readonly Pick<SearchHit, 'path' | 'line' | 'lineEnd'>[]): Promise<(HitEvidence | null)[]> => {
    const head = hits.length === 0 ? undefined : await (await git()).resolve('HEAD^{commit}')
    if (head === undefined) return hits.map(() => null)
    const here = await readHead(head)
    const { history, files } = await here.spots
    const evidence: HitEvidence[] = []
    for (const hit of hits) {
      const rank = files.findIndex(({ path }) => path === hit.path)
      const own = history.files.get(hit.path)
      evidence.push({
        tests: await testsReaching(hit.path, here),
        blindSpots: await blindSpotsIn(hit, here.reader),
        hotSpot: rank < 0 ? null : { rank: rank + 1, of: files.length, score: files[rank]!.score },
        changes: own?.changes ?? 0,
        fixes: own?.fixes ?? 0,
        lastFix: own?.lastFix ?? null,
      })
    }
    return evidence
  }
}

export type Evidence = ReturnType<typeof composeEvidence>
