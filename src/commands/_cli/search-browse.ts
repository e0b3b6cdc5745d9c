import { EXIT, SingularityError, oneLine } from '../../core/kernel/index.ts'
import { runOnTerminal } from '../../core/process/index.ts'
import type { SearchRequest, SearchService } from '../../core/search/index.ts'
import { colorEnabled } from './paint.ts'

export type Browsing = {
  service: SearchService
  request: Omit<SearchRequest, 'text'>
  query: string
  /** Enter opens the editor instead of printing the place. */
  open: boolean
  /** Where there is no index, one is built while somebody looks. */
  build: boolean
}

/** Looks for code with live results and a preview; prints `path:line` of what was chosen. Answers the exit code. */
export async function browse({ service, request, query, open, build }: Browsing): Promise<number> {
  const { openBrowse } = await import('../../ui/browse.tsx')
  const stop = new AbortController()
  const building = build ? service.index({ signal: stop.signal }).catch(() => undefined) : undefined // what fails is told by `index`
  const { chosen, exitCode } = await openBrowse({ search: service, request, query, color: colorEnabled(), opens: open })
  stop.abort()
  await building
  if (chosen === null) return exitCode
  const place = chosen.path === null ? chosen.key : `${chosen.path}:${chosen.line}`
  if (!open || chosen.path === null) {
    process.stdout.write(`${oneLine(place)}\n`)
    return exitCode
  }
  const editor = process.env['VISUAL'] || process.env['EDITOR'] || 'vi'
  const ended = await runOnTerminal(editor, editorPlace(editor, chosen.path, chosen.line ?? 1), { cwd: service.root, env: process.env })
  if (ended !== 0) throw new SingularityError('EXEC_FAILED', `The editor "${oneLine(editor)}" failed.`, { hints: ['export EDITOR=vi'] })
  return EXIT.done
}

/** How an editor is told the line. */
export function editorPlace(editor: string, path: string, line: number): string[] {
  const name = editor.trim().split(/\s+/, 1)[0]!.split('/').at(-1)!
  const file = path.startsWith('-') || path.startsWith('+') ? `./${path}` : path
  if (/^(?:code|code-insiders|codium|cursor|windsurf)$/.test(name)) return ['-g', `${file}:${line}`]
  return /^(?:hx|helix|subl|zed)$/.test(name) ? [`${file}:${line}`] : [`+${line}`, file]
}
