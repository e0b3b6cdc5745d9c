// Builds dist/: one lazily split bundle of the program, one file for the commands that only read, and the oclif manifest.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
const stamp = join(dist, '.stamp')

function newest(path) {
  const info = statSync(path, { throwIfNoEntry: false })
  if (!info) return 0
  if (!info.isDirectory()) return info.mtimeMs
  return Math.max(info.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

const inputs = Math.max(...['src', 'bin', 'package.json', 'scripts/build.mjs'].map((name) => newest(join(root, name))))
if (!process.argv.includes('--force') && newest(stamp) > inputs && existsSync(join(root, 'oclif.manifest.json'))) process.exit(0)

/** Command files below src/commands: `rules/list.ts` is the command `rules list`. Folders that start with `_` are helpers. */
function commandFiles(folder, found = []) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('_')) continue
    if (entry.isDirectory()) commandFiles(join(folder, entry.name), found)
    else if (entry.name.endsWith('.ts')) found.push(join(folder, entry.name))
  }
  return found.sort()
}

const folder = join(root, 'src', 'commands')
const commands = commandFiles(folder).map((file) => ({
  id: relative(folder, file)
    .replace(/\.ts$/, '')
    .replaceAll('/', ':')
    .replace(/:index$/, ''),
  file,
}))
// a folder of this build alone: two builds at once never read each other's lists
const generated = mkdtempSync(join(tmpdir(), 'singularity-build-'))
const path = (file) => JSON.stringify(file)
writeFileSync(
  join(generated, 'lazy.ts'),
  `export const COMMANDS: Record<string, () => Promise<{ default: any }>> = {\n${commands.map(({ id, file }) => `  ${JSON.stringify(id)}: () => import(${path(file)}),`).join('\n')}\n}\n`,
)
writeFileSync(
  join(generated, 'all.ts'),
  `${commands.map(({ file }, index) => `import c${index} from ${path(file)}`).join('\n')}\nexport const COMMANDS = {\n${commands.map(({ id }, index) => `  ${JSON.stringify(id)}: c${index},`).join('\n')}\n}\n`,
)

/**
 * oclif's files require all of its helpers at their top: settings, plugins, help, spinners. Moving each require to where its name
 * is used (what bundlers of mobile applications call inline requires) leaves a command with the parser it needs; what a running
 * command asks for in a corner we never come to stays in the package.
 */
const slimOclif = {
  name: 'slim-oclif',
  setup({ onLoad }) {
    const CORNERS = /require\("\.\.?\/(config|help(?:\/(?:util|index))?|ux)"\)/g
    const inPackage = (corner) =>
      `__createRequire(__filename)(__dirnameOf(__createRequire(__filename).resolve("@oclif/core")) + "/${corner}")`
    onLoad({ filter: /node_modules\/@oclif\/core\/lib\/.*\.js$/ }, ({ path: file }) => {
      let contents = readFileSync(file, 'utf8')
      for (const [line, name, value] of contents.matchAll(
        /^(?:const|var) (\w+) = ((?:__import(?:Star|Default)\()?require\("[^"]+"\)\)?);$/gm,
      )) {
        const [before, after] = contents.split(line)
        contents = `${before}${after.replace(new RegExp(`(?<![\\w.$'"\`])${name}(?![\\w$'"\`])`, 'g'), () => `(${value})`)}`
      }
      if (!/lib\/(?:config|help|ux)\//.test(file)) contents = contents.replace(CORNERS, (_whole, corner) => inPackage(corner))
      return { contents, loader: 'js' }
    })
  },
}

/** Packages that are one function and work hard when they are loaded (regular expressions over Unicode): loaded at the first call. */
const loadAtFirstCall = {
  name: 'load-at-first-call',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:string-width|picomatch)$/ }, ({ path: name, resolveDir, kind, importer }) =>
      kind === 'import-statement' && importer.startsWith(join(root, 'src'))
        ? { path: name, namespace: 'at-first-call', pluginData: { resolveDir } }
        : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'at-first-call' }, ({ path: name, pluginData }) => ({
      contents: `let loaded
const load = () => (loaded ??= [require('${name}')].map((it) => it.default ?? it)[0])
export default new Proxy(() => {}, { apply: (_target, _self, args) => load()(...args), get: (_target, key) => load()[key] })`,
      resolveDir: pluginData.resolveDir,
    }))
  },
}

const { build } = await import('esbuild')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
rmSync(dist, { recursive: true, force: true })
const external = ['better-sqlite3', 'sqlite-vec', '@ast-grep/napi', 'web-tree-sitter', 'react-devtools-core', '*.node', 'tree-sitter']
const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  jsx: 'automatic',
  mainFields: ['module', 'main'],
  minifySyntax: true,
  alias: { 'singularity-commands': join(generated, 'lazy.ts') },
  external,
  define: { 'process.env.NODE_ENV': '"production"' },
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; import { fileURLToPath as __toPath } from 'node:url'; import { dirname as __dirnameOf } from 'node:path'; const require = __createRequire(import.meta.url); const __filename = __toPath(import.meta.url); const __dirname = __dirnameOf(__filename);",
  },
  logLevel: 'warning',
}
const program = await build({
  ...common,
  entryPoints: {
    cli: join(folder, '_cli', 'main.ts'),
    commands: join(generated, 'all.ts'),
    'fact-child': join(folder, '_cli', 'fact-child.ts'),
    'model-child': join(folder, '_cli', 'model-child.ts'),
  },
  outdir: dist,
  splitting: true,
  plugins: [slimOclif, loadAtFirstCall],
  metafile: true,
})

/** The file that stands for a module that is imported where it is used. */
const lazyOutput = new Map(
  Object.entries(program.metafile.outputs).flatMap(([output, { entryPoint }]) =>
    entryPoint === undefined ? [] : [[resolve(entryPoint), `./${basename(output)}`]],
  ),
)
/**
 * Commands that are started often are answered by one file of their own: opening forty small ones costs more than their work, and of a
 * room that is shared by all only what they call is in it. What they need now and then is imported from the program. The lists stand
 * in bin/run.js.
 */
const runner = readFileSync(join(root, 'bin', 'run.js'), 'utf8')
const LANES = [
  { name: 'read', list: 'READING', parts: ['app.ts', 'app/open-models.ts', 'sandbox/machinery.ts', 'system/index.ts'] },
  { name: 'search', list: 'SEARCHING', parts: ['app.ts', 'app/search-reader.ts', 'search/index.ts', 'embedding/index.ts'] },
]
for (const { name: lane, list, parts } of LANES) {
  const commandsOf = new RegExp(String.raw`const ${list} = \[([^\]]+)\]`).exec(runner)[1].match(/\w+/g)
  const inlined = new Set([
    ...commandsOf.map((name) => join(folder, `${name}.ts`)),
    ...parts.map((name) => join(root, 'src', 'core', name)),
  ])
  const onlyThese = {
    name: 'lane',
    setup({ onResolve }) {
      onResolve({ filter: /\.tsx?$/ }, ({ path: name, resolveDir, kind }) => {
        const file = resolve(resolveDir, name)
        if (kind !== 'dynamic-import' || inlined.has(file)) return undefined
        return { path: lazyOutput.get(file), external: true }
      })
    },
  }
  await build({
    ...common,
    entryPoints: { [lane]: join(folder, '_cli', 'main.ts') },
    outdir: dist,
    plugins: [onlyThese, slimOclif, loadAtFirstCall],
  })
}
rmSync(generated, { recursive: true, force: true })
// esbuild keeps an import without names for every chunk that could be reached. Nothing of ours acts by being loaded (`sideEffects`).
for (const name of readdirSync(dist).filter((each) => each.endsWith('.js'))) {
  const text = readFileSync(join(dist, name), 'utf8')
  writeFileSync(join(dist, name), text.replace(/^import "\.\/[\w-]+\.js";\n/gm, ''))
}
rmSync(join(root, 'oclif.manifest.json'), { force: true })
execFileSync(process.execPath, [join(root, 'node_modules', 'oclif', 'bin', 'run.js'), 'manifest', root], {
  cwd: root,
  env: { ...process.env, OCLIF_SKIP_NEW_VERSION_CHECK: 'true' },
  stdio: ['ignore', 'ignore', 'inherit'],
})
writeFileSync(stamp, `${manifest.version}\n`)
