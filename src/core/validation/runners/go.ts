import { posix } from 'node:path'
import type { CoverageMap, Detection, DetectContext, PlanEntry, RunSelection, TestRunner } from '../runner.ts'
import { separateTargets, withoutFlags } from '../shell-words.ts'
import { asRecord, asText, createReport, parseLines, relativeToScope, asNumber } from './report.ts'

const VALUED = new Set([
  '-run',
  '-tags',
  '-timeout',
  '-p',
  '-parallel',
  '-cpu',
  '-count',
  '-bench',
  '-ldflags',
  '-gcflags',
  '-mod',
  '-skip',
  '-coverprofile',
  '-covermode',
  '-coverpkg',
  '-o',
  '-shuffle',
])
const DROPPED = [/^--?(?:json|v|cover|covermode|coverprofile|coverpkg|race|failfast|count|bench|benchmem|o|shuffle)$/]

/** The module path of a go.mod. */
export function goModule(text: string): string {
  return /^\s*module\s+"?([^\s"]+)"?/m.exec(text)?.[1] ?? ''
}

async function found(
  context: DetectContext,
  origin: string,
  flags: readonly string[],
  targets: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Detection | undefined> {
  const text = await context.tree.text(posix.join(context.scope, 'go.mod'))
  if (text === undefined) return undefined
  return {
    runner: 'go',
    scope: context.scope,
    command: ['go', 'test', ...flags],
    targets: targets.length > 0 ? targets : ['./...'],
    env: { GOFLAGS: '-mod=readonly', GOPROXY: 'off', GOTOOLCHAIN: 'local', ...env },
    origin,
    details: { module: goModule(text) },
    protectedPaths: ['**/*_test.go', '**/testdata/**', 'go.mod', 'go.sum', '.golangci.*'].map((glob) => posix.join(context.scope, glob)),
  }
}

/** The folder of an import path relative to the top; undefined for packages of other modules. */
function folderOfPackage(entry: PlanEntry, importPath: string): string | undefined {
  const module = entry.details?.['module'] ?? ''
  if (importPath !== module && !importPath.startsWith(`${module}/`)) return undefined
  return posix.normalize(posix.join(entry.scope, importPath.slice(module.length + 1) || '.')).replace(/^\.$/, '')
}

function packagesOf(entry: PlanEntry, selection: RunSelection): readonly string[] {
  if (!selection.files) return entry.targets ?? ['./...']
  // Reports name tests by the folder of their package; a file stands for its folder.
  const folderOf = (file: string): string => (file.endsWith('.go') ? posix.dirname(file) : file).replace(/^\.$/, '')
  const folders = new Set(selection.files.map((file) => relativeToScope(folderOf(file), entry.scope)))
  return [...folders].filter((folder) => !folder.startsWith('../')).map((folder) => (folder === '' || folder === '.' ? '.' : `./${folder}`))
}

/** `go test -json`, Go 1.14 and later. */
export const go: TestRunner = {
  id: 'go',
  async recognise(command, context) {
    if (command.program !== 'go' || command.args[0] !== 'test') return undefined
    const { flags, targets } = separateTargets(withoutFlags(command.args.slice(1), DROPPED, VALUED), VALUED)
    return found(context, command.text, flags, targets, command.env)
  },
  async detect(context) {
    return found(context, 'go.mod', [], [], {})
  },
  command(entry, selection) {
    const coverage = selection.coverage ? ['-coverprofile=/out/go-cover.out', '-coverpkg=./...'] : []
    return { command: [...entry.command, '-json', '-count=1', ...coverage, ...packagesOf(entry, selection)], env: {}, reports: [] }
  },
  async parse({ entry, exitCode, stdout, stderr }) {
    const report = createReport()
    const { values, cut, noise } = parseLines(stdout)
    const open = new Map<string, 'open' | 'closed'>()
    const output = new Map<string, string>()
    const failedIn = new Set<string>()
    for (const event of values.map(asRecord)) {
      const name = asText(event['Package'])
      const test = asText(event['Test'])
      const action = asText(event['Action'])
      if (name === '') continue
      const key = `${name}\n${test}`
      if (!open.has(name)) open.set(name, 'open')
      if (action === 'output') output.set(key, ((output.get(key) ?? '') + asText(event['Output'])).slice(-4000))
      if (test !== '' && action === 'run') open.set(key, 'open')
      if (action !== 'pass' && action !== 'fail' && action !== 'skip') continue
      open.set(test === '' ? name : key, 'closed')
      const file = folderOfPackage(entry, name) ?? name
      const ms = (asNumber(event['Elapsed']) ?? 0) * 1000
      if (test !== '') {
        if (action === 'fail') failedIn.add(name)
        report.add({ file, name: test, status: action, ms, message: action === 'pass' ? '' : (output.get(key) ?? '') })
      } else if (action === 'fail') {
        // Build errors and panics outside a test: the package has no failing test that would tell.
        for (const [other, state] of open) {
          if (state !== 'open' || !other.startsWith(`${name}\n`)) continue
          open.set(other, 'closed')
          failedIn.add(name)
          report.add({ file, name: other.slice(name.length + 1), status: 'error', message: output.get(other) ?? '' })
        }
        if (!failedIn.has(name))
          report.add({ file, name: '(package)', status: 'error', ms, message: `${output.get(`${name}\n`) ?? ''}\n${stderr.slice(-2000)}` })
      }
    }
    for (const [key, state] of open) if (state === 'open') report.problem(`never finished: ${key.replace('\n', ' ')}`)
    // Build failures are printed as plain lines before Go 1.24.
    const strange = noise.filter((line) => !/^(?:#|FAIL|ok|\?|\s|go: |[^\s:]+\.go:\d+|note: |vet: )/.test(line))
    if (strange.length > 0 && exitCode === 0) report.problem(`lines that are not JSON: ${strange[0]}`)
    return report.finish({ ended: open.size > 0 && !cut, exitCode })
  },
  async coverage(read, _list, _root, entry) {
    const text = (await read('go-cover.out'))?.toString('utf8')
    if (text === undefined) return undefined
    const map = new Map<string, { executed: Set<number>; executable: Set<number>; partial: Set<number> }>()
    for (const line of text.split('\n')) {
      const match = /^(.+):(\d+)\.(\d+),(\d+)\.(\d+) \d+ (\d+)$/.exec(line)
      if (!match) continue
      const folder = folderOfPackage(entry, posix.dirname(match[1]!))
      if (folder === undefined) continue
      const file = posix.join(folder, posix.basename(match[1]!))
      const lines = map.get(file) ?? { executed: new Set<number>(), executable: new Set<number>(), partial: new Set<number>() }
      map.set(file, lines)
      // A block ends behind its last statement; a column of 1 or 2 is the closing bracket of the line.
      for (let number = Number(match[2]); number <= Number(match[4]); number++) {
        lines.executable.add(number)
        if (Number(match[6]) > 0) lines.executed.add(number)
        else lines.partial.add(number)
      }
    }
    for (const lines of map.values()) for (const number of lines.partial) if (!lines.executed.has(number)) lines.partial.delete(number)
    return map satisfies CoverageMap
  },
}
