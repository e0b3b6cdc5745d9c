import { expect, test } from 'vitest'
import { DEPENDENCY_FORMATS, readDependencies } from '../../../src/core/analysis/index.ts'
import { type DependencyRow, dependencyRows } from '../../support/dependencies.ts'

test.each<[path: string, text: string, rows: DependencyRow[]]>([
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
])('%s is read with its places', async (path, text, rows) => {
  expect(await dependencyRows(path, text)).toEqual(rows)
})

test('a file that is not what its name says is told, and the others are read', async () => {
  const files: Record<string, string> = { 'package.json': '[1', 'Cargo.toml': '[dependencies\n', 'go.mod': 'require a.b/c v1.0.0\n' }
  const found = await readDependencies(Object.keys(files), async (path) => Buffer.from(files[path]!))
  expect(found.problems.map(({ path }) => path)).toEqual(['Cargo.toml', 'package.json'])
  expect(found.dependencies.map(({ purl }) => purl)).toEqual(['pkg:golang/a.b/c@v1.0.0'])
  expect(found.manifests).toHaveLength(3)
})

test('names of objects are only names', async () => {
  expect(await dependencyRows('package.json', '{"dependencies": {"__proto__": "1.0.0", "constructor": "1.0.0"}}')).toHaveLength(2)
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
