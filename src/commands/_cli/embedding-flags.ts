import type { App, AppContext } from '../../core/app.ts'
import { confirm } from './confirm.ts'
import { Flags } from './oclif.ts'

/** Which model gives meaning to an index; the environment twins are those of the settings, beside EMBEDDING_MODEL and EMBEDDING_DIMENSIONS. */
export const EMBEDDING_FLAGS = {
  'embedding-model': Flags.string({
    description: 'The folder of an ONNX model, or provider/model; "bundled" for ours.',
    helpValue: 'MODEL',
    env: 'SINGULARITY_EMBEDDING_MODEL',
  }),
  'embedding-dimensions': Flags.integer({
    description: 'How many numbers it has to make of a text.',
    min: 1,
    env: 'SINGULARITY_EMBEDDING_DIMENSIONS',
  }),
}

/** Those flags as settings. One that is not given leaves the setting as it is. */
export function embeddingSettings(flags: {
  'embedding-model'?: string | undefined
  'embedding-dimensions'?: number | undefined
}): NonNullable<AppContext['flags']> {
  const { 'embedding-model': model, 'embedding-dimensions': dimensions } = flags
  return {
    ...(model !== undefined && { 'embedding.model': model }),
    ...(dimensions !== undefined && { 'embedding.dimensions': dimensions }),
  }
}

/** Before the first piece of a repository goes to a host, where a person can be asked; else it is refused with the command that allows it. */
export async function askConsent(embedding: App['embedding'], mayAsk: boolean): Promise<void> {
  const host = mayAsk ? await embedding.awaitsConsent() : null
  if (host === null) return
  const question = `Pieces of this repository (no files of secrets) will be sent to ${host}, which makes vectors of them. Send them?`
  if (await confirm(question)) await embedding.consent(host, { revoke: false })
}
