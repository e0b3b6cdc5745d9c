#!/bin/sh
# A program of somebody else: asks through ai_requests, waits for its answer in ai_results, acknowledges it. $1 is the program, $2 the request's id.
set -eu
printf '{"id":"%s","task_type":"review","messages":[{"role":"user","content":"Is 7 prime?"}]}' "$2" | "$1" queue send ai_requests - >/dev/null
while :; do
  message=$("$1" queue read ai_results --visibility 1m)
  if [ -n "$message" ]; then
    number=$(printf '%s' "$message" | sed 's/^{"message_id":\([0-9]*\).*/\1/')
    "$1" queue ack ai_results "$number" >/dev/null
    case $message in *"$2"*)
      printf '%s\n' "$message"
      exit 0
      ;;
    esac
  fi
done
