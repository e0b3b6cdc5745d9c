import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { invariant, sha256 } from '../../kernel/index.ts'
import type { AnswerFact, Answerer, Slots } from '../answerer.ts'
import { bareQuestion } from '../question-text.ts'
import { buildCommand, packageManager, scriptText, scripts, testCommand } from './commands.ts'
import { dependencyVersion, entryPoints, licence, version } from './package.ts'
import { lastChange, owner } from './people.ts'
import { fileLocation, pathExists, symbolLocation } from './places.ts'
import { commitCount, currentBranch, defaultBranch, languages, latestTag, platform, taskComplexity } from './repository.ts'

const FACTS: Readonly<Record<string, AnswerFact>> = {
  'test-command': testCommand,
  'build-command': buildCommand,
  scripts,
  'script-text': scriptText,
  'package-manager': packageManager,
  licence,
  version,
  platform,
  owner,
  'dependency-version': dependencyVersion,
  'entry-points': entryPoints,
  'task-complexity': taskComplexity,
  'default-branch': defaultBranch,
  'current-branch': currentBranch,
  languages,
  'last-change': lastChange,
  'file-location': fileLocation,
  'symbol-location': symbolLocation,
  'path-exists': pathExists,
  'latest-tag': latestTag,
  'commit-count': commitCount,
}

/** One row of templates_data/answering/questions.json. */
export type QuestionRow = {
  id: string
  /** One of them stands in every question of this kind: patterns are only built for questions that may be meant. */
  words: readonly string[]
  patterns: readonly string[]
  pass: readonly (readonly [question: string, value: unknown])[]
  decline: readonly string[]
}

export function readQuestionRows(dataFolder: string): { rows: readonly QuestionRow[]; version: string } {
  const text = readFileSync(join(dataFolder, 'answering', 'questions.json'), 'utf8')
  return { rows: (JSON.parse(text) as { answerers: QuestionRow[] }).answerers, version: sha256(text).slice(0, 16) }
}

/** The answerers that came with the program, and the version of the set: what it answers may change with it. */
export function loadAnswerers(dataFolder: string): { answerers: readonly Answerer[]; version: string } {
  const { rows, version } = readQuestionRows(dataFolder)
  return { answerers: rows.map(toAnswerer), version }
}

function toAnswerer({ id, words, patterns, pass, decline }: QuestionRow): Answerer {
  const answer = FACTS[id]
  invariant(answer !== undefined, `no answerer is called ${id}`)
  let compiled: RegExp[] | undefined
  return {
    id,
    kind: 'deterministic',
    examples: pass.length + decline.length,
    match(question) {
      const bare = bareQuestion(question)
      const lower = bare?.toLowerCase() ?? ''
      if (bare === undefined || !words.some((word) => lower.includes(word))) return undefined
      compiled ??= patterns.map((pattern) => new RegExp(`^(?:${pattern})$`, 'i'))
      for (const pattern of compiled) {
        const found = pattern.exec(bare)
        if (found) return slotsOf(found.groups)
      }
      return undefined
    },
    answer,
  }
}

/** `name2` is `name` in the other half of an alternative: a group's name may stand only once in a pattern. */
function slotsOf(groups: Record<string, string | undefined> = {}): Slots {
  const slots: Record<string, string> = {}
  for (const [name, value] of Object.entries(groups)) if (value !== undefined) slots[name.replace(/\d+$/, '')] = value
  return slots
}
