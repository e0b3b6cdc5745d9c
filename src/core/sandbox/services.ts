/**
 * Starts the project's services inside the jail, in the same network namespace, waits until each listens, runs the
 * command and ends them. A service is a command line; `tcp:6379 redis-server` names the port to wait for, without it
 * one more listening port than before is waited for. Exit 125 with the service's output when one does not come up.
 */
export function withServices(services: readonly string[], command: readonly string[], timeoutSeconds = 30): readonly string[] {
  if (services.length === 0) return command
  return ['sh', '-c', SCRIPT, 'sh', String(services.length), String(timeoutSeconds * 20), ...services, ...command]
}

const SCRIPT = `
count=$1; turns=$2; shift 2
pids=''; number=0
tables() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
listening() { tables | grep -cE ' [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:0000 0A '; }
stop() { for pid in $pids; do kill -s KILL -- "-$pid" 2>/dev/null; done; wait 2>/dev/null; }
fail() { echo "service did not start: $1" >&2; cat "$2" >&2; stop; exit 125; }
while [ "$count" -gt 0 ]; do
  service=$1; shift; count=$((count - 1)); number=$((number + 1)); log="\${TMPDIR:-/tmp}/service-$number.log"; port=''
  case $service in tcp:*) port=\${service%% *}; port=$(printf '%04X' "\${port#tcp:}"); service=\${service#* };; esac
  before=$(listening)
  setsid sh -c "$service" >"$log" 2>&1 </dev/null &
  pid=$!; pids="$pids $pid"; left=$turns
  while :; do
    if [ -n "$port" ]; then tables | grep -qE ":$port [0-9A-F]+:0000 0A " && break
    else [ "$(listening)" -gt "$before" ] && break; fi
    kill -0 "$pid" 2>/dev/null || fail "$service" "$log"
    left=$((left - 1)); [ "$left" -gt 0 ] || fail "$service" "$log"
    sleep 0.05
  done
done
"$@"
code=$?
stop
exit $code
`
