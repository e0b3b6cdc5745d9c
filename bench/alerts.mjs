// Which figures of a run are worse than the baseline by more than a fifth. Ratios within one run only: they hold on any machine.

/** A figure's speed or quality may fall by this share before somebody has to look. */
const MOST_LOST = 0.2

/** Paths below a part; `*` stands for every name or every row of a list (told by its `name` where it has one). */
const WATCHED = [
  { path: 'startUp.cpuRatios.*', better: 'lower' },
  { path: 'sandboxSmall.createRatio', better: 'lower' },
  { path: 'sandboxLarge.createRatio', better: 'lower' },
  { path: 'jail.suiteRatio', better: 'lower' },
  { path: 'landing.undoRatio', better: 'lower' },
  { path: 'rejection.suiteRatio', better: 'lower' },
  { path: 'statistics.detectionRate', better: 'higher' },
  { path: 'queue.plainjob.*.ratios.*', better: 'higher' },
  { path: 'queue.postgres.*.ratios.*', better: 'higher' },
  { path: 'code.corpora.*.againstParse', better: 'higher' },
  { path: 'code.corpora.*.twoThreads', better: 'higher' },
  { path: 'code.corpora.*.againstWasm', better: 'higher' },
  { path: 'code.peers.*.times', better: 'higher' },
  { path: 'growth.rows.*.diskPerByte', better: 'lower' },
  { path: 'growth.rows.*.residentMegabytes', better: 'lower' },
  { path: 'retrieval.hybrid', better: 'higher' },
  { path: 'falseAccepts.*.accepted', better: 'lower' },
]

function figuresAt(value, [step, ...rest], names = []) {
  if (step === undefined) return typeof value === 'number' ? [[names.join(' › '), value]] : []
  if (typeof value !== 'object' || value === null) return []
  if (step !== '*') return figuresAt(value[step], rest, [...names, step])
  return Object.entries(value).flatMap(([key, each]) => figuresAt(each, rest, [...names, each?.name ?? key]))
}

/** Share of the baseline's speed or quality that is lost; 0 where nothing is. A figure that should be 0 loses all when it is not. */
function lostShare(before, now, better) {
  const [good, bad] = better === 'higher' ? [before, now] : [now, before]
  return good <= 0 ? 0 : Math.max(0, 1 - bad / good)
}

/**
 * Alerts of one part. Runs of another kind (quick, full) are not compared.
 * @param before the part in test/perf/baselines.json; undefined where it was never measured
 * @param now the part as it was measured in this run
 * @returns a line per figure that fell by more than a fifth, or that is no longer measured
 */
export function alertsOf(name, before, now) {
  if (before === undefined || before.mode !== now.mode) return []
  return WATCHED.filter(({ path }) => path.split('.')[0] === name).flatMap(({ path, better }) => {
    const steps = path.split('.').slice(1)
    const measured = new Map(figuresAt(now, steps))
    return figuresAt(before, steps).flatMap(([figure, was]) => {
      const is = measured.get(figure)
      if (is === undefined) return [`${name} › ${figure}: ${was} in the baseline, not measured any more`]
      const lost = lostShare(was, is, better)
      return lost > MOST_LOST ? [`${name} › ${figure}: ${was} in the baseline, now ${is}, ${Math.round(lost * 100)} % worse`] : []
    })
  })
}
