import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import semver from 'semver'
import { checkVersion } from '../../git/index.ts'
import { SingularityError, messageOf, parseJson } from '../../kernel/index.ts'
import { type Check, fail, ok, warn } from '../check.ts'

export const git: Check = {
  id: 'git',
  async run({ cwd, env }) {
    try {
      return ok(`git ${await checkVersion({ cwd, env })}`)
    } catch (error) {
      return fail(messageOf(error), 'apt-get install git   # 2.38 or later; brew install git on macOS')
    }
  },
}

export const node: Check = {
  id: 'node',
  async run({ nodeVersion, packageRoot }) {
    const manifest = parseJson(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { engines: { node: string } }
    const nodeRange = manifest.engines.node
    if (semver.satisfies(nodeVersion, nodeRange)) return ok(`Node ${nodeVersion}`)
    return fail(`Node ${nodeVersion} is not one of ${nodeRange}`, `Install Node ${nodeRange}, then: npm rebuild better-sqlite3`)
  },
}

export const repository: Check = {
  id: 'repository',
  async run(deps) {
    try {
      const opened = await deps.git()
      if ((await opened.resolve('HEAD')) === undefined) return warn(`${opened.repository.root} has no commit yet`, 'git commit')
      if (!(await opened.identity())) return warn('git does not know who you are: nothing can land', 'git config user.name "Your Name"')
      return ok(opened.repository.root)
    } catch (error) {
      if (!SingularityError.isInstance(error)) throw error
      const outside = error.code === 'NOT_A_REPOSITORY'
      return outside ? warn(error.message, 'cd into a repository, or git init') : fail(error.message, ...error.hints)
    }
  },
}

export const settings: Check = {
  id: 'settings',
  async run(deps) {
    const { refused } = await deps.settings()
    if (refused.length === 0) return ok('valid')
    return warn(
      `.singularity/config.json may not set ${refused.map(({ name }) => name).join(', ')}: refused`,
      'singularity config list --origin',
    )
  },
}
