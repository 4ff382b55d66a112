#!/usr/bin/env bash
# Trains on all pairs of a folder but one and scores that one, in turns: what a network makes of pairs that it has never seen.
# Usage: leave-one-out.sh DATA-FOLDER CONFIG RUNS-FOLDER [OPTION OF robusttrain train ...]
#
# DATA-FOLDER holds the folders A, B and label of change-pairs. The pair that is left out decides nothing: the last epoch's weights are scored,
# and the threshold of the differencing beside them is chosen on the same pairs that the network learns from. "best" is the F1 of the
# threshold that is best for the very pair, which nobody could know. ROBUSTTRAIN names the executable.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
data=$(realpath "$1") config=$2 runs=$3
shift 3
robusttrain=${ROBUSTTRAIN:-robusttrain}
command -v "$robusttrain" >/dev/null || { echo "$0: $robusttrain is not on the PATH; ROBUSTTRAIN=/path/to/robusttrain names it." >&2; exit 2; }
[ -d "$data/label" ] || { echo "$0: '$data' has no folder 'label'; expected A, B and label." >&2; exit 2; }
mapfile -t pairs < <(ls "$data/label")
[ ${#pairs[@]} -ge 2 ] || { echo "$0: '$data' has ${#pairs[@]} pairs; expected two or more." >&2; exit 2; }
mkdir -p "$runs"
runs=$(realpath "$runs")

# A number, and the four counts of a confusion matrix, of a line of JSON; 0 where there is none, as the F1 of a pair without changes.
number_of() { sed -nE "s/.*\"$1\":([0-9.eE+-]+).*/\1/p" <<<"$2" | grep . || echo 0; }
counts_of() { sed -nE "s/.*\"$1\":\[([0-9]+),([0-9]+),([0-9]+),([0-9]+)\].*/\1 \2 \3 \4/p" <<<"$2"; }
f1_of() { awk '{ tp += $4; wrong += $2 + $3 } END { printf "%.4f", tp == 0 ? 0 : 2 * tp / (2 * tp + wrong) }'; }

: >"$runs/model.txt" >"$runs/differencing.txt"
printf '%-28s %8s %13s %8s\n' pair network differencing best
for pair in "${pairs[@]}"; do
  name=${pair%.*}
  printf '%s\n' "${pairs[@]}" | grep -vxF "$pair" >"$runs/$name.train.txt"
  echo "$pair" >"$runs/$name.test.txt"
  lists=(--set "data.lists.train=$runs/$name.train.txt" --set "data.lists.val=$runs/$name.train.txt" --set "data.lists.test=$runs/$name.test.txt")
  # Only the last epoch is validated, and with the training pairs, so that it is the "best" one; the warning of that stands in the log.
  "$robusttrain" train "$config" --run-path "$runs/$name" --set "data.path=$data" "${lists[@]}" --set trainer.validate_every=1000000 "$@" >"$runs/$name.log" 2>&1 \
    || { echo "$0: the training without '$pair' failed; see $runs/$name.log." >&2; exit 1; }
  scores=$("$robusttrain" evaluate "$runs/$name" --split test --checkpoint latest --baseline --trained-baseline --json 2>>"$runs/$name.log") \
    || { echo "$0: '$pair' could not be scored; see $runs/$name.log." >&2; exit 1; }
  counts_of confusion "$scores" >>"$runs/model.txt"
  counts_of trained_differencing_confusion "$scores" >>"$runs/differencing.txt"
  printf '%-28s %8.4f %13.4f %8.4f\n' "$name" "$(counts_of confusion "$scores" | f1_of)" "$(number_of trained_differencing_f1 "$scores")" "$(number_of differencing_f1 "$scores")"
done
printf '%-28s %8.4f %13.4f\n' 'all pixels together' "$(f1_of <"$runs/model.txt")" "$(f1_of <"$runs/differencing.txt")"
