import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Environment of the git children that write for an operation: lets `recover` find those that outlived us. */
export function operationMark(id: string): Record<string, string> {
  return { SINGULARITY_OPERATION: id }
}

const SETTLE_MS = 5000

/** Kills what still runs for an operation whose owner died, and waits until it is gone. */
export async function endChildren(operationId: string): Promise<void> {
  const mark = `SINGULARITY_OPERATION=${operationId}`
  const find = (): number[] => pids().filter((pid) => pid !== process.pid && readText(`/proc/${pid}/environ`)?.split('\0').includes(mark))
  const end = performance.now() + SETTLE_MS
  for (let found = find(); found.length > 0 && performance.now() < end; found = find()) {
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // gone meanwhile
      }
    }
    await delay(5)
  }
}

/** Commands that take no locks, and may stay for hours: behind a pager, as a daemon, as a reader of objects. */
const READERS = new Set([
  'annotate',
  'blame',
  'cat-file',
  'credential-cache--daemon',
  'daemon',
  'diff',
  'fsmonitor--daemon',
  'grep',
  'help',
  'log',
  'ls-files',
  'ls-tree',
  'reflog',
  'rev-list',
  'shortlog',
  'show',
  'upload-pack',
])

/** Is some git command of the user at work in one of these folders? Only seen where /proc exists. */
export function gitAtWork(folders: readonly string[]): boolean {
  return pids().some((pid) => {
    if (readText(`/proc/${pid}/comm`)?.trim() !== 'git') return false
    if (READERS.has(subcommand(readText(`/proc/${pid}/cmdline`)?.split('\0') ?? []))) return false
    try {
      const cwd = readlinkSync(`/proc/${pid}/cwd`)
      return folders.some((folder) => cwd === folder || cwd.startsWith(`${folder}/`))
    } catch {
      return false
    }
  })
}

/** `git -c a=b -C x log` -> 'log' */
function subcommand(command: readonly string[]): string {
  for (let index = 1; index < command.length; index++) {
    if (command[index] === '-c' || command[index] === '-C') index++
    else if (!command[index]!.startsWith('-')) return command[index]!
  }
  return ''
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}
