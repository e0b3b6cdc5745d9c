import ignore from 'ignore'
import type { AnswerFact } from '../answerer.ts'

const PLACES = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS']

/** `docs/*` owns the files right in docs, not those below (unlike in .gitignore). */
function owns(pattern: string, path: string): boolean {
  if (!ignore({ ignorecase: false }).add(pattern).ignores(path)) return false
  const plain = pattern.replace(/^\//, '')
  return !plain.endsWith('/*') || plain.includes('**') || plain.split('/').length === path.split('/').length
}

/** The last line that matches owns the path, as GitHub reads the file. */
export const owner: AnswerFact = async ({ path = '' }, { reader }) => {
  const wanted = path.replace(/^\.\//, '').replace(/\/$/, '')
  const entries = await reader.entries()
  if (!entries.some((each) => each.path === wanted || each.path.startsWith(`${wanted}/`))) return undefined
  for (const place of PLACES) {
    const text = await reader.text(place)
    if (text === undefined) continue
    const lines = text.split('\n').map((line) => line.replace(/(?:^|\s)#.*$/, '').trim())
    // sections and exceptions mean something else on every host
    if (lines.some((line) => /^(?:\^?\[|!)/.test(line))) return undefined
    const rules = lines.filter((line) => line !== '').map((line) => line.split(/\s+/))
    // of a folder we can only tell what holds for everything below it
    const below = entries.filter((each) => each.path === wanted || each.path.startsWith(`${wanted}/`))
    const owners = new Set(below.map((each) => (rules.findLast(([pattern = '']) => owns(pattern, each.path)) ?? ['']).slice(1).join(' ')))
    const [only] = owners
    return owners.size === 1 && only ? { text: only, value: only.split(' '), origin: place } : undefined
  }
  return undefined
}

const LOG_FIELDS = '%H%x00%an%x00%ae%x00%aI%x00%s'

/** Who last changed a file or a folder, and with which commit. */
export const lastChange: AnswerFact = async ({ path = '' }, { git, reader, head }) => {
  const wanted = path.replace(/^\.\//, '').replace(/\/$/, '')
  if (!(await reader.entries()).some((each) => each.path === wanted || each.path.startsWith(`${wanted}/`))) return undefined
  const { text } = await git.run(['log', '-1', `--format=${LOG_FIELDS}`, head, '--', wanted])
  const [commit, name, email, at, subject] = text.trimEnd().split('\0')
  if (!commit || !name || !at) return undefined
  return {
    text: `${name} on ${at.slice(0, 10)} (${commit.slice(0, 12)} ${subject ?? ''})`,
    value: { name, email, at, commit, subject },
    origin: 'git log',
  }
}
