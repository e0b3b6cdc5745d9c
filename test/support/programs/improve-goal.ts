// Works on a goal and is killed on the way: improve-goal PLACE PAID KILL_AT WHEN
// PAID is a folder with one file per paid answer: what the queue and the provider would know after a crash.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApp } from '../../../src/core/app.ts'
import type { CompleteTurn } from '../../../src/core/agents/index.ts'
import type { ImproveRequest } from '../../../src/core/improvement/index.ts'
import { systemClock } from '../../../src/core/kernel/index.ts'
import type { StoredResult } from '../../../src/core/llm/index.ts'
import { type ScriptedCall, resultOf } from '../scripted-model.ts'

const [placeText, paid, killAt, when] = process.argv.slice(2) as [string, string, string, 'before' | 'after']
const place = JSON.parse(placeText) as { root: string; env: Record<string, string>; packageRoot: string; request: ImproveRequest }

const SCRIPT: ScriptedCall[][] = [
  [['read', { path: 'src/list.js', range: null }]],
  [['edit', { path: 'src/list.js', old: 'list.indexOf(item) !== -1', new: 'list.includes(item)' }]],
  [['run', { argv: ['cat', 'src/list.js'], timeout: null }]],
  [['done', { summary: 'includes says what is meant' }]],
]

const completeTurn: CompleteTurn = async (request, { id }) => {
  const file = join(paid, id)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as StoredResult
  const turn = request.messages.filter(({ role }) => role === 'assistant').length
  if (String(turn) === killAt && when === 'before') process.kill(process.pid, 'SIGKILL')
  const answer = resultOf(SCRIPT[turn]!, readdirSync(paid).length)
  writeFileSync(file, JSON.stringify(answer))
  if (String(turn) === killAt && when === 'after') process.kill(process.pid, 'SIGKILL')
  return answer
}

const app = createApp(
  {
    cwd: place.root,
    env: place.env,
    home: place.env['HOME']!,
    stateHome: place.env['XDG_STATE_HOME']!,
    configHome: join(place.env['XDG_CONFIG_HOME']!, 'singularity'),
    clock: systemClock,
    version: '0.0.0-test',
    ci: false,
    packageRoot: place.packageRoot,
  },
  { completeTurn },
)
const { signal } = new AbortController()
const { data } = await (
  await app.improvement()
).improve(
  place.request,
  (event) => {
    if (event.type === 'candidate' && killAt === 'proof') process.kill(process.pid, 'SIGKILL')
  },
  signal,
  signal,
)
console.log(JSON.stringify(data.candidates.map(({ verdict, files }) => ({ verdict, files }))))
await app.close()
