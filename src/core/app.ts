import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Approvals, createApprovals } from './approvals/index.ts'
import { type Settings, type SettingName, type SettingValue, loadSettings } from './config/index.ts'
import { type Git, createGit, discoverRepository, stateFolder } from './git/index.ts'
import { type ImprovementService, createImprovement, createStore, landingCallbacks } from './improvement/index.ts'
import type { Clock } from './kernel/index.ts'
import { createLanding } from './landing/index.ts'
import { createProcessInfo } from './process/index.ts'
import {
  type Isolation,
  type IsolationDeps,
  type IsolationKind,
  type SandboxRoom,
  loadMachinery,
  reclaimLeftovers,
} from './sandbox/index.ts'
import { type Database, STATE_MIGRATIONS, loadSqlite, openDatabase } from './storage/index.ts'
import type { Answering, RepositoryFacts } from './answering/index.ts'
import type { SystemDeps } from './system/index.ts'
import { type LogLevel, type Logger, createLogger } from './telemetry/index.ts'

/** Marks state.db as ours ("Sing" in ASCII). */
export const APPLICATION_ID = 0x53_69_6e_67

/** Everything the core needs of the process it runs in, as values. */
export type AppContext = {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  home: string
  /** XDG_STATE_HOME or what stands for it; sandboxes live in `singularity/` below it. */
  stateHome: string
  /** Our folder below XDG_CONFIG_HOME: the user's settings. */
  configHome: string
  clock: Clock
  version: string
  ci: boolean
  /** Where package.json, native/ and templates_data/ are. */
  packageRoot: string
}

export type App = ReturnType<typeof createApp>

/** Remembers the first answer of an asynchronous factory. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** While git answers. What cannot be loaded is told by who needs it. */
function preload(): void {
  try {
    loadSqlite()
  } catch {
    // nobody has asked for it yet
  }
}

/** The only composition root: every room is built when it is first asked for. */
export function createApp(context: AppContext) {
  const closers: (() => void)[] = []

  const git = once(async (): Promise<Git> => {
    const discovering = discoverRepository({ cwd: context.cwd, env: context.env })
    preload()
    const opened = createGit(await discovering, { env: context.env })
    closers.push(() => opened.close())
    return opened
  })

  const stateDir = once(async (): Promise<string> => stateFolder((await git()).repository))

  const database = once(async (): Promise<Database> => {
    const opened = openDatabase({ path: join(await stateDir(), 'state.db'), applicationId: APPLICATION_ID, migrations: STATE_MIGRATIONS })
    closers.push(() => opened.close())
    return opened
  })

  /** Outside a repository the user's own file and the environment still count. */
  async function settings(flags: Partial<Record<SettingName, SettingValue>> = {}): Promise<Settings> {
    const root = await git().then(
      ({ repository }) => repository.root,
      () => null,
    )
    return loadSettings({
      flags,
      env: context.env,
      repositoryFile: root === null ? null : join(root, '.singularity', 'config.json'),
      userFile: join(context.configHome, 'config.json'),
    })
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
    settings: () => settings(),
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

  const improvement = once(async (): Promise<ImprovementService> => {
    const { clock } = context
    const [opened, db, resolved] = [await git(), await database(), await settings()]
    const store = createStore({ db, clock })
    const approvals: Approvals = createApprovals({ db, clock })
    const processes = createProcessInfo()
    const landing = createLanding({ git: opened, db, clock, processInfo: processes, ...landingCallbacks(store) })
    const path = context.env['PATH'] ?? '/usr/bin:/bin'
    return createImprovement({
      git: opened,
      store,
      clock,
      process: processes.self,
      isAlive: (owner) => processes.isAlive(owner),
      settings: {
        include: resolved.get('sandbox.include'),
        setup: resolved.get('sandbox.setup'),
        services: resolved.get('sandbox.services'),
        sandboxGit: resolved.get('sandbox.git'),
        planTest: resolved.get('plan.test'),
        planBuild: resolved.get('plan.build'),
        planEnv: resolved.get('plan.env'),
        planTimeoutMs: resolved.get('plan.timeout'),
        planScope: resolved.get('plan.scope'),
        measureCpu: resolved.get('measure.cpu'),
        regressionThreshold: resolved.get('regression_threshold'),
        autoRollback: resolved.get('auto_rollback_on_regression'),
        autoRisk: resolved.get('approvals.autoRisk'),
        approvalExpiryMs: resolved.get('approvals.expiry'),
        protectedBranches: resolved.get('landing.protected'),
        hooks: resolved.get('landing.hooks'),
        timeoutMs: resolved.get('timeout_ms'),
        maxIterations: resolved.get('max_iterations'),
      },
      path,
      hostEnv: context.env,
      ci: context.ci,
      version: context.version,
      recordsDir: join(await stateDir(), 'records'),
      log: await log('cli'),
      approvals,
      landing,
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

  /** What the checked-out commit tells; undefined outside a repository and before the first commit. */
  const facts = once(async (): Promise<RepositoryFacts | undefined> => {
    const opened = await git().catch(() => undefined)
    const head = await opened?.resolve('HEAD^{commit}')
    if (!opened || head === undefined) return undefined
    const resolved = await settings()
    const { root, prefix } = opened.repository
    const planned = { planTest: resolved.get<string | null>('plan.test'), planBuild: resolved.get<string | null>('plan.build') }
    return { git: opened, reader: opened.reader(head), head, root, prefix, ...planned, complexityOf: () => undefined }
  })

  /** What was answered before: disposable. undefined outside a repository, and where a newer program wrote it. */
  const cacheFile = once(async (): Promise<Database | undefined> => {
    const folder = await stateDir().catch(() => undefined)
    if (folder === undefined) return undefined
    const { openCacheFile } = await import('./answering/index.ts')
    const opened = openCacheFile(join(folder, 'cache.db'))
    if (opened) closers.push(() => opened.close())
    return opened
  })

  /** Works outside a repository as well, without its facts and without memory. */
  const answering = once(async (): Promise<Answering> => {
    const { createAnswering, createAnswerCache, createPrompts, createRuleTier, loadAnswerers } = await import('./answering/index.ts')
    const { clock } = context
    const dataFolder = join(context.packageRoot, 'templates_data')
    const db = await cacheFile()
    const cache = db && createAnswerCache({ db, clock })
    const { answerers, version } = loadAnswerers(dataFolder)
    const rules = createRuleTier({ answerers, facts, cache, random: Math.random })
    return createAnswering({ clock, rules, rulesVersion: version, cache, prompts: createPrompts(dataFolder), callModel: null })
  })

  return {
    context,
    git,
    answering,
    cacheFile,
    stateDir,
    database,
    settings,
    isolation,
    improvement,
    log,
    system,
    close: async (): Promise<void> => {
      for (const close of closers.reverse()) close()
    },
  }
}
