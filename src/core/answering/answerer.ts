import type { Git, TreeReader } from '../git/index.ts'
import type { Complexity } from '../queue/index.ts'

/** What answerers may look at: the commit that is checked out, never a file that is not committed. */
export type RepositoryFacts = {
  git: Git
  /** Of the commit `head`. */
  reader: TreeReader
  head: string
  /** The top of the working tree, and the folder below it the user stands in ('' at the top). */
  root: string
  prefix: string
  /** The settings plan.test and plan.build. */
  plan(): Promise<{ test: string | null; build: string | null }>
  /** The routing table's word for a task type; undefined where the table does not name it. */
  complexityOf(taskType: string): Promise<Complexity | undefined>
}

export type Fact = {
  /** For people. */
  text: string
  /** For programs. */
  value: unknown
  /** Where it stands. */
  origin: string
}

/** Named parts of the question: `path`, `name`, ... */
export type Slots = Readonly<Record<string, string | undefined>>

/** Answers, or says by `undefined` that the repository does not tell. Pure: reads facts, changes nothing. */
export type AnswerFact = (slots: Slots, facts: RepositoryFacts) => Promise<Fact | undefined>

/**
 * One rule of the first tier. A `deterministic` one reads a fact and is validated by its examples (templates_data/answering); a `learned`
 * one guesses, works in shadow, and answers only while the lower bound of its record is above the threshold.
 */
export type Answerer = {
  id: string
  kind: 'deterministic' | 'learned'
  /** The parts of a question of exactly this kind, else undefined. */
  match(question: string): Slots | undefined
  answer: AnswerFact
  /** Examples it was tested with. */
  examples: number
}
