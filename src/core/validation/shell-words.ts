import type { ScriptCommand } from './runner.ts'

/** A simple command and the operator that stands before it ('' for the first). */
export type ScriptPart = { operator: '' | '&&' | '||' | ';' | '|' | '&'; words: string[]; text: string }

/**
 * Takes a package script apart as a POSIX shell would, without running anything: words, quotes and operators.
 * Undefined where the script needs a real shell (substitution, redirection, grouping, variables).
 */
export function splitScript(script: string): ScriptPart[] | undefined {
  const parts: ScriptPart[] = []
  let words: string[] = []
  let word: string | undefined
  let operator: ScriptPart['operator'] = ''
  let start = 0
  let index = 0
  const endWord = (): void => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  const endPart = (next: ScriptPart['operator'], at: number): void => {
    endWord()
    if (words.length > 0) parts.push({ operator, words, text: script.slice(start, at).trim() })
    words = []
    operator = next
  }
  while (index < script.length) {
    const char = script[index]!
    if (char === "'" || char === '"') {
      const end = closingQuote(script, index)
      if (end === undefined) return undefined
      const body = script.slice(index + 1, end)
      if (char === '"' && /[$`]/.test(body)) return undefined
      word = (word ?? '') + (char === '"' ? body.replace(/\\(["\\])/g, '$1') : body)
      index = end + 1
    } else if (char === '\\' && index + 1 < script.length) {
      word = (word ?? '') + script[index + 1]!
      index += 2
    } else if (/\s/.test(char)) {
      if (char === '\n') {
        endPart(';', index)
        start = index + 1
      } else endWord()
      index++
    } else if (char === '&' || char === '|' || char === ';') {
      if (script[index + 1] === '&' && script[index - 1] === '>') return undefined
      const double = script[index + 1] === char && char !== ';'
      const found = (double ? char + char : char) as ScriptPart['operator']
      endPart(found, index)
      index += found.length
      start = index
    } else if (
      '$`<>(){}'.includes(char) &&
      !(char === '{' || char === '}' ? word !== undefined || /[^\s]/.test(script[index + 1] ?? ' ') : false)
    ) {
      return undefined
    } else {
      word = (word ?? '') + char
      index++
    }
  }
  endPart('', script.length)
  return parts
}

function closingQuote(text: string, start: number): number | undefined {
  const quote = text[start]
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '\\' && quote === '"') index++
    else if (text[index] === quote) return index
  }
  return undefined
}

const WRAPPERS = new Set(['npx', 'bunx', 'c8', 'nyc', 'cross-env', 'cross-env-shell', 'env', 'dotenv', 'exec', 'time', 'command'])
/** Wrapper options that take a value, so that the value is not taken for the program. */
const VALUED = new Set([
  '-r',
  '--reporter',
  '--include',
  '--exclude',
  '-x',
  '-n',
  '--require',
  '-o',
  '--temp-directory',
  '--report-dir',
  '-e',
  '-p',
  '--package',
])

/** Removes environment prefixes and wrappers (cross-env, c8, nyc, npx, ...): what is left is the program itself. */
export function unwrap(part: ScriptPart): ScriptCommand | undefined {
  const env: Record<string, string> = {}
  const words = [...part.words]
  for (;;) {
    const head = words[0]
    if (head === undefined) return undefined
    const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(head)
    if (assignment) {
      env[assignment[1]!] = assignment[2]!
      words.shift()
      continue
    }
    const name = programName(head)
    if (
      (name === 'yarn' || name === 'pnpm' || name === 'bun' || name === 'npm') &&
      (words[1] === 'exec' || words[1] === 'dlx' || words[1] === 'x')
    ) {
      words.splice(0, 2)
    } else if (name === 'poetry' || name === 'uv' || name === 'pipenv' || name === 'pdm' || name === 'hatch') {
      if (words[1] !== 'run') break
      words.splice(0, 2)
    } else if (WRAPPERS.has(name)) words.shift()
    else break
    while (words[0]?.startsWith('-')) {
      const option = words.shift()!
      if (option === '--') break
      if (VALUED.has(option)) words.shift()
    }
  }
  return { env, program: programName(words[0]!), args: words.slice(1), text: part.text }
}

/** 'node_modules/.bin/vitest' and './vitest.mjs' name the same program. */
function programName(word: string): string {
  const match = /(?:^|\/)node_modules\/(?:\.bin\/)?((?:@[^/]+\/)?[^/]+)/.exec(word)
  const name = match ? match[1]! : word.slice(word.lastIndexOf('/') + 1)
  return name.replace(/\.(?:cmd|exe)$/, '')
}

/** Drops flags by name, with their values where `valued` says so. '--flag=value' is dropped as well. */
export function withoutFlags(args: readonly string[], dropped: readonly RegExp[], valued: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!
    const name = arg.split('=', 1)[0]!
    if (arg.startsWith('-') && dropped.some((pattern) => pattern.test(name))) {
      if (!arg.includes('=') && valued.has(name)) index++
    } else kept.push(arg)
  }
  return kept
}

/** Separates flags (with their values) from positional words. */
export function separateTargets(args: readonly string[], valued: ReadonlySet<string>): { flags: string[]; targets: string[] } {
  const flags: string[] = []
  const targets: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!
    if (arg === '--') continue
    if (!arg.startsWith('-')) targets.push(arg)
    else {
      flags.push(arg)
      if (valued.has(arg) && index + 1 < args.length) flags.push(args[++index]!)
    }
  }
  return { flags, targets }
}
