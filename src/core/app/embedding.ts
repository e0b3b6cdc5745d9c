import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { SentRecord, SentText } from '../llm/index.ts'
import type { Database } from '../storage/index.ts'
import { once } from './context.ts'
import type { InstallOptions } from './embedding-runtime.ts'
import type { EmbeddingModelParts, EmbeddingModels } from './embedding-models.ts'

export type EmbeddingParts = Omit<EmbeddingModelParts, 'record'> & {
  stateDir: () => Promise<string>
  database: () => Promise<Database>
}

export type Embedding = ReturnType<typeof composeEmbedding>

/** The embedding model and what of this repository it was given; loaded when it is first asked for. */
export function composeEmbedding({ stateDir, database, ...parts }: EmbeddingParts) {
  const record = async (): Promise<SentRecord> => {
    const { createSentRecord } = await import('./sent-text.ts')
    return createSentRecord({ db: await database(), clock: parts.context.clock })
  }
  const models = once(async (): Promise<EmbeddingModels> => {
    const { openEmbeddingModels } = await import('./embedding-models.ts')
    return openEmbeddingModels({ ...parts, record })
  })

  /** What of this repository left the machine; null where the state that knows it cannot be read. */
  async function sent(): Promise<SentText[] | null> {
    try {
      return existsSync(join(await stateDir(), 'state.db')) ? (await record()).list() : []
    } catch {
      return null
    }
  }

  return {
    sent,
    space: async () => (await models()).space(),
    reopen: async (id: string) => (await models()).reopen(id),
    check: async () => (await models()).check(),
    awaitsConsent: async () => (await models()).awaitsConsent(),
    consent: async (host: string, options: { revoke: boolean }) => (await models()).consent(host, options),
    install: async (options: InstallOptions) => (await models()).install(options),
  }
}
