import { posix } from 'node:path'
import { type Resolution, type Resolver, EXTERNAL, found } from '../module.ts'
import type { TreePaths } from '../tree.ts'

/**
 * How a language writes the path of a file: `tails` are the ends that the file's path may have. `beside`: the name is a path from the
 * importing file first. `must`: a name that leads to no file is a hole; else it may be installed.
 */
type Writing = { tails(name: string, text: string): string[]; beside: boolean; must(name: string, text: string): boolean }

const never = (): boolean => false
const always = (): boolean => true
const isRelative = (name: string): boolean => /^\.{0,2}\//.test(name)
const dotted = (ending: string) => (name: string) => [`${name.replaceAll('.', '/')}${ending}`]
const withEnding = (ending: string) => (name: string) => (name.endsWith(ending) ? [name] : [`${name}${ending}`, name])
const asWritten = (name: string): string[] => [name]

const INCLUDE: Writing = { tails: asWritten, beside: true, must: (_name, text) => text.includes('"') }
const STYLE: Writing = {
  tails: (name) => {
    const partial = posix.join(posix.dirname(name), `_${posix.basename(name)}`)
    return [name, ...['.scss', '.less', '.css', '.sass'].flatMap((ending) => [name + ending, partial + ending])]
  },
  beside: true,
  must: isRelative,
}

const WRITINGS: Readonly<Record<string, Writing>> = {
  c: INCLUDE,
  cpp: INCLUDE,
  objc: INCLUDE,
  ruby: { tails: withEnding('.rb'), beside: false, must: (name, text) => /^\s*(?:require_relative|load)\b/.test(text) || isRelative(name) },
  lua: {
    tails: (name) => (name.endsWith('.lua') ? [name] : [...dotted('.lua')(name), ...dotted('/init.lua')(name)]),
    beside: false,
    must: never,
  },
  bash: { tails: asWritten, beside: true, must: always },
  css: STYLE,
  scss: STYLE,
  less: STYLE,
  html: { tails: asWritten, beside: true, must: (name) => !/^(?:[a-z]+:)?\/\//.test(name) },
  dart: {
    tails: (name) => [name.replace(/^package:[^/]+\//, 'lib/')],
    beside: true,
    must: (name) => !/^(?:dart|package):/.test(name),
  },
  zig: { tails: asWritten, beside: true, must: (name) => name.endsWith('.zig') },
  r: { tails: asWritten, beside: true, must: (name) => /\.r$/i.test(name) },
  solidity: { tails: asWritten, beside: true, must: isRelative },
  proto: { tails: asWritten, beside: true, must: (name) => !name.startsWith('google/') },
  julia: { tails: asWritten, beside: true, must: (name) => name.endsWith('.jl') },
  haskell: { tails: dotted('.hs'), beside: false, must: never },
  elm: { tails: dotted('.elm'), beside: false, must: never },
  clojure: { tails: (name) => [`${name.replaceAll('.', '/').replaceAll('-', '_')}.clj`], beside: false, must: never },
  perl: { tails: (name) => (/\.p[lm]$/.test(name) ? [name] : [`${name.replaceAll('::', '/')}.pm`]), beside: false, must: never },
  gleam: { tails: (name) => [`src/${name}.gleam`, `test/${name}.gleam`], beside: false, must: never },
  ocaml: { tails: (name) => [`${name[0]!.toLowerCase()}${name.slice(1)}.ml`], beside: false, must: never },
  erlang: { tails: (name) => (name.endsWith('.hrl') ? [name] : [`${name}.erl`]), beside: true, must: (name) => name.endsWith('.hrl') },
  nim: { tails: withEnding('.nim'), beside: true, must: never },
  crystal: { tails: withEnding('.cr'), beside: true, must: isRelative },
  nix: { tails: asWritten, beside: true, must: isRelative },
}

/** Languages whose imports write the path of a file, or a name that is one. */
export function createPathResolver({ all, endingIn }: TreePaths): Resolver {
  return (path, { language }, { specifier, text }): Resolution => {
    const writing = WRITINGS[language]
    if (writing === undefined) return { targets: [], reason: 'names of this language are not followed' }
    if (specifier === null || /[$`\n]/.test(specifier) || isMacro(language, text)) return { targets: [], reason: 'a computed name' }
    if (specifier === '') return EXTERNAL
    const tails = writing.tails(specifier, text)
    const from = posix.dirname(path)
    const isNear = writing.beside || isRelative(specifier) || /^\s*require_relative\b/.test(text)
    const beside = isNear ? tails.map((tail) => posix.normalize(posix.join(from, tail))).find((each) => all.has(each)) : undefined
    if (beside !== undefined) return { targets: [beside], reason: null }
    const hits = tails.filter((tail) => !tail.startsWith('../')).flatMap((tail) => endingIn(tail.replace(/^(?:\.\/)+|^\//, '')))
    if (hits.length > 0) return { targets: [...new Set(hits)], reason: null }
    return writing.must(specifier, text) ? found([], specifier) : EXTERNAL
  }
}

/** `#include NAME` */
const isMacro = (language: string, text: string): boolean => /^(?:c|cpp|objc)$/.test(language) && !/["<]/.test(text)
