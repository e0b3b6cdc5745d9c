import { dirname, join } from 'node:path'
import { createApp } from '../../src/core/app.ts'
import { createApprovals } from '../../src/core/approvals/index.ts'
import { commitCandidate } from '../../src/core/improvement/commit.ts'
import type { ImprovementService } from '../../src/core/improvement/index.ts'
import { emptyEvidence } from '../../src/core/improvement/draft.ts'
import { requestApproval } from '../../src/core/improvement/decide.ts'
import { type Candidate, createStore } from '../../src/core/improvement/store.ts'
import { systemClock } from '../../src/core/kernel/index.ts'
import { type FileContent, type TestRepository, createRepository } from './repository.ts'

export type WaitingBench = {
  repository: TestRepository
  service: ImprovementService
  store: ReturnType<typeof createStore>
  approvals: ReturnType<typeof createApprovals>
  /** A candidate that changes one file and waits for a yes; with `weakened` it was refused. */
  add(file: string, options?: { title?: string; content?: string; weakened?: boolean; expiresInMs?: number }): Promise<Candidate>
  /** The environment in which the built program sees the same state. */
  env: Record<string, string>
  close(): Promise<void>
}

/** A repository in which candidates wait, made by the real store, git and landing; no suite has to run for it. */
export async function createWaiting(more: Record<string, FileContent> = {}): Promise<WaitingBench> {
  const repository = createRepository({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n', ...more })
  repository.git('branch', '-m', 'work')
  const folder = dirname(repository.root)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    USER: 'ada',
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  }
  const app = createApp({
    cwd: repository.root,
    env,
    home: folder,
    stateHome: env.XDG_STATE_HOME,
    configHome: join(folder, 'config', 'singularity'),
    clock: systemClock,
    version: '0.0.0',
    ci: false,
    packageRoot: join(import.meta.dirname, '..', '..'),
  })
  const [git, db, service] = [await app.git(), await app.database(), await app.improvement()]
  const store = createStore({ db, clock: systemClock })
  const approvals = createApprovals({ db, clock: systemClock })
  const base = repository.git('rev-parse', 'HEAD')
  const request = { patch: null, exec: null, into: null, propose: false } as Parameters<typeof store.startRun>[0]['request']
  const process_ = { pid: 1, pidStart: '0', bootId: 'none' }
  const run = store.startRun({ base, baseTree: await git.treeOf(base), branch: 'work', request, process: process_ })
  store.finishRun(run.id, { status: 'finished', summary: {}, recordPath: null, exitCode: 4 })
  let ordinal = 0
  return {
    repository,
    service,
    store,
    approvals,
    env,
    async add(file, { title = `Change ${file}`, content = `changed ${file}\n`, weakened = false, expiresInMs = 60_000 } = {}) {
      const proposal = {
        title,
        source: { kind: 'rules' as const, id: 'r', version: '1' },
        fingerprint: `${file} ${ordinal}`,
        scope: '',
        sites: [],
        changes: [{ path: file, content: Buffer.from(content) }],
        reason: `because of ${file}`,
        safety: 'safe' as const,
        explicit: true,
      }
      const { id } = store.addCandidate(run.id, proposal, ordinal++)
      const { sites: _sites, ...made } = await commitCandidate(git, { id, base, proposal, sites: [] })
      const sites = { found: 0, exercised: 0, kept: 0, dropped: 0 }
      store.saveCommit(id, { ...made, base, sites })
      store.cache(`validated:${made.tree}`, 'validated', {})
      store.move(id, 'committed')
      const proof = emptyEvidence()
      proof.tests.complete = true
      proof.control = { noticed: 1, planted: 1 }
      const evidence = { ...store.candidate(id).evidence, proof }
      store.saveVerdict(id, {
        verdict: weakened ? 'roll_back' : 'keep',
        reasons: weakened ? [{ code: 'tests_weakened', detail: 'a test expects less' }] : [],
        risk: 'low',
        sites,
        evidence,
      })
      store.move(id, weakened ? 'rejected' : 'validated')
      if (!weakened) requestApproval({ store, approvals, settings: { approvalExpiryMs: expiresInMs } as never }, store.candidate(id))
      return store.candidate(id)
    },
    async close() {
      await app.close()
      repository.cleanup()
    },
  }
}
