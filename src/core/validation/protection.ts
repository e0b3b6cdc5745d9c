import picomatch from 'picomatch'
import type { Plan } from './runner.ts'

/** What no rule and no fixer may touch in any project: lock files, CI, hooks, git's configuration and our own. */
const ALWAYS_PROTECTED = picomatch(
  [
    '**/{package-lock.json,npm-shrinkwrap.json,yarn.lock,pnpm-lock.yaml,bun.lock,bun.lockb,deno.lock}',
    '**/{Cargo.lock,go.sum,go.work,go.work.sum,poetry.lock,uv.lock,pdm.lock,Pipfile.lock,Gemfile.lock,composer.lock,mix.lock,flake.lock}',
    '**/requirements*.txt',
    '**/{.npmrc,.yarnrc,.yarnrc.yml,.pnpmfile.cjs,pnpm-workspace.yaml,.nvmrc,.node-version,.python-version,.tool-versions,.mise.toml}',
    '.yarn/**',
    '**/.pnp.{cjs,loader.mjs}',
    '{.github,.gitlab,.circleci,.buildkite,.ci,.woodpecker,.forgejo,.gitea}/**',
    '{.gitlab-ci,.woodpecker,.drone,.travis,.appveyor,appveyor,azure-pipelines*,bitbucket-pipelines,codecov,.codecov}.{yml,yaml}',
    'Jenkinsfile*',
    '{.husky,.githooks,.lefthook}/**',
    '.pre-commit-config.yaml',
    'lefthook.{yml,yaml,toml,json}',
    '**/{.lintstagedrc*,lint-staged.config.*}',
    '**/{.git,.gitattributes,.gitmodules,.gitignore}',
    '**/.git/**',
    '.git-blame-ignore-revs',
    '.singularity/**',
    '**/{.env,.env.*,.envrc}',
    '**/CODEOWNERS',
    '**/*.snap',
    '**/__snapshots__/**',
  ],
  { dot: true },
)

const matchers = new WeakMap<Plan, (path: string) => boolean>()

/** True for the plan's tests, snapshots and runner configuration: what a change must not weaken. */
export function isTestPath(path: string, plan: Plan): boolean {
  let matches = matchers.get(plan)
  if (!matches) {
    const globs = [...new Set(plan.entries.flatMap(({ protectedPaths }) => protectedPaths))]
    matches = globs.length === 0 ? () => false : picomatch(globs, { dot: true })
    matchers.set(plan, matches)
  }
  return matches(path)
}

/** True for what rules and fixers may never touch: tests, runner configuration, lock files, CI, hooks. */
export function isProtectedPath(path: string, plan: Plan): boolean {
  return ALWAYS_PROTECTED(path) || isTestPath(path, plan)
}
