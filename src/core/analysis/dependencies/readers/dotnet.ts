import { type DependencyReader, type Found, purlOf } from '../dependency.ts'
import { field, lineOf, readJson, textOf, withoutComments } from '../places.ts'

const attribute = (element: string, name: string): string | null =>
  new RegExp(`\\b${name}\\s*=\\s*"([^"]*)"`, 'i').exec(element)?.[1] ?? null

/** *.csproj, *.fsproj, *.vbproj, Directory.Packages.props: PackageReference and PackageVersion; packages.config: package. */
export const msbuild: DependencyReader = (source) => {
  const text = withoutComments(source, /<!--[\s\S]*?-->/g)
  return [
    ...text.matchAll(/<(PackageReference|PackageVersion|GlobalPackageReference|package)\b([^>]*?)(?:\/>|>([\s\S]*?)<\/\1>)/g),
  ].flatMap((match): Found[] => {
    const [attributes, inner] = [match[2]!, match[3] ?? '']
    const name = attribute(attributes, 'Include') ?? attribute(attributes, 'Update') ?? attribute(attributes, 'id')
    if (name === null) return []
    const requirement = attribute(attributes, 'Version') ?? /<Version>([^<]+)<\/Version>/.exec(inner)?.[1] ?? null
    // a bare version of a PackageReference is a minimum; only packages.config and '[1.0]' name one
    const exact = match[1] === 'package' ? requirement : (/^\[([^,\]]+)\]$/.exec(requirement ?? '')?.[1] ?? null)
    const hidden =
      /PrivateAssets\s*=\s*"all"|<PrivateAssets>\s*all/i.test(match[0]) || attribute(attributes, 'developmentDependency') === 'true'
    return [
      {
        purl: purlOf('nuget', name, exact),
        scope: hidden ? 'development' : 'runtime',
        direct: true,
        requirement,
        line: lineOf(text, match.index),
      },
    ]
  })
}

/** packages.lock.json: per framework, name -> {type: Direct|Transitive|Project, resolved}. */
export const nugetLock: DependencyReader = (text) => {
  const json = readJson(text)
  return json.entries('dependencies').flatMap(({ key: framework }) =>
    json.entries('dependencies', framework).flatMap(({ key, value, line }): Found[] => {
      const [type, version] = [textOf(field(value, 'type')), textOf(field(value, 'resolved'))]
      if (type === 'Project') return []
      return [
        {
          purl: purlOf('nuget', key, version),
          scope: 'runtime',
          direct: type === 'Direct',
          requirement: textOf(field(value, 'requested')),
          line,
        },
      ]
    }),
  )
}
