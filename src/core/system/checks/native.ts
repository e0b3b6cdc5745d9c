import { messageOf } from '../../kernel/index.ts'
import { hasEngine, loadEngine } from '../../parsing/index.ts'
import { probeSqlite, probeVectors } from '../../storage/index.ts'
import { type Check, fail, ok, warn } from '../check.ts'

export const sqlite: Check = {
  id: 'sqlite',
  async run({ packageRoot, nodeVersion }) {
    try {
      return ok(`better-sqlite3 with SQLite ${probeSqlite()}`)
    } catch (error) {
      const built = /NODE_MODULE_VERSION/.test(messageOf(error))
        ? `built for another Node than ${nodeVersion}`
        : messageOf(error).split('\n')[0]
      return fail(`better-sqlite3 does not load: ${built}`, `cd ${packageRoot} && npm rebuild better-sqlite3`)
    }
  },
}

export const vectors: Check = {
  id: 'vectors',
  async run({ packageRoot }) {
    try {
      return ok(`sqlite-vec ${probeVectors()}`)
    } catch (error) {
      const why = messageOf(error).split('\n')[0]
      return warn(`sqlite-vec does not load (${why}): searches find the same by a scan of their own`, `cd ${packageRoot} && npm install`)
    }
  },
}

export const engine: Check = {
  id: 'parsers',
  async run({ packageRoot }) {
    if (!hasEngine()) return fail('@ast-grep/napi is not installed', `cd ${packageRoot} && npm install`)
    const { available, missing } = loadEngine()
    if (missing.size > 0)
      return warn(
        `no rules for ${[...missing.keys()].join(', ')}: ${[...missing.values()][0]}`,
        ...[...missing.keys()].map((language) => `singularity code languages add ${language}`),
      )
    return ok(`@ast-grep/napi with ${available.size} languages`)
  },
}
