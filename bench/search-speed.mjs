// How long the search takes over 10,000 and 100,000 pieces: the whole command, one process that is asked again and again, and the ways
// to find near vectors. Wall clock and CPU time of the process tree; what is compared is measured in turn.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { loadSources, median, program, round, timed, withFolder } from './common.mjs'
import { makeSearchRepository } from './search-corpus.mjs'

export const SPEED_TARGETS = { warmP95: 30, cold: 250 }
const SIZES = [10_000, 100_000]

/** What people ask: questions, names, errors. */
const QUERIES = [
  'where is the retry delay computed',
  'read a json file and parse it into an object',
  'parseDate',
  'cannot read property of undefined',
  'connect to the server with a timeout and retry',
  'sort an array by key',
  'check whether a path is a directory',
  'return the name of the class',
  'convert string to number',
  'list of options for the command line parser',
  'walk the tree of nodes',
  'escape html in a template',
  'resolve a module by its path',
  'compress a buffer with gzip',
  'format an error message with colours',
  'validate a schema',
  'createHash',
  'Error: cannot open file',
  'merge two objects deeply',
  'count lines of a file',
]

export async function measureSearchSpeed({ quick }) {
  const sizes = []
  for (const size of quick ? SIZES.slice(0, 1) : SIZES) sizes.push(await withFolder((folder) => measureSize(folder, size, quick ? 5 : 11)))
  const largest = sizes.at(-1)
  return { targets: SPEED_TARGETS, sizes, met: largest.warm.p95 <= SPEED_TARGETS.warmP95 && largest.cold.wall <= SPEED_TARGETS.cold }
}

async function measureSize(folder, size, rounds) {
  const repository = makeSearchRepository(folder, size)
  const index = timed([process.execPath, program, 'index', '--json'], repository)
  const { data } = JSON.parse(index.stdout)
  return {
    chunks: data.chunks,
    files: data.files.seen,
    indexSeconds: round(index.wall / 1000, 1),
    indexCpuSeconds: round(index.cpu / 1000, 1),
    megabytes: round(data.bytes / 1e6, 1),
    ...measureCold(repository, rounds),
    ...(await measureWarm(repository, rounds)),
    legs: await measureLegs(repository, rounds),
  }
}

/** A command as a person starts it, beside an empty Node process, the same search by words, and git grep for the longest word. */
function measureCold(repository, rounds) {
  const search = (query, ...flags) => [process.execPath, program, 'search', query, '--json', ...flags]
  const longest = (query) => query.split(/\W+/).toSorted((a, b) => b.length - a.length)[0]
  const turns = Array.from({ length: rounds + 1 }, (_, at) => {
    const query = QUERIES[at % QUERIES.length]
    return {
      empty: timed([process.execPath, '-e', '0'], repository),
      cold: timed(search(query), repository),
      lexical: timed(search(query, '--lexical'), repository),
      grep: timed(['git', 'grep', '-n', '-i', '-F', longest(query)], repository, { accept: [0, 1] }),
    }
  }).slice(1)
  const figures = (name) => ({
    wall: round(median(turns.map((turn) => turn[name].wall)), 1),
    cpu: round(median(turns.map((turn) => turn[name].cpu)), 1),
  })
  const tookMs = round(median(turns.map(({ cold }) => JSON.parse(cold.stdout).data.took_ms)), 1)
  return { cold: { ...figures('cold'), tookMs }, lexical: figures('lexical'), grep: figures('grep'), empty: figures('empty') }
}

/** One process, asked again and again; beside it what git takes to say what has changed, which every answer waits for. */
async function measureWarm(repository, rounds) {
  const child = spawn(process.execPath, [program, 'search', '--stdin', '--jsonl'], {
    cwd: repository.path,
    env: repository.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const times = []
  const floors = []
  for (let round_ = 0; round_ <= rounds; round_++)
    for (const query of QUERIES) {
      const started = performance.now()
      child.stdin.write(`${JSON.stringify({ query })}\n`)
      await lines.next()
      if (round_ > 0) times.push(performance.now() - started)
      if (query === QUERIES[0])
        floors.push(timed(['git', '--no-optional-locks', 'status', '--porcelain=v2', '-z', '--untracked-files=all'], repository).wall)
    }
  child.stdin.end()
  const sorted = times.toSorted((a, b) => a - b)
  const warm = {
    queries: sorted.length,
    p50: round(sorted[Math.floor(sorted.length / 2)], 1),
    p95: round(sorted[Math.floor(sorted.length * 0.95)], 1),
  }
  return { warm, gitStatus: round(median(floors), 1) }
}

const SEARCH = [
  'search/nearest',
  'search/vector-store',
  'search/word-leg',
  'search/query',
  'search/sql',
  'search/candidates',
  'search/migrations',
  'storage/index',
]
  .map((name) => `export * from './src/core/${name}.ts'`)
  .join('\n')

/** CPU time in ms of a body. */
function cpuOf(body) {
  const before = process.cpuUsage()
  body()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Once: with a connection of its own and all that has to be loaded. Again: from then on. CPU time, the ways in turn. */
async function measureLegs(repository, rounds) {
  const core = await loadSources('search', SEARCH)
  const folder = join(repository.path, '.git', 'singularity')
  const file = readdirSync(folder).find((name) => /^index-\d+-\d+\.db$/.test(name))
  const open = () =>
    core.openDatabase({
      path: join(folder, file),
      applicationId: core.INDEX_APPLICATION_ID,
      migrations: core.INDEX_MIGRATIONS,
      readOnly: true,
    })
  const keeper = open() // so that files of the log stay
  const { model } = core.readSpace(keeper, keeper.get('SELECT model FROM vector_space').model)
  const make = {
    vec0: (db) => core.openVec0(db, core.readSpace(db, model)),
    wasm: (db) => core.loadVectors(db, core.readSpace(db, model)),
    plain: (db) => core.loadVectors(db, core.readSpace(db, model), { plain: true }),
    rows: (db) => core.loadVectors(db, { ...core.readSpace(db, model), segments: null }),
  }
  const vectors = keeper
    .values('SELECT vector FROM embedding WHERE length(vector) > 0 ORDER BY hash LIMIT 40')
    .map(([bytes]) => new Int8Array(bytes))
  const legs = Object.fromEntries(Object.keys(make).map((name) => [name, { once: [], again: [] }]))
  for (let turn = 0; turn < rounds; turn++)
    for (const name of Object.keys(make)) {
      const db = open()
      let way
      legs[name].once.push(cpuOf(() => (way = make[name](db)).find(vectors[turn], 200)))
      legs[name].again.push(cpuOf(() => vectors.slice(0, 20).forEach((vector) => way.find(vector, 200))) / 20)
      db.close()
    }
  const words = { pruned: [], all: [] }
  for (const text of QUERIES) {
    const query = core.readQuery(text)
    const match = core.matchText(query.words)
    words.all.push(cpuOf(() => keeper.all(core.fts.match(1), match, 101)))
    words.pruned.push(cpuOf(() => core.ranked(keeper, 1, match, query)))
  }
  keeper.close()
  const most = (values) => round(Math.max(...values), 1)
  return {
    ...Object.fromEntries(
      Object.entries(legs).map(([name, { once, again }]) => [name, { once: round(median(once), 1), again: round(median(again), 2) }]),
    ),
    words: {
      median: round(median(words.pruned), 1),
      most: most(words.pruned),
      medianOfAll: round(median(words.all), 1),
      mostOfAll: most(words.all),
    },
  }
}
