import { type DependencyReader, type DependencyScope, exactVersion, purlOf } from '../dependency.ts'
import { lineOf, withoutComments } from '../places.ts'

/** What stands in the first element of this name. */
function tag(block: string, name: string): string | null {
  const from = block.indexOf(`<${name}>`)
  const to = from === -1 ? -1 : block.indexOf(`</${name}>`, from)
  return to === -1 ? null : block.slice(from + name.length + 2, to).trim()
}

const MAVEN: Readonly<Record<string, DependencyScope>> = {
  test: 'test',
  provided: 'build',
  import: 'build',
  system: 'runtime',
  runtime: 'runtime',
}

/** `${name}` by the <properties> of the same file; what stays open is no version. */
function resolveProperties(text: string, value: string | null): string | null {
  const full = value?.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => tag(text, name) ?? whole) ?? null
  return full === null || full.includes('${') ? null : full
}

/** pom.xml. Its own coordinates and those of plugins' dependencies are told apart by the element they stand in. */
export const pomXml: DependencyReader = (source) => {
  const text = withoutComments(source, /<!--[\s\S]*?-->/g)
  return [...text.matchAll(/<(dependency|plugin|parent)>([\s\S]*?)<\/\1>/g)].flatMap((match) => {
    const block = match[2]!.replaceAll(/<(exclusions|dependencies|configuration|executions)>[\s\S]*?<\/\1>/g, '')
    const group = resolveProperties(text, tag(block, 'groupId')) ?? (match[1] === 'plugin' ? 'org.apache.maven.plugins' : null)
    const artifact = resolveProperties(text, tag(block, 'artifactId'))
    if (group === null || artifact === null) return []
    const requirement = tag(block, 'version')
    const version = exactVersion(resolveProperties(text, requirement))
    const scope =
      match[1] === 'dependency'
        ? tag(block, 'optional') === 'true'
          ? 'optional'
          : (MAVEN[tag(block, 'scope') ?? ''] ?? 'runtime')
        : 'build'
    return [{ purl: purlOf('maven', `${group}/${artifact}`, version), scope, direct: true, requirement, line: lineOf(text, match.index) }]
  })
}

function gradleScope(configuration: string): DependencyScope {
  if (/test/i.test(configuration)) return 'test'
  return /^(?:compileOnly|annotationProcessor|kapt|ksp|classpath|developmentOnly)/.test(configuration) ? 'build' : 'runtime'
}

const CONFIGURATION = String.raw`\b(\w*(?:[iI]mplementation|[aA]pi|[cC]ompileOnly|[rR]untimeOnly|[aA]nnotationProcessor|kapt|ksp|classpath|developmentOnly))\b`

/** build.gradle and build.gradle.kts: 'group:name:version' behind a configuration. Catalogues (libs.x) are read from their own file. */
export const gradle: DependencyReader = (source) => {
  const text = withoutComments(source, /\/\*[\s\S]*?\*\/|(?<![:"'\w])\/\/.*/g)
  return [
    ...text.matchAll(
      new RegExp(`${CONFIGURATION}[\\s(]+(?:(?:enforcedP|p)latform\\s*\\(\\s*)?["']([\\w.-]+):([\\w.-]+)(?::([^"'@:]+))?`, 'g'),
    ),
  ].map((match) => {
    const requirement = match[4] ?? null
    const version = /[$+[(]/.test(requirement ?? '') ? null : exactVersion(requirement)
    const purl = purlOf('maven', `${match[2]}/${match[3]}`, version)
    return { purl, scope: gradleScope(match[1]!), direct: true, requirement, line: lineOf(text, match.index) }
  })
}

/** gradle/libs.versions.toml, by its two ways to name a library. */
export const gradleCatalogue: DependencyReader = (text) => {
  const versions = new Map([...text.matchAll(/^\s*([\w-]+)\s*=\s*"([^"]+)"\s*$/gm)].map((match) => [match[1]!, match[2]!]))
  return text.split('\n').flatMap((line, index) => {
    const module = /\bmodule\s*=\s*"([\w.-]+):([\w.-]+)"/.exec(line) ?? /=\s*"([\w.-]+):([\w.-]+):([^"]+)"/.exec(line)
    const group = /\bgroup\s*=\s*"([\w.-]+)"/.exec(line)?.[1] ?? module?.[1]
    const name = /\bname\s*=\s*"([\w.-]+)"/.exec(line)?.[1] ?? module?.[2]
    if (group === undefined || name === undefined || line.trimStart().startsWith('#')) return []
    const reference = /\bversion\.ref\s*=\s*"([\w-]+)"/.exec(line)?.[1]
    const requirement =
      (reference === undefined ? (/\bversion\s*=\s*"([^"]+)"/.exec(line)?.[1] ?? module?.[3]) : versions.get(reference)) ?? null
    return [
      {
        purl: purlOf('maven', `${group}/${name}`, exactVersion(requirement)),
        scope: 'runtime',
        direct: true,
        requirement,
        line: index + 1,
      },
    ]
  })
}

/** gradle.lockfile: 'group:name:version=configurations'. */
export const gradleLock: DependencyReader = (text) =>
  text.split('\n').flatMap((line, index) => {
    const [, group, name, version, uses] = /^([\w.-]+):([\w.-]+):([^=:]+)=(.*)$/.exec(line) ?? []
    if (group === undefined) return []
    const scope = uses!.split(',').every((use) => /test/i.test(use)) ? 'test' : 'runtime'
    return [{ purl: purlOf('maven', `${group}/${name}`, version), scope, direct: null, requirement: null, line: index + 1 }]
  })

/** build.sbt and project/*.sbt: `"group" %% "name" % "version" % Test`. `%%` adds the Scala version, which the file does not tell. */
export const sbt: DependencyReader = (source) => {
  const text = withoutComments(source, /\/\*[\s\S]*?\*\/|(?<![:"\w])\/\/.*/g)
  return [...text.matchAll(/"([\w.-]+)"\s*%{1,3}\s*"([\w.-]+)"\s*%\s*("[^"]+"|[\w.]+)(?:\s*%\s*"?(\w+))?/g)].map((match) => {
    const requirement = /^"(.*)"$/.exec(match[3]!)?.[1] ?? null
    const scope = /^test$/i.test(match[4] ?? '') ? 'test' : /^(?:provided|compile-internal)$/i.test(match[4] ?? '') ? 'build' : 'runtime'
    const purl = purlOf('maven', `${match[1]}/${match[2]}`, exactVersion(requirement))
    return { purl, scope, direct: true, requirement: requirement ?? match[3]!, line: lineOf(text, match.index) }
  })
}
