import { LineCounter, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { type DependencyReader, type DependencyScope, type Found, exactVersion, purlOf } from '../dependency.ts'
import { textOf } from '../places.ts'

type Place = { key: string; value: unknown; line: number }

/** The pairs of a mapping in YAML, with places. @throws Error where the text is no YAML */
function yamlEntries(text: string, ...path: string[]): Place[] {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: false })
  if (document.errors.length > 0) throw document.errors[0]!
  const map = path.length === 0 ? document.contents : document.getIn(path)
  if (!isMap(map)) return []
  return map.items.map(({ key, value }) => {
    const at = isScalar(key) ? (key.range?.[0] ?? 0) : 0
    return {
      key: String(isScalar(key) ? key.value : key),
      value: isMap(value) || isSeq(value) ? value.toJSON() : isScalar(value) ? value.value : null,
      line: counter.linePos(at).line,
    }
  })
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined

/** pubspec.yaml; what comes from an SDK or a path is not from the registry. */
export const pubspec: DependencyReader = (text) =>
  (
    [
      ['dependencies', 'runtime'],
      ['dev_dependencies', 'development'],
    ] as const
  ).flatMap(([section, scope]) =>
    yamlEntries(text, section)
      .filter(({ value }) => member(value, 'sdk') === undefined && member(value, 'path') === undefined)
      .map(({ key, value, line }): Found => {
        const requirement = textOf(value) ?? textOf(member(value, 'version'))
        return {
          purl: purlOf('pub', key, exactVersion(requirement)),
          scope,
          direct: true,
          requirement: requirement === 'any' ? null : requirement,
          line,
        }
      }),
  )

export const pubspecLock: DependencyReader = (text) =>
  yamlEntries(text, 'packages').flatMap(({ key, value, line }): Found[] => {
    if (member(value, 'source') !== 'hosted') return []
    const kind = textOf(member(value, 'dependency')) ?? ''
    const scope: DependencyScope = kind.includes('dev') ? 'development' : 'runtime'
    return [
      { purl: purlOf('pub', key, textOf(member(value, 'version'))), scope, direct: kind.startsWith('direct'), requirement: null, line },
    ]
  })
