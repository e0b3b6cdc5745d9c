import { isVendored } from '../../rules/index.ts'
import type { AnswerFact } from '../answerer.ts'

/** A file by its name; the name has to be the only one. */
export const fileLocation: AnswerFact = async ({ name = '' }, { reader }) => {
  const wanted = name.replace(/^\.\//, '')
  const found = (await reader.entries()).filter(({ path }) => path === wanted || path.endsWith(`/${wanted}`))
  return found.length === 1 ? { text: found[0]!.path, value: found[0]!.path, origin: 'the files of the last commit' } : undefined
}

export const pathExists: AnswerFact = async ({ path = '' }, { reader }) => {
  const wanted = path.replace(/^\.\//, '').replace(/\/$/, '')
  const there = (await reader.entries()).some((each) => each.path === wanted || each.path.startsWith(`${wanted}/`))
  return { text: there ? 'yes' : `no, the last commit has no ${wanted}`, value: there, origin: 'the files of the last commit' }
}

const DEFINES = [
  'function\\*?|class|interface|type|enum|struct|union|trait|module|namespace|protocol|object|record',
  'const|let|var|val|def|fn|func|macro_rules!|#define|defp?|fun',
].join('|')

/** Where a name is defined, if exactly one line of the repository defines it. */
export const symbolLocation: AnswerFact = async ({ name = '' }, { git, head }) => {
  const escaped = name.replaceAll('$', '\\$')
  const definition = `(^|[^A-Za-z0-9_$.])(${DEFINES})[[:space:]]+(\\([^)]*\\)[[:space:]]*)?${escaped}([^A-Za-z0-9_$]|$)`
  const { text } = await git.run(['grep', '-n', '-I', '-z', '--full-name', '-E', '-e', definition, head], { accept: [0, 1] })
  const found = text
    .split('\n')
    .flatMap((line) => {
      const [where, number, source] = line.split('\0')
      const path = where?.slice(where.indexOf(':') + 1)
      return path && number && source !== undefined ? [{ path, line: Number(number), source }] : []
    })
    .filter(({ path, source }) => !isVendored(path) && !/^\s*(?:\/\/|#(?!define)|\*|--)/.test(source))
  if (found.length !== 1) return undefined
  const { path, line } = found[0]!
  return { text: `${path}:${line}`, value: { path, line }, origin: 'git grep' }
}
