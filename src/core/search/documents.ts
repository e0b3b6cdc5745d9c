import type { Git } from '../git/index.ts'
import { redactSecrets } from '../telemetry/index.ts'
import { type Artifact, NEVER_USED } from './artifact.ts'
import { classifyPath, isSearched } from './file-class.ts'
import { readBytes } from './listing.ts'

/** Bounds of what one search reads: the first files and sections by path. */
const MOST_FILES = 400
const MOST_BYTES = 262_144
const MOST_SECTIONS = 4000
/** Characters of a section that are compared and told. */
const LONGEST = 1200

/** The sections of the repository's own Markdown files, as they lie here; what is ignored or vendored stays out. */
export async function readDocuments(git: Git): Promise<Artifact[]> {
  const listed = await git.run(['--no-optional-locks', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  const paths = [...new Set(listed.text.split('\0'))].filter((path) => /\.md$/i.test(path) && isSearched(classifyPath(path).class)).sort()
  const artifacts: Artifact[] = []
  for (const path of paths.slice(0, MOST_FILES)) {
    const bytes = readBytes(git.repository.root, path)
    if (bytes === undefined || bytes.length > MOST_BYTES) continue
    artifacts.push(...sectionsOf(path, Buffer.from(bytes).toString('utf8')))
    if (artifacts.length >= MOST_SECTIONS) break
  }
  return artifacts.slice(0, MOST_SECTIONS)
}

/** A heading and what stands below it, up to the next one; text before the first heading belongs to the file. */
export function sectionsOf(path: string, text: string): Artifact[] {
  const lines = text.split(/\r?\n/)
  const starts: number[] = []
  let fence: string | null = null
  for (const [at, line] of lines.entries()) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (mark !== undefined && (fence === null || (mark[0] === fence[0] && mark.length >= fence.length)))
      fence = fence === null ? mark : null
    else if (fence === null && /^#{1,6}\s/.test(line)) starts.push(at)
  }
  if (starts[0] !== 0 && lines.slice(0, starts[0] ?? lines.length).some((line) => line.trim() !== '')) starts.unshift(0)
  return starts.map((start, index) => {
    const end = starts[index + 1] ?? lines.length
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(lines[start]!)?.[1]
    const content = redactSecrets(lines.slice(start, end).join('\n').trim().slice(0, LONGEST), [])
    return {
      id: `document:${path}:${start + 1}`,
      kind: 'document',
      name: heading ?? path.slice(path.lastIndexOf('/') + 1),
      content,
      languages: ['markdown'],
      path,
      line: start + 1,
      lineEnd: start + Math.max(1, lines.slice(start, end).findLastIndex((line) => line.trim() !== '') + 1),
      past: NEVER_USED,
    }
  })
}
