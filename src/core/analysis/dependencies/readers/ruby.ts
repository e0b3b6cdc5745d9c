import { type DependencyReader, type DependencyScope, type Found, exactVersion, purlOf } from '../dependency.ts'

const groupScope = (names: string): DependencyScope => {
  if (/\bproduction\b/.test(names)) return 'runtime'
  if (/\bdevelopment\b/.test(names)) return 'development'
  return /\btest\b/.test(names) ? 'test' : 'optional'
}

const isLocal = (rest: string): boolean => /\b(?:path|git|github):|:(?:path|git|github)\s*=>/.test(rest)

/** Everything in quotes right behind the name: `gem "x", ">= 1", "< 2"`. */
function rangeOf(rest: string): string | null {
  const parts = /^(?:\s*,\s*["'][^"']*["'])+/.exec(rest)?.[0] ?? ''
  const ranges = [...parts.matchAll(/["']([^"']*)["']/g)].map((match) => match[1]!)
  return ranges.length === 0 ? null : ranges.join(', ')
}

/** Gemfile: `gem` lines, with the group of the block around them or of their own. */
export const gemfile: DependencyReader = (text) => {
  const found: Found[] = []
  const blocks: (DependencyScope | null)[] = []
  text.split('\n').forEach((source, index) => {
    const line = source.replace(/(?:^|\s)#.*$/, '')
    const gem = /^\s*gem[\s(]+["']([^"']+)["'](.*)$/.exec(line)
    if (gem) {
      const [, name, rest] = gem
      const own = /\bgroups?:\s*(\[[^\]]*\]|:\w+)|:groups?\s*=>\s*(\[[^\]]*\]|:\w+)/.exec(rest!)
      const scope = own ? groupScope((own[1] ?? own[2])!) : (blocks.findLast((each) => each !== null) ?? 'runtime')
      const requirement = rangeOf(rest!)
      if (!isLocal(rest!))
        found.push({ purl: purlOf('gem', name!, exactVersion(requirement)), scope, direct: true, requirement, line: index + 1 })
    } else if (/\bdo\b(?:\s*\|.*\|)?\s*$/.test(line)) blocks.push(/^\s*group\b/.test(line) ? groupScope(line) : null)
    else if (/^\s*(?:if|unless|case)\b/.test(line)) blocks.push(null)
    else if (/^\s*end\b/.test(line)) blocks.pop()
  })
  return found
}

/** Gemfile.lock: specs of GEM sections; those under DEPENDENCIES are direct. */
export const gemfileLock: DependencyReader = (text) => {
  const lines = text.split('\n')
  const direct = new Set<string>()
  let section = ''
  const found: { name: string; version: string; line: number }[] = []
  lines.forEach((line, index) => {
    if (/^[A-Z]/.test(line)) section = line.trim()
    if (section === 'DEPENDENCIES') direct.add(/^ {2}([^\s!(]+)/.exec(line)?.[1] ?? '')
    const spec = section === 'GEM' ? /^ {4}(\S+) \(([^)]+)\)/.exec(line) : null
    if (spec)
      found.push({ name: spec[1]!, version: spec[2]!.replace(/-(?:x86|arm|aarch|java|universal|x64|mingw).*$/, ''), line: index + 1 })
  })
  return found.map(({ name, version, line }) => ({
    purl: purlOf('gem', name, version),
    scope: 'runtime',
    direct: direct.has(name),
    requirement: null,
    line,
  }))
}

/** *.gemspec: add_dependency, add_runtime_dependency and add_development_dependency. */
export const gemspec: DependencyReader = (text) =>
  text.split('\n').flatMap((line, index) => {
    const [, kind, name, rest] = /^[^#]*\.add_(development_|runtime_)?dependency[\s(]+["']([^"']+)["']([^#]*)/.exec(line) ?? []
    if (name === undefined) return []
    const requirement = rangeOf(rest!)
    const scope = kind === 'development_' ? 'development' : 'runtime'
    return [{ purl: purlOf('gem', name, exactVersion(requirement)), scope, direct: true, requirement, line: index + 1 }]
  })
