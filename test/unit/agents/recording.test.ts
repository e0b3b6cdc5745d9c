import { expect, it } from 'vitest'
import { recordingOf, replayConversation, replayTurns } from '../../../src/core/agents/recording.ts'
import { type AgentSession, messagesOf } from '../../../src/core/agents/transcript.ts'
import { type StoredRequest, requestHash } from '../../../src/core/llm/index.ts'
import type { ToolFailureCode } from '../../../src/core/agents/failure.ts'
import { resultOf } from '../../support/scripted-model.ts'

const opening: AgentSession['opening'] = [{ role: 'user', content: 'Make it better.' }]
const asking = (turns: AgentSession['turns']): StoredRequest => ({
  agent_id: 'improve',
  task_type: 'coder',
  complexity: 'medium',
  messages: messagesOf({ opening, turns }),
})
const ran = (content: string, turn = 0, error: ToolFailureCode | null = null): AgentSession['turns'][number] => ({
  turn,
  requestId: `r${turn}`,
  requestHash: requestHash(asking([])),
  answer: resultOf([['run', { argv: ['npm', 'test'], timeout: null }]], 1),
  results: [{ id: 't1-0', tool: error === 'CHECK_FAILED' ? 'done' : 'run', content, error, ms: 5 }],
  note: null,
  reads: {},
  checkpoint: null,
})
const git = {
  reader: () => Promise.reject(new Error('nothing was changed')) as never,
  changedFiles: () => Promise.reject(new Error('nothing was changed')),
}
const record = (turns: AgentSession['turns']) =>
  recordingOf({ id: 's', runId: 'r', goal: 'g', base: 'b', ordinal: 0, opening, turns, summary: 'done' }, git)

it('an answer belongs to its request and to no other, times in sources included', async () => {
  const before = ran('const limit = 118ms')
  const turns = [before, { ...ran('', 1), requestHash: requestHash(asking([before])), answer: resultOf('done', 2), results: [] }]
  const answer = replayTurns([await record(turns)])
  const hints = { id: 'x', parentId: 's' } as Parameters<typeof answer>[1]
  expect(await answer(asking([before]), hints)).toMatchObject({ response: 'done', cost_nusd: 0 })
  await expect(answer(asking([ran('const limit = 204ms')]), hints)).rejects.toMatchObject({ code: 'REPLAY_MISS' })
})

it('results of programs and what is read of their output are found by attempt, turn and call; everything else is done again', async () => {
  const replay = replayConversation([await record([ran('2 failed')])], { ordinal: 0, base: 'b', git })
  const run = { id: 't1-0', tool: 'run' as const, params: { argv: ['npm', 'test'], timeout: null } }
  expect(replay.resultOf(0, run)).toMatchObject({ content: '2 failed' })
  const missing = [
    () => replay.resultOf(1, run),
    () => replay.resultOf(0, { ...run, id: 't1-1' }),
    () => replay.resultOf(0, { ...run, tool: 'read', params: { path: '@output/1', range: null } }),
    async () => replayConversation([await record([ran('2 failed')])], { ordinal: 1, base: 'b', git }).resultOf(0, run),
  ]
  for (const ask of missing) await expect((async () => ask())()).rejects.toMatchObject({ code: 'REPLAY_MISS' })
  expect(replay.resultOf(0, { ...run, tool: 'read', params: { path: 'src/list.js', range: null } })).toBeNull()
})

it('what the check of the change said is told again; where the model was not told, nobody knows', async () => {
  const failed = '<tool_output tool="done">\nCHECK_FAILED: the change is not complete yet.\nnode --test fails:\na\n</tool_output>'
  const turns = [ran(failed, 0, 'CHECK_FAILED'), ran('2 passed', 1), ran(failed, 2, 'CHECK_FAILED'), ran('', 3)]
  const replay = replayConversation([await record(turns)], { ordinal: 0, base: 'b', git })
  expect([0, 1, 2, 3].map((turn) => replay.check(turn))).toEqual(['node --test fails:\na', null, 'node --test fails:\na', undefined])
})
