// The same JavaScript files through other programs that read sources, in turns with ours: CPU time of each over ours.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, root, round } from './common.mjs'

const require = createRequire(import.meta.url)
const launcher = join(root, 'native', 'build', 'launcher')
const toolchain = join(root, 'test', 'fixtures', 'toolchain')

const cpuOf = ({ user, system }) => (user + system) / 1000

async function inProcess(body) {
  const before = process.cpuUsage()
  await body()
  return cpuOf(process.cpuUsage(before))
}

/** CPU time of a program with all its children, in ms. */
function ofProgram(command, args) {
  const { status, output, stderr } = spawnSync(launcher, ['run', '--report-fd', '3', '--', command, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
  const used = JSON.parse(output[3])
  return (used.user_us + used.system_us) / 1000
}

const isHere = (command) => existsSync(launcher) && spawnSync(command, ['--version']).status === 0

/** eslint with `complexity` alone; undefined where it is not installed. */
function openEslint() {
  try {
    const { Linter } = createRequire(join(toolchain, 'package.json'))('eslint')
    const linter = new Linter()
    return (text) => {
      for (const sourceType of ['module', 'commonjs']) {
        const config = { languageOptions: { ecmaVersion: 'latest', sourceType }, rules: { complexity: ['error', 0] } }
        if (!linter.verify(text, [config]).some(({ fatal }) => fatal)) return
      }
    }
  } catch {
    return undefined
  }
}

/**
 * @param files JavaScript sources: path and bytes
 * @param ours reads all facts of them
 * @param others further engines of ours by name, or undefined where one is not here
 * @returns rows `{name, does, times}`: how many times as much CPU time it takes; absent programs have `times` null
 */
export async function measurePeers(files, ours, others, rounds) {
  const texts = files.map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
  const folder = mkdtempSync(join(tmpdir(), 'singularity-peers-'))
  const list = join(folder, 'files')
  writeFileSync(list, `${files.map(({ path }) => path).join('\n')}\n`)
  const eslint = openEslint()
  const { parse } = require('@ast-grep/napi')
  const functions = {
    rule: { any: ['function_declaration', 'function_expression', 'arrow_function', 'method_definition'].map((kind) => ({ kind })) },
  }
  const tags = ['-f', join(folder, 'tags'), '--languages=JavaScript', '--langmap=JavaScript:.js', '-L', list]
  const peers = [
    ...Object.entries(others).map(([name, read]) => ({ name, does: 'the same facts', run: read && (() => inProcess(read)) })),
    {
      name: '@ast-grep/napi',
      does: 'parses and lists functions',
      run: () => inProcess(() => texts.forEach((text) => parse('JavaScript', text).root().findAll(functions))),
    },
    { name: 'eslint `complexity`', does: 'one figure per function', run: eslint && (() => inProcess(() => texts.forEach(eslint))) },
    { name: 'universal-ctags', does: 'definitions', run: isHere('ctags') ? () => ofProgram('ctags', tags) : undefined },
    {
      name: 'cloc',
      does: 'counts lines',
      run: isHere('cloc') ? () => ofProgram('cloc', ['--quiet', '--json', '--skip-uniqueness', `--list-file=${list}`]) : undefined,
    },
  ]
  const times = new Map(peers.map(({ name }) => [name, []]))
  try {
    for (let i = 0; i < rounds; i++)
      for (const { name, run } of peers) if (run !== undefined) times.get(name).push((await run()) / (await inProcess(ours)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return peers.map(({ name, does, run }) => ({ name, does, times: run === undefined ? null : round(median(times.get(name)), 1) }))
}

/** The file of node-tree-sitter that the differential test builds; undefined where it never ran here. */
export function builtNodeTreeSitter() {
  const { version } = JSON.parse(readFileSync(require.resolve('tree-sitter/package.json'), 'utf8'))
  const file = join(root, 'native', 'build', `node-tree-sitter-${version}`, 'tree-sitter', 'index.js')
  return existsSync(file) ? file : undefined
}
