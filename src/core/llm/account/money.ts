import { type Clock, SingularityError, invariant } from '../../kernel/index.ts'
import type { ProcessIdentity } from '../../process/index.ts'
import type { Violation } from '../../queue/index.ts'
import type { Database } from '../../storage/index.ts'
import type { Account, Cap, CapState, SpendKey } from '../account.ts'
import { periodOf } from './period.ts'
import { SQL } from './sql.ts'

type Money = Pick<
  Account,
  'reserve' | 'calling' | 'settle' | 'release' | 'recover' | 'budget' | 'setCap' | 'userCaps' | 'verify' | 'doubt' | 'confirm'
>
type Phase = 'reserved' | 'calling' | 'settled' | 'released' | 'counted'
type Row = { phase: Phase; bound_nusd: number; spent_nusd: number; balances: string }
type OpenRow = Row & {
  repository: string
  request: string
  token: number
  attempt: number
  pid: number
  pid_start: string
  boot_id: string
}
type Balance = { id: number; spent_nusd: number; reserved_nusd: number }

/** A clock that was set back by less than this does not open an old day again. */
const CLOCK_SLACK_MS = 24 * 3_600_000
const KEEP_MS = 400 * 24 * 3_600_000

const keyOf = ({ repository, request, token, attempt }: SpendKey): [string, string, number, number] => [repository, request, token, attempt]

/** Every change of a sum is in one transaction with the row it comes from. */
export function createMoney(db: Database, clock: Clock): Money {
  db.run(SQL.createLedger, clock.now(), clock.now())
  const ledger = (): { created_at: number; seen_at: number; doubt: string | null } => db.get(SQL.ledger)!

  /** Wall-clock time that does not run backwards for whoever shares the ledger. */
  const ledgerNow = (): number => {
    const [now, { seen_at: seen }] = [clock.now(), ledger()]
    return seen > now && seen - now < CLOCK_SLACK_MS ? seen : now
  }

  const balanceOf = ({ scope, key }: Pick<Cap, 'scope' | 'key'>, now: number): Balance & { period: ReturnType<typeof periodOf> } => {
    const period = periodOf(scope, key, now)
    const found = db.get<Balance>(SQL.balance, scope, period.key, period.period)
    return { ...(found ?? { id: 0, spent_nusd: 0, reserved_nusd: 0 }), period }
  }

  const find = (key: SpendKey): Row => {
    const row = db.get<Row>(SQL.find, ...keyOf(key))
    invariant(row, `nothing is reserved for ${key.request}, attempt ${key.attempt}`)
    return row
  }

  /** Moves a row to another phase, and its sums with it. */
  const move = (key: SpendKey, row: Row, to: Phase, spent: number, source: string | null): void => {
    const held = (phase: Phase): number => (phase === 'reserved' || phase === 'calling' ? row.bound_nusd : 0)
    db.run(SQL.change, held(to) - held(row.phase), spent - row.spent_nusd, row.balances)
    db.run(SQL.setPhase, to, spent, source, ...keyOf(key))
  }

  return {
    reserve(request) {
      const { key, boundNusd, owner } = request
      invariant(Number.isSafeInteger(boundNusd) && boundNusd >= 0, `a reservation of ${boundNusd} is no amount`)
      db.transaction(() => {
        const known = db.get<Row>(SQL.find, ...keyOf(key))
        if (known) {
          invariant(
            known.phase === 'reserved' && known.bound_nusd === boundNusd,
            `${key.request}, attempt ${key.attempt} is reserved already`,
          )
          return
        }
        const { doubt } = ledger()
        if (doubt !== null) throw doubtful(db.path, doubt)
        const now = ledgerNow()
        // every reservation counts in these, capped or not: a cap set later has its history
        const always: Omit<Cap, 'capNusd'>[] = [
          { scope: 'day', key: '' },
          { scope: 'month', key: '' },
          { scope: 'task', key: request.taskType },
          { scope: 'model', key: request.model },
        ]
        const ids = new Set<number>()
        for (const cap of [...request.caps, ...always.map((each) => ({ ...each, capNusd: Infinity }))]) {
          const balance = balanceOf(cap, now)
          const left = cap.capNusd - balance.spent_nusd - balance.reserved_nusd
          if (boundNusd > left) throw reached(cap, balance.period, left, boundNusd)
          if (balance.id === 0) {
            db.run(SQL.addBalance, cap.scope, balance.period.key, balance.period.period, now)
            balance.id = balanceOf(cap, now).id
          }
          ids.add(balance.id)
        }
        const balances = JSON.stringify([...ids])
        db.run(SQL.see, now)
        db.run(
          SQL.insert,
          ...keyOf(key),
          boundNusd,
          request.provider,
          request.model,
          request.taskType,
          balances,
          owner.pid,
          owner.pidStart,
          owner.bootId,
          now,
        )
        db.run(SQL.change, boundNusd, 0, balances)
      })
    },

    calling(key) {
      db.transaction(() => {
        const row = find(key)
        if (row.phase !== 'reserved')
          throw new SingularityError('STATE_CONFLICT', `The reservation of ${key.request} is ${row.phase}: nothing may be sent for it.`)
        move(key, row, 'calling', 0, null)
      })
    },

    settle(key, { nusd, source }) {
      invariant(Number.isSafeInteger(nusd) && nusd >= 0, `${nusd} is no amount`)
      db.transaction(() => {
        const row = find(key)
        if (row.phase !== 'settled') move(key, row, 'settled', nusd, source)
      })
    },

    release(key) {
      db.transaction(() => {
        const row = find(key)
        if (row.phase !== 'settled' && row.phase !== 'released') move(key, row, 'released', 0, null)
      })
    },

    recover(isAlive) {
      const owners = new Map<string, boolean>()
      const alive = ({ pid, pid_start: pidStart, boot_id: bootId }: OpenRow): boolean => {
        const owner: ProcessIdentity = { pid, pidStart, bootId }
        const name = JSON.stringify(owner)
        if (!owners.has(name)) owners.set(name, isAlive(owner))
        return owners.get(name)!
      }
      if (db.all<OpenRow>(SQL.open).every(alive)) return { released: 0, counted: 0 }
      return db.transaction(() => {
        const done = { released: 0, counted: 0 }
        for (const row of db.all<OpenRow>(SQL.open).filter((each) => !alive(each))) {
          if (row.phase === 'reserved') {
            move(row, row, 'released', 0, null)
            done.released++
          } else {
            move(row, row, 'counted', row.bound_nusd, 'unknown')
            done.counted++
          }
        }
        const old = clock.now() - KEEP_MS
        db.run(SQL.prune, old)
        db.run(SQL.pruneBalances, old)
        return done
      })
    },

    budget(caps) {
      const [now, { created_at: created }] = [ledgerNow(), ledger()]
      return caps.map((cap): CapState => {
        const { spent_nusd, reserved_nusd, period } = balanceOf(cap, now)
        return {
          scope: cap.scope,
          key: period.key,
          cap_nusd: cap.capNusd,
          spent_nusd,
          reserved_nusd,
          left_nusd: Math.max(0, cap.capNusd - spent_nusd - reserved_nusd),
          held: created < period.startsAt || period.resetsAt === null,
          resets_at: period.resetsAt === null ? null : new Date(period.resetsAt).toISOString(),
        }
      })
    },

    setCap(scope, nusd) {
      invariant(Number.isSafeInteger(nusd) && nusd >= 0, `a cap of ${nusd} is no amount`)
      db.run(SQL.setUserCap, scope, nusd)
    },

    userCaps() {
      const rows = db.all<{ scope: 'day' | 'month'; cap_nusd: number }>(SQL.userCaps)
      return Object.fromEntries(rows.map(({ scope, cap_nusd: nusd }) => [scope, nusd]))
    },

    doubt: () => ledger().doubt,
    confirm: () => void db.run(SQL.confirm),

    verify() {
      type Overrun = { request: string; attempt: number; model: string; bound_nusd: number; spent_nusd: number }
      type Wrong = { scope: string; key: string; spent_nusd: number; reserved_nusd: number; spent: number; reserved: number }
      const overruns = db
        .all<Overrun>(SQL.overruns)
        .map(({ request, attempt, model, bound_nusd: bound, spent_nusd: spent }): Violation => ({
          rule: 'settled within the reservation',
          id: `${request}#${attempt}`,
          detail: `${model} cost ${spent} of ${bound} reserved nano-dollars: its price or its limits are wrong`,
        }))
      const wrong = db.all<Wrong>(SQL.wrongBalances, clock.now() - KEEP_MS + CLOCK_SLACK_MS).map((each): Violation => ({
        rule: 'sums are those of the reservations',
        id: `${each.scope} ${each.key}`,
        detail: `spent ${each.spent_nusd} (rows say ${each.spent}), reserved ${each.reserved_nusd} (rows say ${each.reserved})`,
      }))
      return [...overruns, ...wrong]
    },
  }
}

function doubtful(path: string, doubt: string): SingularityError {
  return new SingularityError(
    'LEDGER_UNUSABLE',
    `${path}: ${doubt}. No paid call is made before a person has looked at the sums: singularity llm budget confirm`,
    {
      hints: ['singularity llm budget', 'singularity llm budget confirm'],
    },
  )
}

function reached(cap: Cap, { key, resetsAt }: ReturnType<typeof periodOf>, left: number, bound: number): SingularityError {
  const dollars = (nusd: number): string => `$${(nusd / 1e9).toFixed(4)}`
  const resets = resetsAt === null ? null : new Date(resetsAt).toISOString()
  return new SingularityError(
    'BUDGET_REACHED',
    `The cap of ${cap.scope} ${key} is ${dollars(cap.capNusd)}: ${dollars(Math.max(0, left))} is left, the call may cost ${dollars(bound)}${resets === null ? '' : `; it resets at ${resets}`}.`,
    {
      data: {
        scope: cap.scope,
        key,
        cap_nusd: cap.capNusd,
        left_nusd: Math.max(0, left),
        bound_nusd: bound,
        resets_at: resets,
      },
    },
  )
}
