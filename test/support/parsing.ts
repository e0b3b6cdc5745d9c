import { join } from 'node:path'
import { createGrammarFiles } from '../../src/core/parsing/grammar-files.ts'
import type { FactReaderDeps } from '../../src/core/parsing/index.ts'
import { loadTables } from '../../src/core/parsing/tables.ts'

const root = join(import.meta.dirname, '..', '..')

/** What comes with the program, as the readers of facts want it. */
export const packagedParsing = {
  tableFolders: [join(root, 'templates_data', 'languages')],
  manifestFile: join(root, 'native', 'grammars.json'),
  grammarFolders: [join(root, 'native', 'grammars')],
  addonFile: join(root, 'native', 'build', 'code.node'),
  threads: 2,
} satisfies FactReaderDeps

export const packagedTables = () => loadTables(packagedParsing.tableFolders)
export const packagedGrammars = () => createGrammarFiles(packagedParsing.manifestFile, packagedParsing.grammarFolders)
