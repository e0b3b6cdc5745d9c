import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { ImproveOutcome, ImproveRequest, Patience } from '../../core/improvement/index.ts'
import { type ExitCode, SingularityError, parseDuration, strongestExit } from '../../core/kernel/index.ts'
import { presentDetachedRun } from '../_present/queue.ts'
import { presentRun } from '../_present/run.ts'
import { askForCandidates, askPerson } from './ask.ts'
import { BaseCommand, OFFLINE_FLAG, settingsOf } from './base.ts'
import { assertWritable, attemptSummary, writeSummary } from './summary-file.ts'
import { GOAL_FLAGS, type GoalFlags, readGoal, timeLimitOf } from './goal-flags.ts'
import { durationOf } from './values.ts'
import { watchWork } from './watch.ts'
import { Args, Flags } from './oclif.ts'

const env = (name: string): string => `SINGULARITY_${name.toUpperCase().replaceAll('-', '_')}`

/** The flags of `improve` and `look`, and how they become one request. */
export default abstract class ImproveBase extends BaseCommand {
  static paths = { paths: Args.string({ description: 'Files or folders to keep to; everything when none is named.' }) }

  static lookFlags = {
    source: Flags.option({ options: ['rules', 'fixers'] as const, multiple: true, multipleNonGreedy: true })({
      description: 'Where candidates come from; both when none is named.',
      env: env('source'),
    }),
    rule: Flags.string({ description: 'Only this rule (may be repeated).', multiple: true, multipleNonGreedy: true, env: env('rule') }),
    test: Flags.string({ description: 'Test command, instead of the detected one.', env: env('test') }),
    base: Flags.string({ description: 'Commit to work from; default HEAD.', env: env('base') }),
    max: Flags.integer({ description: 'Most candidates to prove.', default: 10, min: 1, env: env('max') }),
    'time-limit': Flags.string({
      description: 'Counted after the baseline; at least one validation is made (default 15m; 1h with --goal).',
      env: env('time-limit'),
    }),
    isolation: Flags.option({ options: ['auto', 'bubblewrap', 'seatbelt', 'none'] as const, default: 'auto' as const })({
      description: 'How untrusted code is kept in.',
      env: env('isolation'),
    }),
    retry: Flags.boolean({
      description: 'Offer again what was declined, rolled back or found before; measure the baseline anew.',
      env: env('retry'),
    }),
    ...OFFLINE_FLAG,
  }

  static improveFlags = {
    ...ImproveBase.lookFlags,
    patch: Flags.string({
      description: 'A `git diff` to judge; - reads standard input.',
      exclusive: ['branch', 'exec', 'source', 'rule'],
      env: env('patch'),
    }),
    branch: Flags.string({ description: 'A branch to judge.', exclusive: ['patch', 'exec', 'source', 'rule'], env: env('branch') }),
    exec: Flags.string({
      description: 'A program that edits the sandbox; what it changed is judged.',
      exclusive: ['patch', 'branch', 'source', 'rule'],
      env: env('exec'),
    }),
    'exec-net': Flags.boolean({ description: 'Network for the edit phase of --exec.', dependsOn: ['exec'], env: env('exec-net') }),
    'exec-env': Flags.string({
      description: 'Variable handed to the edit phase.',
      multiple: true,
      multipleNonGreedy: true,
      dependsOn: ['exec'],
      env: env('exec-env'),
    }),
    'exec-bind': Flags.string({
      description: 'Folder opened for the edit phase.',
      multiple: true,
      multipleNonGreedy: true,
      dependsOn: ['exec'],
      env: env('exec-bind'),
    }),
    ...GOAL_FLAGS,
    metric: Flags.string({
      description: "A metric of your own: 'NAME[unit,lower|higher]=COMMAND'.",
      multiple: true,
      multipleNonGreedy: true,
      env: env('metric'),
    }),
    into: Flags.string({ description: "Branch to land on; 'current' for the one checked out.", exclusive: ['propose'], env: env('into') }),
    propose: Flags.boolean({ description: 'Land on a new branch singularity/RUN.', env: env('propose') }),
    summary: Flags.string({ description: 'Write a Markdown body for a pull request.', env: env('summary') }),
    'fail-on': Flags.option({ options: ['rolled_back', 'undecided'] as const, multiple: true, multipleNonGreedy: true })({
      description: 'Exit 1 when a candidate ends so.',
      env: env('fail-on'),
    }),
    yes: Flags.boolean({ char: 'y', description: 'Approve what the evidence keeps, up to approvals.autoRisk.', env: env('yes') }),
    'dry-run': Flags.boolean({ description: 'Prove, decide nothing.', env: env('dry-run') }),
    detach: Flags.boolean({
      description: 'Put the run into the queue for a worker, and print its id.',
      exclusive: ['summary', 'wait'],
      env: env('detach'),
    }),
    wait: Flags.string({
      description: 'Wait so long for answers and decisions of others: another terminal, a message.',
      env: env('wait'),
    }),
  }

  /** Runs the main job and presents what came of it. */
  protected async improve(paths: readonly string[], flags: ParsedFlags): Promise<void> {
    this.common(flags)
    const request = await toRequest(paths, flags)
    if (request.summary !== null) assertWritable(request.summary)
    const app = await this.app(settingsOf(flags))
    if (flags.detach) {
      const detached = await app.detachJob.improve(request)
      this.answer(detached, detached.id)
      return this.say(presentDetachedRun(detached), flags)
    }
    const service = await app.improvement()
    let interrupted = false
    const mayAsk = this.mayAsk({ input: flags.input, json: flags.json })
    const waitMs = flags.wait === undefined ? 0 : durationOf('wait', flags.wait)
    let outcome = await watchWork(flags, { polite: true }, async ({ observe, hard, soft, ended, aside }) => {
      const ask: Patience['ask'] = (question, signal) => aside(() => askPerson(question, signal))
      try {
        return await service.improve(request, observe, hard, soft, { waitMs, ...(mayAsk && { ask }) })
      } finally {
        this.terminated = ended.by === 'SIGTERM'
        interrupted = ended.by === 'SIGINT'
      }
    })
    outcome = { ...outcome, exitCode: this.exitCodeOf(outcome.exitCode) as ImproveOutcome['exitCode'] }
    const asks = !outcome.failure && mayAsk
    if (asks && !request.look && !request.dryRun && !request.yes && !interrupted) {
      process.stdout.write(presentRun(outcome.data, request.look))
      outcome = await askForCandidates(service, outcome)
      if (request.summary !== null) writeSummary(request.summary, outcome.data)
      process.exitCode = outcome.exitCode
      return
    }
    if (outcome.failure && !this.isJson) {
      process.stdout.write(presentRun(outcome.data, request.look))
      throw outcome.failure
    }
    if (!this.isJson || request.summary === null) {
      this.answer(outcome.data, presentRun(outcome.data, request.look), outcome.exitCode)
      if (request.summary !== null) writeSummary(request.summary, outcome.data)
      return
    }
    // Machines get one envelope: what was decided, with the refusal among its notes and in the exit code.
    const refused = attemptSummary(request.summary, outcome.data)
    const { notes } = outcome.data
    const data = refused ? { ...outcome.data, notes: [...notes, `${refused.code}: ${refused.message}`] } : outcome.data
    this.answer(data, '', refused ? strongestExit([refused.exitCode, outcome.exitCode as ExitCode]) : outcome.exitCode)
  }
}

type ParsedFlags = GoalFlags & {
  color: 'auto' | 'always' | 'never'
  input: boolean
  json?: boolean | undefined
  quiet?: boolean | undefined
  look: boolean
  source?: ('rules' | 'fixers')[] | undefined
  rule?: string[] | undefined
  test?: string | undefined
  base?: string | undefined
  max: number
  'time-limit'?: string | undefined
  isolation: ImproveRequest['isolation']
  retry?: boolean
  offline?: boolean
  patch?: string | undefined
  branch?: string | undefined
  exec?: string | undefined
  'exec-net'?: boolean
  'exec-env'?: string[] | undefined
  'exec-bind'?: string[] | undefined
  metric?: string[] | undefined
  into?: string | undefined
  propose?: boolean
  summary?: string | undefined
  'fail-on'?: ('rolled_back' | 'undecided')[] | undefined
  yes?: boolean
  'dry-run'?: boolean
  detach?: boolean
  wait?: string | undefined
}

async function toRequest(paths: readonly string[], flags: ParsedFlags): Promise<ImproveRequest> {
  const timeLimit = timeLimitOf(flags)
  const timeLimitMs = parseDuration(timeLimit)
  if (timeLimitMs === undefined)
    throw new SingularityError('USAGE', `--time-limit ${timeLimit} is not a duration.`, {
      hints: ['singularity improve --time-limit 15m'],
    })
  for (const name of ['test', 'exec', 'branch', 'base', 'into', 'patch', 'summary'] as const)
    if (flags[name]?.trim() === '') throw new SingularityError('USAGE', `--${name} is empty.`)
  if (flags.detach && flags['exec-env']?.some((text) => text.includes('=')))
    throw new SingularityError('USAGE', '--detach stores no values of variables: name them in --exec-env, the worker has to have them.')
  if (flags['exec-net'] && flags.offline) throw new SingularityError('USAGE', '--exec-net and --offline contradict each other.')
  return {
    paths: [...paths],
    sources: flags.source ?? [],
    rules: flags.rule ?? [],
    patch: flags.patch === undefined ? null : { name: flags.patch, bytes: await readPatch(flags.patch) },
    branch: flags.branch ?? null,
    exec:
      flags.exec === undefined
        ? null
        : {
            command: flags.exec,
            net: flags['exec-net'] ?? false,
            env: (flags['exec-env'] ?? []).map(variable),
            binds: (flags['exec-bind'] ?? []).map((path) => resolve(path)),
          },
    ...readGoal(flags),
    test: flags.test ?? null,
    metrics: flags.metric ?? [],
    base: flags.base ?? null,
    into: flags.into ?? null,
    propose: flags.propose ?? false,
    summary: flags.summary ?? null,
    max: flags.max,
    timeLimitMs,
    isolation: flags.isolation,
    retry: flags.retry ?? false,
    failOn: flags['fail-on'] ?? [],
    yes: flags.yes ?? false,
    dryRun: flags['dry-run'] ?? false,
    offline: flags.offline ?? false,
    look: flags.look,
  }
}

/** `NAME` takes the value from the caller's environment, `NAME=VALUE` sets it. */
function variable(text: string): string {
  if (text.includes('=')) return text
  const value = process.env[text]
  if (value === undefined) throw new SingularityError('USAGE', `--exec-env ${text}: there is no such variable.`)
  return `${text}=${value}`
}

/** A pipe that has nothing yet answers a synchronous read with EAGAIN: standard input is read as a stream. */
async function readPatch(name: string): Promise<Buffer> {
  try {
    return name === '-' ? await buffer(process.stdin) : readFileSync(name)
  } catch (error) {
    throw new SingularityError('USAGE', `The patch ${name} cannot be read.`, { cause: error, hints: ['git diff > my.patch'] })
  }
}
