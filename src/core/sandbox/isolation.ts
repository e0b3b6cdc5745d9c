/** What a jailed program may see and use. Paths on the left are on the host, on the right inside the jail. */
export type Mount = {
  from: string
  to: string
  mode: 'ro' | 'rw' | 'overlay' | 'tmpfs'
  /** Of a read-only folder: what is in it stays as it is, but new names can be made beside it, in memory. */
  open?: true
}

export type JailLimits = {
  timeoutMs: number
  /** Bytes of output kept per stream (head and tail); ten times as much ends the run. */
  maxOutputBytes?: number
  maxProcesses?: number
  maxMemoryBytes?: number
  maxFileBytes?: number
}

export type JailRequest = {
  /** The program and its arguments, run without a shell; use ['sh', '-c', text] for a command line. */
  command: readonly string[]
  /** Directory inside the jail. */
  cwd: string
  env: Readonly<Record<string, string>>
  mounts: readonly Mount[]
  network: 'none' | 'host'
  limits: JailLimits
  /** A folder on the host for what overlay and tmpfs mounts keep between runs; of this sandbox alone. */
  scratch?: string
  /** Low CPU and IO priority (everything except measuring). */
  lowPriority?: boolean
  signal?: AbortSignal
  onOutput?: (stream: 'stdout' | 'stderr', text: string) => void
}

export type JailResult = {
  exitCode: number | null
  signal: string | null
  timedOut: boolean
  outputLimited: boolean
  cancelled: boolean
  /** Head and tail of what was printed, as text. */
  stdout: string
  stderr: string
  wallMs: number
  /** User plus system CPU time of the whole process tree, measured outside its reach; null where it cannot be had. */
  cpuMs: number | null
  maxRssBytes: number | null
  /** Processes were left over when the command ended: the CPU sample is void. */
  leftovers: boolean
  /** A watchdog ended the run. */
  limit?: 'processes' | 'memory' | 'disk' | null
}

export type IsolationKind = 'bubblewrap' | 'seatbelt' | 'none'

export type IsolationProbe = {
  kind: IsolationKind
  available: boolean
  /** Why not, or how (version). */
  detail: string
  /** What to install or set, as commands. */
  fix: readonly string[]
  capabilities: { fileSystem: boolean; network: boolean; processes: boolean; cpuTime: 'launcher' | 'cgroup' | null; overlay: boolean }
}

/** Which isolation a person or setting asks for; `auto` takes what the platform has. */
export type IsolationRequest = IsolationKind | 'auto'

/** The port: one way to keep an untrusted program from everything but its sandbox. */
export type Isolation = {
  readonly kind: IsolationKind
  /** Tries the real flags once; cached by kernel and program version. */
  probe(): Promise<IsolationProbe>
  run(request: JailRequest): Promise<JailResult>
}
