import { join } from 'node:path'
import { type App, type AppPorts, createApp } from '../../src/core/app.ts'
import type { ImproveOutcome, ImproveRequest } from '../../src/core/improvement/index.ts'
import { SingularityError, systemClock } from '../../src/core/kernel/index.ts'
import type { Playground } from '../cli/playground.ts'

/** The core over a playground, in this process, with the ways out a test gives it. */
export function openApp(place: Playground, ports: AppPorts, env: Readonly<Record<string, string>> = {}): App {
  return createApp(
    {
      cwd: place.root,
      env: { ...place.env, ...env },
      home: place.env['HOME']!,
      stateHome: place.env['XDG_STATE_HOME']!,
      configHome: join(place.env['XDG_CONFIG_HOME']!, 'singularity'),
      clock: systemClock,
      version: '0.0.0-test',
      ci: false,
      packageRoot: join(import.meta.dirname, '..', '..'),
    },
    ports,
  )
}

/** A request that asks for nothing. */
export const NO_REQUEST: ImproveRequest = {
  paths: [],
  sources: [],
  rules: [],
  patch: null,
  branch: null,
  exec: null,
  test: null,
  metrics: [],
  base: null,
  into: null,
  propose: false,
  summary: null,
  max: 10,
  timeLimitMs: 3_600_000,
  isolation: 'auto',
  retry: false,
  failOn: [],
  yes: false,
  dryRun: false,
  offline: false,
  look: false,
}

export async function improveWith(app: App, request: Partial<ImproveRequest>): Promise<ImproveOutcome> {
  const { signal } = new AbortController()
  return (await app.improvement()).improve({ ...NO_REQUEST, ...request }, () => {}, signal, signal)
}

/** The error of something that has to fail in a known way. */
export async function failureOf(body: Promise<unknown>): Promise<SingularityError> {
  try {
    await body
  } catch (error) {
    if (error instanceof SingularityError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
