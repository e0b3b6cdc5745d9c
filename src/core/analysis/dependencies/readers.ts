import type { DependencyReader } from './dependency.ts'
import * as beam from './readers/beam.ts'
import * as dart from './readers/dart.ts'
import * as dotnet from './readers/dotnet.ts'
import * as infrastructure from './readers/infrastructure.ts'
import * as jvm from './readers/jvm.ts'
import * as native from './readers/native.ts'
import * as npm from './readers/npm.ts'
import * as php from './readers/php.ts'
import * as python from './readers/python.ts'
import * as ruby from './readers/ruby.ts'

/** A kind of file: the ecosystem it belongs to (the purl type), whether it pins, the names it goes by, how it is read. */
export type DependencyFormat = { ecosystem: string; lock: boolean; names: RegExp; read: DependencyReader }

const format = (ecosystem: string, names: RegExp, read: DependencyReader): DependencyFormat => ({ ecosystem, lock: false, names, read })
const lock = (ecosystem: string, names: RegExp, read: DependencyReader): DependencyFormat => ({ ecosystem, lock: true, names, read })

/** Every format that is read; the first that matches a path (from the top of the repository, with '/') reads it. */
export const DEPENDENCY_FORMATS: readonly DependencyFormat[] = [
  format('npm', /(?:^|\/)package\.json$/, npm.packageJson),
  lock('npm', /(?:^|\/)(?:package-lock|npm-shrinkwrap)\.json$/, npm.packageLock),
  lock('npm', /(?:^|\/)pnpm-lock\.yaml$/, npm.pnpmLock),
  lock('npm', /(?:^|\/)yarn\.lock$/, npm.yarnLock),
  lock('npm', /(?:^|\/)bun\.lock$/, npm.bunLock),
  format('npm', /(?:^|\/)deno\.jsonc?$/, npm.denoJson),
  format('pypi', /(?:^|\/)pyproject\.toml$/, python.pyproject),
  format('pypi', /(?:^|\/)(?:[\w.-]*requirements[\w.-]*\.(?:txt|in)|requirements\/[\w.-]+\.(?:txt|in))$/, python.requirements),
  format('pypi', /(?:^|\/)Pipfile$/, python.pipfile),
  format('pypi', /(?:^|\/)setup\.cfg$/, python.setupCfg),
  lock('pypi', /(?:^|\/)Pipfile\.lock$/, python.pipfileLock),
  lock('pypi', /(?:^|\/)(?:poetry|uv|pdm)\.lock$/, python.packageTables('pypi')),
  format('cargo', /(?:^|\/)Cargo\.toml$/, native.cargoToml),
  lock('cargo', /(?:^|\/)Cargo\.lock$/, python.packageTables('cargo')),
  format('golang', /(?:^|\/)go\.mod$/, native.goMod),
  lock('golang', /(?:^|\/)go\.sum$/, native.goSum),
  format('gem', /(?:^|\/)(?:Gemfile|gems\.rb)$/, ruby.gemfile),
  format('gem', /\.gemspec$/, ruby.gemspec),
  lock('gem', /(?:^|\/)(?:Gemfile\.lock|gems\.locked)$/, ruby.gemfileLock),
  format('hex', /(?:^|\/)mix\.exs$/, beam.mixExs),
  lock('hex', /(?:^|\/)mix\.lock$/, beam.mixLock),
  format('hex', /(?:^|\/)gleam\.toml$/, beam.gleamToml),
  lock('hex', /(?:^|\/)manifest\.toml$/, beam.gleamManifest),
  format('hex', /(?:^|\/)rebar\.config$/, beam.rebarConfig),
  lock('hex', /(?:^|\/)rebar\.lock$/, beam.rebarLock),
  format('maven', /(?:^|\/)pom\.xml$/, jvm.pomXml),
  format('maven', /\.gradle(?:\.kts)?$/, jvm.gradle),
  format('maven', /(?:^|\/)gradle\/[\w.-]+\.versions\.toml$/, jvm.gradleCatalogue),
  lock('maven', /(?:^|\/)(?:gradle\.lockfile|buildscript-gradle\.lockfile)$/, jvm.gradleLock),
  format('maven', /\.sbt$/, jvm.sbt),
  format(
    'nuget',
    /(?:\.(?:cs|fs|vb)proj|(?:^|\/)Directory\.(?:Packages|Build)\.(?:props|targets)|(?:^|\/)packages\.config)$/,
    dotnet.msbuild,
  ),
  lock('nuget', /(?:^|\/)packages\.lock\.json$/, dotnet.nugetLock),
  format('composer', /(?:^|\/)composer\.json$/, php.composerJson),
  lock('composer', /(?:^|\/)composer\.lock$/, php.composerLock),
  format('pub', /(?:^|\/)pubspec\.yaml$/, dart.pubspec),
  lock('pub', /(?:^|\/)pubspec\.lock$/, dart.pubspecLock),
  format('swift', /(?:^|\/)Package(?:@swift-[\d.]+)?\.swift$/, native.swiftPackage),
  lock('swift', /(?:^|\/)Package\.resolved$/, native.swiftResolved),
  format('terraform', /\.tf$/, infrastructure.terraform),
  lock('terraform', /(?:^|\/)\.terraform\.lock\.hcl$/, infrastructure.terraformLock),
  format('docker', /(?:^|\/)(?:Dockerfile(?:\.[\w.-]+)?|Containerfile|[\w.-]+\.dockerfile)$/i, infrastructure.dockerfile),
  format('docker', /(?:^|\/)(?:docker-)?compose[\w.-]*\.ya?ml$/, infrastructure.compose),
  format('githubactions', /^\.github\/workflows\/[^/]+\.ya?ml$|(?:^|\/)action\.ya?ml$/, infrastructure.githubActions),
  format('helm', /(?:^|\/)(?:Chart|requirements)\.yaml$/, infrastructure.helm),
  format('generic', /(?:^|\/)\.tool-versions$/, infrastructure.toolVersions),
]

/** How a file is read, by its path; `undefined` where it names no dependencies we know of. */
export function dependencyFormat(path: string): DependencyFormat | undefined {
  return DEPENDENCY_FORMATS.find(({ names }) => names.test(path))
}
