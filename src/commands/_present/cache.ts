import type { CacheStatistics, Suspect } from '../../core/answering/index.ts'
import { plural } from '../../core/kernel/index.ts'
import { presentMoney } from './answer.ts'
import { table } from './text.ts'

const NAMES = { rule: 'rules', exact: 'exact cache', semantic: 'semantic cache', llm: 'models' } as const
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const time = (ms: number | null): string => (ms === null ? '' : ms < 10 ? `${ms.toFixed(2)} ms` : `${Math.round(ms)} ms`)

/** The split of answers and their latencies as measured (`own`: matching and looking up; `waited`: for the repository or for vectors), then what the audits say of the semantic tier. */
export function presentStatistics(statistics: CacheStatistics): string {
  const { answers, tiers, semantic, misses, entries, quarantined } = statistics
  if (answers === 0) return "Nothing was asked yet.  singularity ask 'What is the test command?'"
  const head = ['', 'answers', 'share', 'p50', 'p95', 'own p50', 'own p95', 'waited p50', 'cost', 'saved']
  const rows = tiers.map((each) => [
    NAMES[each.tier],
    String(each.answers),
    percent(each.share),
    time(each.p50_ms),
    time(each.p95_ms),
    time(each.lookup_p50_ms),
    time(each.lookup_p95_ms),
    time(each.read_p50_ms),
    presentMoney(each.cost_nusd),
    presentMoney(each.saved_nusd),
  ])
  const without = `${percent(statistics.without_llm ?? 0)} of ${plural(answers, 'answer')} without a model, measured here.`
  const kept = `${plural(entries, 'cached answer')}${quarantined > 0 ? `, ${quarantined} in quarantine` : ''}.`
  const states = semantic.map(({ task_type: task, state, audits, wrong, bound, needed }) => {
    const doubt = `${plural(audits, 'audit')}, ${wrong} wrong, at most ${percent(bound)} wrong`
    return `  ${task}: ${state}, ${doubt}${needed > 0 ? `; ${needed} more without an error until it answers` : ''}`
  })
  const refused = misses.map(({ gate, n }) => `${gate} ${n}`).join(', ')
  return [
    table([head, ...rows], { grow: 9, indent: 0 }),
    '',
    `${without} ${kept}`,
    ...(states.length > 0 ? ['Nearly the same questions:', ...states] : []),
    ...(refused === '' ? [] : [`Not answered alike because of: ${refused}`]),
  ].join('\n')
}

export function presentSuspects(suspects: readonly Suspect[]): string {
  if (suspects.length === 0) return 'No answer is under suspicion.'
  return table(
    suspects.map((each) => [
      each.at.slice(0, 16).replace('T', ' '),
      each.reason,
      each.similarity.toFixed(3),
      each.prompt,
      `answered as: ${each.entry_prompt ?? 'forgotten'}`,
    ]),
    { grow: 3, indent: 0 },
  )
}
