import files from '../../../../templates_data/tests/files.json' with { type: 'json' }

const compile = (patterns: readonly string[]): RegExp[] => patterns.map((pattern) => new RegExp(pattern))
const TEST_NAMES = compile(files.test_names)
/** Tests by custom, whatever runs them: their runners collect them by what they hold. */
const OTHER_NAMES = compile(files.other_names)
const SUPPORT_NAMES = compile(files.support_names)
const SNAPSHOTS = compile(files.snapshots)
const IGNORED = compile(files.ignored_names)
const FOLDERS = new Set(files.test_folders)
const CONFIGS = files.configs.map((config) => ({ ...config, path: new RegExp(config.path) }))

export type ConfigKind = (typeof CONFIGS)[number]

/** True for names the usual runners collect by themselves. */
export function hasTestName(path: string): boolean {
  return TEST_NAMES.some((pattern) => pattern.test(path)) && !IGNORED.some((pattern) => pattern.test(path))
}

/**
 * Whether a path looks like a test, its helper or its data, where no plan says so: by file name, or by a folder called test.
 */
export function looksLikeTestFile(path: string): boolean {
  if (IGNORED.some((pattern) => pattern.test(path))) return false
  return (
    hasTestName(path) ||
    isSnapshot(path) ||
    OTHER_NAMES.some((pattern) => pattern.test(path)) ||
    SUPPORT_NAMES.some((pattern) => pattern.test(path)) ||
    path
      .split('/')
      .slice(0, -1)
      .some((folder) => FOLDERS.has(folder))
  )
}

export function isSnapshot(path: string): boolean {
  return SNAPSHOTS.some((pattern) => pattern.test(path))
}

/** Files that work by merely being there: fixtures of a whole folder, set-up files, automatic mocks. */
export function isAmbient(path: string): boolean {
  return /(?:^|\/)__mocks__\//.test(path) || SUPPORT_NAMES.some((pattern) => pattern.test(path))
}

/** Which runner configuration a file holds, if any. */
export function configOf(path: string): ConfigKind | undefined {
  return CONFIGS.find((config) => config.path.test(path))
}
