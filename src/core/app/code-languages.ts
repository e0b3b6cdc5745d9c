import { lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Verification } from '../analysis/index.ts'
import type { Git } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { LanguageState, LanguageTables } from '../parsing/index.ts'
import { openTree } from './code-files.ts'
import type { AppContext } from './context.ts'
import type { Grammars } from './grammars.ts'
import type { Reading } from './reading.ts'

export type LanguageRow = LanguageState & {
  /** Whether its table was held against an independent program, as docs/metrics.md tells. */
  verified: boolean
  /** Of the bytes of this repository's files in known languages, 0 to 1; null outside of a repository. */
  share: number | null
}

/** How languages are read here, and how to have one read better. */
export function composeLanguages({
  context,
  git,
  reading,
  grammars,
}: {
  context: AppContext
  git: () => Promise<Git>
  reading: Reading
  grammars: Grammars
}) {
  async function languages(): Promise<LanguageRow[]> {
    const reader = await reading.local()
    const [shares, verification] = await Promise.all([sharesOf(reader.tables), loadVerification()])
    const rows: LanguageRow[] = []
    for (const id of reader.tables.ids) rows.push(rowOf(await reader.language(id), reader.tables, verification, shares))
    return rows.sort((a, b) => (b.share ?? 0) - (a.share ?? 0) || (a.id < b.id ? -1 : 1))
  }

  async function loadVerification(): Promise<Verification> {
    const { readVerification } = await import('../analysis/index.ts')
    return readVerification(join(context.packageRoot, 'templates_data'))
  }

  /** Verified: against the oracles of the metrics, else as its table says of its definitions (docs/languages.md). */
  function rowOf(
    state: LanguageState,
    tables: LanguageTables,
    verification: Verification,
    shares: ReadonlyMap<string, number> | undefined,
  ): LanguageRow {
    const known = verification.languages[state.id]?.verified ?? tables.get(state.id)?.verified
    const verified = state.tier === 1 && known === true
    return { ...state, verified, share: shares === undefined ? null : (shares.get(state.id) ?? 0) }
  }

  /** Share of bytes per language; `undefined` outside of a repository. */
  async function sharesOf(tables: LanguageTables): Promise<ReadonlyMap<string, number> | undefined> {
    const opened = await git().catch(() => undefined)
    if (opened === undefined) return undefined
    const { paths } = await openTree(opened, { paths: [] })
    const bytes = new Map<string, number>()
    let total = 0
    for (const path of paths) {
      const full = join(opened.repository.root, path)
      const stat = await lstat(full).catch(() => undefined)
      if (!stat?.isFile()) continue
      const id = tables.detect(path) ?? tables.detect(path, await firstLineOf(full))
      if (id === undefined) continue
      bytes.set(id, (bytes.get(id) ?? 0) + stat.size)
      total += stat.size
    }
    return new Map([...bytes].map(([id, size]) => [id, total === 0 ? 0 : size / total]))
  }

  /**
   * Fetches the grammar of a language into the user's folder, where the network is allowed; nothing is done where it is here already.
   * @throws USAGE where no grammar is pinned for it; OFFLINE; GRAMMAR_MISSING where it could not be had
   */
  async function addLanguage(typed: string, options: { offline: boolean; signal?: AbortSignal }): Promise<LanguageRow> {
    const [reader, { findLanguage, suggestLanguage }] = [await reading.local(), await import('../parsing/index.ts')]
    const id = findLanguage(reader.tables, typed)
    const near = suggestLanguage(reader.tables, typed)
    if (id === undefined)
      throw new SingularityError('USAGE', `No language is called ${typed}.`, {
        hints: [...(near === undefined ? [] : [`singularity code languages add ${near}`]), 'singularity code languages'],
      })
    const grammar = reader.tables.get(id)?.grammar
    if (grammar === undefined)
      throw new SingularityError('USAGE', `There is no grammar for ${id}: it is read by tokens or as text.`, {
        hints: ['singularity code languages'],
      })
    const before = await reader.language(id)
    if (before.tier !== 1) {
      if (options.offline) throw new SingularityError('OFFLINE', `The grammar of ${id} cannot be fetched: the network is switched off.`)
      await fetchGrammar(grammar, id, options.signal)
    }
    const now = before.tier === 1 ? before : await (await reading.fresh()).language(id)
    return rowOf(now, reader.tables, await loadVerification(), undefined)
  }

  async function fetchGrammar(grammar: string, id: string, signal?: AbortSignal): Promise<void> {
    const said = await grammars.fetchGrammars([grammar], { signal })
    if (signal?.aborted) throw new SingularityError('INTERRUPTED', 'Stopped by a signal.')
    const { tier, reason } = await (await reading.fresh()).language(id)
    if (tier === 1) return
    throw new SingularityError(
      'GRAMMAR_MISSING',
      `The grammar of ${id} could not be fetched: ${said || (reason ?? 'no reason was told')}`,
      {
        hints: ['npm config get registry'],
      },
    )
  }

  return { languages, addLanguage }
}

async function firstLineOf(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return ''
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(200), 0, 200, 0)
    return buffer.toString('latin1', 0, bytesRead).split('\n')[0]!
  } finally {
    await file.close()
  }
}
