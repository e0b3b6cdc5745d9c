import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What was held against which independent program; docs/metrics.md has the figures. */
export type Verification = {
  languages: Readonly<
    Record<
      string,
      {
        /** Definitions agree with the oracle by name and line, precision and recall at least 97 %. */
        verified: boolean
        /** Figures per profile that an oracle confirms. */
        profiles?: Readonly<Record<string, string>>
      }
    >
  >
}

/** @param folder templates_data */
export function readVerification(folder: string): Verification {
  return JSON.parse(readFileSync(join(folder, 'metrics', 'verified.json'), 'utf8')) as Verification
}
