import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import type { WireApi } from './loopback/bound.ts'

/** How a coding agent is called as the program of an edit phase. `{goal}` and `{home}` are filled in. */
export type AgentPreset = {
  name: string
  title: string
  program: string
  arguments: readonly string[]
  /** Tells whether it is installed and starts. */
  probe: readonly string[]
  /** Variables of the user that are handed on where they are set. */
  env: readonly string[]
  set: Readonly<Record<string, string>>
  /** What it speaks to ANTHROPIC_BASE_URL or OPENAI_BASE_URL; null: it only knows its own service. */
  metered: WireApi | null
  /** Its own way to its service: what shows that it is logged in, and what it needs to be. */
  login: {
    env: readonly string[]
    files: readonly string[]
    binds: readonly string[]
    set: Readonly<Record<string, string>>
    command: string
  }
  /** Where the options come from, and what they were tried with. */
  basis: string
}

/** Names of the agents there are presets for. */
export function presetNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort()
}

/** @throws USAGE for a name without a preset */
export function loadPreset(folder: string, name: string): AgentPreset {
  const names = presetNames(folder)
  if (!names.includes(name))
    throw new SingularityError('USAGE', `--agent ${name}: there is no such preset.`, {
      hints: [`One of: ${names.join(', ')}`, "Any other program: singularity improve --exec 'COMMAND'"],
    })
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as AgentPreset
}

/** Fills the places of a preset's text. */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}
