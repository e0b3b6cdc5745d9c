import { parse as parseToml } from 'smol-toml'
import { posix } from 'node:path'
import { asObject } from '../../../kernel/index.ts'
import { type Resolution, type Resolver, EXTERNAL, found } from '../module.ts'
import type { TreePaths } from '../tree.ts'

type Crate = { name: string; folder: string; root: string }

/** Rust: `mod x` by the folder rules, `use crate::…`, `super`, `self` along them, crates of the workspace by their names. */
export async function createRustResolver(tree: TreePaths): Promise<Resolver> {
  const crates: Crate[] = []
  for (const path of tree.endingIn('Cargo.toml')) {
    const folder = posix.dirname(path)
    const { name, library } = await readManifest(tree, path)
    const root = [library, 'src/lib.rs', 'src/main.rs']
      .map((each) => each && posix.join(folder, each))
      .find((each) => each && tree.all.has(each))
    if (name && root) crates.push({ name: name.replaceAll('-', '_'), folder, root })
  }
  crates.sort((a, b) => b.folder.length - a.folder.length)
  const ownerOf = (path: string): Crate | undefined => crates.find(({ folder }) => folder === '.' || path.startsWith(`${folder}/`))

  /** The file of a module below another one. */
  const child = (path: string, name: string, around: readonly string[] = []): string | undefined => {
    const base = posix.join(folderOf(path), ...around)
    return [posix.join(base, `${name}.rs`), posix.join(base, name, 'mod.rs')].find((choice) => tree.all.has(choice))
  }
  /** Down from a module as far as names are modules. */
  const descend = (from: string, names: readonly string[]): string => {
    let at = from
    for (const name of names) {
      const next = child(at, name)
      if (next === undefined) break
      at = next
    }
    return at
  }
  const parentOf = (path: string): string | undefined => {
    const folder = posix.dirname(path)
    const up = posix.basename(path) === 'mod.rs' ? posix.dirname(folder) : folder
    const choices = [`${up}.rs`, ...['mod.rs', 'lib.rs', 'main.rs'].map((name) => posix.join(up, name))]
    return choices.find((choice) => choice !== path && tree.all.has(choice))
  }
  const rootOf = (path: string): string => {
    if (isRoot(path)) return path
    for (let at = path, next = parentOf(at), steps = 0; steps < 50; at = next, next = parentOf(at), steps++)
      if (next === undefined || isRoot(next)) return next ?? ownerOf(path)?.root ?? path
    return path
  }
  const follow = (path: string, names: readonly string[], around: readonly string[]): string | undefined => {
    const [head, ...rest] = names
    if (head === 'crate') return descend(rootOf(path), rest)
    if (head === 'self') return descend(path, rest)
    if (head === 'super') {
      // inside an inline module the first step up stays in the file
      let at: string | undefined = path
      let left = names
      for (let up = 0; left[0] === 'super'; up++, left = left.slice(1)) if (up >= around.length) at = at && parentOf(at)
      return at && descend(at, left)
    }
    const other = crates.find(({ name }) => name === head)
    if (other) return descend(other.root, rest)
    return child(path, head!) && descend(path, names)
  }

  return (path, _module, { specifier, form, text, around }): Resolution => {
    if (specifier === null) return EXTERNAL
    if (form === 'module') {
      const target = child(path, specifier, around)
      return found(target === undefined ? [] : [target], `mod ${specifier}`)
    }
    const targets = pathsOf(text, specifier).map((names) => follow(path, names, around))
    const hits = [...new Set(targets.filter((each) => each !== undefined))]
    return { targets: hits, reason: null }
  }
}

const isRoot = (path: string): boolean =>
  /^(?:lib|main|build)\.rs$/.test(posix.basename(path)) || /(?:^|\/)(?:tests|benches|examples|bin)\/[^/]+\.rs$/.test(path)

/** Where the modules that a file declares lie. */
function folderOf(path: string): string {
  const folder = posix.dirname(path)
  return isRoot(path) || posix.basename(path) === 'mod.rs' ? folder : posix.join(folder, posix.basename(path, '.rs'))
}

/** `use a::{b, c::{d, self}}` as the paths it stands for. */
function pathsOf(text: string, specifier: string): string[][] {
  const tree = /\buse\s+(?:::)?([\s\S]*?);?\s*$/.exec(text)?.[1] ?? specifier
  const expand = (part: string): string[] => {
    const open = part.indexOf('{')
    if (open < 0) return [part]
    const [head, inner] = [part.slice(0, open), part.slice(open + 1, part.lastIndexOf('}'))]
    const pieces: string[] = []
    let depth = 0
    let from = 0
    for (let at = 0; at <= inner.length; at++) {
      const sign = inner[at]
      if (sign === '{') depth++
      else if (sign === '}') depth--
      else if ((sign === ',' && depth === 0) || sign === undefined) {
        pieces.push(inner.slice(from, at))
        from = at + 1
      }
    }
    return pieces.filter((each) => each.trim() !== '').flatMap((each) => expand(head + each.trim()))
  }
  return expand(tree).map((each) =>
    each
      .replace(/\s+as\s+\w+/, '')
      .split('::')
      .map((name) => name.trim())
      .filter((name, index) => name !== '' && name !== '*' && !(name === 'self' && index > 0)),
  )
}

async function readManifest(tree: TreePaths, path: string): Promise<{ name?: string; library?: string }> {
  try {
    const manifest = parseToml((await tree.text(path)) ?? '')
    const [{ name }, { path: library }] = [asObject(manifest['package']), asObject(manifest['lib'])]
    return { ...(typeof name === 'string' && { name }), ...(typeof library === 'string' && { library }) }
  } catch {
    return {}
  }
}
