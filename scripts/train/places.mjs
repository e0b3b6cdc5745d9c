// Where training keeps what it brings and makes.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
export const root = join(here, '..', '..')
/** Sources, pairs and float weights: never committed. */
export const cache = join(root, 'tmp', 'train')
export const manifestFile = join(here, 'sources.json')
export const splitFile = join(here, 'split.json')

export function readManifest() {
  return JSON.parse(readFileSync(manifestFile, 'utf8'))
}
