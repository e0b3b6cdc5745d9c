import { SingularityError } from '../kernel/index.ts'
import type { Chunk, QueryVector } from './embedder.ts'
import { PROBES, type SpaceCard, type Unit, calibrate, quantize, unitOf } from './space-card.ts'
import { cosineOf, readCurve } from './vector.ts'

/** A model that makes floating point numbers: where it runs does not matter here. */
export type FloatModel = {
  id: string
  /** null: as many as it makes; the first answer says. */
  dimensions: number | null
  /** Documents are a name and a text; a vector per text, of any length. `unknown`: the model knows nothing of it. */
  vectors(kind: 'query' | 'document', texts: readonly string[]): Promise<{ vector: Float32Array; unknown: boolean }[]>
  /** What is wrong with a vector, as the error of its model. */
  broken(why: string): SingularityError
  close(): Promise<void>
}

/** An embedder whose scale and calibration are measured by `prepare`, or come with the vectors it made before. */
export type FloatEmbedder = {
  id: string
  /** Before anything else: takes what was kept with the vectors, or measures it. @throws EMBEDDING_MISMATCH */
  prepare(kept: SpaceCard | undefined): Promise<SpaceCard>
  embedDocuments(chunks: readonly Chunk[]): Promise<(Int8Array | undefined)[]>
  embedQuery(text: string): Promise<QueryVector>
  similarity(squaredDistance: number): number
  close(): Promise<void>
}

/** Unit vectors, one constant scale, int8: what every model but the bundled one has in common. */
export function createFloatEmbedder(model: FloatModel): FloatEmbedder {
  let card: SpaceCard | undefined
  const prepared = (): SpaceCard => {
    if (card === undefined) throw new SingularityError('INTERNAL', `the space ${model.id} was not prepared`)
    return card
  }

  async function unitVectors(kind: 'query' | 'document', texts: readonly string[]): Promise<{ unit: Unit; unknown: boolean }[]> {
    const made = await model.vectors(kind, texts)
    if (made.length !== texts.length) throw model.broken(`it made ${made.length} vectors of ${texts.length} texts`)
    return made.map(({ vector, unknown }) => {
      const { unit, finite } = unitOf(vector)
      if (!finite) throw model.broken('it made a vector of numbers that are not finite')
      const wanted = card?.dimensions ?? model.dimensions
      if (wanted !== null && wanted !== vector.length)
        throw new SingularityError('EMBEDDING_MISMATCH', `${model.id} made ${vector.length} dimensions instead of ${wanted}.`, {
          hints: ['singularity index --full', 'singularity embedding check'],
        })
      return { unit, unknown }
    })
  }

  return {
    id: model.id,
    async prepare(kept) {
      if (kept !== undefined && model.dimensions !== null && kept.dimensions !== model.dimensions)
        throw new SingularityError(
          'EMBEDDING_MISMATCH',
          `The index has ${kept.dimensions} dimensions for ${model.id}, the model has ${model.dimensions}.`,
          { hints: ['singularity index --full'] },
        )
      if (card !== undefined || kept !== undefined) return (card ??= kept!)
      const [queries, documents] = [await unitVectors('query', PROBES.queries), await unitVectors('document', PROBES.documents)]
      const measured = calibrate(
        queries.map(({ unit }) => unit),
        documents.map(({ unit }) => unit),
      )
      if (measured === undefined) throw model.broken('it makes vectors of zeros')
      return (card = measured)
    },
    async embedDocuments(chunks) {
      const { scale } = prepared()
      const texts = chunks.map(({ name, text }) => (name === '' ? text : `${name}\n${text}`))
      const spoken = texts.flatMap((text, at) => (WORD.test(text) ? [at] : []))
      const made = await unitVectors(
        'document',
        spoken.map((at) => texts[at]!),
      )
      const vectors = Array.from<Int8Array | undefined>({ length: texts.length })
      for (const [place, at] of spoken.entries()) {
        const { unit } = made[place]!
        if (unit !== undefined) vectors[at] = quantize(unit, scale)
      }
      return vectors
    },
    async embedQuery(text) {
      const { scale, dimensions } = prepared()
      if (!WORD.test(text)) return { vector: new Int8Array(dimensions), unknownShare: 1, abstains: true }
      const [made] = await unitVectors('query', [text.slice(0, MOST_QUERY)])
      const abstains = made!.unknown || made!.unit === undefined
      return { vector: abstains ? new Int8Array(dimensions) : quantize(made!.unit!, scale), unknownShare: abstains ? 1 : 0, abstains }
    },
    similarity: (squaredDistance) => readCurve(prepared().calibration, cosineOf(squaredDistance, prepared().scale)),
    close: () => model.close(),
  }
}

const WORD = /[\p{L}\p{N}]/u
/** More of a question says no more, and a model cuts it anyway. */
const MOST_QUERY = 20_000
