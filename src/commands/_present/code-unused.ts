import type { Doubt, UnusedExport, UnusedExports } from '../../core/analysis/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

/** An export that only its own file uses is no dead code: the word alone may be too much. */
const isLikely = ({ used, doubts }: UnusedExport): boolean => used === 'nowhere' && doubts.length === 0

export function unusedData({ exports, proposals }: UnusedExports): Record<string, unknown> {
  return {
    exports,
    proposals: proposals.map((each) => ({
      path: each.path,
      line: each.line,
      line_end: each.lineEnd,
      name: each.name,
      kind: each.kind,
      language: each.language,
      used: each.used,
      confidence: isLikely(each) ? 'likely' : 'doubtful',
      doubts: each.doubts,
    })),
  }
}

const USED = { nowhere: 'nobody names it', own_file: 'only its own file uses it', tests: 'only tests use it' } as const

const SAID: Readonly<Record<Doubt['kind'], (doubt: Doubt) => string>> = {
  mentioned: ({ path, line }) => `named in ${path}:${line}`,
  file: () => 'nobody imports its file',
  public: () => 'a package offers it',
  decorated: () => 'a decorator may take it',
  tests: ({ path }) => `tests: ${path}`,
}

/** Those without a doubt; the others too where they are asked for. */
export function presentUnused({ exports, proposals }: UnusedExports, doubtful: boolean): string {
  const likely = proposals.filter(isLikely)
  const shown = doubtful ? proposals : likely
  const rows = shown.map(({ path, line, name, kind, used, doubts }) => [
    `${path}:${line}`,
    kind,
    oneLine(name),
    [USED[used], ...doubts.map((doubt) => SAID[doubt.kind](doubt))].join('; '),
  ])
  const more = proposals.length - likely.length
  const last = [
    `${plural(exports, 'export')}, ${plural(likely.length, 'proposal')}`,
    ...(more === 0 ? [] : [`${more} ${more === 1 ? 'is' : 'are'} doubtful${doubtful ? '' : ': --doubtful'}`]),
  ].join(', ')
  const listed = table(rows, {
    grow: 0,
    paint: (_row, column, text) => (column === 0 ? paint('cyan', text) : column === 1 || column === 3 ? paint('dim', text) : text),
  })
  return [listed, `${last}. Proposals, not facts: what is loaded by a computed name is seen by nobody.`]
    .filter((each) => each !== '')
    .join('\n')
}
