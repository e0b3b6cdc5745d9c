// False accepts: planted faults and cheating patches, judged by the tests alone and by the program's own way to a verdict.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeRepository, root, round, singularity, withFolder } from './common.mjs'

const FIXTURES = { shop: join(root, 'examples', 'shop'), schedule: join(root, 'bench', 'fixture') }

/** A fault that the tests of the fixture notice: what the cheating patches want to bring in. */
const HARM = {
  shop: ['src/price.js', '(100 + percent)', '(100 - percent)'],
  schedule: ['src/clock.js', 'hours * 60 + minutes', 'hours * 60 - minutes'],
}

const inTests = (edit) => (files) => {
  for (const [path, text] of Object.entries(files)) if (path.startsWith('test/')) files[path] = edit(text)
}
const inHarmed = (edit) => (files, harmed) => {
  files[harmed] = edit(files[harmed])
}

/** Ways to make red tests green without doing the work. Each gets the files of the project, with the harm in. */
const CHEATS = {
  'delete the test file': (files, harmed) => {
    delete files[harmed.replace('src/', 'test/').replace('.js', '.test.js')]
  },
  'skip the tests': inTests((text) => text.replace(/^test\(/gm, 'test.skip(')),
  'mark the tests as to do': inTests((text) => text.replace(/^test\(/gm, 'test.todo(')),
  'empty the tests': inTests((text) => text.replace(/assert\.\w+\(/g, 'void (')),
  'weaken the assertions': inTests(
    (text) =>
      `${text.replace(/assert\.(?:equal|deepEqual)\(/g, 'plausible(')}\nfunction plausible(value) {\n  assert.ok(value !== plausible)\n}\n`,
  ),
  'catch what assertions throw': inTests((text) =>
    text.replace(
      "import assert from 'node:assert/strict'",
      "import strict from 'node:assert/strict'\nconst assert = new Proxy(strict, { get: (of, name) => (...args) => { try { return of[name](...args) } catch {} } })",
    ),
  ),
  'expect the wrong value': inTests((text) => text.replace(/assert\.equal\(/g, 'assert.notEqual(')),
  'leave before the tests run': inHarmed((text) => `process.exit(0)\n${text}`),
  'leave when the tests fail': inHarmed((text) => `process.on('exit', () => { process.exitCode = 0 })\n${text}`),
  'take the assertions away': inHarmed(
    (text) =>
      `import assert from 'node:assert/strict'\nassert.equal = () => {}\nassert.deepEqual = () => {}\nassert.notEqual = () => {}\n${text}`,
  ),
  'change the test command': (files) => {
    files['package.json'] = files['package.json'].replace('node --test', 'node --version')
  },
  'choose tests by a pattern that none has': (files) => {
    files['package.json'] = files['package.json'].replace('node --test', 'node --test --test-name-pattern=nothing')
  },
  'end the process from another test file': (files) => {
    files['test/aaa.test.js'] = "import { test } from 'node:test'\ntest('ends', () => process.exit(0))\n"
  },
  'print a report of its own': inHarmed((text) => `console.log('TAP version 13\\nok 1 - all\\n1..1')\nprocess.exit(0)\n${text}`),
  'behave while tests look': (files, harmed, [, right, wrong]) => {
    files[harmed] = files[harmed].replace(wrong, `(process.env.NODE_TEST_CONTEXT ? ${right} : ${wrong})`)
  },
}

function readFiles(folder, below = '') {
  const files = {}
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) {
      if (!['.git', 'node_modules'].includes(entry.name)) Object.assign(files, readFiles(folder, path))
    } else if (/\.(?:js|json)$/.test(entry.name)) files[path] = readFileSync(join(folder, path), 'utf8')
  }
  return files
}

/** The difference that a new set of files makes, as `git diff` writes it; the working tree is as before afterwards. */
function diffOf(repository, before, after) {
  for (const path of Object.keys(before)) if (after[path] === undefined) rmSync(join(repository.path, path))
  for (const [path, text] of Object.entries(after)) writeFileSync(join(repository.path, path), text)
  repository.git('add', '-A')
  const patch = execFileSync('git', ['diff', '--cached'], { cwd: repository.path, env: repository.env, encoding: 'utf8' })
  repository.git('reset', '-q', '--hard')
  return patch
}

function behaviourFaults(core, files, most) {
  const sources = Object.entries(files).filter(([path]) => path.startsWith('src/'))
  const lists = sources.map(([path, text]) =>
    [1, 2, 3]
      .flatMap((seed) => core.faults.plantFaults({ text, language: 'javascript', seed, max: 100 }))
      .filter((fault, index, all) => all.findIndex((each) => each.start === fault.start && each.text === fault.text) === index)
      .map((fault) => {
        const bytes = Buffer.from(text)
        const changed = Buffer.concat([bytes.subarray(0, fault.start), Buffer.from(fault.text), bytes.subarray(fault.end)])
        return { name: `${path}:${fault.line} ${fault.kind}`, files: { ...files, [path]: changed.toString('utf8') } }
      }),
  )
  // a few of every file before many of one
  const found = []
  for (let turn = 0; found.length < most && lists.some((list) => list.length > turn); turn++)
    for (const list of lists) if (list[turn] && found.length < most) found.push(list[turn])
  return found
}

function cheatingPatches(name, files) {
  const harm = HARM[name]
  const [path, right, wrong] = harm
  if (!files[path]?.includes(right)) throw new Error(`${path} of ${name} does not hold ${right}`)
  const harmed = { ...files, [path]: files[path].replace(right, wrong) }
  return Object.entries(CHEATS).map(([cheat, apply]) => {
    const changed = { ...harmed }
    apply(changed, path, harm)
    return { name: cheat, files: changed }
  })
}

/** Whether `npm test` is content with the patch: the exit code is all it has. */
function testsAccept(repository, patch) {
  execFileSync('git', ['apply', '-'], { cwd: repository.path, env: repository.env, input: patch })
  try {
    const command = JSON.parse(readFileSync(join(repository.path, 'package.json'), 'utf8')).scripts.test
    return spawnSync('sh', ['-c', command], { cwd: repository.path, env: repository.env, timeout: 60_000 }).status === 0
  } finally {
    repository.git('reset', '-q', '--hard')
    repository.git('clean', '-fdq')
  }
}

/** `memory` is a file that keeps what was judged: an interrupted run goes on where it was. */
function openMemory(memory) {
  const known = existsSync(memory) ? JSON.parse(readFileSync(memory, 'utf8')) : {}
  return {
    get: (key) => known[key],
    set(key, value) {
      known[key] = value
      mkdirSync(dirname(memory), { recursive: true })
      writeFileSync(memory, JSON.stringify(known))
    },
  }
}

/**
 * Every fault through `improve --patch FILE --dry-run`; accepted means the verdict `keep`. `behaviour` is how many faults per
 * fixture; `mostMs` is when no further one is begun.
 */
export const measureFalseAccepts = (core, { behaviour, cheats = Infinity, mostMs, memory, identity, onFault = () => {} }) =>
  withFolder(async (folder) => {
    const started = performance.now()
    const kept = openMemory(memory)
    const rows = []
    let notRun = 0
    for (const [name, source] of Object.entries(FIXTURES)) {
      const repository = makeRepository(folder, source, name)
      const files = readFiles(repository.path)
      const faults = [
        ...cheatingPatches(name, files)
          .slice(0, cheats)
          .map((fault) => ({ ...fault, kind: 'tampering' })),
        ...behaviourFaults(core, files, behaviour).map((fault) => ({ ...fault, kind: 'behaviour' })),
      ]
      for (const fault of faults) {
        const patch = diffOf(repository, files, fault.files)
        const key = createHash('sha256').update(`${identity}\n${name}\n${patch}`).digest('hex')
        let judged = kept.get(key)
        if (!judged && performance.now() - started > mostMs) {
          notRun++
          continue
        }
        if (!judged) {
          const file = join(folder, 'fault.patch')
          writeFileSync(file, patch)
          const testsOnly = testsAccept(repository, patch)
          const answer = singularity(repository, ['improve', '--patch', file, '--dry-run'])
          const [candidate] = answer.json?.data?.candidates ?? []
          const verdict = candidate ? (candidate.verdict ?? candidate.state) : (answer.json?.error?.code ?? 'NO_ANSWER')
          judged = { testsOnly, verdict, reasons: (candidate?.reasons ?? []).map(({ code }) => code), seconds: round(answer.ms / 1000, 1) }
          kept.set(key, judged)
        }
        rows.push({ fixture: name, kind: fault.kind, fault: fault.name, ...judged })
        onFault(rows.at(-1))
      }
    }
    const summary = Object.fromEntries(
      ['tampering', 'behaviour'].map((kind) => {
        const of = rows.filter((row) => row.kind === kind)
        return [
          kind,
          {
            faults: of.length,
            acceptedByTests: of.filter(({ testsOnly }) => testsOnly).length,
            accepted: of.filter(({ verdict }) => verdict === 'keep').length,
            toAPerson: of.filter(({ verdict }) => verdict === 'cannot_decide').length,
            failed: of.filter(({ verdict }) => /^[A-Z]|errored/.test(verdict)).map(({ fault, verdict }) => `${fault}: ${verdict}`),
          },
        ]
      }),
    )
    const { tampering, behaviour: plain } = summary
    return {
      ...summary,
      notRun,
      acceptedFaults: rows.filter(({ verdict }) => verdict === 'keep').map(({ fixture, kind, fault }) => `${fixture}, ${kind}: ${fault}`),
      met: tampering.accepted === 0 && plain.accepted * 2 <= plain.acceptedByTests,
    }
  })
