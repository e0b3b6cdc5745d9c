/** Settings that keep git from running anything of the repository's, from asking, and from waiting. */
const HARDENING: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.untrackedCache=keep',
  'core.quotePath=false',
  'core.pager=cat',
  'core.editor=:',
  'commit.gpgSign=false',
  'tag.gpgSign=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'protocol.ext.allow=never',
  'submodule.recurse=false',
  'diff.external=',
  'diff.noprefix=false',
  'diff.mnemonicPrefix=false',
  'color.ui=false',
  'advice.detachedHead=false',
]

export const HARDENING_FLAGS: readonly string[] = HARDENING.flatMap((setting) => ['-c', setting])

/** What git needs of the host's environment: its programs, the user's identity and trust settings. Every GIT_* is dropped. */
export function gitEnvironment(host: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'USER', 'LOGNAME', 'TMPDIR', 'GNUPGHOME', 'SSH_AUTH_SOCK', 'LD_PRELOAD'] as const)
    if (host[name] !== undefined) kept[name] = host[name]
  for (const name of ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_NOSYSTEM', 'GIT_EXEC_PATH'] as const) if (host[name] !== undefined) kept[name] = host[name]
  return {
    ...kept,
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
}
