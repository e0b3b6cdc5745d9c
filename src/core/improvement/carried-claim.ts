import { SingularityError, parseJson } from '../kernel/index.ts'
import { type DecisionPolicy, decideVerdict, isTestPath } from '../validation/index.ts'
import { checkContract } from './contract.ts'
import { planAt } from './open.ts'
import { rejects } from './prepare.ts'
import type { ImprovementDeps } from './session.ts'
import type { CandidateEvidence } from './store.ts'

type Row = Readonly<Record<string, string | number | null>>

/** Whether a path of the base belongs to its tests, by the plan of the base. */
export async function testPathsOf(deps: ImprovementDeps, base: string): Promise<(path: string) => boolean> {
  const plan = await planAt(deps, base, { prefix: '', test: null })
  return (path) => isTestPath(path, plan)
}

/**
 * What can be checked here of a claim that came from another clone, without running anything: the verdict follows from
 * the evidence, and the evidence does not hide what the diff does to tests, interfaces and privileged files. That the
 * tests ran as it says cannot be checked; a person reads it as the word of that clone.
 * @returns the files of the diff and whether a person has to read it closely
 * @throws RECORD_INVALID when the claim and the diff contradict each other
 */
export async function checkClaim(
  { git, facts: readers }: ImprovementDeps,
  {
    base,
    commit,
    row,
    isTestFile,
    policy,
  }: { base: string; commit: string; row: Row; isTestFile: (path: string) => boolean; policy: DecisionPolicy },
): Promise<{ files: string[]; isDelicate: boolean }> {
  const lie = (what: string): SingularityError =>
    new SingularityError('RECORD_INVALID', `What the folder says of candidate ${String(row['id'])} is not so: ${what}.`, {
      hints: ['Export the run again where it was made, or judge the change here: singularity improve --branch COMMIT'],
    })
  const evidence = parseJson(String(row['evidence'])) as CandidateEvidence | undefined
  const proof = evidence?.proof
  if (!evidence || !proof) throw lie('it has a verdict without evidence')
  const baseTestFiles = (await git.reader(base).entries()).map(({ path }) => path).filter(isTestFile)
  const report = await checkContract({
    git,
    base,
    commit,
    scope: '',
    explicit: evidence.explicit,
    isTestFile,
    baseTestFiles,
    facts: readers,
  })
  const facts = {
    testsTouched: report.weakening.weakened.some(({ proven }) => !proven),
    addedTestsOnly: report.weakening.touched && report.weakening.addedOnly,
  }
  if (rejects(report) && row['verdict'] !== 'roll_back') throw lie('its diff alone is reason to roll it back')
  if (facts.testsTouched && row['verdict'] === 'keep') throw lie('its diff edits tests')
  const { verdict } = decideVerdict(proof, policy, facts)
  const rank = { keep: 2, cannot_decide: 1, roll_back: 0 } as const
  const claimed = rank[String(row['verdict']) as keyof typeof rank] as number | undefined
  if (claimed === undefined || (verdict !== null && claimed > rank[verdict]) || (verdict === null && claimed > 0))
    throw lie(`from its evidence follows ${verdict ?? 'no verdict'}, not ${String(row['verdict'])}`)
  const isDelicate = facts.testsTouched || facts.addedTestsOnly || report.findings.some(({ privileged }) => privileged === true)
  return { files: report.changed.flatMap(({ path, oldPath }) => (oldPath === null ? [path] : [oldPath, path])), isDelicate }
}
