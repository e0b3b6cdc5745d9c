// The tables of docs/benchmarks.md from the figures of one run.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { replacePart, withRows } from '../scripts/document-parts.mjs'
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
