import type { Git, Identity } from '../git/index.ts'
import { printable } from '../kernel/index.ts'

/** In the order they are printed; a key may come more than once. */
export type Trailers = readonly (readonly [key: string, value: string])[]

export type Conventions = {
  /** 'conventional' (`fix(x): y`), 'prefix' (`net/http: y`) or 'plain' sentences. */
  style: 'conventional' | 'prefix' | 'plain'
  /** Conventional subjects usually name a scope. */
  scoped: boolean
  /** The description starts with a capital letter. */
  capitalised: boolean
  /** Commits usually carry Signed-off-by. */
  signedOff: boolean
}

const SAMPLE = 50
const SUBJECT_WIDTH = 72
const CONVENTIONAL = /^(?:feat|fix|chore|docs|refactor|test|tests|style|perf|build|ci|revert)(\([^)]+\))?!?: (.)/
const PREFIX = /^[\w./,{}*-]+: (.)/

/** What the last commits of HEAD have in common. Merges and our own commits do not count. */
export async function readConventions(git: Git, commit = 'HEAD'): Promise<Conventions> {
  const log = await git.run(['log', `-n${SAMPLE}`, '--no-merges', '--format=%s%x00%b%x01', commit], { accept: [0, 128] })
  const messages = log.text
    .split('\u0001')
    .map((record) => record.replace(/^\n/, '').split('\0'))
    .filter((parts) => parts.length === 2)
  return detectConventions(messages.map(([subject = '', body = '']) => ({ subject, body })))
}

export function detectConventions(messages: readonly { subject: string; body: string }[]): Conventions {
  const own = messages.filter((message) => !/^Singularity-[\w-]+: /m.test(message.body))
  const conventional = own.map((message) => CONVENTIONAL.exec(message.subject)).filter((match) => match !== null)
  const prefixed = own.map((message) => PREFIX.exec(message.subject)).filter((match) => match !== null)
  const most = (count: number, of: number): boolean => of > 0 && count * 2 > of
  const style = most(conventional.length, own.length) ? 'conventional' : most(prefixed.length, own.length) ? 'prefix' : 'plain'
  const firsts =
    style === 'conventional'
      ? conventional.map((match) => match[2]!)
      : style === 'prefix'
        ? prefixed.map((match) => match[1]!)
        : own.map((message) => message.subject[0] ?? '')
  const letters = firsts.filter((letter) => letter.toLowerCase() !== letter.toUpperCase())
  return {
    style,
    scoped: style === 'conventional' && most(conventional.filter((match) => match[1] !== undefined).length, conventional.length),
    capitalised:
      letters.length === 0 ? style === 'plain' : most(letters.filter((letter) => letter === letter.toUpperCase()).length, letters.length),
    signedOff: most(own.filter((message) => /^Signed-off-by: /m.test(message.body)).length, own.length),
  }
}

export type Claim = {
  /** An imperative sentence without a full stop. */
  title: string
  /** Conventional type, e.g. 'refactor', 'fix', 'perf'. */
  type: string
  files: readonly string[]
  body?: string
}

/** A commit message in the repository's own manner. Facts of the tool belong into trailers only. */
export function composeMessage(claim: Claim, conventions: Conventions, signer: Identity): string {
  const title = printable(claim.title).replace(/\s+/g, ' ').trim().replace(/\.$/, '')
  const first = title.slice(0, 1)
  const word = title.split(' ')[0] ?? ''
  // Names such as `HTTP` and words of code (`indexOf()`, `os.path`, `utf8`) keep their letters.
  const isCode = /.[A-Z]|[(._\d]/.test(word)
  const lowered = /^[A-Z][a-z]+$/.test(word) ? first.toLowerCase() + title.slice(1) : title
  const sentence = conventions.capitalised && !isCode ? first.toUpperCase() + title.slice(1) : lowered
  const area = commonArea(claim.files)
  const scope = conventions.scoped && area ? `(${area.split('/').at(-1)})` : ''
  const prefix =
    conventions.style === 'conventional' ? `${claim.type}${scope}: ` : conventions.style === 'prefix' && area ? `${area}: ` : ''
  const body = claim.body ? `\n\n${wrap(printable(claim.body))}` : ''
  const message = `${shorten(prefix + sentence)}${body}\n`
  return conventions.signedOff ? withTrailers(message, [['Signed-off-by', `${signer.name} <${signer.email}>`]]) : message
}

/** The deepest folder all files share, without the usual source roots; one file alone is its own area. */
function commonArea(files: readonly string[]): string {
  if (files.length === 0) return ''
  const split = files.map((file) => file.split('/').slice(0, -1))
  const shared = split[0]!.filter((part, index) =>
    split.every((parts) => parts[index] === part && parts.slice(0, index).join('/') === split[0]!.slice(0, index).join('/')),
  )
  const parts = ['src', 'lib', 'packages'].includes(shared[0] ?? '') ? shared.slice(1) : shared
  if (parts.length > 0) return parts.join('/')
  return files.length === 1
    ? files[0]!
        .split('/')
        .at(-1)!
        .replace(/\.[^.]+$/, '')
    : ''
}

function shorten(subject: string): string {
  if (subject.length <= SUBJECT_WIDTH) return subject
  const cut = subject.slice(0, SUBJECT_WIDTH - 1)
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), SUBJECT_WIDTH / 2)).trimEnd()}…`
}

function wrap(text: string): string {
  return text
    .split('\n')
    .map((line) => (/^\s/.test(line) ? line : line.replace(/(.{1,72})(?:\s+|$)/g, '$1\n').trimEnd()))
    .join('\n')
    .trim()
}

const TRAILER = /^[A-Za-z][\w-]*: \S/

/** Adds trailers to the last paragraph where that is one of trailers already, else as a new one. */
export function withTrailers(message: string, trailers: Trailers): string {
  const text = message.trimEnd()
  if (trailers.length === 0) return `${text}\n`
  const lines = trailers.map(([key, value]) => `${key}: ${printable(value).replace(/\s+/g, ' ').trim()}`)
  const last = text
    .split(/\n\s*\n/)
    .slice(1)
    .at(-1)
  const joins = last?.split('\n').every((line) => TRAILER.test(line) || /^\s+\S/.test(line)) === true
  return `${text}${joins ? '\n' : '\n\n'}${lines.join('\n')}\n`
}

/** What `git revert` would write. */
export async function revertMessage(git: Git, commit: string): Promise<string> {
  const subject = (await git.run(['show', '-s', '--format=%s', commit])).text.trim()
  return `Revert "${subject}"\n\nThis reverts commit ${commit}.\n`
}
