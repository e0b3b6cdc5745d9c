import { posix } from 'node:path'
import { asObject } from '../../kernel/index.ts'
import type { AnswerFact, Fact, RepositoryFacts } from '../answerer.ts'
import { asString, manifests, nearest, nearestData, parseData } from './manifests.ts'

/** A sentence each licence has and no other one (https://spdx.org/licenses). */
const LICENCE_TEXTS: readonly (readonly [id: string, sentence: RegExp])[] = [
  ['Apache-2.0', /Apache License,?\s+Version 2\.0/i],
  ['AGPL-3.0', /GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3/i],
  ['LGPL-3.0', /GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3/i],
  ['GPL-3.0', /^\s*GNU GENERAL PUBLIC LICENSE\s+Version 3/i],
  ['GPL-2.0', /^\s*GNU GENERAL PUBLIC LICENSE\s+Version 2/i],
  ['MPL-2.0', /Mozilla Public License,? Version 2\.0/i],
  ['ISC', /Permission to use, copy, modify, and(?:\/or)? distribute this software for any\s+purpose with or without fee/i],
  ['MIT', /Permission is hereby granted, free of charge, to any person obtaining a copy/i],
  ['BSD-3-Clause', /Redistribution and use in source and binary forms[\s\S]*Neither the name/i],
  ['BSD-2-Clause', /Redistribution and use in source and binary forms/i],
  ['Unlicense', /This is free and unencumbered software released into the public domain/i],
]
const LICENCE_FILES = ['LICENSE', 'LICENCE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE.md', 'LICENCE.txt', 'COPYING', 'license', 'License.md']

/** The same licence under a new name and an old one: 'GPL-3.0-or-later' and 'GPL-3.0'. */
const family = (id: string): string => id.replace(/-(?:only|or-later)$|\+$/, '').toLowerCase()

/** Manifests and licence file have to agree. */
export const licence: AnswerFact = async (_slots, facts) => {
  const { npm, cargo, python } = await manifests(facts)
  const project = asObject(python?.data['project'])['license']
  const said = [
    [asString(npm?.data['license']), npm?.path],
    [asString(asObject(cargo?.data['package'])['license']), cargo?.path],
    [asString(project) ?? asString(asObject(project)['text']), python?.path],
  ].flatMap(([id, path]) => (id && path && !/^(?:SEE LICENSE|UNLICENSED)/i.test(id) ? [{ id, origin: path }] : []))
  const file = await nearest(facts, LICENCE_FILES)
  const known = file && LICENCE_TEXTS.find(([, sentence]) => sentence.test(file.text))?.[0]
  if (file && known === undefined && said.length === 0) return undefined
  const all = [...said, ...(file && known ? [{ id: known, origin: file.path }] : [])]
  if (all.length === 0 || new Set(all.map(({ id }) => family(id))).size > 1) return undefined
  return { text: all[0]!.id, value: all[0]!.id, origin: all.map(({ origin }) => origin).join(', ') }
}

export const version: AnswerFact = async (_slots, facts) => {
  const { npm, cargo, python } = await manifests(facts)
  const all = [
    [asString(npm?.data['version']), npm?.path],
    [asString(asObject(cargo?.data['package'])['version']), cargo?.path],
    [asString(asObject(python?.data['project'])['version']), python?.path],
  ].flatMap(([found, path]) => (found && path ? [{ version: found, path }] : []))
  if (new Set(all.map((each) => each.version)).size !== 1) return undefined
  return { text: all[0]!.version, value: all[0]!.version, origin: all.map(({ path }) => path).join(', ') }
}

export const entryPoints: AnswerFact = async (_slots, facts) => {
  const { npm, cargo, python } = await manifests(facts)
  const found: Record<string, unknown> = {}
  for (const name of ['main', 'module', 'types', 'bin', 'exports']) if (npm?.data[name] !== undefined) found[name] = npm.data[name]
  if (cargo?.data['bin'] !== undefined) found['bin'] = cargo.data['bin']
  if (cargo && !cargo.data['bin'])
    for (const path of ['src/main.rs', 'src/lib.rs']) {
      const full = posix.join(posix.dirname(cargo.path), path)
      if (await facts.reader.entry(full)) found[path.includes('main') ? 'main' : 'lib'] = full
    }
  const console = asObject(python?.data['project'])['scripts']
  if (console !== undefined) found['scripts'] = console
  if (Object.keys(found).length === 0) return undefined
  const lines = Object.entries(found).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return { text: lines.join('\n'), value: found, origin: [npm?.path, cargo?.path, python?.path].filter(Boolean).join(', ') }
}

type Version = { declared: string | undefined; locked: string | undefined; origin: string }
const NPM_KINDS = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'] as const

async function npmVersion(facts: RepositoryFacts, name: string): Promise<Version | undefined> {
  const manifest = await nearestData(facts, 'package.json')
  const kind = manifest && NPM_KINDS.find((each) => Object.hasOwn(asObject(manifest.data[each]), name))
  if (!manifest || !kind) return undefined
  const lock = await nearestData(facts, 'package-lock.json')
  const locked = asString(asObject(asObject(lock?.data['packages'])[`node_modules/${name}`])['version'])
  return { declared: asString(asObject(manifest.data[kind])[name]), locked, origin: `${manifest.path} ${kind}` }
}

async function cargoVersion(facts: RepositoryFacts, name: string): Promise<Version | undefined> {
  const manifest = await nearestData(facts, 'Cargo.toml')
  const kind = ['dependencies', 'dev-dependencies', 'build-dependencies'].find((each) => asObject(manifest?.data[each])[name] !== undefined)
  if (!manifest || !kind) return undefined
  const declared = asObject(manifest.data[kind])[name]
  const lock = await nearest(facts, ['Cargo.lock'])
  const packages = lock ? parseData('Cargo.lock', lock.text)?.['package'] : undefined
  const known = Array.isArray(packages) ? packages.map(asObject).filter((each) => each['name'] === name) : []
  return {
    declared: asString(declared) ?? asString(asObject(declared)['version']),
    locked: known.length === 1 ? asString(known[0]!['version']) : undefined,
    origin: `${manifest.path} ${kind}`,
  }
}

async function pythonVersion(facts: RepositoryFacts, name: string): Promise<Version | undefined> {
  const manifest = await nearestData(facts, 'pyproject.toml')
  const listed = asObject(manifest?.data['project'])['dependencies']
  const plain = (text: string): string => text.toLowerCase().replace(/[-_.]+/g, '-')
  for (const each of Array.isArray(listed) ? listed : []) {
    const parts = /^([\w.-]+)(?:\[[^\]]*\])?\s*([^;]*)/.exec(String(each))
    if (manifest && parts && plain(parts[1]!) === plain(name))
      return { declared: parts[2]!.trim() || 'any version', locked: undefined, origin: `${manifest.path} project.dependencies` }
  }
  return undefined
}

async function goVersion(facts: RepositoryFacts, name: string): Promise<Version | undefined> {
  const manifest = await nearest(facts, ['go.mod'])
  const line = manifest?.text
    .split('\n')
    .map((each) =>
      each
        .trim()
        .replace(/^require\s+/, '')
        .split(/\s+/),
    )
    .find(([path]) => path === name)
  return manifest && line?.[1] ? { declared: line[1], locked: line[1], origin: manifest.path } : undefined
}

/** Only where exactly one manifest names it: `redis` of two languages are two things. */
export const dependencyVersion: AnswerFact = async ({ name = '' }, facts) => {
  const asked = await Promise.all([npmVersion, cargoVersion, pythonVersion, goVersion].map((each) => each(facts, name)))
  const [only, ...others] = asked.filter((each) => each !== undefined)
  if (!only || others.length > 0 || (only.declared === undefined && only.locked === undefined)) return undefined
  const { declared, locked, origin } = only
  const text =
    locked === undefined ? `${name} ${declared} (declared, no lock file tells more)` : `${name} ${locked} (declared as ${declared})`
  return { text, value: { name, declared: declared ?? null, locked: locked ?? null }, origin } satisfies Fact
}
