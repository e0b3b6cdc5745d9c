import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LanguageTables } from './tables.ts'

/** One grammar of native/grammars.json. */
export type GrammarEntry = {
  package: string
  version: string
  /** Of the package's tarball. */
  integrity: string
  /** Fetched when its first file is met, not at set-up. */
  heavy?: boolean
  /** The exported function of the binary. */
  symbol: string
  /** `<platform>-<arch>` or `wasm` to the file inside the package. */
  files: Readonly<Record<string, { path: string; size: number; sha256: string }>>
}

export type GrammarManifest = { grammars: Readonly<Record<string, GrammarEntry>> }

export type GrammarFile = { ok: true; path: string; entry: GrammarEntry } | { ok: false; reason: string }

export type GrammarFiles = {
  entry(grammar: string): GrammarEntry | undefined
  /** A file whose size and hash are those of the manifest. A damaged one would kill the process inside the loader. */
  find(grammar: string, form: 'binary' | 'wasm'): GrammarFile
  /** Whether one could be here, for this platform, and none is. Looks at names only. */
  isAbsent(grammar: string): boolean
}

/** The name under which a file is kept: a new version never overwrites one that may be loaded. */
export function keptName(entry: GrammarEntry, platform: string, grammar: string): string {
  return platform === 'wasm'
    ? `${grammar}-${entry.version}.wasm`
    : `${entry.package.replace('/', '+').replace('@', '')}-${entry.version}.node`
}

/**
 * @param manifestFile native/grammars.json
 * @param folders where kept files may lie; the first that has one is used
 */
export function createGrammarFiles(manifestFile: string, folders: readonly string[]): GrammarFiles {
  let manifest: GrammarManifest | undefined
  const entry = (grammar: string) => {
    manifest ??= JSON.parse(readFileSync(manifestFile, 'utf8')) as GrammarManifest
    return manifest.grammars[grammar]
  }
  const found = new Map<string, GrammarFile>()
  return {
    entry,
    find(grammar, form) {
      const key = `${grammar} ${form}`
      const known = found.get(key)
      if (known !== undefined) return known
      const file = look(grammar, form)
      // A missing file may be fetched later on; one that was checked stays as it is.
      if (file.ok) found.set(key, file)
      return file
    },
    isAbsent(grammar) {
      const pinned = entry(grammar)
      if (pinned === undefined) return false
      const forms = [`${process.platform}-${process.arch}`, 'wasm'].filter((form) => pinned.files[form] !== undefined)
      const names = forms.map((form) => keptName(pinned, form, grammar))
      return names.length > 0 && !folders.some((folder) => names.some((name) => existsSync(join(folder, name))))
    },
  }

  function look(grammar: string, form: 'binary' | 'wasm'): GrammarFile {
    const pinned = entry(grammar)
    if (pinned === undefined) return { ok: false, reason: `no grammar is pinned for ${grammar}` }
    const platform = form === 'wasm' ? 'wasm' : `${process.platform}-${process.arch}`
    const expected = pinned.files[platform]
    if (expected === undefined) return { ok: false, reason: `${pinned.package} has no file for ${platform}` }
    let reason = `the grammar file of ${grammar} is not here`
    for (const folder of folders) {
      const path = join(folder, keptName(pinned, platform, grammar))
      try {
        const bytes = readFileSync(path)
        const hash = createHash('sha256').update(bytes).digest('hex')
        if (bytes.length === expected.size && hash === expected.sha256) return { ok: true, path, entry: pinned }
        reason = `${path} is damaged`
      } catch {
        // the next folder may have it
      }
    }
    return { ok: false, reason }
  }
}

/** Of these languages, those whose grammar is pinned and could be fetched, but is not here. Nothing is loaded. */
export function absentGrammars(
  deps: { tables: LanguageTables; manifestFile: string; grammarFolders: readonly string[] },
  languages: Iterable<string>,
): { id: string; name: string; grammar: string }[] {
  const files = createGrammarFiles(deps.manifestFile, deps.grammarFolders)
  return [...languages].flatMap((id) => {
    const { name, grammar } = deps.tables.get(id) ?? {}
    return name === undefined || grammar === undefined || !files.isAbsent(grammar) ? [] : [{ id, name, grammar }]
  })
}
