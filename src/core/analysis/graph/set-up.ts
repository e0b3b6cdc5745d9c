import { posix } from 'node:path'
import { parseJson } from '../../kernel/index.ts'
import type { TreePaths } from './tree.ts'

const CONFIGURATION =
  /(?:^|\/)(?:(?:vitest|vite|jest|ava|mocha|playwright|karma)[\w.-]*\.(?:[cm]?[jt]s|json)|\.mocharc[\w.]*|\.taprc|package\.json|pytest\.ini|pyproject\.toml|setup\.cfg|tox\.ini)$/
const SOURCE = /\.(?:[cm]?[jt]sx?|py)$/

/** Whether a file says how tests run. */
export const isConfiguration = (path: string): boolean => CONFIGURATION.test(path)

/** Source files that runners' configurations name (`setupFiles`, `--import ./hooks.js`, `-p plugin`): whichever they are for. */
export async function setUpFiles(tree: TreePaths): Promise<string[]> {
  const found: string[] = []
  for (const path of tree.all) if (isConfiguration(path)) found.push(...(await namedFiles(tree, path)))
  return found
}

async function namedFiles(tree: TreePaths, path: string): Promise<string[]> {
  const text = (await tree.text(path)) ?? ''
  const setUp = posix.basename(path) === 'package.json' ? scriptsAndRunners(text) : text
  const folder = posix.dirname(path)
  const plugins = [...setUp.matchAll(/-p[ =]([\w.]+)/g)].flatMap(([, name]) =>
    [name!, `src/${name!}`].map((each) => `${each.replaceAll('.', '/')}.py`),
  )
  const words = [...setUp.matchAll(/[\w@./-]+\.(?:[cm]?[jt]sx?)\b/g)].map(([word]) => word.replace(/^\/+/, ''))
  return [...plugins, ...words]
    .map((word) => posix.normalize(posix.join(folder, word)))
    .filter((file) => file !== path && SOURCE.test(file) && tree.all.has(file))
}

/** The parts of a package.json that say how tests run: its scripts and the runners' own keys, not its entry points. */
function scriptsAndRunners(text: string): string {
  try {
    const manifest = parseJson(text) as Record<string, unknown>
    const { test } = (manifest['scripts'] ?? {}) as Record<string, unknown>
    return JSON.stringify([typeof test === 'string' ? test : '', ...['jest', 'mocha', 'ava', 'tap', 'vitest'].map((key) => manifest[key])])
  } catch {
    return text
  }
}
