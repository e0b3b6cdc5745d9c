import type { Claim } from './expression.ts'
import type { Node } from './syntax.ts'
import type { TestState } from './tables.ts'

/** A test or suite at a node. `shell` are header parts in which code may stand that is neither. */
export type Found = {
  role: 'test' | 'suite'
  name: string
  state: TestState
  rows: readonly string[]
  node: Node
  body: Node | null
  shell: readonly Node[]
  /** Tokens in front of the node that belong to it (attributes, decorators). */
  header: readonly string[]
  /** What its header itself demands (`#[should_panic]`). */
  claims: readonly Claim[]
}

export const asState = (text: string | undefined): TestState => (text ?? 'run') as TestState

export function found(part: Partial<Found> & Pick<Found, 'role' | 'name' | 'node' | 'body'>): Found {
  return { state: 'run', rows: [], shell: [], header: [], claims: [], ...part }
}
