import { detectPlan, entriesFor } from '../validation/index.ts'
import { measureBase } from './base.ts'
import { openSession, revalidate } from './run.ts'
import type { ImprovementDeps } from './session.ts'
import type { Candidate } from './store.ts'

/** Validates a merged tree outside of a run: same plan, same baseline, a fresh sandbox. Answers whether it holds. */
export async function validateMerged(deps: ImprovementDeps, tree: string, onto: string, candidate: Candidate): Promise<boolean> {
  const run = deps.store.run(candidate.runId)
  const signal = new AbortController().signal
  const session = await openSession(
    deps,
    { request: { ...run.request, patch: null, base: run.base, dryRun: true, look: true }, observe: () => {}, signal, stopSoon: signal },
    run,
  )
  try {
    session.plan = await detectPlan({
      reader: session.reader,
      root: deps.git.repository.root,
      prefix: deps.git.repository.prefix,
      test: run.request.test ?? deps.settings.planTest,
      build: deps.settings.planBuild,
      env: deps.settings.planEnv,
      timeoutMs: deps.settings.planTimeoutMs,
      scopes: deps.settings.planScope,
    })
    session.baseline = (await measureBase(session, session.plan, entriesFor(session.plan, candidate.files), candidate.files)).baseline
    return await revalidate(session, tree, onto, candidate)
  } finally {
    await session.workbench.close()
  }
}
