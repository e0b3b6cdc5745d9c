import type { TreeReader } from '../git/index.ts'
import { familyOf, type LanguageFamily, type LanguageId } from '../parsing/index.ts'

const MANIFESTS: Partial<Record<LanguageFamily, readonly string[]>> = {
  javascript: ['package.json'],
  python: ['pyproject.toml', 'setup.py', 'setup.cfg'],
  go: ['go.mod'],
  rust: ['Cargo.toml'],
  java: ['pom.xml', 'build.gradle', 'build.gradle.kts'],
  ruby: ['Gemfile'],
}

/** Finds the package a file belongs to: the nearest folder upward with a manifest of its language, '' where there is none. */
export async function packageFinder(reader: TreeReader): Promise<(path: string, language: LanguageId) => string> {
  const folders = new Map<string, Set<string>>()
  for (const { path } of await reader.entries()) {
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    const known = folders.get(name) ?? new Set()
    known.add(path.slice(0, Math.max(0, slash)))
    folders.set(name, known)
  }
  return (path, language) => {
    const names = MANIFESTS[familyOf(language)] ?? []
    for (let folder = path; folder !== '';) {
      folder = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : ''
      if (names.some((name) => folders.get(name)?.has(folder) === true)) return folder
    }
    return ''
  }
}
