import { parse as parseToml } from 'smol-toml'
import { asObject } from '../../../kernel/index.ts'
import { type DependencyReader, type DependencyScope, type Found, exactVersion, purlOf } from '../dependency.ts'
import { lineOf, textOf, tomlPlaces, upToPartner, withoutComments } from '../places.ts'

/** mix.exs: the tuples of `deps`, `{:name, "~> 1.0", only: :test}`. Paths and umbrella members come from no registry. */
export const mixExs: DependencyReader = (source) => {
  const text = withoutComments(source, /(?<!["\w])#.*/g)
  const body = /\bdefp?\s+deps\b[\s\S]*?\bdo\b([\s\S]*?)\n\s*end\b/d.exec(text)
  const [from, to] = body?.indices?.[1] ?? [0, 0]
  return [...text.slice(from, to).matchAll(/\{\s*:(\w+)\s*((?:,[^{}]*(?:\{[^{}]*\}[^{}]*)*)?)\}/g)].flatMap((match): Found[] => {
    const rest = match[2]!
    if (/\b(?:path|in_umbrella):/.test(rest)) return []
    const requirement = /^\s*,\s*"([^"]*)"/.exec(rest)?.[1] ?? null
    const only = /\bonly:\s*(\[[^\]]*\]|:\w+)/.exec(rest)?.[1] ?? ''
    const name = /\bhex:\s*[:"](\w+)/.exec(rest)?.[1] ?? match[1]!
    const version = exactVersion(requirement)
    return [
      { purl: purlOf('hex', name, version), scope: scopeOf(only, rest), direct: true, requirement, line: lineOf(text, from + match.index) },
    ]
  })
}

function scopeOf(only: string, rest: string): DependencyScope {
  if (/\boptional:\s*true/.test(rest)) return 'optional'
  if (only === '' || only.includes(':prod')) return /\bruntime:\s*false/.test(rest) && only === '' ? 'build' : 'runtime'
  return only.includes(':dev') ? 'development' : 'test'
}

/** mix.lock: one map, `"name": {:hex, :name, "1.0.0", ...}`. */
export const mixLock: DependencyReader = (text) =>
  [...text.matchAll(/"([^"]+)":\s*\{:hex,\s*:(\w+),\s*"([^"]+)"/g)].map((match) => ({
    purl: purlOf('hex', match[2]!, match[3]),
    scope: 'runtime',
    direct: null,
    requirement: null,
    line: lineOf(text, match.index),
  }))

export const gleamToml: DependencyReader = (text) => {
  const data = asObject(parseToml(text))
  const place = tomlPlaces(text)
  return (
    [
      ['dependencies', 'runtime'],
      ['dev-dependencies', 'development'],
      ['dev_dependencies', 'development'],
    ] as const
  ).flatMap(([section, scope]) =>
    Object.entries(asObject(data[section])).flatMap(([key, value]) => {
      const requirement = textOf(value)
      if (requirement === null) return []
      return [{ purl: purlOf('hex', key, exactVersion(requirement)), scope, direct: true, requirement, line: place(section, key) }]
    }),
  )
}

/** manifest.toml of gleam: `packages = [ { name, version, source = "hex" } ]`, direct ones under [requirements]. */
export const gleamManifest: DependencyReader = (text) => {
  const data = asObject(parseToml(text))
  const direct = new Set(Object.keys(asObject(data['requirements'])))
  const packages = data['packages']
  return (Array.isArray(packages) ? packages : []).flatMap((each): Found[] => {
    const [name, version] = [textOf(asObject(each)['name']), textOf(asObject(each)['version'])]
    if (name === null || asObject(each)['source'] === 'local') return []
    const at = text.indexOf(`name = "${name}"`)
    const line = at === -1 ? null : lineOf(text, at)
    return [{ purl: purlOf('hex', name, version), scope: 'runtime', direct: direct.has(name), requirement: null, line }]
  })
}

/** rebar.config: `{deps, [{cowboy, "2.9.0"}, jsx]}`, those of profiles too; git dependencies have no version of a registry. */
export const rebarConfig: DependencyReader = (source) => {
  const text = withoutComments(source, /%.*/g)
  return [...text.matchAll(/\{deps,\s*\[/g)].flatMap(({ index, 0: head }) => {
    const start = index + head.length
    const body = upToPartner(text, start, ['[', ']'])
    const profile = /\{(\w+),\s*\[\s*$/.exec(text.slice(Math.max(0, index - 100), index))?.[1]
    const scope: DependencyScope = profile === 'test' ? 'test' : profile === 'dev' ? 'development' : 'runtime'
    return [
      ...body.matchAll(/\{\s*'?(\w+)'?\s*,([^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*)\}|(?<=^|[,\s])(\w+)(?=\s*(?:,|$))/g),
    ].map((match): Found => {
      const requirement = /^\s*"([^"]+)"\s*$/.exec(match[2] ?? '')?.[1] ?? null
      const purl = purlOf('hex', (match[1] ?? match[3])!, exactVersion(requirement))
      return { purl, scope, direct: true, requirement, line: lineOf(text, start + match.index) }
    })
  })
}

/** rebar.lock: `{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0}`; level 0 is direct. */
export const rebarLock: DependencyReader = (text) =>
  [...text.matchAll(/\{<<"[^"]+">>,\s*\{pkg,\s*<<"([^"]+)">>,\s*<<"([^"]+)">>[^}]*\},\s*(\d+)\}/g)].map((match) => ({
    purl: purlOf('hex', match[1]!, match[2]),
    scope: 'runtime',
    direct: match[3] === '0',
    requirement: null,
    line: lineOf(text, match.index),
  }))
