import { expect, it } from 'vitest'
import { recordingOf, replayTurns } from '../../../src/core/agents/recording.ts'
import { type AgentSession, messagesOf, requestHash } from '../../../src/core/agents/transcript.ts'
import type { StoredRequest } from '../../../src/core/llm/index.ts'
import { resultOf } from '../../support/scripted-model.ts'

const opening: AgentSession['opening'] = [{ role: 'user', content: 'Make it better.' }]
const asking = (turns: AgentSession['turns']): StoredRequest => ({
  agent_id: 'improve',
  task_type: 'coder',
  complexity: 'medium',
  messages: messagesOf({ opening, turns }),
})
const ran = (content: string): AgentSession['turns'][number] => ({
  turn: 0,
  requestId: 'r0',
  requestHash: requestHash(asking([])),
  answer: resultOf([['run', { argv: ['npm', 'test'], timeout: null }]], 1),
  results: [{ id: 't1-0', tool: 'run', content, error: null, ms: 5 }],
  note: null,
  reads: {},
  checkpoint: null,
})

it('an answer belongs to its request also where a test was slower this time, and to no other output', async () => {
  const before = ran('ok a (118ms)\nok b\n2 tests in 1.3s')
  const turns = [before, { ...ran(''), turn: 1, requestHash: requestHash(asking([before])), answer: resultOf('done', 2), results: [] }]
  const recording = recordingOf({ id: 's', runId: 'r', goal: 'g', base: 'b', ordinal: 0, opening, turns, summary: 'done' })
  const answer = replayTurns([recording])
  const hints = { id: 'x', parentId: 's' } as Parameters<typeof answer>[1]
  expect(await answer(asking([ran('ok a\nok b (204ms)\n2 tests in 2.7s')]), hints)).toMatchObject({ response: 'done', cost_nusd: 0 })
  await expect(answer(asking([ran('ok a\nnot ok b\n2 tests in 1.3s')]), hints)).rejects.toMatchObject({ code: 'REPLAY_MISS' })
})
