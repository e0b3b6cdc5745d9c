import { expect, test } from 'vitest'
import { type DependencyRow, dependencyRows } from '../../support/dependencies.ts'

test.each<[path: string, text: string, rows: DependencyRow[]]>([
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
  expect(await dependencyRows(path, text)).toEqual(rows)
})
