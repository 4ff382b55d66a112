#!/usr/bin/env bash
# Runs a training until it is finished, whatever stops it on the way.
# Usage: train-until-finished.sh RUN-FOLDER CONFIG [OPTION OF robusttrain train ...]
#
#   0             finished
#   75            stopped with a checkpoint: goes on; ends with 75 where AFTER_STOP is "end", as in a scheduled task, whose next window goes on
#   128 and more  killed by a signal (kill -9, the out-of-memory killer, a crash of native code): goes on from the last checkpoint, unless
#                 it is killed again and again before the next one
#   anything else a person has to look: ends with that code
#
# MAX_ATTEMPTS (100) bounds the attempts, MAX_KILLED (5) those in a row that are killed without a new checkpoint, RETRY_SECONDS (10) is the pause between them, ROBUSTTRAIN names the executable.
# A stop that is asked of this script (SIGTERM, SIGINT) is handed to the training, and ends the script with 75.
set -u
[ $# -ge 2 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
run=$1 config=$2
shift 2
robusttrain=${ROBUSTTRAIN:-robusttrain}
command -v "$robusttrain" >/dev/null || { echo "$0: $robusttrain is not on the PATH; ROBUSTTRAIN=/path/to/robusttrain names it." >&2; exit 2; }

# The GPUs' numbers are then those of nvidia-smi; and .NET makes no files for debuggers, which a killed process leaves in the temporary folder.
export CUDA_DEVICE_ORDER=${CUDA_DEVICE_ORDER:-PCI_BUS_ID} DOTNET_EnableDiagnostics=${DOTNET_EnableDiagnostics:-0}

asked_to_stop=false child=
stop() { asked_to_stop=true; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null; }
trap stop TERM INT USR1
# Called for what was just started: a signal may have come before there was a child to hand it to.
follow() { child=$1; ! $asked_to_stop || stop; }

# What is different once there is a new checkpoint.
checkpoints() { ls -l "$run/checkpoints" 2>/dev/null || true; }

killed=0
for ((attempt = 1; attempt <= ${MAX_ATTEMPTS:-100}; attempt++)); do
  before=$(checkpoints)
  "$robusttrain" train "$config" --run-path "$run" --resume auto "$@" </dev/null &
  follow $!
  # A trapped signal ends wait early; the training goes on to write its checkpoint.
  while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
  child=
  if [ $code -eq 0 ]; then exit 0; fi
  # A training that does not listen to signals yet, or no longer, is killed by them.
  if $asked_to_stop; then [ $code -lt 128 ] || code=75; exit $code; fi
  if [ $code -ne 75 ] && [ $code -lt 128 ]; then
    echo "$0: attempt $attempt ended with exit code $code; a person has to look: robusttrain's message stands above." >&2
    exit $code
  fi
  if [ $code -eq 75 ] && [ "${AFTER_STOP:-}" = end ]; then exit 75; fi
  if [ $code -eq 75 ] || [ "$(checkpoints)" != "$before" ]; then killed=0; else killed=$((killed + 1)); fi
  if [ $killed -ge "${MAX_KILLED:-5}" ]; then
    echo "$0: killed $killed times in a row without a new checkpoint, at last with exit code $code; a person has to look (137 is what the kernel's out-of-memory killer sends, 134 and 139 are crashes of native code)." >&2
    exit $code
  fi
  echo "$0: attempt $attempt ended with exit code $code; going on in ${RETRY_SECONDS:-10} s." >&2
  sleep "${RETRY_SECONDS:-10}" &
  follow $!
  wait "$child"
  if $asked_to_stop; then exit 75; fi
done
echo "$0: not finished after $((attempt - 1)) attempts." >&2
exit 75
