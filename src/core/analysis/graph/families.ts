/**
 * Languages that reach other files in the same way. `reach`: `whole` where the graph follows every way there is, or says where it
 * cannot; `leaf` where a file leads to no code at all (styles), though who uses it is known in part only.
 */
export type Family = { name: string; reach: 'whole' | 'part' | 'leaf' }

const FAMILIES: readonly (readonly [Family, string])[] = [
  [{ name: 'script', reach: 'whole' }, 'javascript typescript tsx vue svelte'],
  [{ name: 'python', reach: 'whole' }, 'python'],
  [{ name: 'go', reach: 'whole' }, 'go'],
  [{ name: 'rust', reach: 'part' }, 'rust'],
  [{ name: 'path', reach: 'leaf' }, 'css scss less'],
  [{ name: 'declared', reach: 'part' }, 'java kotlin scala groovy c-sharp php elixir'],
  [{ name: 'include', reach: 'part' }, 'c cpp objc'],
  [
    { name: 'path', reach: 'part' },
    'ruby lua bash html dart zig r solidity proto julia haskell perl gleam ocaml erlang clojure elm nim crystal nix',
  ],
  [{ name: 'unknown', reach: 'part' }, 'swift d fortran pascal powershell purescript fsharp visualbasic coffeescript lisp scheme'],
]
const BY_LANGUAGE = new Map(FAMILIES.flatMap(([family, ids]) => ids.split(' ').map((id) => [id, family] as const)))

/** The family of a language, by the id of its table; `undefined` where it has no modules (data, prose, mark-up). */
export function familyOf(language: string): Family | undefined {
  return BY_LANGUAGE.get(language)
}
