#!/usr/bin/env node
// Fast lanes: `--version` is answered without loading the program, what only reads and what searches by one small file of it each.
import { readFileSync } from 'node:fs'
import module from 'node:module'

const READING = ['runs', 'show', 'status', 'why', 'diff']
const SEARCHING = ['search']
const root = new URL('..', import.meta.url)
const [first, ...rest] = process.argv.slice(2)
if (rest.length === 0 && (first === '--version' || first === '-v')) {
  console.log(`singularity ${JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).version}`)
} else {
  process.env.NODE_ENV ??= 'production'
  module.enableCompileCache?.()
  const lane = READING.includes(first) ? 'read' : SEARCHING.includes(first) ? 'search' : 'cli'
  const { main } = await import(new URL(`dist/${lane}.js`, root).href)
  await main(process.argv.slice(2))
}
