import { posix } from 'node:path'
import { asObject } from '../../kernel/index.ts'
import type { AnswerFact, RepositoryFacts } from '../answerer.ts'
import { asString, nearestData } from './manifests.ts'

const LOCK_FILES: readonly (readonly [file: string, manager: string])[] = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['yarn.lock', 'yarn'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['Cargo.lock', 'cargo'],
  ['poetry.lock', 'poetry'],
  ['uv.lock', 'uv'],
  ['Pipfile.lock', 'pipenv'],
  ['pdm.lock', 'pdm'],
  ['go.sum', 'go'],
  ['Gemfile.lock', 'bundler'],
  ['composer.lock', 'composer'],
]
const JAVASCRIPT = new Set(['npm', 'yarn', 'pnpm', 'bun'])
/** What `npm init` writes. */
const PLACEHOLDER = /no test specified/

/** What a person types where no script names the command; ours have switches a person does not need. */
const PLAIN_COMMANDS: Readonly<Record<string, string>> = {
  cargo: 'cargo test',
  go: 'go test ./...',
  pytest: 'pytest',
  unittest: 'python -m unittest',
  ctest: 'ctest',
}

/** Managers named by a packageManager field or a lock file; more than one is a contradiction the reader has to see. */
async function managers(facts: RepositoryFacts): Promise<{ name: string; origin: string }[]> {
  const manifest = await nearestData(facts, 'package.json')
  const named = asString(manifest?.data['packageManager'])?.match(/^(npm|yarn|pnpm|bun)@/)?.[1]
  if (manifest && named) return [{ name: named, origin: `${manifest.path} packageManager` }]
  const found: { name: string; origin: string }[] = []
  for (let folder = facts.prefix; ; folder = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : '') {
    for (const [file, name] of LOCK_FILES) {
      const path = posix.join(folder, file)
      if (!found.some((each) => each.name === name) && (await facts.reader.entry(path))) found.push({ name, origin: path })
    }
    if (folder === '' || found.length > 0) return found
  }
}

export const packageManager: AnswerFact = async (_slots, facts) => {
  const found = await managers(facts)
  return found.length === 1 ? { text: found[0]!.name, value: found[0]!.name, origin: found[0]!.origin } : undefined
}

/** How the package's own scripts are called: `npm` where nothing says otherwise. */
async function runScript(facts: RepositoryFacts, script: string): Promise<string> {
  const javascript = (await managers(facts)).filter(({ name }) => JAVASCRIPT.has(name))
  const manager = javascript.length === 1 ? javascript[0]!.name : 'npm'
  return script === 'test' && manager !== 'bun' ? `${manager} test` : `${manager} run ${script}`
}

export const testCommand: AnswerFact = async (_slots, facts) => {
  const { test: planned } = await facts.plan()
  if (planned !== null) return { text: planned, value: planned, origin: 'the setting plan.test' }
  const manifest = await nearestData(facts, 'package.json')
  const script = asString(asObject(manifest?.data['scripts'])['test'])
  if (manifest && script && !PLACEHOLDER.test(script)) {
    const command = await runScript(facts, 'test')
    return { text: `${command} (runs: ${script})`, value: command, origin: `${manifest.path} scripts.test` }
  }
  const { detectPlan } = await import('../../validation/index.ts')
  const { reader, root, prefix } = facts
  const { entries } = await detectPlan({ reader, root, prefix, test: null, build: null, env: {}, timeoutMs: null, scopes: [] })
  if (entries.length !== 1) return undefined
  const { runner, origin } = entries[0]!
  const command = PLAIN_COMMANDS[runner]
  return command === undefined ? undefined : { text: command, value: command, origin }
}

export const buildCommand: AnswerFact = async (_slots, facts) => {
  const { build: planned } = await facts.plan()
  if (planned !== null) return { text: planned, value: planned, origin: 'the setting plan.build' }
  const manifest = await nearestData(facts, 'package.json')
  const script = asString(asObject(manifest?.data['scripts'])['build'])
  if (manifest && script) {
    const command = await runScript(facts, 'build')
    return { text: `${command} (runs: ${script})`, value: command, origin: `${manifest.path} scripts.build` }
  }
  if (manifest) return undefined
  const compiled = (['Cargo.toml', 'go.mod'] as const).map(async (name) => (await facts.reader.entry(name)) && name)
  const [only, ...others] = (await Promise.all(compiled)).filter((name) => name !== undefined)
  if (only === undefined || others.length > 0) return undefined
  const command = only === 'go.mod' ? 'go build ./...' : 'cargo build'
  return { text: command, value: command, origin: only }
}

export const scripts: AnswerFact = async (_slots, facts) => {
  const manifest = await nearestData(facts, 'package.json')
  const all = Object.entries(asObject(manifest?.data['scripts'])).filter((each): each is [string, string] => typeof each[1] === 'string')
  if (!manifest || all.length === 0) return undefined
  return {
    text: all.map(([name, command]) => `${name}: ${command}`).join('\n'),
    value: Object.fromEntries(all),
    origin: `${manifest.path} scripts`,
  }
}

export const scriptText: AnswerFact = async ({ name = '' }, facts) => {
  const manifest = await nearestData(facts, 'package.json')
  const script = asString(Object.entries(asObject(manifest?.data['scripts'])).find(([each]) => each === name)?.[1])
  return manifest && script ? { text: script, value: script, origin: `${manifest.path} scripts.${name}` } : undefined
}
