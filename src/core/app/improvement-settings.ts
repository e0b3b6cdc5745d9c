import type { Settings } from '../config/index.ts'
import type { createImprovement } from '../improvement/index.ts'

/** What the main job reads of the settings. */
export function improvementSettings(resolved: Settings): Parameters<typeof createImprovement>[0]['settings'] {
  return {
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
  }
}
