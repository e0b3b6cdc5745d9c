import type { Embedder } from '../embedder.ts'
import { loadModel } from '../model.ts'
import { createStaticVectors, type StaticVectors } from '../static-vectors.ts'
import { cosineOf, readCurve } from '../vector.ts'

/** Folder of the model below `templates_data/models` of the package. */
export const BUNDLED_MODEL = 'code-1'

/** The model that came with the program; it also answers at once, without a promise. */
export type BundledEmbedder = Embedder & StaticVectors

/**
 * Opens the model in `folder` (`templates_data/models/<id>` of the package).
 *
 * @throws {SingularityError} MODEL_UNUSABLE
 */
export function openBundledEmbedder(folder: string): BundledEmbedder {
  const model = loadModel(folder)
  const { id, dimensions, scale, calibration } = model.card
  const vectors = createStaticVectors(model)
  return {
    ...vectors,
    id,
    dimensions,
    scale,
    embedDocuments: (chunks) => Promise.resolve(chunks.map((chunk) => vectors.embedDocument(chunk))),
    similarity: (squaredDistance) => readCurve(calibration, cosineOf(squaredDistance, scale)),
    close: () => Promise.resolve(),
  }
}
