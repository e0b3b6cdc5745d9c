import type { FactEngineName, PartialReason } from './facts.ts'

export type FactSource = {
  /** Id of a language table. */
  language: string
  bytes: Uint8Array
  /** The engine may keep the tree of this file under this number (from 1 on), and read its next edit from there. */
  keep?: number | undefined
}

export type FactLimits = {
  /** Milliseconds for one file; only the parse can be stopped. */
  deadlineMs: number
  /** Longer files get no tree. */
  maxBytes: number
}

export const DEFAULT_LIMITS: FactLimits = { deadlineMs: 2000, maxBytes: 1_048_576 }

/** Facts as in facts-record.ts, or why this engine has none for the file. */
export type EngineAnswer = Int32Array | Exclude<PartialReason, 'syntax' | 'encoding'>

/** Whether an engine can read a language, and with which grammar; `reason` is for people. */
export type EngineSupport = { ok: true; grammar: string; version: string; abi: number | null } | { ok: false; reason: string }

/** Reads facts out of files. Engines of tier 1 agree on every file that is UTF-8 and parses without errors. */
export type FactEngine = {
  readonly name: FactEngineName
  readonly tier: 1 | 2 | 3
  /** Loads what the language needs; answers the same on every call. */
  support(language: string): Promise<EngineSupport>
  /** Answers in the order of the files. Every language was supported. Never rejects because of what a file says. */
  read(files: readonly FactSource[], limits: FactLimits): Promise<EngineAnswer[]>
}
