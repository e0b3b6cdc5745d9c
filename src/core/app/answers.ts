import { join } from 'node:path'
import type { Answering, RepositoryFacts, RuleChange, SemanticTier } from '../answering/index.ts'
import type { Settings } from '../config/index.ts'
import type { Git } from '../git/index.ts'
import { SingularityError, isoTime } from '../kernel/index.ts'
import type { StoredRequest, StoredResult } from '../llm/index.ts'
import type { Database } from '../storage/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { type AppContext, once } from './context.ts'
import type { Models } from './models.ts'

export type AnswerParts = {
  context: AppContext
  git: () => Promise<Git>
  stateDir: () => Promise<string>
  settings: () => Promise<Settings>
  models: Models
  /** state.db: what is published is decided there. */
  database: () => Promise<Database>
  log: (part: string) => Promise<Logger>
  onClose: (close: () => void) => void
}

/** Where other programs hear that a rule may answer from now on, or may not any more. */
export const RULE_UPDATES = 'genesis_rule_updates'

/** Rules, caches and models behind one door. */
export function composeAnswers({ context, git, stateDir, settings, models, database, log, onClose }: AnswerParts) {
  const { clock } = context
  const dataFolder = join(context.packageRoot, 'templates_data')

  /** What the checked-out commit tells; undefined outside a repository and before the first commit. */
  const facts = once(async (): Promise<RepositoryFacts | undefined> => {
    const opened = await git().catch(() => undefined)
    const head = await opened?.resolve('HEAD^{commit}')
    if (!opened || head === undefined) return undefined
    const resolved = await settings()
    const { root, prefix } = opened.repository
    const { tasks } = (await models.llm()).routing.table()
    const complexityOf = (taskType: string) => (Object.hasOwn(tasks, taskType) ? tasks[taskType] : undefined)
    const planned = { planTest: resolved.get<string | null>('plan.test'), planBuild: resolved.get<string | null>('plan.build') }
    return { git: opened, reader: opened.reader(head), head, root, prefix, ...planned, complexityOf }
  })

  /** What was answered before: disposable. undefined outside a repository, and where a newer program wrote it. */
  const cacheFile = once(async (): Promise<Database | undefined> => {
    const folder = await stateDir().catch(() => undefined)
    if (folder === undefined) return undefined
    const { openCacheFile } = await import('../answering/index.ts')
    const opened = openCacheFile(join(folder, 'cache.db'))
    if (opened) onClose(() => opened.close())
    return opened
  })

  /** Opt-in: answers to nearly the same question. @throws LLM_NOT_CONFIGURED where its embedder cannot be used */
  async function semanticTier(db: Database): Promise<SemanticTier | undefined> {
    const resolved = await settings()
    const mode = resolved.get<'off' | 'shadow' | 'on'>('cache.semantic')
    const model = resolved.get<string | null>('cache.embedding_model')
    if (mode === 'off') return undefined
    if (!model) throw new SingularityError('LLM_NOT_CONFIGURED', 'cache.semantic is on, and cache.embedding_model names no model.')
    const { createSemanticTier, loadLexicon } = await import('../answering/index.ts')
    const embedder = await models.embedder(model, resolved.get<number | null>('cache.embedding_dimensions'))
    return createSemanticTier({ db, clock, embedder, lexicon: loadLexicon(dataFolder), random: Math.random, mayServe: mode === 'on' })
  }

  /** The cache never costs an answer: what goes wrong with it stands in the log. */
  const trouble = async (error: unknown): Promise<undefined> => {
    const file = await log('answering')
    file.warn('the cache of answers', error)
  }

  /** One row of the outbox per change; it is relayed when the queue is read. */
  async function publishRule(change: RuleChange): Promise<void> {
    const [{ createOutbox }, db] = [await import('../queue/index.ts'), await database()]
    const { rule_id: id, version, state } = change
    const at = isoTime(clock)
    createOutbox({ db, clock }).add(RULE_UPDATES, `${id}@${version}:${state}:${at}`, { ...change, at })
  }

  /** Works outside a repository as well, without its facts and without memory. */
  const answering = once(async (): Promise<Answering> => {
    const { createAnswering, createAnswerCache, createPrompts, createRuleTier, loadAnswerers } = await import('../answering/index.ts')
    const db = await cacheFile()
    const cache = db && createAnswerCache({ db, clock })
    const semantic = db && (await semanticTier(db).catch(trouble))
    const { answerers, version } = loadAnswerers(dataFolder)
    const rules = createRuleTier({ answerers, facts, cache, random: Math.random })
    return createAnswering({
      clock,
      rules,
      rulesVersion: version,
      cache,
      ...(semantic && { semantic }),
      prompts: createPrompts(dataFolder),
      callModel: models.callModel,
      onRuleChange: async (change) => {
        await publishRule(change).catch(trouble)
      },
      withoutSecrets: async (request) => {
        const [llm, { withoutSecrets }] = [await models.llm(), await import('../llm/index.ts')]
        return withoutSecrets(request, llm.requestContext().known)
      },
      onTrouble: (error) => void trouble(error),
    })
  })

  /** Keeps what was paid for, also where it came too late. An unusable cache must not lose it for who waits. */
  async function keep(request: StoredRequest, result: StoredResult): Promise<void> {
    try {
      const room = await answering()
      room.putRequest(request, result)
    } catch (error) {
      await trouble(error)
    }
  }

  return { answering, cacheFile, keep }
}
