// Symmetric InfoNCE over bags of tokens: one table of rows, one weight per token for each side, Adam on the rows a batch touches.
import { createArena, createRandom, shuffle, transpose } from './matrix.mjs'

export const DEFAULTS = {
  seed: 20,
  dimensions: 128,
  epochs: 5,
  batch: 1024,
  temperature: 0.08,
  rate: 0.004,
  dropout: 0.5,
  queryDropout: 0.3,
  maskedNames: 0.2,
  run: 512,
}
const BETA1 = 0.9
const BETA2 = 0.999

/**
 * @param pairs {query: Bag, body: Bag, name: Bag, kind, language, repository}[]; `body` is without the name
 * @returns {{rows: Float32Array, queryWeights: Float32Array, documentWeights: Float32Array}}
 */
export function train(pairs, size, idf, options = {}, onEpoch = () => undefined) {
  const o = { ...DEFAULTS, ...options }
  const { dimensions: D, batch: B } = o
  const random = createRandom(o.seed)
  const rows = new Float32Array(size * D)
  for (let at = 0; at < rows.length; at += 2) {
    const radius = Math.sqrt((-2 * Math.log(1 - random())) / D)
    const angle = 2 * Math.PI * random()
    rows[at] = radius * Math.cos(angle)
    rows[at + 1] = radius * Math.sin(angle)
  }
  const queryWeights = Float32Array.from(idf)
  const documentWeights = Float32Array.from(idf)
  const rowAdam = createAdam(rows, D)
  const queryAdam = createAdam(queryWeights, 1)
  const documentAdam = createAdam(documentWeights, 1)
  const { matrix, multiply } = createArena()
  const queries = createSide(B, D, matrix)
  const documents = createSide(B, D, matrix)
  const logits = matrix(B * B)
  const gradient = matrix(B * B)
  const gradientT = matrix(B * B)
  const turned = matrix(B * D)
  const columnSum = new Float64Array(B)

  const batchesOf = (epoch) => planBatches(pairs, B, epoch === 0 ? 1 : o.run, random)
  const perEpoch = planBatches(pairs, B, 1, createRandom(1)).length
  const steps = perEpoch * o.epochs
  let step = 0

  for (let epoch = 0; epoch < o.epochs; epoch += 1) {
    let loss = 0
    let count = 0
    for (const batch of batchesOf(epoch)) {
      step += 1
      queries.clear()
      documents.clear()
      for (const [slot, index] of batch.entries()) {
        const pair = pairs[index]
        const masked = pair.kind === 'name' || random() < o.maskedNames
        queries.fill(slot, [[pair.query, 1]], o.queryDropout, random)
        documents.fill(
          slot,
          masked
            ? [[pair.body, 1]]
            : [
                [pair.body, 1],
                [pair.name, 3],
              ],
          o.dropout,
          random,
        )
      }
      queries.forward(rows, queryWeights)
      documents.forward(rows, documentWeights)
      multiply(queries.unit, documents.unit, logits, B, B, D)
      loss += contrast(logits, gradient, columnSum, B, o.temperature)
      count += 1
      transpose(documents.unit, turned, B, D)
      multiply(gradient, turned, queries.gradient, B, D, B)
      transpose(gradient, gradientT, B, B)
      transpose(queries.unit, turned, B, D)
      multiply(gradientT, turned, documents.gradient, B, D, B)
      queries.backward(rows, queryWeights, rowAdam, queryAdam)
      documents.backward(rows, documentWeights, rowAdam, documentAdam)
      const rate = o.rate * Math.min(1, step / 100) * 0.5 * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))
      rowAdam.update(rate, step)
      queryAdam.update(rate, step)
      documentAdam.update(rate, step)
    }
    onEpoch(epoch, loss / count, { rows, queryWeights, documentWeights })
  }
  return { rows, queryWeights, documentWeights }
}

/** Full batches of one language each. With `run` > 1 neighbours come from one repository: they are the hard negatives. */
function planBatches(pairs, size, run, random) {
  const byLanguage = new Map()
  for (const [index, { language }] of pairs.entries()) (byLanguage.get(language) ?? byLanguage.set(language, []).get(language)).push(index)
  const batches = []
  for (const indexes of byLanguage.values()) {
    const order = run === 1 ? shuffle(indexes, random) : inRuns(pairs, shuffle(indexes, random), run, random)
    for (let at = 0; at + size <= order.length; at += size) batches.push(order.slice(at, at + size))
  }
  return shuffle(batches, random)
}

function inRuns(pairs, indexes, run, random) {
  const byRepository = new Map()
  for (const index of indexes) {
    const { repository } = pairs[index]
    ;(byRepository.get(repository) ?? byRepository.set(repository, []).get(repository)).push(index)
  }
  const runs = []
  for (const list of byRepository.values()) for (let at = 0; at < list.length; at += run) runs.push(list.slice(at, at + run))
  return shuffle(runs, random).flat()
}

/** Loss and its gradient by the logits, over rows and columns. */
function contrast(logits, gradient, columnSum, B, temperature) {
  columnSum.fill(0)
  let loss = 0
  // cosines are at most 1: subtracting 1/T instead of the greatest value keeps every exponential in range
  for (let i = 0; i < B; i += 1) {
    let rowSum = 0
    for (let j = 0; j < B; j += 1) {
      const e = Math.exp((logits[i * B + j] - 1) / temperature)
      gradient[i * B + j] = e
      rowSum += e
      columnSum[j] += e
    }
    logits[i * B + i] = (logits[i * B + i] - 1) / temperature
    loss -= logits[i * B + i] - Math.log(rowSum)
    rowSums[i] = 1 / rowSum
  }
  for (let j = 0; j < B; j += 1) {
    loss -= logits[j * B + j] - Math.log(columnSum[j])
    columnSum[j] = 1 / columnSum[j]
  }
  const factor = 1 / (2 * B * temperature)
  for (let i = 0; i < B; i += 1) {
    for (let j = 0; j < B; j += 1) gradient[i * B + j] *= (rowSums[i] + columnSum[j]) * factor
    gradient[i * B + i] -= 2 * factor
  }
  return loss / (2 * B)
}
const rowSums = new Float64Array(4096)

/** One side of a batch: its bags, sums, unit vectors and gradients. */
function createSide(B, D, matrix) {
  const starts = new Int32Array(B + 1)
  let ids = new Int32Array(1 << 18)
  let values = new Float64Array(1 << 18)
  let used = 0
  const sums = new Float64Array(B * D)
  const norms = new Float64Array(B)
  const unit = matrix(B * D)
  const gradient = matrix(B * D)
  const merged = new Map()

  return {
    unit,
    gradient,
    clear() {
      used = 0
    },
    fill(slot, bags, dropout, random) {
      merged.clear()
      for (const [bag, times] of bags) {
        for (let at = 0; at < bag.ids.length; at += 1) merged.set(bag.ids[at], (merged.get(bag.ids[at]) ?? 0) + times * bag.counts[at])
      }
      starts[slot] = used
      const first = used
      for (const [id, count] of merged) {
        if (random() < dropout) continue
        if (used === ids.length) {
          ids = grown(ids)
          values = grown(values)
        }
        ids[used] = id
        values[used++] = Math.log(1 + count)
      }
      if (used === first) {
        // never an empty bag
        const [id, count] = merged.entries().next().value ?? [0, 1]
        ids[used] = id
        values[used++] = Math.log(1 + count)
      }
      starts[slot + 1] = used
    },
    forward(rows, weights) {
      sums.fill(0)
      for (let slot = 0; slot < B; slot += 1) {
        const out = slot * D
        for (let at = starts[slot]; at < starts[slot + 1]; at += 1) {
          const factor = values[at] * weights[ids[at]]
          const row = ids[at] * D
          for (let d = 0; d < D; d += 1) sums[out + d] += factor * rows[row + d]
        }
        let square = 0
        for (let d = 0; d < D; d += 1) square += sums[out + d] * sums[out + d]
        norms[slot] = Math.sqrt(square) + 1e-9
        for (let d = 0; d < D; d += 1) unit[out + d] = sums[out + d] / norms[slot]
      }
    },
    backward(rows, weights, rowAdam, weightAdam) {
      const inner = new Float64Array(D)
      for (let slot = 0; slot < B; slot += 1) {
        const out = slot * D
        let along = 0
        for (let d = 0; d < D; d += 1) along += gradient[out + d] * unit[out + d]
        for (let d = 0; d < D; d += 1) inner[d] = (gradient[out + d] - along * unit[out + d]) / norms[slot]
        for (let at = starts[slot]; at < starts[slot + 1]; at += 1) {
          const id = ids[at]
          const row = id * D
          const factor = values[at] * weights[id]
          const target = rowAdam.touch(id)
          let product = 0
          for (let d = 0; d < D; d += 1) {
            product += inner[d] * rows[row + d]
            target[row + d] += factor * inner[d]
          }
          weightAdam.touch(id)[id] += values[at] * product
        }
      }
    },
  }
}

function grown(list) {
  const larger = new list.constructor(list.length * 2)
  larger.set(list)
  return larger
}

/** Adam (Kingma, Ba 2015) on the rows that have a gradient; the others rest. */
function createAdam(parameters, width) {
  const gradient = new Float32Array(parameters.length)
  const first = new Float32Array(parameters.length)
  const second = new Float32Array(parameters.length)
  const isTouched = new Uint8Array(parameters.length / width)
  const touched = []
  return {
    touch(row) {
      if (isTouched[row] === 0) {
        isTouched[row] = 1
        touched.push(row)
      }
      return gradient
    },
    update(rate, step) {
      const scale = (rate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step)
      for (const row of touched) {
        for (let at = row * width; at < (row + 1) * width; at += 1) {
          const g = gradient[at]
          first[at] = BETA1 * first[at] + (1 - BETA1) * g
          second[at] = BETA2 * second[at] + (1 - BETA2) * g * g
          parameters[at] -= (scale * first[at]) / (Math.sqrt(second[at]) + 1e-9)
          gradient[at] = 0
        }
        isTouched[row] = 0
      }
      touched.length = 0
    },
  }
}
