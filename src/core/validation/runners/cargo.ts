import { posix } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import type { Detection, DetectContext, TestRunner } from '../runner.ts'
import { withoutFlags } from '../shell-words.ts'
import { asRecord, createReport } from './report.ts'

async function found(
  context: DetectContext,
  origin: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Detection | undefined> {
  const text = await context.tree.text(posix.join(context.scope, 'Cargo.toml'))
  if (text === undefined) return undefined
  try {
    if (parseToml(text)['package'] === undefined && context.scope !== '') return undefined
  } catch {
    return undefined
  }
  return {
    runner: 'cargo',
    scope: context.scope,
    command: ['cargo', 'test', '--offline', '--no-fail-fast', ...args],
    env: { CARGO_TERM_COLOR: 'never', CARGO_NET_OFFLINE: 'true', ...env },
    origin,
    protectedPaths: [
      '**/tests/**',
      '**/benches/**',
      '**/snapshots/**',
      '**/Cargo.toml',
      'Cargo.lock',
      'build.rs',
      '.cargo/**',
      'clippy.toml',
      '.clippy.toml',
      'rustfmt.toml',
      'rust-toolchain*',
    ].map((glob) => posix.join(context.scope, glob)),
  }
}

const STATUS: Record<string, 'pass' | 'fail' | 'skip'> = { ok: 'pass', FAILED: 'fail', ignored: 'skip' }

/** `cargo test`, from libtest's text: stable Rust has no machine report. Every 'running N tests' needs N lines and its result line. */
export const cargo: TestRunner = {
  id: 'cargo',
  async recognise(command, context) {
    if (command.program !== 'cargo' || command.args[0] !== 'test') return undefined
    const cut = command.args.indexOf('--')
    const own = withoutFlags(
      command.args.slice(1, cut < 0 ? undefined : cut),
      [/^(?:-v+|--verbose|-q|--quiet|--no-fail-fast|--offline|--locked|--color|--message-format)$/],
      new Set(['--color', '--message-format']),
    )
    return found(context, command.text, own, command.env)
  },
  async detect(context) {
    return found(context, 'Cargo.toml', [], {})
  },
  command(entry) {
    // One stream: cargo names the binary on stderr and the binary lists its tests on stdout.
    return { command: ['sh', '-c', 'exec "$@" 2>&1', 'sh', ...entry.command], env: {}, reports: [] }
  },
  async parse({ entry, exitCode, stdout }) {
    const report = createReport()
    let file = entry.scope
    let expected: number | undefined
    let listed = 0
    let blocks = 0
    const messages = new Map<string, string>()
    for (const [, name, body] of stdout.matchAll(/^---- (.+?) stdout ----\n([\s\S]*?)(?=\n\n(?:----|failures:)|$)/gm))
      messages.set(name!, body!)
    for (const line of stdout.split('\n')) {
      const binary = /^\s+Running (?:unittests )?(\S+) \(.*\)$/.exec(line) ?? /^\s+Doc-tests (\S+)$/.exec(line)
      if (binary)
        file = line.includes('Doc-tests') ? posix.join(entry.scope, `(doc-tests ${binary[1]})`) : posix.join(entry.scope, binary[1]!)
      const start = /^running (\d+) tests?$/.exec(line)
      if (start) {
        if (expected !== undefined) report.problem(`a test binary ended after ${listed} of ${expected} tests`)
        expected = Number(start[1])
        listed = 0
        blocks++
      }
      const test = expected === undefined ? null : /^test (.+?) \.\.\. (?:.*?\b)?(ok|FAILED|ignored)(?:, .*| <.*| \(.*)?$/.exec(line)
      if (test) {
        listed++
        // Doc tests carry their line, which moves with every edit above them.
        const name = test[1]!.replace(/ \(line \d+\)/, '').replace(/ - (?:should panic|compile fail|compile)$/, '')
        report.add({ file, name, status: STATUS[test[2]!] ?? 'error', message: messages.get(test[1]!) })
      }
      const result = /^test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored;/.exec(line)
      if (result && expected !== undefined) {
        const counted = Number(result[1]) + Number(result[2]) + Number(result[3])
        if (counted !== listed) report.problem(`a test binary listed ${listed} of ${counted} tests`)
        expected = undefined
      }
    }
    if (expected !== undefined) report.problem(`a test binary ended after ${listed} of ${expected} tests`)
    if (blocks === 0 && exitCode !== 0)
      report.problem(`the tests did not compile or start: ${/^error.*$/m.exec(stdout)?.[0] ?? 'no test binary ran'}`)
    return report.finish({ ended: blocks > 0, exitCode })
  },
}

/** Name and dependencies of a Cargo package, for the workspace graph; undefined where the manifest does not parse. */
export function cargoPackage(text: string): { name: string; dependencies: string[] } | undefined {
  try {
    const manifest = parseToml(text)
    const tables = ['dependencies', 'dev-dependencies', 'build-dependencies']
    const name = asRecord(manifest['package'])['name']
    return { name: typeof name === 'string' ? name : '', dependencies: tables.flatMap((table) => Object.keys(asRecord(manifest[table]))) }
  } catch {
    return undefined
  }
}
