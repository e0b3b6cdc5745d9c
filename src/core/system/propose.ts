import { SUITE_LIMIT_TEXT, type SettingName, type SettingValue } from '../config/index.ts'
import type { Git, TreeReader } from '../git/index.ts'
import { parseJson, plural } from '../kernel/index.ts'
import { type Plan, isTestPath } from '../validation/index.ts'

/** A value of a setting with its reason in one line; `proposed` where `init --write` would write it, else it is the default. */
export type Proposal = { name: SettingName; value: SettingValue; proposed: boolean; why: string }

export type ProposalOptions = {
  git: Git
  reader: TreeReader
  plan: Plan
}

/** Ignored files that suites read: never logs, caches or dependencies. `.env` itself is only named, not proposed. */
const WANTED = /(?:^|\/)(?:\.env\.(?:test|testing|ci)|[^/]+\.local\.(?:json|ya?ml|toml|js|ts)|local_settings\.py)$/
const SECRET = /(?:^|\/)\.env$/
const GENERATE = ['codegen', 'generate', 'gen']
const SERVERS: Readonly<Record<string, string>> = {
  redis: 'redis-server --port 6379 --save ""',
  valkey: 'valkey-server --port 6379 --save ""',
  postgres: 'postgres -D "$PGDATA" -k /tmp',
  mysql: 'mysqld --skip-networking=0',
  mongo: 'mongod --dbpath /tmp/mongo --bind_ip 127.0.0.1',
  memcached: 'memcached -l 127.0.0.1',
}
const CALLS_GIT =
  /(?:exec|spawn|run|check_output|check_call|Popen|Command)\w*\(\s*\[?\s*['"`]git[\s'"`]|from 'simple-git'|require\('simple-git'\)|import git\b/
const READS_BUILD = /(?:from|require\(|import\(|import)\s*\(?['"](?:\.{1,2}\/)+(?:dist|build|lib)\//
const MAX_TESTS = 300

/** What a `.singularity/config.json` of this repository could say, from its last commit and its ignored files. */
export async function proposeSettings(options: ProposalOptions): Promise<Proposal[]> {
  const { git, reader, plan } = options
  const manifest = parseJson((await reader.text('package.json')) ?? '') as { scripts?: Record<string, string> } | undefined
  const scripts = manifest?.scripts ?? {}
  const tests = await readTests(reader, plan)
  return [
    include(await ignoredFiles(git)),
    setup(scripts),
    await services(reader),
    sandboxGit(tests),
    build(scripts, tests),
    test(plan),
    { name: 'plan.env', value: {}, proposed: false, why: 'the suites see a cleared environment; name here what they need: {"TZ": "UTC"}' },
    { name: 'plan.timeout', value: null, proposed: false, why: SUITE_LIMIT_TEXT },
    scope(plan),
  ]
}

async function ignoredFiles(git: Git): Promise<string[]> {
  const listed = await git.run(['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory'])
  return listed.text.split('\0').filter((path) => path !== '' && !path.endsWith('/'))
}

function include(ignored: readonly string[]): Proposal {
  const value = ignored.filter((path) => WANTED.test(path))
  const secret = ignored.find((path) => SECRET.test(path))
  const hint =
    secret === undefined ? '' : `; ${secret} is left out because it may hold secrets: add it by its exact name if the tests need it`
  const why = value.length > 0 ? `ignored by git, read by tests by their name${hint}` : `no ignored file looks needed by tests${hint}`
  return { name: 'sandbox.include', value, proposed: value.length > 0, why }
}

function setup(scripts: Readonly<Record<string, string>>): Proposal {
  const script = GENERATE.find((name) => scripts[name] !== undefined)
  if (script === undefined) return { name: 'sandbox.setup', value: null, proposed: false, why: 'no code generation was found' }
  return {
    name: 'sandbox.setup',
    value: `npm run ${script}`,
    proposed: true,
    why: `the script "${script}" looks like code generation: run once in each new sandbox`,
  }
}

async function services(reader: TreeReader): Promise<Proposal> {
  for (const path of ['docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml']) {
    const text = await reader.text(path)
    if (text === undefined) continue
    const images = [...text.matchAll(/^\s*image:\s*['"]?([\w./-]+)/gm)].map(([, image]) => image!.split('/').at(-1)!)
    const value = Object.keys(SERVERS).filter((name) => images.some((image) => image.startsWith(name)))
    if (value.length === 0) continue
    const why = `${path} starts ${value.join(', ')}: the network of a sandbox is its own, so they have to run inside it`
    return { name: 'sandbox.services', value: value.map((name) => SERVERS[name]!), proposed: true, why }
  }
  return { name: 'sandbox.services', value: [], proposed: false, why: 'no compose file names a server that the tests could need' }
}

function sandboxGit(tests: readonly { path: string; text: string }[]): Proposal {
  const caller = tests.find(({ text }) => CALLS_GIT.test(text))
  if (!caller) return { name: 'sandbox.git', value: 'none', proposed: false, why: 'no test calls git' }
  return {
    name: 'sandbox.git',
    value: 'synthetic',
    proposed: true,
    why: `${caller.path} calls git: the sandbox gets a repository of one commit`,
  }
}

function build(scripts: Readonly<Record<string, string>>, tests: readonly { path: string; text: string }[]): Proposal {
  const reader = tests.find(({ text }) => READS_BUILD.test(text))
  if (scripts['build'] === undefined || !reader)
    return { name: 'plan.build', value: null, proposed: false, why: 'no test reads build output' }
  return {
    name: 'plan.build',
    value: 'npm run build',
    proposed: true,
    why: `${reader.path} reads build output: it has to be built from the changed source`,
  }
}

function test(plan: Plan): Proposal {
  const [first] = plan.entries
  if (!first)
    return {
      name: 'plan.test',
      value: null,
      proposed: false,
      why: 'no test command was found: name one here, nothing can be proven without',
    }
  return { name: 'plan.test', value: null, proposed: false, why: `detected: ${first.command.join(' ')} (${first.origin})` }
}

function scope(plan: Plan): Proposal {
  const scopes = plan.packages.map(({ scope: folder }) => folder).filter((folder) => folder !== '')
  const why =
    scopes.length === 0
      ? 'one package'
      : `all of ${plural(scopes.length + 1, 'package')}; name some to consider only these: ${scopes.slice(0, 3).join(', ')}`
  return { name: 'plan.scope', value: [], proposed: false, why }
}

async function readTests(reader: TreeReader, plan: Plan): Promise<{ path: string; text: string }[]> {
  const paths = (await reader.entries()).map(({ path }) => path).filter((path) => isTestPath(path, plan))
  const texts = await Promise.all(paths.slice(0, MAX_TESTS).map(async (path) => ({ path, text: (await reader.text(path)) ?? '' })))
  return texts.filter(({ text }) => text.length < 1_000_000)
}
