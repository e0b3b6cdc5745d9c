// The tables of docs/benchmarks.md from the figures of one run.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { replacePart, withRows } from '../scripts/document-parts.mjs'
import { EXACT_TARGET } from './commit-search.mjs'
import { percent, root } from './common.mjs'
import { queueRows } from './queue-page.mjs'

const page = join(root, 'docs', 'benchmarks.md')
const yes = (met) => (met ? 'yes' : 'no')
const within = (value, most) => ({ figure: value, target: `<= ${most}`, met: yes(value <= most) })

function startUp({ ratios, cpuRatios, bare, extraCertificates, targets, floorMs, rounds }) {
  return Object.entries(ratios).map(([name, ratio]) => ({
    what: name === 'version' ? '`--version`' : name === 'help' ? '`--help`' : `\`${name}\``,
    figure: ratio,
    target: targets[name] === undefined ? '' : `<= ${targets[name]}`,
    met: targets[name] === undefined ? '' : yes(ratio <= targets[name]),
    'how measured': `an empty module is 1 (${floorMs} ms); medians of ${rounds} turns; CPU time of the process tree ${cpuRatios[name]}; in a bare environment ${bare.ratios[name]} (${bare.floorMs} ms)${extraCertificates ? '; NODE_EXTRA_CA_CERTS is set here' : ''}`,
  }))
}

const sandbox = (name, { files, rounds, createRatio, discardRatio, ms }) => [
  {
    what: `sandbox of ${files} files: create`,
    ...within(createRatio, 1.3),
    'how measured': `\`git worktree add\` is 1 (${ms.add} ms); medians of ${rounds}`,
  },
  {
    what: `sandbox of ${files} files: discard`,
    figure: discardRatio,
    target: name === 'sandboxLarge' ? 'at most 1 s' : '',
    met: name === 'sandboxLarge' ? yes(ms.discard <= 1000) : '',
    'how measured': `\`git worktree remove\` is 1 (${ms.remove} ms); ${ms.discard} ms`,
  },
]

const ROWS = {
  startUp,
  sandboxSmall: (part) => sandbox('sandboxSmall', part),
  sandboxLarge: (part) => sandbox('sandboxLarge', part),
  jail: ({ rounds, nothingMs, suiteRatio, ms }) => [
    { what: 'jail around nothing', figure: `+${nothingMs} ms`, 'how measured': `\`true\` inside less outside; medians of ${rounds}` },
    { what: "jail around the example's suite", figure: suiteRatio, 'how measured': `the suite outside is 1 (${ms.suiteOutside} ms)` },
  ],
  landing: ({ undoRatio, ms }) => [
    {
      what: 'land in the process',
      figure: `${ms.land} ms`,
      'how measured': `with the suite once more where the merged tree is new; \`git commit\` ${ms.commit} ms`,
    },
    {
      what: 'undo in the process',
      figure: `${ms.undo} ms`,
      target: '< 1 s',
      met: yes(ms.undo < 1000),
      'how measured': `${undoRatio} times \`git revert\` (${ms.revert} ms)`,
    },
    ...(ms.landCommand === undefined
      ? []
      : [
          { what: '`approve`, the whole command', figure: `${ms.landCommand} ms`, 'how measured': 'median, process start included' },
          {
            what: '`undo`, the whole command',
            figure: `${ms.undoCommand} ms`,
            target: '< 1 s',
            met: yes(ms.undoCommand < 1000),
            'how measured': 'median, process start included',
          },
        ]),
  ],
  rejection: ({ staticMs, affectedMs, suiteRatio, rounds }) => [
    {
      what: 'refused by the static gate',
      figure: `${staticMs} ms`,
      target: '< 300 ms',
      met: yes(staticMs < 300),
      'how measured': `from the first look at the candidate to its verdict; median of ${rounds}`,
    },
    {
      what: 'refused by affected tests',
      figure: `${affectedMs} ms`,
      'how measured': `the same; ${suiteRatio} times the suite outside the jail, sandbox and confirming runs included`,
    },
  ],
  statistics: (part) => [
    {
      what: 'A/A: called worse',
      figure: percent(
        Math.round(part.falseAlarmRate * (part.resampled.comparisons + part.same.comparisons)),
        part.resampled.comparisons + part.same.comparisons,
      ),
      target: '<= 5 %',
      met: yes(part.falseAlarmRate <= 0.05),
      'how measured': `${part.resampled.comparisons} of recorded CPU times, ${part.same.comparisons} live ones of the unchanged commit`,
    },
    {
      what: `+${Math.round(part.plantedShare * 100)} % CPU: called worse within 60 s`,
      figure: percent(Math.round(part.detectionRate * part.slower.comparisons), part.slower.comparisons),
      target: '>= 90 %',
      met: yes(part.detectionRate >= 0.9),
      'how measured': `live, ${part.secondsToDetect} s and ${part.slower.pairs} pairs at the median`,
    },
  ],
  queue: queueRows,
  code: ({ targets, corpora, peers, memory }) => [
    ...corpora.map(({ name, files, megabytes, megabytesPerSecond, filesPerSecond, againstParse, twoThreads, againstWasm }) => ({
      what: `all facts of ${name} against the bare parse`,
      figure: `${againstParse} x on one thread, ${twoThreads} x more on two`,
      target: `>= ${targets.againstParse} x, >= ${targets.twoThreads} x`,
      met: yes(againstParse >= targets.againstParse && twoThreads >= targets.twoThreads),
      'how measured': `${files} files, ${megabytes} MB: ${megabytesPerSecond} MB and ${filesPerSecond} files per second of CPU time; WebAssembly takes ${againstWasm} x as long`,
    })),
    ...peers.map(({ name, does, times }) => ({
      what: `the JavaScript by ${name}, against all our facts`,
      figure: times === null ? 'not installed' : `${times} x as long`,
      'how measured': `${does}; CPU time of one thread, its process included, in turns with ours`,
    })),
    ...(memory === undefined
      ? []
      : [
          {
            what: 'memory to read the JavaScript on two threads',
            figure: `${memory.peakMegabytes} MB`,
            'how measured': `largest resident set of a process; ${memory.emptyMegabytes} MB with nothing read`,
          },
        ]),
  ],
  growth: ({ targets, rows }) =>
    rows.map(
      ({ name, megabytes, chunks, seconds, cpuSeconds, cpuMsPerFile, residentMegabytes, againCpuSeconds, diskMegabytes, diskPerByte }) => ({
        what: `index of ${name} (${megabytes} MB)`,
        figure: `${seconds} s, ${residentMegabytes} MB of memory, ${diskMegabytes} MB of disk`,
        target: `<= ${targets.residentMegabytes} MB of memory`,
        met: yes(residentMegabytes <= targets.residentMegabytes),
        'how measured': `${cpuSeconds} s of CPU time, ${cpuMsPerFile} ms per file; ${chunks} chunks; ${diskPerByte} bytes of disk per byte of source; ten changed files ${againCpuSeconds} s of CPU time; largest process`,
      }),
    ),
  retrieval: ({ model, lexical, vector, hybrid, gain, low, high, perLanguage, speed }) => [
    {
      what: 'search: comment -> function, macro MRR',
      figure: `+${gain}`,
      target: '>= 0.08, lower bound > 0.05',
      met: yes(gain >= 0.08 && low > 0.05),
      'how measured': `words and vectors ${hybrid}, words ${lexical}, vectors ${vector}; 95 % by repository ${low} to ${high}; 999 distractors, ${perLanguage.length} languages, ${perLanguage.reduce((sum, { repositories }) => sum + repositories, 0)} repositories not trained on; ${model}`,
    },
    {
      what: 'embedding, chunks per second',
      figure: speed.chunksPerSecond,
      target: '>= 20000',
      met: yes(speed.chunksPerSecond >= 20_000),
      'how measured': `${speed.charactersPerChunk} characters each; a query ${speed.queryMicroseconds} us, loading ${speed.loadMs} ms; medians of ${speed.rounds}`,
    },
  ],
  commits: ({ queries, lexical, hybrid, worse, perLanguage, exact }) => [
    {
      what: 'search: commit subject -> changed function, MRR',
      figure: hybrid,
      target: `>= words (${lexical}), in every language`,
      met: yes(hybrid >= lexical && worse.length === 0),
      'how measured': `${queries} commits of ${perLanguage.length} repositories, each as it was before, by the command; words and vectors against words: ${perLanguage.map((each) => `${each.language} ${each.hybrid} / ${each.lexical}`).join(', ')}`,
    },
    ...Object.entries(exact).map(([kind, { queries: asked, same }]) => ({
      what: `search: ${kind} as it stands, same first answer as by words alone`,
      figure: percent(same, asked),
      target: `>= ${EXACT_TARGET * 100} %`,
      met: yes(same >= asked * EXACT_TARGET),
      'how measured': 'of the same repositories',
    })),
  ],
  searchSpeed: ({ targets, sizes }) =>
    sizes.flatMap(({ chunks, files, indexSeconds, indexCpuSeconds, megabytes, cold, lexical, grep, empty, warm, gitStatus, legs }) => [
      {
        what: `search over ${chunks} pieces: the command`,
        figure: `${cold.wall} ms`,
        target: `<= ${targets.cold} ms`,
        met: yes(cold.wall <= targets.cold),
        'how measured': `${cold.cpu} ms of CPU; an empty Node process ${empty.wall} ms; took_ms ${cold.tookMs}; by words ${lexical.wall} ms; git grep of one word ${grep.wall} ms`,
      },
      {
        what: `search over ${chunks} pieces: asked again, p95`,
        figure: `${warm.p95} ms`,
        target: `<= ${targets.warmP95} ms`,
        met: yes(warm.p95 <= targets.warmP95),
        'how measured': `p50 ${warm.p50} ms of ${warm.queries}; every answer waits for git, whose status alone takes ${gitStatus} ms`,
      },
      {
        what: `near vectors among ${chunks} pieces: asked once / again`,
        figure: `sqlite-vec ${legs.vec0.once} / ${legs.vec0.again} ms, WebAssembly ${legs.wasm.once} / ${legs.wasm.again} ms`,
        'how measured': `CPU time; JavaScript ${legs.plain.once} / ${legs.plain.again} ms; loaded row by row ${legs.rows.once} ms; words ${legs.words.median} ms (most ${legs.words.most}), all matches ranked ${legs.words.medianOfAll} ms (${legs.words.mostOfAll})`,
      },
      {
        what: `index of ${chunks} pieces`,
        figure: `${indexSeconds} s`,
        'how measured': `${files} files, ${indexCpuSeconds} s of CPU, ${megabytes} MB`,
      },
    ]),
  falseAccepts: ({ tampering, behaviour, notRun }) => [
    {
      what: 'tampering accepted',
      figure: percent(tampering.accepted, tampering.faults),
      target: '0',
      met: yes(tampering.accepted === 0),
      'how measured': `the tests alone accept ${tampering.acceptedByTests}; ${tampering.toAPerson} go to a person${notRun > 0 ? `; ${notRun} not run` : ''}`,
    },
    {
      what: 'faults accepted',
      figure: percent(behaviour.accepted, behaviour.faults),
      target: 'half of the tests alone',
      met: yes(behaviour.accepted * 2 <= behaviour.acceptedByTests),
      'how measured': `the tests alone accept ${behaviour.acceptedByTests}; ${behaviour.toAPerson} go to a person`,
    },
  ],
}

/** Writes the tables between the marks of docs/benchmarks.md and answers them. */
export function writePage({ measured, machine, parts }, { write }) {
  const rows = Object.entries(ROWS).flatMap(([name, rowsOf]) => (parts[name] ? rowsOf(parts[name]) : []))
  const columns = ['what', 'figure', 'target', 'met', 'how measured']
  const modes = Object.entries(parts).filter(([, { mode }]) => mode === 'quick')
  const text = [
    `Measured ${measured.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}, Node ${machine.node}, git ${machine.git}.`,
    ...(modes.length > 0 ? [`Quick run, fewer repetitions: ${modes.map(([name]) => name).join(', ')}.`] : []),
    '',
    withRows(rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])))),
    ...(parts.falseAccepts?.acceptedFaults.length > 0
      ? ['', `Accepted all the same: ${parts.falseAccepts.acceptedFaults.join('; ')}.`]
      : []),
  ].join('\n')
  if (write)
    writeFileSync(
      page,
      replacePart(readFileSync(page, 'utf8'), 'figures', () => text),
    )
  return text
}
