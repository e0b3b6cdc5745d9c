import { expect, test } from 'vitest'
import { DEPENDENCY_FORMATS, readDependencies } from '../../../src/core/analysis/index.ts'

type Row = [purl: string, scope: string, direct: boolean | null, requirement: string | null, line: number | null]

async function read(path: string, text: string): Promise<Row[]> {
  const { dependencies, problems } = await readDependencies([path], async () => Buffer.from(text))
  expect(problems).toEqual([])
  return dependencies.map(({ purl, scope, direct, requirement, line }) => [purl, scope, direct, requirement, line])
}

test.each<[path: string, text: string, rows: Row[]]>([
  [
    'package.json',
    `{
  "dependencies": { "Left-Pad": "1.3.0",
    "@types/node": "^20.1.0", "here": "workspace:*", "old": "npm:new-name@2.0.0" },
  "devDependencies": { "vitest": "~4.1" },
  "peerDependencies": { "react": ">=18" }
}`,
    [
      ['pkg:npm/left-pad@1.3.0', 'runtime', true, '1.3.0', 2],
      ['pkg:npm/%40types/node', 'runtime', true, '^20.1.0', 3],
      ['pkg:npm/new-name@2.0.0', 'runtime', true, 'npm:new-name@2.0.0', 3],
      ['pkg:npm/vitest', 'development', true, '~4.1', 4],
      ['pkg:npm/react', 'peer', true, '>=18', 5],
    ],
  ],
  [
    'a/package-lock.json',
    `{"lockfileVersion": 3, "packages": {
"": {"dependencies": {"a": "^1.0.0"}, "devDependencies": {"t": "1"}},
"node_modules/a": {"version": "1.2.0"},
"node_modules/t": {"version": "1.0.1", "dev": true},
"node_modules/a/node_modules/b": {"version": "3.0.0", "optional": true},
"node_modules/mine": {"link": true, "resolved": "packages/mine"}}}`,
    [
      ['pkg:npm/a@1.2.0', 'runtime', true, null, 3],
      ['pkg:npm/t@1.0.1', 'development', true, null, 4],
      ['pkg:npm/b@3.0.0', 'optional', false, null, 5],
    ],
  ],
  [
    'npm-shrinkwrap.json',
    `{"lockfileVersion": 1, "dependencies": {\n"a": {"version": "1.2.0", "dependencies": {"b": {"version": "2.0.0", "dev": true}}}}}`,
    [
      ['pkg:npm/a@1.2.0', 'runtime', null, null, 2],
      ['pkg:npm/b@2.0.0', 'development', null, null, 2],
    ],
  ],
  [
    'pnpm-lock.yaml',
    `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      '@scope/a':
        specifier: ^1.0.0
        version: 1.0.2
    devDependencies:
      b:
        specifier: ^2.0.0
        version: 2.0.0(c@3.0.0)
packages:
  '@scope/a@1.0.2':
    resolution: {integrity: sha512-x}
  b@2.0.0:
    resolution: {integrity: sha512-y}
  c@3.0.0:
    resolution: {integrity: sha512-z}
`,
    [
      ['pkg:npm/%40scope/a@1.0.2', 'runtime', true, null, 13],
      ['pkg:npm/b@2.0.0', 'development', true, null, 15],
      ['pkg:npm/c@3.0.0', 'runtime', false, null, 17],
    ],
  ],
  [
    'yarn.lock',
    `# yarn lockfile v1

"@a/b@^1.0.0", "@a/b@^1.1.0":
  version "1.2.3"

c@^2.0.0:
  version "2.0.1"
  dependencies:
    d "^1.0.0"
`,
    [
      ['pkg:npm/%40a/b@1.2.3', 'runtime', null, null, 3],
      ['pkg:npm/c@2.0.1', 'runtime', null, null, 6],
    ],
  ],
  [
    'w/yarn.lock',
    `__metadata:
  version: 8

"c@npm:^2.0.0":
  version: 2.0.1

"root@workspace:.":
  version: 0.0.0-use.local
`,
    [['pkg:npm/c@2.0.1', 'runtime', null, null, 4]],
  ],
  ['bun.lock', `{\n "packages": {\n  "a": ["a@1.0.0", "", {}, "sha512-x"],\n },\n}`, [['pkg:npm/a@1.0.0', 'runtime', null, null, 3]]],
  [
    'deno.json',
    `{"imports": {\n"chalk": "npm:chalk@5.3.0",\n"@std/path": "jsr:@std/path@^1.0.0", "x": "./x.ts"}}`,
    [
      ['pkg:npm/chalk@5.3.0', 'runtime', true, '5.3.0', 2],
      ['pkg:jsr/%40std/path', 'runtime', true, '^1.0.0', 3],
    ],
  ],
  [
    'requirements.txt',
    '# top\nDjango==4.2.1  # web\nrequests[security]>=2.0,<3 ; python_version > "3"\n-r other.txt\ngit+https://example.org/x.git\nzope.interface\nflask==2.* \\\n  --hash=sha256:0\nnumpy',
    [
      ['pkg:pypi/django@4.2.1', 'runtime', true, '==4.2.1', 2],
      ['pkg:pypi/requests', 'runtime', true, '>=2.0,<3', 3],
      ['pkg:pypi/zope-interface', 'runtime', true, null, 6],
      ['pkg:pypi/flask', 'runtime', true, '==2.*', 7],
      ['pkg:pypi/numpy', 'runtime', true, null, 9],
    ],
  ],
  ['requirements/test.txt', 'pytest', [['pkg:pypi/pytest', 'test', true, null, 1]]],
  [
    'pyproject.toml',
    `[build-system]
requires = ["hatchling"]
[project]
dependencies = [
  "httpx>=0.24",
  "rich==13.0.0",
]
[project.optional-dependencies]
docs = ["sphinx"]
[dependency-groups]
test = ["pytest"]
[tool.poetry.dependencies]
python = "^3.10"
toml = "0.10.2"
[tool.poetry.group.dev.dependencies]
black = { version = "==23.1.0" }
`,
    [
      ['pkg:pypi/hatchling', 'build', true, null, 2],
      ['pkg:pypi/httpx', 'runtime', true, '>=0.24', 5],
      ['pkg:pypi/rich@13.0.0', 'runtime', true, '==13.0.0', 6],
      ['pkg:pypi/sphinx', 'development', true, null, 9],
      ['pkg:pypi/pytest', 'test', true, null, 11],
      ['pkg:pypi/toml', 'runtime', true, '0.10.2', 14],
      ['pkg:pypi/black@23.1.0', 'development', true, '==23.1.0', 16],
    ],
  ],
  [
    'Pipfile',
    '[packages]\nrequests = "*"\nflask = {version = "==1.0"}\n[dev-packages]\npytest = ">=7"\n',
    [
      ['pkg:pypi/requests', 'runtime', true, null, 2],
      ['pkg:pypi/flask@1.0', 'runtime', true, '==1.0', 3],
      ['pkg:pypi/pytest', 'development', true, '>=7', 5],
    ],
  ],
  ['Pipfile.lock', '{"default": {\n"a": {"version": "==1.0"}}}', [['pkg:pypi/a@1.0', 'runtime', null, null, 2]]],
  [
    'setup.cfg',
    '[options]\ninstall_requires =\n    attrs>=20\n    # why\n    idna==3.4\n[options.extras_require]\ntest = pytest\n',
    [
      ['pkg:pypi/attrs', 'runtime', true, '>=20', 3],
      ['pkg:pypi/idna@3.4', 'runtime', true, '==3.4', 5],
      ['pkg:pypi/pytest', 'test', true, null, 7],
    ],
  ],
  [
    'uv.lock',
    '[[package]]\nname = "anyio"\nversion = "4.0.0"\n\n[[package]]\nname = "mine"\nversion = "0.1"\nsource = { editable = "." }\n',
    [['pkg:pypi/anyio@4.0.0', 'runtime', null, null, 1]],
  ],
  [
    'Cargo.toml',
    `[dependencies]
serde = "1.0"
mine = { path = "../mine" }
rand_alias = { package = "rand", version = "=0.8.5", optional = true }
[dependencies.tokio]
version = "1"
[target.'cfg(unix)'.dev-dependencies]
nix = "0.26"
[workspace.dependencies]
log = "0.4"
`,
    [
      ['pkg:cargo/serde', 'runtime', true, '1.0', 2],
      ['pkg:cargo/rand@0.8.5', 'optional', true, '=0.8.5', 4],
      ['pkg:cargo/tokio', 'runtime', true, '1', 5],
      ['pkg:cargo/nix', 'development', true, '0.26', 8],
      ['pkg:cargo/log', 'runtime', true, '0.4', 10],
    ],
  ],
  [
    'Cargo.lock',
    '[[package]]\nname = "mine"\nversion = "0.1.0"\n\n[[package]]\nname = "serde"\nversion = "1.0.1"\nsource = "registry+x"\n',
    [['pkg:cargo/serde@1.0.1', 'runtime', null, null, 5]],
  ],
  [
    'go.mod',
    'module example.org/m\n\ngo 1.21\n\nrequire github.com/Gorilla/mux v1.8.0\n\nrequire (\n\tgolang.org/x/sys v0.1.0 // indirect\n)\nreplace (\n\ta.b/c v1.0.0 => ../c\n)\n',
    [
      ['pkg:golang/github.com/gorilla/mux@v1.8.0', 'runtime', true, 'v1.8.0', 5],
      ['pkg:golang/golang.org/x/sys@v0.1.0', 'runtime', false, 'v0.1.0', 8],
    ],
  ],
  ['go.sum', 'a.b/c v1.0.0 h1:x=\na.b/c v1.0.0/go.mod h1:y=\n', [['pkg:golang/a.b/c@v1.0.0', 'runtime', null, null, 1]]],
  [
    'Gemfile',
    `source "x"
gem "rails", "~> 7.0", ">= 7.0.4"
gem 'local', path: '../local'
group :development, :test do
  gem "rspec-rails"
end
gem "puma", "6.0.0", group: :production # why
`,
    [
      ['pkg:gem/rails', 'runtime', true, '~> 7.0, >= 7.0.4', 2],
      ['pkg:gem/rspec-rails', 'development', true, null, 5],
      ['pkg:gem/puma@6.0.0', 'runtime', true, '6.0.0', 7],
    ],
  ],
  [
    'Gemfile.lock',
    'GEM\n  remote: x\n  specs:\n    nokogiri (1.15.0-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.7.1)\n\nDEPENDENCIES\n  nokogiri\n',
    [
      ['pkg:gem/nokogiri@1.15.0', 'runtime', true, null, 4],
      ['pkg:gem/racc@1.7.1', 'runtime', false, null, 6],
    ],
  ],
  [
    'x.gemspec',
    'Gem::Specification.new do |s|\n  s.add_dependency "a", "~> 1.0"\n  s.add_development_dependency("b")\nend\n',
    [
      ['pkg:gem/a', 'runtime', true, '~> 1.0', 2],
      ['pkg:gem/b', 'development', true, null, 3],
    ],
  ],
  [
    'mix.exs',
    `defmodule M do
  defp deps do
    [
      {:phoenix, "~> 1.7.0"}, # web
      {:credo, "1.7.0", only: [:dev, :test], runtime: false},
      # {:gone, "1.0"},
      {:mine, path: "../mine"},
      {:ex_machina, "~> 2.7", only: :test}
    ]
  end
end`,
    [
      ['pkg:hex/phoenix', 'runtime', true, '~> 1.7.0', 4],
      ['pkg:hex/credo@1.7.0', 'development', true, '1.7.0', 5],
      ['pkg:hex/ex_machina', 'test', true, '~> 2.7', 8],
    ],
  ],
  ['mix.lock', '%{\n  "jason": {:hex, :jason, "1.4.0", "x", [:mix], []},\n}', [['pkg:hex/jason@1.4.0', 'runtime', null, null, 2]]],
  [
    'gleam.toml',
    'name = "x"\n[dependencies]\ngleam_stdlib = ">= 0.34.0 and < 2.0.0"\n',
    [['pkg:hex/gleam_stdlib', 'runtime', true, '>= 0.34.0 and < 2.0.0', 3]],
  ],
  [
    'manifest.toml',
    'packages = [\n  { name = "gleam_stdlib", version = "0.34.0", source = "hex" },\n]\n[requirements]\ngleam_stdlib = { version = ">= 0.34.0" }\n',
    [['pkg:hex/gleam_stdlib@0.34.0', 'runtime', true, null, 2]],
  ],
  [
    'rebar.config',
    '{deps, [\n  {cowboy, "2.9.0"},\n  jsx, % plain\n  {ranch, {git, "x", {tag, "1"}}}\n]}.\n{profiles, [{test, [{deps, [{meck, "0.9.2"}]}]}]}.\n',
    [
      ['pkg:hex/cowboy@2.9.0', 'runtime', true, '2.9.0', 2],
      ['pkg:hex/jsx', 'runtime', true, null, 3],
      ['pkg:hex/ranch', 'runtime', true, null, 4],
      ['pkg:hex/meck@0.9.2', 'test', true, '0.9.2', 6],
    ],
  ],
  [
    'rebar.lock',
    '{"1.2.0",\n[{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0},\n {<<"cowlib">>,{pkg,<<"cowlib">>,<<"2.11.0">>},1}]}.',
    [
      ['pkg:hex/cowboy@2.9.0', 'runtime', true, null, 2],
      ['pkg:hex/cowlib@2.11.0', 'runtime', false, null, 3],
    ],
  ],
  [
    'pom.xml',
    `<project>
<properties><junit.version>5.10.0</junit.version></properties>
<dependencies>
<dependency><groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><version>\${junit.version}</version><scope>test</scope></dependency>
<!-- <dependency><groupId>gone</groupId><artifactId>gone</artifactId></dependency> -->
<dependency><groupId>a.b</groupId><artifactId>c</artifactId>
 <exclusions><exclusion><groupId>no</groupId><artifactId>no</artifactId></exclusion></exclusions></dependency>
</dependencies>
<build><plugins><plugin><artifactId>maven-surefire-plugin</artifactId><version>3.0.0</version></plugin></plugins></build>
</project>`,
    [
      ['pkg:maven/org.junit.jupiter/junit-jupiter@5.10.0', 'test', true, '${junit.version}', 4],
      ['pkg:maven/a.b/c', 'runtime', true, null, 6],
      ['pkg:maven/org.apache.maven.plugins/maven-surefire-plugin@3.0.0', 'build', true, '3.0.0', 9],
    ],
  ],
  [
    'app/build.gradle.kts',
    `dependencies {
  implementation("com.squareup.okhttp3:okhttp:4.12.0")
  testImplementation(platform("org.junit:junit-bom:5.10.0"))
  // implementation("gone:gone:1")
  runtimeOnly 'org.postgresql:postgresql:42.+'
}`,
    [
      ['pkg:maven/com.squareup.okhttp3/okhttp@4.12.0', 'runtime', true, '4.12.0', 2],
      ['pkg:maven/org.junit/junit-bom@5.10.0', 'test', true, '5.10.0', 3],
      ['pkg:maven/org.postgresql/postgresql', 'runtime', true, '42.+', 5],
    ],
  ],
  [
    'gradle/libs.versions.toml',
    '[versions]\nktor = "2.3.0"\n[libraries]\nktor-core = { module = "io.ktor:ktor-core", version.ref = "ktor" }\nguava = "com.google.guava:guava:32.0"\n',
    [
      ['pkg:maven/io.ktor/ktor-core@2.3.0', 'runtime', true, '2.3.0', 4],
      ['pkg:maven/com.google.guava/guava@32.0', 'runtime', true, '32.0', 5],
    ],
  ],
  ['gradle.lockfile', '# x\na.b:c:1.0=testRuntimeClasspath\nempty=\n', [['pkg:maven/a.b/c@1.0', 'test', null, null, 2]]],
  [
    'build.sbt',
    'libraryDependencies += "org.scalatest" %% "scalatest" % "3.2.15" % Test\n"com.typesafe.akka" %% "akka-actor" % AkkaVersion\n',
    [
      ['pkg:maven/org.scalatest/scalatest@3.2.15', 'test', true, '3.2.15', 1],
      ['pkg:maven/com.typesafe.akka/akka-actor', 'runtime', true, 'AkkaVersion', 2],
    ],
  ],
  [
    'x.csproj',
    '<Project>\n<PackageReference Include="Newtonsoft.Json" Version="13.0.3" />\n<PackageReference Include="StyleCop" PrivateAssets="all">\n<Version>[1.1.118]</Version></PackageReference>\n</Project>',
    [
      ['pkg:nuget/Newtonsoft.Json', 'runtime', true, '13.0.3', 2],
      ['pkg:nuget/StyleCop@1.1.118', 'development', true, '[1.1.118]', 3],
    ],
  ],
  [
    'packages.config',
    '<packages>\n<package id="NUnit" version="3.13.3" />\n</packages>',
    [['pkg:nuget/NUnit@3.13.3', 'runtime', true, '3.13.3', 2]],
  ],
  [
    'packages.lock.json',
    '{"dependencies": {"net8.0": {\n"A": {"type": "Direct", "requested": "[1.0, )", "resolved": "1.0.0"},\n"B": {"type": "Transitive", "resolved": "2.0.0"},\n"p": {"type": "Project"}}}}',
    [
      ['pkg:nuget/A@1.0.0', 'runtime', true, '[1.0, )', 2],
      ['pkg:nuget/B@2.0.0', 'runtime', false, null, 3],
    ],
  ],
  [
    'composer.json',
    '{"require": {"php": ">=8",\n"monolog/monolog": "^3.0"},\n"require-dev": {"phpunit/phpunit": "10.5.0"}}',
    [
      ['pkg:composer/monolog/monolog', 'runtime', true, '^3.0', 2],
      ['pkg:composer/phpunit/phpunit@10.5.0', 'development', true, '10.5.0', 3],
    ],
  ],
  [
    'composer.lock',
    '{"packages": [\n{"name": "psr/log", "version": "3.0.0"}]}',
    [['pkg:composer/psr/log@3.0.0', 'runtime', null, null, 2]],
  ],
  [
    'pubspec.yaml',
    'dependencies:\n  flutter:\n    sdk: flutter\n  http: ^1.0.0\ndev_dependencies:\n  lints: any\n',
    [
      ['pkg:pub/http', 'runtime', true, '^1.0.0', 4],
      ['pkg:pub/lints', 'development', true, null, 6],
    ],
  ],
  [
    'pubspec.lock',
    'packages:\n  http:\n    dependency: "direct main"\n    source: hosted\n    version: "1.1.0"\n  sky:\n    dependency: transitive\n    source: sdk\n    version: "0.0.99"\n',
    [['pkg:pub/http@1.1.0', 'runtime', true, null, 2]],
  ],
  [
    'Package.swift',
    'let p = Package(dependencies: [\n  .package(url: "https://github.com/apple/swift-nio.git", from: "2.0.0"),\n  .package(url: "https://github.com/a/b", exact: "1.2.3")])',
    [
      ['pkg:swift/github.com/apple/swift-nio', 'runtime', true, 'from: "2.0.0"', 2],
      ['pkg:swift/github.com/a/b@1.2.3', 'runtime', true, 'exact: "1.2.3"', 3],
    ],
  ],
  [
    'Package.resolved',
    '{"pins": [\n{"location": "https://github.com/apple/swift-nio.git", "state": {"version": "2.60.0"}}], "version": 2}',
    [['pkg:swift/github.com/apple/swift-nio@2.60.0', 'runtime', null, null, 2]],
  ],
  [
    'main.tf',
    'terraform {\n  required_providers {\n    aws = {\n      source  = "hashicorp/aws"\n      version = "~> 5.0"\n    }\n  }\n}\nmodule "vpc" {\n  source  = "terraform-aws-modules/vpc/aws"\n  version = "5.1.0"\n}\n',
    [
      ['pkg:terraform/hashicorp/aws', 'runtime', true, '~> 5.0', 3],
      ['pkg:terraform/terraform-aws-modules/vpc/aws@5.1.0', 'runtime', true, '5.1.0', 9],
    ],
  ],
  [
    '.terraform.lock.hcl',
    'provider "registry.terraform.io/hashicorp/aws" {\n  version     = "5.20.0"\n}\n',
    [['pkg:terraform/hashicorp/aws@5.20.0', 'runtime', null, null, 1]],
  ],
  [
    'Dockerfile',
    'FROM --platform=linux/amd64 node:20-slim AS build\nFROM build\nFROM ghcr.io/a/b@sha256:00ff\nFROM $BASE\n',
    [
      ['pkg:docker/node@20-slim', 'runtime', true, '20-slim', 1],
      ['pkg:docker/ghcr.io/a/b@sha256:00ff', 'runtime', true, 'sha256:00ff', 3],
    ],
  ],
  ['docker-compose.yml', 'services:\n  db:\n    image: postgres:15\n', [['pkg:docker/postgres@15', 'runtime', true, '15', 3]]],
  [
    '.github/workflows/ci.yml',
    'jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - uses: ./local\n',
    [['pkg:githubactions/actions/checkout@v4', 'build', true, 'v4', 4]],
  ],
  [
    'Chart.yaml',
    'name: x\ndependencies:\n  - name: redis\n    version: 17.0.0\n',
    [['pkg:helm/redis@17.0.0', 'runtime', true, '17.0.0', 3]],
  ],
  ['.tool-versions', 'nodejs 20.1.0\n# x\n', [['pkg:generic/nodejs@20.1.0', 'development', true, '20.1.0', 1]]],
])('%s is read with its places', async (path, text, rows) => {
  expect(await read(path, text)).toEqual(rows)
})

test('a file that is not what its name says is told, and the others are read', async () => {
  const files: Record<string, string> = { 'package.json': '[1', 'Cargo.toml': '[dependencies\n', 'go.mod': 'require a.b/c v1.0.0\n' }
  const found = await readDependencies(Object.keys(files), async (path) => Buffer.from(files[path]!))
  expect(found.problems.map(({ path }) => path)).toEqual(['Cargo.toml', 'package.json'])
  expect(found.dependencies.map(({ purl }) => purl)).toEqual(['pkg:golang/a.b/c@v1.0.0'])
  expect(found.manifests).toHaveLength(3)
})

test('names of objects are only names', async () => {
  expect(await read('package.json', '{"dependencies": {"__proto__": "1.0.0", "constructor": "1.0.0"}}')).toHaveLength(2)
})

test('no format takes long for a text made to be slow', async () => {
  const slow = [
    'a'.repeat(50_000),
    `"${'\\'.repeat(20_000)}`,
    '{'.repeat(20_000),
    '<dependency>'.repeat(5_000),
    `{deps, [${'{a,'.repeat(5_000)}`,
  ]
  const paths = DEPENDENCY_FORMATS.flatMap(({ names }) => SAMPLES.filter((path) => names.test(path)).slice(0, 1))
  expect(paths.length).toBeGreaterThan(40)
  for (const text of slow) await readDependencies(paths, async () => Buffer.from(text))
})

const SAMPLES =
  `package.json package-lock.json pnpm-lock.yaml yarn.lock bun.lock deno.json pyproject.toml requirements.txt Pipfile setup.cfg
  Pipfile.lock poetry.lock Cargo.toml Cargo.lock go.mod go.sum Gemfile a.gemspec Gemfile.lock mix.exs mix.lock gleam.toml manifest.toml
  rebar.config rebar.lock pom.xml build.gradle gradle/libs.versions.toml gradle.lockfile build.sbt a.csproj packages.lock.json composer.json
  composer.lock pubspec.yaml pubspec.lock Package.swift Package.resolved main.tf .terraform.lock.hcl Dockerfile compose.yml
  .github/workflows/a.yml Chart.yaml .tool-versions`.split(/\s+/)

test('a file made to be deep is refused before a parser sees it', async () => {
  const deep = ['{'.repeat(20_000), '['.repeat(20_000), '- '.repeat(20_000), `${' '.repeat(5_000)}a: 1`]
  for (const text of deep)
    expect((await readDependencies(['pubspec.yaml'], async () => Buffer.from(text))).problems).toEqual([
      { path: 'pubspec.yaml', reason: 'nested deeper than 500 levels' },
    ])
})
