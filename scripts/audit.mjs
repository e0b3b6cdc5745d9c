// Known holes in what users install, as the package registry tells them. Exit 1: there is one of high severity or worse.
// Exit 3: nobody could be asked (no network, or a registry without that service); with --required that is a failure as well.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SERIOUS = ['high', 'critical']

/**
 * What the answer of `npm audit --json` says.
 * @returns checked: whether the registry answered; serious: packages with a hole of high severity or worse
 */
export function readAudit(text) {
  try {
    const { metadata, vulnerabilities, message, error } = JSON.parse(text)
    if (metadata?.vulnerabilities === undefined) return { checked: false, reason: message ?? error?.summary ?? 'the answer says nothing' }
    const serious = Object.values(vulnerabilities ?? {}).filter(({ severity }) => SERIOUS.includes(severity))
    return { checked: true, serious: serious.map(({ name, severity, range }) => `${name} ${range}: ${severity}`) }
  } catch {
    return { checked: false, reason: 'npm gave no answer' }
  }
}

function main() {
  const cwd = join(dirname(fileURLToPath(import.meta.url)), '..')
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 1 << 26,
    shell: process.platform === 'win32',
  })
  const { checked, reason, serious } = readAudit(stdout ?? '')
  if (!checked) {
    console.log(`known holes in dependencies: ${reason.replace(/ *https?:\S+/g, '')}`)
    return process.argv.includes('--required') ? 1 : 3
  }
  for (const line of serious) console.log(line)
  return serious.length > 0 ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main()
