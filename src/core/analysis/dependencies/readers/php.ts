import { type DependencyReader, type Found, exactVersion, purlOf } from '../dependency.ts'
import { field, lineOf, readJson, textOf } from '../places.ts'

/** composer.json; `php` and extensions are the platform. A composer version without an operator is exact. */
export const composerJson: DependencyReader = (text) => {
  const json = readJson(text)
  return (
    [
      ['require', 'runtime'],
      ['require-dev', 'development'],
    ] as const
  ).flatMap(([section, scope]) =>
    json
      .entries(section)
      .filter(({ key }) => key.includes('/'))
      .map(({ key, value, line }): Found => {
        const requirement = textOf(value)
        return { purl: purlOf('composer', key, exactVersion(requirement)), scope, direct: true, requirement, line }
      }),
  )
}

export const composerLock: DependencyReader = (text) => {
  const json = readJson(text)
  return (
    [
      ['packages', 'runtime'],
      ['packages-dev', 'development'],
    ] as const
  ).flatMap(([section, scope]) => {
    const list = json.value(section)
    return (Array.isArray(list) ? list : []).flatMap((each): Found[] => {
      const [name, version] = [textOf(field(each, 'name')), textOf(field(each, 'version'))]
      if (name === null) return []
      const at = text.indexOf(JSON.stringify(name))
      return [
        {
          purl: purlOf('composer', name, version),
          scope,
          direct: null,
          requirement: null,
          line: at === -1 ? null : lineOf(text, at),
        },
      ]
    })
  })
}
