import { dirname } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { SingularityError, formatDuration, oneLine } from '../../kernel/index.ts'
import { PeerFailure, startPeer } from '../../process/index.ts'
import { type FloatEmbedder, createFloatEmbedder } from '../float-space.ts'
import type { ModelQuestion, ModelReply } from '../model-child.ts'
import { type ModelFolder, unusable } from '../model-folder.ts'

export type LocalModelOptions = {
  /** The bundled model-child. */
  childFile: string
  /** Where onnxruntime-node and @huggingface/tokenizers are looked for, first one first. */
  runtimeFolders: readonly string[]
  /** Threads of one run. */
  threads: number
  /** Texts of one run; 32. */
  batch: number
  /** Longest time of one run, ms. Loading has as much again, and half a minute. */
  timeoutMs: number
}

const LOAD_MS = 30_000

/**
 * A model of a folder, run by ONNX Runtime in a process of its own: a crash of native code, an endless run or a lack of memory ends
 * that process and is told, never this one.
 */
export function openLocalEmbedder(model: ModelFolder, options: LocalModelOptions): FloatEmbedder {
  const { folder, dimensions } = model
  const { childFile, runtimeFolders, threads, batch, timeoutMs } = options
  const peer = startPeer({ command: process.execPath, args: [childFile], cwd: dirname(childFile), env: {} })
  let opened: Promise<void> | undefined

  async function ask(question: ModelQuestion, limitMs: number): Promise<Exclude<ModelReply, { failed: string }>> {
    let reply: ModelReply
    try {
      reply = deserialize(await peer.ask(serialize(question), limitMs)) as ModelReply
    } catch (error) {
      throw error instanceof PeerFailure ? toldBy(error, folder, limitMs) : error
    }
    if (!('failed' in reply)) return reply
    if (reply.failed === 'runtime')
      throw new SingularityError('RUNTIME_MISSING', `A model of a folder needs its runtime: ${oneLine(reply.why)}.`)
    throw unusable(folder, oneLine(reply.why).slice(0, 400))
  }

  const open = (): Promise<void> => (opened ??= ask({ open: model, runtimeFolders, threads }, timeoutMs + LOAD_MS).then(() => undefined))

  return createFloatEmbedder({
    id: model.id,
    dimensions,
    async vectors(kind, texts) {
      await open()
      const prefix = kind === 'query' ? model.queryPrefix : model.documentPrefix
      const made = Array.from<{ vector: Float32Array; unknown: boolean }>({ length: texts.length })
      // texts of one length side by side: the shorter ones of a run are padded to the longest
      const order = texts.map((_text, at) => at).sort((a, b) => texts[a]!.length - texts[b]!.length || a - b)
      for (let from = 0; from < order.length; from += batch) {
        const part = order.slice(from, from + batch)
        const reply = await ask({ texts: part.map((at) => texts[at]!), prefix, query: kind === 'query' }, timeoutMs)
        if (!('vectors' in reply)) throw unusable(folder, 'it gave no vectors')
        for (const [row, at] of part.entries())
          made[at] = { vector: reply.vectors.subarray(row * dimensions, (row + 1) * dimensions), unknown: reply.unknown[row]! }
      }
      return made
    },
    broken: (why) => unusable(folder, why),
    close: async () => peer.close(),
  })
}

function toldBy({ reason, signal, exitCode, said }: PeerFailure, folder: string, limitMs: number): SingularityError {
  if (reason === 'timeout')
    return unusable(folder, `it took longer than ${formatDuration(limitMs)}`, [
      'singularity config set embedding.timeout 5m',
      'singularity config set embedding.batch 8',
    ])
  const last = oneLine(said.trim().split('\n').at(-1) ?? '').slice(0, 300)
  return unusable(
    folder,
    `the process that runs it ${reason === 'start' ? 'did not start' : `died (${signal ?? `exit ${exitCode}`})`}${last && `: ${last}`}`,
  )
}
