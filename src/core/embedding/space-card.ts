import type { Curve } from './vector.ts'

/** What makes numbers of a model comparable and readable; measured once, then kept with the vectors. */
export type SpaceCard = {
  dimensions: number
  /** Unit vectors are multiplied by this one number, then rounded to int8. */
  scale: number
  /** Cosine -> similarity in [0, 1]. */
  calibration: Curve
}

/** Questions with a piece of code each that answers them, for models that come without a calibration. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['read a configuration file', 'function readConfig(path) {\n  return JSON.parse(readFileSync(path, "utf8"))\n}'],
  ['sort entries by date', 'def sort_by_date(entries):\n    return sorted(entries, key=lambda entry: entry.date)'],
  ['send an email message', 'async function sendMail(to, subject, body) {\n  await smtp.send({ to, subject, body })\n}'],
  ['wait longer after each failed attempt', 'def backoff(attempt):\n    time.sleep(min(60, 2 ** attempt))'],
  ['parse a date from text', 'func parseDate(text string) (time.Time, error) {\n\treturn time.Parse("2006-01-02", text)\n}'],
  ['open a connection to the database', 'fn connect(url: &str) -> Result<Connection> {\n    Connection::open(url)\n}'],
  ['remove a user account', 'public void deleteUser(long id) {\n    users.remove(id);\n    audit.log("deleted", id);\n}'],
  ['compute the distance of two points', 'double distance(Point a, Point b) { return hypot(a.x - b.x, a.y - b.y); }'],
  ['check whether a password is correct', 'function verifyPassword(user, password) {\n  return compare(hash(password), user.hash)\n}'],
  ['split a string at commas', 'let fields = line.split(",").map((field) => field.trim())'],
  [
    'compress a folder to an archive',
    'def archive(folder):\n    with tarfile.open(folder + ".tgz", "w:gz") as tar:\n        tar.add(folder)',
  ],
  ['draw a circle on the canvas', 'context.arc(x, y, radius, 0, 2 * Math.PI)\ncontext.stroke()'],
]
/** Nothing of code: what they are near to is chance. */
const ELSEWHERE: readonly string[] = [
  'how long do potatoes have to boil',
  'the best beaches in the south of Portugal',
  'my grandmother was born in a small village',
  'is it going to rain tomorrow afternoon',
  'a recipe for apple pie with cinnamon',
  'which shoes go with a grey suit',
  'the band played until midnight',
  'feeding a cat that is fourteen years old',
]

/** The texts a model is measured with: questions first, then pieces of code. */
export const PROBES = { queries: [...PAIRS.map(([query]) => query), ...ELSEWHERE], documents: PAIRS.map(([, code]) => code) } as const

/** The best of a thousand chance pairs reaches this many standard deviations over the mean once in twenty times (normal distribution). */
const CHANCE_DEVIATIONS = 3.88
/** Room for components larger than any seen. */
const HEADROOM = 1.25

/**
 * Scale and calibration of a model, from unit vectors of the probes. 0.7, the floor of search, is the cosine that the best of 1,000
 * chance pieces reaches for one in twenty questions, but never above what a right pair has at the median. Undefined where it makes no vectors of them.
 */
export function calibrate(queries: readonly Unit[], documents: readonly Unit[]): SpaceCard | undefined {
  const all = [...queries, ...documents].filter((vector) => vector !== undefined)
  const largest = Math.max(...all.map((vector) => vector.reduce((most, each) => Math.max(most, Math.abs(each)), 0)))
  const right = documents.flatMap((document, at) => cosine(queries[at], document) ?? []).sort((a, b) => a - b)
  const chance = queries.slice(documents.length).flatMap((query) => documents.flatMap((document) => cosine(query, document) ?? []))
  if (right.length === 0 || chance.length === 0) return undefined
  const mean = chance.reduce((sum, each) => sum + each, 0) / chance.length
  const deviation = Math.sqrt(chance.reduce((sum, each) => sum + (each - mean) ** 2, 0) / chance.length)
  const middle = right[right.length >> 1]!
  const floor = Math.max(mean + 0.01, Math.min(mean + CHANCE_DEVIATIONS * deviation, middle))
  const knots: [number, number][] = [
    [-1, 0],
    [mean, 0.3],
    [floor, 0.7],
    [Math.max(right.at(-1)!, floor), 0.95],
    [1, 1],
  ]
  return {
    dimensions: all[0]!.length,
    // two digits: the same model on another machine differs in the last bits
    scale: Math.max(1, Number((127 / (largest * HEADROOM)).toPrecision(2))),
    calibration: ascending(knots).map(([x, y]) => [Number(x.toFixed(4)), y] as const),
  }
}

/** Knots that do not rise are left out, the last one never. */
function ascending(knots: readonly [number, number][]): [number, number][] {
  const last = knots.at(-1)!
  const kept: [number, number][] = []
  for (const knot of knots.slice(0, -1)) if (knot[0] > (kept.at(-1)?.[0] ?? -Infinity) + 0.001 && knot[0] < last[0] - 0.001) kept.push(knot)
  return [...kept, last]
}

function cosine(a: Unit, b: Unit): number | undefined {
  return a && b && a.reduce((sum, each, at) => sum + each * b[at]!, 0)
}

/** A vector of length 1; undefined for a text of which a model makes only zeros. */
export type Unit = Float32Array | undefined

/** A vector brought to length 1. Numbers that are not finite give an infinite or no length. */
export function unitOf(vector: Float32Array): { unit: Unit; finite: boolean } {
  let square = 0
  for (const each of vector) square += each * each
  const finite = Number.isFinite(square)
  return { finite, unit: finite && square > 0 ? vector.map((each) => each / Math.sqrt(square)) : undefined }
}

/** A unit vector as int8. */
export function quantize(unit: Float32Array, scale: number): Int8Array {
  return Int8Array.from(unit, (each) => Math.max(-127, Math.min(127, Math.round(each * scale))))
}
