import { type Plan, type PlanOptions, detectPlan } from '../../src/core/validation/index.ts'
import { type FileContent, createRepository } from './repository.ts'

/** The plan of a real commit; `installed` is written to the checkout only, as an installation would. */
export async function planOf(
  files: Record<string, FileContent>,
  options: Partial<PlanOptions> = {},
  installed: Record<string, string> = {},
): Promise<Plan> {
  const repository = createRepository({ '.gitignore': 'node_modules\n', ...files })
  try {
    repository.write(Object.fromEntries(Object.entries(installed).map(([name, bin]) => [`node_modules/${name}`, bin])))
    const git = await repository.open()
    const defaults = { prefix: '', test: null, build: null, env: {}, timeoutMs: null, scopes: [] }
    const plan = await detectPlan({ reader: git.reader('HEAD'), root: repository.root, ...defaults, ...options })
    git.close()
    return plan
  } finally {
    repository.cleanup()
  }
}
