// What cloc says about the lines of files and universal-ctags about their definitions.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 29 })
  if (result.status !== 0) throw new Error(`${command}: ${result.error?.message ?? result.stderr}`)
  return result.stdout
}

/** Both tools read a list of names from a file. */
function withList(files, use) {
  const folder = mkdtempSync(join(tmpdir(), 'oracle-'))
  try {
    const list = join(folder, 'files')
    writeFileSync(list, `${files.join('\n')}\n`)
    return use(list)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns {Map<string, { blank: number, comment: number, code: number }>} by file */
export function askCloc(files) {
  return withList(files, (list) => {
    const answer = JSON.parse(run('cloc', ['--by-file', '--json', '--quiet', '--skip-uniqueness', `--list-file=${list}`]))
    return new Map(Object.entries(answer).filter(([name]) => name !== 'header' && name !== 'SUM'))
  })
}

/** Functions and types in ctags' words, per language. */
const KINDS = {
  JavaScript: ['function', 'method', 'getter', 'setter', 'generator', 'class'],
  TypeScript: ['function', 'method', 'generator', 'class', 'interface', 'enum', 'alias', 'namespace'],
  Python: ['function', 'member', 'class'],
  Go: ['func', 'struct', 'interface', 'type', 'talias'],
  C: ['function', 'struct', 'union', 'enum', 'typedef', 'macro'],
}

/** @returns {Map<string, { name: string, line: number, counts: boolean }[]>} by file; `counts`: a function or type */
export function askCtags(files) {
  return withList(files, (list) => {
    const lines = run('ctags', ['--output-format=json', '--fields=+nKl', '--langmap=C:.c.h', '-f', '-', '-L', list])
    const found = new Map(files.map((file) => [file, []]))
    for (const line of lines.split('\n')) {
      if (!line.startsWith('{')) continue
      const tag = JSON.parse(line)
      // Names that ctags makes up for what has none.
      if (tag._type !== 'tag' || /^(Anonymous|anonymous|__anon)/.test(tag.name)) continue
      found.get(tag.path)?.push({ name: tag.name, line: tag.line, counts: KINDS[tag.language]?.includes(tag.kind) ?? false })
    }
    return found
  })
}
