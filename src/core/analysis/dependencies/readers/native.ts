import { parse as parseToml } from 'smol-toml'
import { asObject } from '../../../kernel/index.ts'
import { type DependencyReader, type DependencyScope, type Found, exactVersion, purlOf } from '../dependency.ts'
import { field, readJson, textOf, tomlPlaces } from '../places.ts'

const CARGO: readonly (readonly [name: string, scope: DependencyScope])[] = [
  ['dependencies', 'runtime'],
  ['dev-dependencies', 'development'],
  ['build-dependencies', 'build'],
]

/** Cargo.toml with targets and workspace. '1.2.3' is a caret range there: only '=1.2.3' names one version. */
export const cargoToml: DependencyReader = (text) => {
  const data = asObject(parseToml(text))
  const place = tomlPlaces(text)
  const table = (name: string, value: unknown, scope: DependencyScope): Found[] =>
    Object.entries(asObject(value)).flatMap(([key, entry]) => {
      const [detail, said] = [asObject(entry), textOf(entry)]
      if (detail['path'] !== undefined && detail['version'] === undefined) return []
      const requirement = said ?? textOf(detail['version'])
      const version = requirement?.startsWith('=') ? exactVersion(requirement) : null
      const wanted = scope === 'runtime' && detail['optional'] === true ? 'optional' : scope
      const line = place(name, key) ?? place(`${name}.${key}`, '')
      return [{ purl: purlOf('cargo', textOf(detail['package']) ?? key, version), scope: wanted, direct: true, requirement, line }]
    })
  const owners: [string, Readonly<Record<string, unknown>>][] = [
    ['', data],
    ['workspace.', asObject(data['workspace'])],
    ...Object.entries(asObject(data['target'])).map(([name, value]): [string, Readonly<Record<string, unknown>>] => [
      `target.${name.replaceAll(/["'\s]/g, '')}.`,
      asObject(value),
    ]),
  ]
  return owners.flatMap(([prefix, owner]) => CARGO.flatMap(([section, scope]) => table(`${prefix}${section}`, owner[section], scope)))
}

/** go.mod: 'require' lines and blocks; '// indirect' says that no file of the module imports it. Tools count as development. */
export const goMod: DependencyReader = (text) => {
  const found: Found[] = []
  let block = ''
  text.split('\n').forEach((line, index) => {
    const opened = /^\s*(\w+)\s*\(\s*(?:\/\/.*)?$/.exec(line)?.[1]
    if (opened !== undefined) block = opened
    else if (/^\s*\)/.test(line)) block = ''
    const [, word, name, version, comment] = /^\s*(?:(require)\s+)?([^\s()/]+\.[^\s()]+)\s+(v[^\s]+)\s*(?:\/\/\s*(.*))?$/.exec(line) ?? []
    if (name === undefined || (word ?? block) !== 'require') return
    const direct = !/\bindirect\b/.test(comment ?? '')
    found.push({ purl: purlOf('golang', name, version), scope: 'runtime', direct, requirement: version!, line: index + 1 })
  })
  return found
}

/** go.sum holds two hashes per version: that of the go.mod file alone does not say that the module is used. */
export const goSum: DependencyReader = (text) =>
  text.split('\n').flatMap((line, index) => {
    const [, name, version] = /^(\S+) (v\S+) h1:\S+$/.exec(line) ?? []
    if (name === undefined || version!.endsWith('/go.mod')) return []
    return [{ purl: purlOf('golang', name, version), scope: 'runtime', direct: null, requirement: null, line: index + 1 }]
  })

/** 'https://github.com/apple/swift-nio.git' -> 'github.com/apple/swift-nio' */
const repositoryName = (url: string): string =>
  url
    .replace(/^\w+:\/\/|^git@/, '')
    .replace(/\.git$/, '')
    .replace(/^([^/:]+):/, '$1/')

/** Package.swift: `.package(url: "...", from: "1.2.3")`. */
export const swiftPackage: DependencyReader = (text) =>
  [...text.matchAll(/\.package\s*\(\s*(?:name:\s*"[^"]*",\s*)?url:\s*"([^"]+)"\s*,\s*([^)]*)\)?/g)].map((match) => {
    const requirement = match[2]!.trim().replace(/\s+/g, ' ')
    const version = /^exact:\s*"([^"]+)"/.exec(requirement)?.[1] ?? /\.exact\(\s*"([^"]+)"/.exec(requirement)?.[1] ?? null
    const line = text.slice(0, match.index).split('\n').length
    return { purl: purlOf('swift', repositoryName(match[1]!), version), scope: 'runtime', direct: true, requirement, line }
  })

/** Package.resolved, versions 1 to 3. */
export const swiftResolved: DependencyReader = (text) => {
  const json = readJson(text)
  const pins = json.value('pins') ?? json.value('object', 'pins')
  return (Array.isArray(pins) ? pins : []).flatMap((pin): Found[] => {
    const url = textOf(field(pin, 'location')) ?? textOf(field(pin, 'repositoryURL'))
    if (url === null) return []
    const at = text.indexOf(url.replaceAll('/', '\\/')) === -1 ? text.indexOf(url) : text.indexOf(url.replaceAll('/', '\\/'))
    const line = at === -1 ? null : text.slice(0, at).split('\n').length
    const version = textOf(field(field(pin, 'state'), 'version'))
    return [{ purl: purlOf('swift', repositoryName(url), version), scope: 'runtime', direct: null, requirement: null, line }]
  })
}
