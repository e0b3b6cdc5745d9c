import { SingularityError } from '../../kernel/index.ts'
import type { Isolation, IsolationKind, IsolationRequest } from '../isolation.ts'
import { createBubblewrap } from './bubblewrap.ts'
import type { IsolationDeps } from './deps.ts'
import { createNone } from './none.ts'
import { createSeatbelt } from './seatbelt.ts'

/** One isolation by name. */
export function createIsolation(kind: IsolationKind, deps: IsolationDeps): Isolation {
  if (kind === 'bubblewrap') return createBubblewrap(deps)
  if (kind === 'seatbelt') return createSeatbelt(deps)
  return createNone(deps)
}

export type SelectedIsolation = {
  isolation: Isolation
  /** Why there is no jail: the person spelled it out, or has once consented to run his own tests. */
  without: 'spelled_out' | 'consent' | null
}

export type SelectionOptions = {
  requested: IsolationRequest
  /** `foreign`: patches, branches, --exec and models. `own-tests`: rules and fixers run what the person runs every day. */
  purpose: 'own-tests' | 'foreign'
  /** The recorded consent `isolation.trustOwnTests`. */
  consent: boolean
  platform: NodeJS.Platform
}

/**
 * Chooses the isolation of a run. `auto` takes the platform's jail; without one only the person's own tests may run,
 * and only under his recorded consent.
 * @throws ISOLATION_MISSING with what to install
 */
export async function selectIsolation(options: SelectionOptions, create: (kind: IsolationKind) => Isolation): Promise<SelectedIsolation> {
  const { requested } = options
  if (requested === 'none') return { isolation: create('none'), without: 'spelled_out' }
  const kind = requested === 'auto' ? (options.platform === 'darwin' ? 'seatbelt' : 'bubblewrap') : requested
  const jail = create(kind)
  const probe = await jail.probe()
  if (probe.available) return { isolation: jail, without: null }
  if (requested === 'auto' && options.purpose === 'own-tests' && options.consent) return { isolation: create('none'), without: 'consent' }
  const choices =
    options.purpose === 'own-tests'
      ? ['singularity config set isolation.trustOwnTests true   # your own tests, without a jail, from now on']
      : ['singularity improve --isolation none ...   # without a jail; a person must approve the result']
  throw new SingularityError('ISOLATION_MISSING', `The code cannot be run in a jail: ${probe.detail}.`, {
    hints: [...probe.fix, ...choices],
    data: { kind, detail: probe.detail },
  })
}
