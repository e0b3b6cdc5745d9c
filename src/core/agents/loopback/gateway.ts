import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SingularityError } from '../../kernel/index.ts'
import type { ModelGateway } from '../../improvement/index.ts'
import { type LoopbackDeps, openLoopback } from './server.ts'

/** The command is put behind a program that offers the way on a port of the jail's own loopback; its key is worth nothing outside of this run. */
export type Gateway = ModelGateway

const INSIDE = '/tmp/.gateway'
/** Longest path of a socket that every system takes. */
const LONGEST_SOCKET = 100

/**
 * Opens the way. The jail has no network of its own, but a socket that is bound into it is a file: it works over the border. `jailed`:
 * without a jail nothing is bound, and the command finds socket and program where they are.
 */
export async function openGateway(deps: LoopbackDeps, place: { forwarder: string; jailed: boolean }): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'sgl-'))
  const socket = join(folder, 'model.sock')
  if (socket.length > LONGEST_SOCKET)
    throw new SingularityError('STATE_UNUSABLE', `The path ${socket} is too long for a socket.`, { hints: ['TMPDIR=/tmp singularity ...'] })
  const loopback = await openLoopback(deps, socket)
  let closing: Promise<void> | undefined
  const inside = { socket: `${INSIDE}/model.sock`, forwarder: `${INSIDE}.mjs` }
  const { socket: at, forwarder } = place.jailed ? inside : { socket, forwarder: place.forwarder }
  return {
    wrap: (command) => ['node', forwarder, at, ...command],
    mounts: place.jailed
      ? [
          { from: folder, to: INSIDE, mode: 'ro' },
          { from: place.forwarder, to: inside.forwarder, mode: 'ro' },
        ]
      : [],
    env: { ANTHROPIC_API_KEY: loopback.token, OPENAI_API_KEY: loopback.token },
    spent: loopback.spent,
    close: () => (closing ??= closeAll()),
  }

  async function closeAll(): Promise<void> {
    await loopback.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
