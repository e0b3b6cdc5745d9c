import { existsSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { applyEdits, modify } from 'jsonc-parser'
import { type Clock, diskRefusal, isoTime, makeFolder } from '../kernel/index.ts'
import { type PriceChange, type PriceList, type PricePlan, planPrices, readPriceList } from './prices.ts'
import type { RoutingSource } from './routing-table.ts'

const FORMAT = { formattingOptions: { insertSpaces: true, tabSize: 2, eol: '\n' } }

export type PriceImport = PricePlan & {
  file: string
  format: PriceList['format']
  /** The day the table's prices are of afterwards; null: some model of a route was not in the file, so the old day stays. */
  as_of: string | null
}

/** Prices of a file against those of the table; `apply` writes what `plan` has shown. */
export type Prices = {
  /** @throws REQUEST_INVALID, CONFIG_INVALID */
  plan(text: string): PriceImport
  /** @throws READ_ONLY, DISK_FULL */
  apply(planned: PriceImport): void
}

export function createPrices({ routing, clock, userFile }: { routing: RoutingSource; clock: Clock; userFile: string }): Prices {
  const today = (): string => isoTime(clock).slice(0, 10)
  return {
    plan(text) {
      const table = routing.table()
      const list = readPriceList(text, today())
      const plan = planPrices(table, list)
      const routed = new Set(Object.values(table.routes).flatMap(({ models }) => models))
      const isWhole = !plan.unmatched.some((name) => routed.has(name)) && plan.changes.length + plan.unchanged.length > 0
      return { file: userFile, format: list.format, ...plan, as_of: isWhole ? today() : null }
    },
    apply: ({ changes, format, as_of: asOf }) =>
      writePrices(userFile, { changes, source: format === 'own' ? 'imported' : format, checked: today(), asOf }),
  }
}

type PriceEntry = { changes: readonly PriceChange[]; source: string; /** 'YYYY-MM-DD' */ checked: string; asOf: string | null }

/**
 * Writes prices into the user's llm.json: comments and everything else stay, nobody reads half of it, a link stays a link.
 * @throws READ_ONLY, DISK_FULL
 */
function writePrices(userFile: string, { changes, source, checked, asOf }: PriceEntry): void {
  try {
    const file = existsSync(userFile) ? realpathSync(userFile) : userFile
    let text = existsSync(file) ? readFileSync(file, 'utf8') : '{}\n'
    if (text.trim() === '') text = '{}\n'
    const put = (path: string[], value: unknown): void => void (text = applyEdits(text, modify(text, path, value, FORMAT)))
    for (const { model, after } of changes) {
      put(['models', model, 'usd_per_mtok'], after)
      put(['models', model, 'price_source'], source)
      put(['models', model, 'price_checked'], checked)
    }
    if (asOf !== null) put(['as_of'], asOf)
    makeFolder(dirname(file))
    const temporary = `${file}.${process.pid}`
    writeFileSync(temporary, text, { mode: existsSync(file) ? statSync(file).mode & 0o777 : 0o600 })
    renameSync(temporary, file)
  } catch (error) {
    throw diskRefusal(error, userFile) ?? error
  }
}
