#!/usr/bin/env bash
# Adds the nightly training of robusttrain.cron to your crontab; what stands there stays.
# Usage: add-to-crontab.sh ROBUSTTRAIN CONFIG RUN-FOLDER
#
# ROBUSTTRAIN is the executable, CONFIG a configuration, RUN-FOLDER the run's folder to be. A training that is there already is refused.
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v crontab >/dev/null || { echo "$0: crontab is not installed." >&2; exit 2; }
[ -x "$1" ] || { echo "$0: '$1' is no executable; expected robusttrain." >&2; exit 2; }
[ -f "$2" ] || { echo "$0: there is no configuration '$2'." >&2; exit 2; }
robusttrain=$(realpath "$1") config=$(realpath "$2") scripts=$(dirname "$here")
mkdir -p "$(dirname "$3")"
run=$(realpath "$(dirname "$3")")/$(basename "$3")
# What a crontab's line keeps as it stands; a % there ends it, a space splits it.
for path in "$robusttrain" "$config" "$run" "$scripts"; do
  [[ $path =~ ^[A-Za-z0-9/._+=:@,-]+$ ]] || { echo "$0: '$path' has letters that a crontab does not keep as they are; use a path of letters, digits and ._+=:@,- only." >&2; exit 2; }
done

# Without a crontab the listing fails, and so it does for other reasons; then nothing may be written over what may be there.
said=$(mktemp)
trap 'rm -f "$said"' EXIT
if ! before=$(LC_ALL=C crontab -l 2>"$said"); then
  grep -q '^no crontab for ' "$said" || { echo "$0: the crontab could not be read: $(cat "$said")" >&2; exit 1; }
fi
! grep -qxF "RUN=$run" <<<"$before" || { echo "$0: the crontab has a training of '$run' already; crontab -e changes or removes it." >&2; exit 2; }
{
  [ -z "$before" ] || printf '%s\n\n' "$before"
  sed -e "s|^ROBUSTTRAIN=.*|ROBUSTTRAIN=$robusttrain|" -e "s|^SCRIPTS=.*|SCRIPTS=$scripts|" -e "s|^CONFIG=.*|CONFIG=$config|" -e "s|^RUN=.*|RUN=$run|" \
    -e '/^# Install:/d' "$here/robusttrain.cron"
} | crontab -
echo "Added: every night at 22:00 into $run; crontab -l shows it."
