import type { SecretInfo } from '../../core/llm/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

const COLORS = { ok: 'green', expires_soon: 'yellow', expired: 'red' } as const
const day = (time: string | null): string => time?.slice(0, 10) ?? ''

/** Names, places and dates; there is no way to print a value. */
export function presentSecrets(secrets: readonly SecretInfo[]): string {
  if (secrets.length === 0) return `No key is stored or in the environment.\n  ${paint('cyan', 'singularity secrets set OPENAI_API_KEY')}`
  return table(
    secrets.map(({ name, store, set_at, rotated_at, expires_at, state }) => [
      state.replace('_', ' '),
      name,
      store,
      expires_at === null ? `since ${day(rotated_at ?? set_at) || 'this session'}` : `until ${day(expires_at)}`,
    ]),
    { grow: 3, paint: (row, column, text) => (column === 0 ? paint(COLORS[secrets[row]!.state], text) : text) },
  )
}
