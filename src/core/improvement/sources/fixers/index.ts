import { clippy } from './clippy.ts'
import { eslint } from './eslint.ts'
import type { Fixer } from './fixer.ts'
import { biome, gofmt, oxlint } from './rewriting.ts'
import { ruff } from './ruff.ts'

export type { Fix, Fixer, FixerProject } from './fixer.ts'

/** Every fixer this program knows, in the order they are tried. */
export const FIXERS: readonly Fixer[] = [eslint, biome, oxlint, ruff, gofmt, clippy]
