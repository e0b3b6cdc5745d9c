import type { Git } from '../git/index.ts'
import type { Database } from '../storage/index.ts'
import type { Store } from '../improvement/index.ts'
import { useFetchedGrammars } from '../parsing/index.ts'
import { composeCode } from './code.ts'
import { composeEngines } from './code-engines.ts'
import { composeFacts } from './code-facts.ts'
import { composeGraph } from './code-graph.ts'
import { composeInsights } from './code-insights.ts'
import { once } from './context.ts'
import { type EmbeddingParts, composeEmbedding } from './embedding.ts'
import { composeGrammars } from './grammars.ts'
import { createReading } from './reading.ts'
import { composeSearch } from './search.ts'
import { composeEvidence } from './search-evidence.ts'

/** Runs whose blind spots are told beside a hit. */
const REMEMBERED_RUNS = 20

export type CodeRoomsParts = EmbeddingParts & {
  git: () => Promise<Git>
  cacheFile: () => Promise<Database | undefined>
  /** What runs have recorded; undefined before the first one. */
  store: () => Promise<Store | undefined>
}

/** Everything that reads sources: facts, figures, graph, index and search. */
export function composeCodeRooms({ git, cacheFile, store, ...parts }: CodeRoomsParts) {
  const { context, stateDir, settings, database } = parts
  const embedding = composeEmbedding(parts)
  const reading = createReading(context)
  // one child process for whoever reads untrusted sources
  const isolated = once(() => reading.isolated())
  useFetchedGrammars([reading.grammarFolder])
  const grammars = composeGrammars({ context, reading, settings })
  const graph = composeGraph({ isolated, git, store })
  const code = composeCode({ context, git, reading, grammars })
  const technologies = () => code.technologies({ paths: [] })
  const search = composeSearch({
    context,
    git,
    stateDir,
    settings,
    reading: { ...reading, isolated },
    grammars,
    embedding,
    database,
    cacheFile,
    technologies,
  })
  const insights = composeInsights({ git, reader: search.reader })
  return {
    isolated,
    code,
    engines: composeEngines({ context, languages: once(code.languages), technologies, search }),
    graph,
    facts: composeFacts({ git, reader: search.reader }),
    insights,
    evidence: composeEvidence({
      git,
      graphs: graph.graphs,
      blindSpots: async () => (await store())?.blindSpots(REMEMBERED_RUNS) ?? [],
      hotSpots: () => insights.hotSpots({ paths: [] }, {}),
    }),
    search,
    embedding,
  }
}
