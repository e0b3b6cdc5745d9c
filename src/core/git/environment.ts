/** What a git child may inherit; everything else, above all other `GIT_*` variables, is dropped. */
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'XDG_CONFIG_HOME',
  'TMPDIR',
  'SYSTEMROOT',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'TEMP',
  'TMP',
  'PATHEXT',
  'COMSPEC',
  // Where the user's configuration is, not which repository is meant.
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  // Lets git accept a repository of the user behind sudo.
  'SUDO_UID',
] as const

/** Only for signing: agents and their sockets. */
const SIGNING = [
  'GNUPGHOME',
  'GPG_AGENT_INFO',
  'GPG_TTY',
  'SSH_AUTH_SOCK',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'DISPLAY',
  'WAYLAND_DISPLAY',
] as const

/** Only for finding out who the user is. */
const IDENTITY = ['GIT_AUTHOR_NAME', 'GIT_AUTHOR_EMAIL', 'EMAIL'] as const

const DISCOVERY = ['GIT_CEILING_DIRECTORIES', 'GIT_DISCOVERY_ACROSS_FILESYSTEM'] as const

const FIXED: Readonly<Record<string, string>> = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  SSH_ASKPASS: '/bin/false',
  GIT_EDITOR: ':',
  GIT_PAGER: 'cat',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_LITERAL_PATHSPECS: '1',
}

const CONFIG: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.untrackedCache=keep',
  'core.quotePath=false',
  'core.fsync=committed,reference',
  'commit.gpgSign=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'protocol.ext.allow=never',
  'submodule.recurse=false',
  'color.ui=false',
  'log.showSignature=false',
  'i18n.commitEncoding=utf-8',
  'i18n.logOutputEncoding=utf-8',
  'user.useConfigOnly=true',
]

/** The `-c` flags in front of every host-side git command: no hooks, no helpers, no background work, durable writes. */
export const HARDENING: readonly string[] = CONFIG.flatMap((setting) => ['-c', setting])

/** What a read through simple-git is given of them. */
export const SUMMARY_CONFIG: readonly string[] = CONFIG.slice(0, 4)

export type EnvironmentPurpose = 'plumbing' | 'discovery' | 'identity' | 'signing'

/** The scrubbed environment of a git child, built from nothing. */
export function gitEnvironment(
  caller: Readonly<Record<string, string | undefined>>,
  purpose: EnvironmentPurpose = 'plumbing',
): Record<string, string> {
  const extra = purpose === 'signing' ? SIGNING : purpose === 'identity' ? IDENTITY : purpose === 'discovery' ? DISCOVERY : []
  const environment: Record<string, string> = {}
  for (const name of [...INHERITED, ...extra]) {
    const value = caller[name]
    if (value !== undefined) environment[name] = value
  }
  return Object.assign(environment, FIXED)
}
