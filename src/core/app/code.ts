import { join } from 'node:path'
import type { Dependencies, Technology } from '../analysis/index.ts'
import type { Git } from '../git/index.ts'
import { composeAnalysis } from './code-analysis.ts'
import { openTree, type CodeQuery, type Tree } from './code-files.ts'
import { composeLanguages } from './code-languages.ts'
import type { AppContext } from './context.ts'
import type { Grammars } from './grammars.ts'
import type { Reading } from './reading.ts'

export type { CodeQuery } from './code-files.ts'
export type CodeParts = { context: AppContext; git: () => Promise<Git>; reading: Reading; grammars: Grammars }

/** What the code says, without an index. */
export function composeCode({ context, git, reading, grammars }: CodeParts) {
  const tree = async (query: CodeQuery): Promise<Tree> => openTree(await git(), query)

  async function dependencies(query: CodeQuery): Promise<Dependencies> {
    const [{ readDependencies }, { paths, read }] = await Promise.all([import('../analysis/index.ts'), tree(query)])
    return readDependencies(paths, read)
  }

  async function technologies(query: CodeQuery): Promise<Technology[]> {
    const [{ detectTechnologies, loadTechnologies, readDependencies }, found] = await Promise.all([
      import('../analysis/index.ts'),
      tree(query),
    ])
    const known = await readDependencies(found.paths, found.read)
    return detectTechnologies(loadTechnologies(join(context.packageRoot, 'templates_data')), { ...found, dependencies: known.dependencies })
  }

  return {
    dependencies,
    technologies,
    ...composeAnalysis({ git, reading, grammars }),
    ...composeLanguages({ context, git, reading, grammars }),
  }
}
