/** When a dependency is needed, as its manifest says. */
export type DependencyScope = 'runtime' | 'development' | 'test' | 'build' | 'optional' | 'peer'

/** One dependency as one file states it. */
export type Dependency = {
  /** Package URL (https://github.com/package-url/purl-spec); with a version only where the file names exactly one. */
  purl: string
  scope: DependencyScope
  /** Named by a manifest, or marked as such by a lock file; null where a lock file does not tell. */
  direct: boolean | null
  /** The range as written; null where there is none. */
  requirement: string | null
  path: string
  /** 1-based; null where the format gives no place. */
  line: number | null
}

/** What a reader finds: everything of a dependency but the file it stands in. */
export type Found = Omit<Dependency, 'path'>

/** Reads one kind of file. Pure; throws a plain Error where the text is not of its format. */
export type DependencyReader = (text: string, path: string) => readonly Found[]

const encode = (part: string): string => encodeURIComponent(part).replaceAll('%3A', ':').replaceAll('%2B', '+')

/** What a type wants in lower case, or with hyphens (purl-spec, PURL-TYPES). */
const NORMAL: Readonly<Record<string, (name: string) => string>> = {
  npm: (name) => name.toLowerCase(),
  pypi: (name) => name.toLowerCase().replace(/[_.]+/g, '-'),
  composer: (name) => name.toLowerCase(),
  golang: (name) => name.toLowerCase(),
  githubactions: (name) => name.toLowerCase(),
  hex: (name) => name.toLowerCase(),
}

/**
 * A package URL. `name` may hold its namespace before the last slash.
 * @example purlOf('npm', '@types/node', '20.1.0') === 'pkg:npm/%40types/node@20.1.0'
 */
export function purlOf(type: string, name: string, version?: string | null): string {
  const normal = NORMAL[type]?.(name) ?? name
  const path = normal
    .split('/')
    .filter((part) => part !== '')
    .map(encode)
    .join('/')
  return `pkg:${type}/${path}${version ? `@${encode(version)}` : ''}`
}

/** '1.2.3', 'v1.2.3', '=1.2.3', '==1.2.3', '1.2.3-rc.1': one version and no range. The version without its sign, else null. */
export function exactVersion(requirement: string | null | undefined): string | null {
  const found = /^\s*(?:={1,3}\s*)?(v?\d+(?:[.\w+-]*\w)?)\s*$/.exec(requirement ?? '')?.[1]
  return found === undefined || /(?:^|\.)[xX](?:\.|$)/.test(found) ? null : found
}
