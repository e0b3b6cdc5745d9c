import type { Check } from '../check.ts'
import { databases } from './databases.ts'
import { leftovers, runs } from './leftovers.ts'
import { models, secrets } from './models.ts'
import { nameClash } from './name-clash.ts'
import { engine, sqlite, vectors } from './native.ts'
import { git, node, repository, settings } from './programs.ts'
import { isolation, launcher } from './jail.ts'
import { fileSystem } from './file-system.ts'

/** In the order in which a person would look. */
export const CHECKS: readonly Check[] = [
  git,
  node,
  repository,
  settings,
  sqlite,
  vectors,
  engine,
  isolation,
  launcher,
  fileSystem,
  databases,
  leftovers,
  runs,
  models,
  secrets,
  nameClash,
]
