import { posix } from 'node:path'
import { parseJson } from '../kernel/index.ts'
import type { CommandStep, DetectContext } from './runner.ts'
import { shellCommand } from './runners/command.ts'
import { type PackageManifest, dependsOn, readManifest } from './runners/javascript.ts'
import { readPyproject } from './runners/python.ts'
import { asRecord } from './runners/report.ts'

const ESLINT = [
  'eslint.config.js',
  'eslint.config.mjs',
  'eslint.config.cjs',
  'eslint.config.ts',
  '.eslintrc.js',
  '.eslintrc.cjs',
  '.eslintrc.json',
  '.eslintrc.yml',
  '.eslintrc.yaml',
  '.eslintrc',
]
/** Who makes what the tests import, the likeliest first. */
const BUILD_SCRIPTS = ['build', 'pretest', 'compile'] as const
const MAX_TESTS_READ = 300

/**
 * Build, type check and lint of a package, as far as the base commit configures them and the tool is installed. They are
 * ratchets: a change may not add a complaint. None is guessed.
 */
export async function detectSteps(context: DetectContext, timeoutMs: number): Promise<CommandStep[]> {
  const { tree, scope, tools } = context
  const suffix = scope === '' ? '' : `:${scope}`
  const steps: CommandStep[] = []
  const step = (kind: CommandStep['kind'], name: string, command: readonly string[], origin: string): void => {
    steps.push({ id: `${name}${suffix}`, kind, scope, command, timeoutMs, origin })
  }
  const has = async (...names: string[]): Promise<string | undefined> => {
    for (const name of names) if (await tree.entry(posix.join(scope, name))) return name
    return undefined
  }
  const nodeStep = async (
    kind: CommandStep['kind'],
    tool: { package: string; program?: string; args: string[] },
    origin: string,
  ): Promise<void> => {
    const script = await tools.script(scope, tool.package, tool.program)
    if (script !== undefined) step(kind, tool.program ?? tool.package, ['node', script, ...tool.args], origin)
  }
  const manifest = await readManifest(context)
  const name = BUILD_SCRIPTS.find((each) => manifest?.scripts?.[each] !== undefined)
  if (manifest && name !== undefined && (await testsNeedBuild(context, manifest)))
    step('build', 'build', shellCommand(manifest.scripts![name]!, scope), `package.json scripts.${name}`)

  if (manifest && dependsOn(manifest, 'typescript') && (await has('tsconfig.json'))) {
    const text = (await tree.text(posix.join(scope, 'tsconfig.json'))) ?? ''
    const references = asRecord(parseJson(text.replace(/\/\/.*$/gm, '')))['references']
    const args = ['--noEmit', '--incremental', 'false', '--pretty', 'false']
    if (references === undefined) await nodeStep('types', { package: 'typescript', program: 'tsc', args }, 'tsconfig.json')
  }
  const eslint = (await has(...ESLINT)) ?? (manifest?.['eslintConfig'] === undefined ? undefined : 'package.json eslintConfig')
  if (eslint) await nodeStep('lint', { package: 'eslint', args: ['--format', 'json', '.'] }, eslint)
  const biome = await has('biome.json', 'biome.jsonc')
  if (biome)
    await nodeStep(
      'lint',
      { package: '@biomejs/biome', program: 'biome', args: ['lint', '--reporter=github', '--max-diagnostics=none'] },
      biome,
    )
  const oxlint = (await has('.oxlintrc.json')) ?? (dependsOn(manifest, 'oxlint') ? 'package.json dependencies' : undefined)
  if (oxlint) await nodeStep('lint', { package: 'oxlint', args: ['--format=unix'] }, oxlint)

  const settings = asRecord(asRecord(await readPyproject(context))['tool'])
  const mypy = (await has('mypy.ini', '.mypy.ini')) ?? (settings['mypy'] === undefined ? undefined : 'pyproject.toml [tool.mypy]')
  if (mypy) {
    const files = asRecord(settings['mypy'])['files'] === undefined ? ['.'] : []
    step(
      'types',
      'mypy',
      [await tools.python(scope), '-m', 'mypy', '--no-color-output', '--no-error-summary', '--cache-dir=/tmp/mypy', ...files],
      mypy,
    )
  }
  const ruff = (await has('ruff.toml', '.ruff.toml')) ?? (settings['ruff'] === undefined ? undefined : 'pyproject.toml [tool.ruff]')
  if (ruff) step('lint', 'ruff', ['ruff', 'check', '--no-cache', '--output-format=concise', '.'], ruff)
  if (await has('go.mod')) step('lint', 'go-vet', ['go', 'vet', './...'], 'go.mod')
  const clippy = await has('clippy.toml', '.clippy.toml')
  if (clippy && (await has('Cargo.toml')))
    step('lint', 'clippy', ['cargo', 'clippy', '--offline', '--quiet', '--message-format=short'], clippy)
  return steps
}

/** What the linters take by name; the others look at packages. */
const BY_NAME: Readonly<Record<string, RegExp>> = {
  eslint: /\.[cm]?[jt]sx?$/,
  biome: /\.[cm]?[jt]sx?$/,
  oxlint: /\.[cm]?[jt]sx?$/,
  ruff: /\.pyi?$/,
}

/**
 * The lint of some files only. What it finds may be another thing than what the whole step finds there (a file that is named is
 * not ignored): a complaint is a reason to run the whole one.
 * @param files paths from the top
 * @returns null where it is no linter that takes files, or none of these is one of its own
 */
export function lintOf({ command, scope, ...step }: CommandStep, files: readonly string[]): CommandStep | null {
  const kinds = step.kind === 'lint' ? BY_NAME[step.id.split(':')[0]!] : undefined
  if (!kinds) return null
  const inScope = files.filter((file) => kinds.test(file) && (scope === '' || file.startsWith(`${scope}/`)))
  if (inScope.length === 0) return null
  const whole = command.at(-1) === '.' ? command.slice(0, -1) : command
  return { ...step, scope, command: [...whole, ...inScope.map((file) => `./${posix.relative(scope, file)}`)] }
}

/** Whether the tests run what the build writes: the script says so, or they import from a folder that is not committed. */
async function testsNeedBuild({ tree, scope }: DetectContext, manifest: PackageManifest): Promise<boolean> {
  const scripts = manifest.scripts ?? {}
  if (/\bbuild\b/.test(scripts['pretest'] ?? '') || /\b(?:npm|yarn|pnpm|bun)(?: run)? build\b/.test(scripts['test'] ?? '')) return true
  const prefix = scope === '' ? '' : `${scope}/`
  const paths = (await tree.entries()).map(({ path }) => path).filter((path) => path.startsWith(prefix))
  const committed = (folder: string): boolean => paths.some((path) => path.startsWith(`${prefix}${folder}/`))
  const inScript = /(?:^|[\s/'"])(dist|build|out)\//.exec(scripts['test'] ?? '')
  if (inScript && !committed(inScript[1]!)) return true
  const tests = paths.filter((path) => /(?:^|\/)(?:tests?|spec|__tests__)\/.*\.[cm]?[jt]sx?$|\.(?:test|spec)\.[cm]?[jt]sx?$/.test(path))
  for (const path of tests.slice(0, MAX_TESTS_READ)) {
    const found = /(?:from|require\(|import\()\s*['"](?:\.\.?\/)+(dist|build|out)(?:\/|['"])/.exec((await tree.text(path)) ?? '')
    if (found && !committed(found[1]!)) return true
  }
  return false
}
