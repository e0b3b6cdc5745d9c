// Recall of the affected tests on real repositories at pinned commits; writes docs/benchmarks/affected-tests.md.
// usage: node scripts/affected-tests.mjs FOLDER [NAME...]     FOLDER holds one clone per name of scripts/affected-repositories.json
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadCore, root } from '../bench/common.mjs'
import { measureAffected, rowOf } from '../bench/affected.mjs'
import { mergeTable, replacePart } from './document-parts.mjs'

const [folder, ...names] = process.argv.slice(2)
if (!folder) {
  console.error('usage: node scripts/affected-tests.mjs FOLDER [NAME...]')
  process.exit(2)
}
const list = JSON.parse(readFileSync(join(root, 'scripts', 'affected-repositories.json'), 'utf8'))
const clones = resolve(folder)
const work = join(clones, 'affected-show')
const page = join(root, 'docs', 'benchmarks', 'affected-tests.md')

/** A clone at the pinned commit with what its tests need; made once. */
function prepare({ name, commit, setup }) {
  const target = join(work, name)
  if (existsSync(join(target, '.git'))) return target
  execFileSync('git', ['clone', '-q', '--no-hardlinks', join(clones, name), target], { stdio: 'inherit' })
  execFileSync('git', ['checkout', '-q', '--detach', commit], { cwd: target, stdio: 'inherit' })
  const { status } = setup === '' ? { status: 0 } : spawnSync('sh', ['-c', setup], { cwd: target, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${name}: the set-up failed`)
  return target
}

mkdirSync(work, { recursive: true })
const core = await loadCore()
for (const entry of list) {
  if (names.length > 0 && !names.includes(entry.name)) continue
  const found = await measureAffected(core, { ...entry, cwd: prepare(entry), mostMs: 240_000 })
  const row = rowOf(entry, found)
  console.log(JSON.stringify(row))
  for (const missed of found.missed) console.log(`  missed ${JSON.stringify(missed)}`)
  // after each: an interrupted run keeps what it has
  const text = readFileSync(page, 'utf8')
  const order = list.map(({ name }) => name)
  writeFileSync(
    page,
    replacePart(text, 'table', (old) => mergeTable(old, [row], order)),
  )
}
