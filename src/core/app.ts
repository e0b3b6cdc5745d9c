import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RULE_UPDATES, composeAnswers } from './app/answers.ts'
import { composeCodeRooms } from './app/code-rooms.ts'
import { type AppContext, once } from './app/context.ts'
import { type StatePlaces, databaseFiles } from './app/databases.ts'
import { composeDetach } from './app/detach.ts'
import { improvementSettings } from './app/improvement-settings.ts'
import { composeReports } from './app/model-reports.ts'
import { composeModels } from './app/models.ts'
import { composeWork, jobKinds } from './app/work.ts'
import { type Approvals, createApprovals } from './approvals/index.ts'
import { type Settings, type SettingName, type SettingValue, loadSettings } from './config/index.ts'
import { type Git, createGit, discoverRepository, stateFolder } from './git/index.ts'
import type { AgentWorkDeps, CompleteTurn } from './agents/index.ts'
import {
  type AgentWork,
  type ImprovementService,
  type ModelWork,
  createImprovement,
  createStore,
  landingCallbacks,
} from './improvement/index.ts'
import { sha256 } from './kernel/index.ts'
import { createLanding } from './landing/index.ts'
import { createProcessInfo } from './process/index.ts'
import type { NewJob, QueueEngine, QueueService } from './queue/index.ts'
import {
  type Isolation,
  type IsolationDeps,
  type IsolationKind,
  type SandboxRoom,
  loadMachinery,
  reclaimLeftovers,
} from './sandbox/index.ts'
import { type Database, STATE_MIGRATIONS, loadSqlite, openDatabase } from './storage/index.ts'
import type { SystemDeps } from './system/index.ts'
import { type LogLevel, type Logger, createLogger, secretValues } from './telemetry/index.ts'

/** Marks state.db as ours ("Sing" in ASCII). */
export const APPLICATION_ID = 0x53_69_6e_67

export type { AppContext } from './app/context.ts'
export type { ModelCheck } from './app/embedding-models.ts'
export type { RuntimeReport } from './app/embedding-runtime.ts'

/** Ways out of the program that are wired from outside. */
export type AppPorts = {
  /** Instead of a durable request to a model. */
  completeTurn?: CompleteTurn
  /** Instead of the metered way over the account. */
  agents?: Pick<AgentWorkDeps, 'loopback' | 'hasKey'>
}

export type App = ReturnType<typeof createApp>

/** Queues that state.db publishes in: they are brought up to date before anybody reads them. */
const PUBLISHED: ReadonlySet<string> = new Set(['approval_requests', 'question_requests', RULE_UPDATES])

/** While git answers. What cannot be loaded is told by who needs it. */
function preload(): void {
  try {
    loadSqlite()
  } catch {
    // nobody has asked for it yet
  }
}

/** The only composition root: every room is built when it is first asked for. */
export function createApp(context: AppContext, ports: AppPorts = {}) {
  const closers: (() => void | Promise<void>)[] = []

  const warned = new Set<string>()
  const onWarning = (text: string): void => {
    if (!warned.has(text)) context.warn?.(text)
    warned.add(text)
  }

  const git = once(async (): Promise<Git> => {
    const discovering = discoverRepository({ cwd: context.cwd, env: context.env })
    preload()
    const opened = createGit(await discovering, { env: context.env })
    closers.push(() => opened.close())
    return opened
  })

  const stateDir = once(async (): Promise<string> => stateFolder((await git()).repository))

  const database = once(async (): Promise<Database> => {
    const path = join(await stateDir(), 'state.db')
    const opened = openDatabase({
      path,
      applicationId: APPLICATION_ID,
      migrations: STATE_MIGRATIONS,
      onWarning,
      backups: { clock: context.clock },
    })
    closers.push(() => opened.close())
    return opened
  })

  const queueEngine = once(async (): Promise<QueueEngine> => {
    const [folder, resolved, { SHARED_COMMITS, createSqliteQueue }] = [await stateDir(), await settings(), await import('./queue/index.ts')]
    const engine = createSqliteQueue({
      path: join(folder, 'queue.db'),
      runDir: join(folder, 'run'),
      clock: context.clock,
      processes: createProcessInfo(),
      settleBatch: SHARED_COMMITS,
      onWarning,
      poll: { llmMs: resolved.get('queue.llm_poll_ms'), otherMs: resolved.get('queue.poll_ms') },
    })
    closers.push(() => engine.close())
    return engine
  })

  const models = composeModels({
    context,
    engine: () => queueEngine(),
    settings: () => settings(),
    repositoryFile,
    repositoryId: async () => sha256((await git().catch(() => undefined))?.repository.commonDir ?? '').slice(0, 16),
    log: (part) => log(part),
    onClose: (close) => closers.push(close),
    onAnswer: (request, result) => keep(request, result),
  })

  async function readRequests(text: string): Promise<readonly NewJob[]> {
    const { parseRequests } = await import('./llm/index.ts')
    return parseRequests(text, (await models.llm()).requestContext())
  }

  const approvals = once(async (): Promise<Approvals> => createApprovals({ db: await database(), clock: context.clock }))

  const queue = once(async (): Promise<QueueService> => {
    const { clock } = context
    const { createOutbox, createQueueService, relayWaiting } = await import('./queue/index.ts')
    // who only looks at the queue does not load the models
    const room = () => import('./llm/index.ts')
    return createQueueService({
      engine: await queueEngine(),
      clock,
      kinds: jobKinds,
      parseRequests: readRequests,
      answerError: async (job) => (await room()).answerError(job),
      findBreak: async (text) => (await room()).findBreak(text),
      retentionDays: (await settings()).get('queue.retention_days'),
      relay: async (name) => {
        if (PUBLISHED.has(name)) await relayWaiting(createOutbox({ db: await database(), clock }), await queueEngine())
      },
    })
  })

  const work = composeWork({
    context,
    stateDir,
    engine: queueEngine,
    settings: () => settings(),
    models,
    approvals,
    improvement: () => improvement(),
    queue,
    parseRequests: readRequests,
    openFolder: (folder, { offline }) => {
      const { system: parts, ...opened } = createApp(
        { ...context, cwd: folder, flags: { ...context.flags, ...(offline && { offline }) } },
        ports,
      )
      return { ...opened, reclaim: async () => (await (await parts.sandboxes()).reclaim()).reclaimed }
    },
    log: (part) => log(part),
  })

  /** null outside a repository: the user's own file and the environment still count. */
  async function repositoryFile(): Promise<string | null> {
    return git().then(
      ({ repository }) => join(repository.root, '.singularity', 'config.json'),
      () => null,
    )
  }

  async function settings(flags: Partial<Record<SettingName, SettingValue>> = {}): Promise<Settings> {
    const userFile = join(context.configHome, 'config.json')
    return loadSettings({ flags: { ...context.flags, ...flags }, env: context.env, repositoryFile: await repositoryFile(), userFile })
  }

  async function isolations(guarded?: IsolationDeps['guarded']): Promise<(kind: IsolationKind) => Isolation> {
    const { createIsolation } = await loadMachinery()
    const launcher = join(context.packageRoot, 'native', 'build', 'launcher')
    return (kind) =>
      createIsolation(kind, {
        path: context.env['PATH'] ?? '/usr/bin:/bin',
        launcher: existsSync(launcher) ? launcher : null,
        stateDir: join(context.stateHome, 'singularity', 'isolation'),
        uid: process.getuid?.() ?? 0,
        gid: process.getgid?.() ?? 0,
        ...(guarded && { guarded }),
      })
  }

  const isolation = async (kind: IsolationKind): Promise<Isolation> => (await isolations())(kind)

  async function openRoom(jail: Isolation): Promise<SandboxRoom> {
    const { createSandboxRoom } = await loadMachinery()
    return createSandboxRoom({
      git: await git(),
      db: await database(),
      clock: context.clock,
      isolation: jail,
      processes: createProcessInfo(),
      stateHome: context.stateHome,
      path: context.env['PATH'] ?? '/usr/bin:/bin',
      home: context.home,
    })
  }

  /** Inside a repository its own log, else one below the state home. */
  async function log(part: string): Promise<Logger> {
    const folder = await stateDir().catch(() => join(context.stateHome, 'singularity'))
    const level = await settings().then(
      (resolved) => resolved.get<LogLevel>('log.level'),
      () => 'info' as const,
    )
    return createLogger({ folder: join(folder, 'logs'), part, level, clock: context.clock, pid: process.pid })
  }

  const places: StatePlaces = {
    stateDir,
    ledgerPath: async () => (await models.llm()).ledgerPath,
    applicationId: APPLICATION_ID,
    clock: context.clock,
  }

  const system: SystemDeps = {
    version: context.version,
    cwd: context.cwd,
    env: context.env,
    platform: process.platform,
    nodeVersion: process.versions.node,
    packageRoot: context.packageRoot,
    stateHome: join(context.stateHome, 'singularity'),
    git,
    stateDir,
    database,
    databaseFiles: () => databaseFiles(places),
    settings: () => settings(),
    llm: () => models.llm(),
    isolation,
    sandboxes: async () => openRoom(await isolation('none')),
    leftRunning: async () => (await improvement()).leftRunning(),
    recover: async () => (await improvement()).recover(),
    sandboxTraces: async () =>
      (await loadMachinery()).findTraces({
        stateHome: context.stateHome,
        commonDir: (await git()).repository.commonDir,
        processes: createProcessInfo(),
      }),
  }

  const modelWork = once(async (): Promise<ModelWork> => {
    const { createModelWork } = await import('./agents/index.ts')
    const processes = createProcessInfo()
    return createModelWork({
      git: await git(),
      db: await database(),
      clock: context.clock,
      process: processes.self,
      isAlive: (owner) => processes.isAlive(owner),
      outputsDir: join(await stateDir(), 'agents'),
      secrets: secretValues(context.env),
      completeTurn: ports.completeTurn ?? models.completeTurn,
      writesWhole: models.writesWhole,
      findPlaces: async (goal, base, paths) => {
        const { findPlaces } = await import('./app/places.ts')
        return findPlaces({ git: await git(), search: await codeRooms.search.service() }, goal, base, paths)
      },
    })
  })

  /** The room above is loaded when a goal, or a record of one, needs it. */
  const model: ModelWork = {
    source: (task) => ({ kind: 'model', find: async (find) => (await modelWork()).source(task).find(find) }),
    kept: async (candidate) => (await modelWork()).kept(candidate),
    problems: async (recordings) => (recordings.length === 0 ? [] : (await modelWork()).problems(recordings)),
  }

  const agentWork = once(async (): Promise<AgentWork> => {
    const { createAgentWork } = await import('./agents/index.ts')
    const folder = join(context.packageRoot, 'templates_data', 'agents')
    return createAgentWork({ folder, env: context.env, home: context.home, ...models.agents, ...ports.agents })
  })
  const agents: AgentWork = {
    plan: async (agent) => (await agentWork()).plan(agent),
    open: async (agent, run) => (await agentWork()).open(agent, run),
  }

  const improvement = once(async (): Promise<ImprovementService> => {
    const { clock } = context
    const [opened, db, resolved] = [await git(), await database(), await settings()]
    const store = createStore({ db, clock })
    const asked = await approvals()
    const processes = createProcessInfo()
    const landing = createLanding({ git: opened, db, clock, processInfo: processes, ...landingCallbacks(store) })
    const path = context.env['PATH'] ?? '/usr/bin:/bin'
    return createImprovement({
      git: opened,
      graphs: codeRooms.graph.graphs,
      store,
      clock,
      process: processes.self,
      isAlive: (owner) => processes.isAlive(owner),
      settings: improvementSettings(resolved),
      path,
      hostEnv: context.env,
      ci: context.ci,
      version: context.version,
      recordsDir: join(await stateDir(), 'records'),
      log: await log('cli'),
      approvals: asked,
      landing,
      facts: codeRooms.isolated,
      model,
      agents,
      wake: work.wake,
      waitUntil: work.waitUntil,
      reclaimSandboxes: () => reclaimLeftovers({ git: opened, db, clock, processes, stateHome: context.stateHome }),
      async openSandboxes({ requested, foreign }) {
        const consent = resolved.get<boolean>('isolation.trustOwnTests')
        const { commonDir, gitDir, root } = opened.repository
        const wanted = requested === 'auto' ? resolved.get<typeof requested>('isolation.kind') : requested
        const { selectIsolation } = await loadMachinery()
        const chosen = await selectIsolation(
          { requested: wanted, purpose: foreign ? 'foreign' : 'own-tests', consent, platform: process.platform },
          await isolations({ gitDirs: [...new Set([commonDir, gitDir])], workTree: root }),
        )
        if (chosen.without === 'consent') store.grantConsent('isolation.trustOwnTests', context.env['USER'] ?? 'unknown', 'setting')
        const room = await openRoom(chosen.isolation)
        return { room, kind: chosen.isolation.kind, detail: chosen.without ?? 'jail' }
      },
    })
  })

  const { answering, cacheFile, keep } = composeAnswers({
    context,
    git,
    stateDir,
    settings,
    models,
    log,
    database,
    onClose: (close) => closers.push(close),
  })

  const codeRooms = composeCodeRooms({
    context,
    git,
    stateDir,
    settings: () => settings(),
    database,
    cacheFile,
    onWarning,
    onClose: (close) => closers.push(close),
    endpoint: (name, dimensions) => models.vectorSpace(name, dimensions, database),
    store: async () =>
      existsSync(join(await stateDir(), 'state.db')) ? createStore({ db: await database(), clock: context.clock }) : undefined,
  })

  const modelReports = composeReports({ engine: queueEngine, database, cacheFile })

  return {
    context,
    git,
    answering,
    detach: composeDetach({ answering, models, engine: queueEngine, queue }),
    cacheFile,
    ...codeRooms,
    stateDir,
    database,
    settings,
    isolation,
    improvement,
    queue,
    worker: work.worker,
    detachJob: work.detach,
    llm: models.llm,
    models,
    modelReports,
    log,
    system,
    close: async (): Promise<void> => {
      for (const close of closers.reverse()) await close()
    },
  }
}
