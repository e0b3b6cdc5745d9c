import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Git, TreeEntry } from '../git/index.ts'
import { runProcess } from '../process/index.ts'
import { findDependencies } from './dependencies.ts'
import type { Mount } from './isolation.ts'
import { JAIL_HOME } from './isolations/bubblewrap-arguments.ts'
import type { JailProfile, SandboxGit } from './sandbox.ts'
import { SYSTEM_PATH, findToolchains, hasContent, locate } from './toolchains.ts'

/** Where our own build caches are mounted. */
export const CACHES = '/cache'

export type ProfileOptions = {
  base: string
  binaries: readonly string[]
  include: readonly string[]
  env: Readonly<Record<string, string>>
  git: SandboxGit
  services: readonly string[]
  /** `overlay` where a suite must write into node_modules. Default `ro`. */
  dependencies?: 'ro' | 'overlay'
}

export type ProfileDeps = { git: Git; path: string; home: string; layer: (base: string, name: string) => string }

/** Works out what every sandbox of a run shares, equal for both arms of a comparison. */
export async function buildProfile(options: ProfileOptions, deps: ProfileDeps): Promise<JailProfile> {
  const { git, path, home } = deps
  const { root } = git.repository
  const entries = await git.reader(options.base).entries()
  const dependencies = findDependencies(root, entries, options.dependencies ?? 'ro', home)
  const binaries = [...new Set([...options.binaries, ...implied(entries)])]
  // with the virtual environment in front, as the person has it when he runs his tests
  const searched = [...dependencies.folders, path].join(':')
  const toolchains = await findToolchains(binaries, { path: searched, home, cwd: root })
  const names = new Set([...binaries, ...toolchains.folders].map((name) => basename(name)))
  const caches = await languageCaches(names, options.base, deps)
  const mounts = firstOfEach([
    ...toolchains.mounts.filter((mount) => !mount.to.startsWith(`${root}/`)),
    ...dependencies.mounts,
    ...caches.mounts,
  ])
  return {
    mounts,
    path: [...new Set([...dependencies.folders, ...toolchains.folders, ...SYSTEM_PATH])].join(':'),
    env: { ...toolchains.env, ...dependencies.env, ...caches.env, ...options.env },
    include: options.include,
    git: options.git,
    services: options.services,
  }
}

const MANIFESTS: Readonly<Record<string, readonly string[]>> = {
  'package.json': ['node'],
  'pyproject.toml': ['python3', 'python'],
  'setup.py': ['python3', 'python'],
  'go.mod': ['go'],
  'Cargo.toml': ['cargo'],
}

/** A command line of the person's (`make test`) does not say what it will call: the manifests do. */
function implied(entries: readonly TreeEntry[]): string[] {
  const names = new Set(entries.map((entry) => basename(entry.path)))
  return Object.entries(MANIFESTS).flatMap(([manifest, programs]) => (names.has(manifest) ? programs : []))
}

function firstOfEach(mounts: readonly Mount[]): Mount[] {
  const seen = new Set<string>()
  return mounts.filter((mount) => !seen.has(mount.to) && seen.add(mount.to))
}

/** Module caches read-only, build caches copy-on-write over the layer that the first baseline run warmed. */
async function languageCaches(
  names: ReadonlySet<string>,
  base: string,
  deps: ProfileDeps,
): Promise<{ mounts: Mount[]; env: Record<string, string> }> {
  const mounts: Mount[] = []
  const env: Record<string, string> = { npm_config_offline: 'true', npm_config_update_notifier: 'false', PIP_NO_INDEX: '1' }
  const readOnly = (from: string, to: string): void => {
    if (hasContent(from)) mounts.push({ from, to, mode: 'ro' })
  }
  const layered = (name: string): string => {
    const to = `${CACHES}/${name}`
    mounts.push({ from: deps.layer(base, name), to, mode: 'overlay' })
    return to
  }
  if (names.has('go') || names.has('gofmt')) {
    const modules = await goModuleCache(deps)
    readOnly(modules, modules)
    Object.assign(env, {
      GOMODCACHE: modules,
      GOCACHE: layered('go-build'),
      GOPATH: `${JAIL_HOME}/go`,
      GOPROXY: 'off',
      GOFLAGS: '-buildvcs=false',
      GOTOOLCHAIN: 'local',
      GOTELEMETRY: 'off',
    })
  }
  if (names.has('cargo') || names.has('rustc')) {
    const cargo = join(deps.home, '.cargo')
    for (const name of ['registry', 'git']) readOnly(join(cargo, name), `${JAIL_HOME}/.cargo/${name}`)
    Object.assign(env, {
      CARGO_HOME: `${JAIL_HOME}/.cargo`,
      CARGO_TARGET_DIR: layered('cargo-target'),
      CARGO_NET_OFFLINE: 'true',
      CARGO_INCREMENTAL: '0',
    })
  }
  // packages of `pip install --user`; their home is another one in the jail
  if (['python3', 'python', 'pytest'].some((name) => names.has(name)))
    for (const name of userSites(deps.home)) readOnly(join(deps.home, '.local/lib', name), `${JAIL_HOME}/.local/lib/${name}`)
  if (['mvn', 'mvnw'].some((name) => names.has(name))) readOnly(join(deps.home, '.m2', 'repository'), `${JAIL_HOME}/.m2/repository`)
  if (['gradle', 'gradlew'].some((name) => names.has(name)) && existsSync(join(deps.home, '.gradle', 'caches')))
    mounts.push({ from: join(deps.home, '.gradle', 'caches'), to: `${JAIL_HOME}/.gradle/caches`, mode: 'overlay' })
  if (['cmake', 'ctest', 'ninja', 'make'].some((name) => names.has(name)) && locate('ccache', deps)) env['CCACHE_DIR'] = layered('ccache')
  return { mounts, env }
}

function userSites(home: string): string[] {
  const folder = join(home, '.local', 'lib')
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^python\d/.test(name)) : []
}

async function goModuleCache(deps: ProfileDeps): Promise<string> {
  const answer = await runProcess({
    command: 'go',
    args: ['env', 'GOMODCACHE'],
    cwd: deps.git.repository.root,
    env: { PATH: deps.path, HOME: deps.home },
    timeoutMs: 10_000,
  })
  return answer.stdout.toString('utf8').trim() || join(deps.home, 'go', 'pkg', 'mod')
}
