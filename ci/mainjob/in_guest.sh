#!/bin/sh
# The main job inside a guest: `first DEVICE SEED KILLS` and, after a reset of the guest, `again DEVICE`. Standard output is
# furrow-torture's alone, since its lines are the input after the reset; everything else is told on standard error.
set -eu

say() {
  echo "[$(cut -d' ' -f1 /proc/uptime) s up] $*" >&2
}
# Seconds and hundredths of a command, by the clock of the guest.
timed() {
  began=$(cut -d' ' -f1 /proc/uptime)
  "$@" >&2
  say "$1 $2: $(awk -v a="$began" -v b="$(cut -d' ' -f1 /proc/uptime)" 'BEGIN { printf "%.1f", b - a }') s"
}
sums() {
  (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
get_and_compare() {
  timed furrow get "$device" --to /tmp/back tree/
  sums /tree >/tmp/sums
  sums /tmp/back/tree >/tmp/sums.back
  cmp /tmp/sums /tmp/sums.back
  say "$(wc -l </tmp/sums) files came back, all with their SHA-256"
  rm -r /tmp/back
}

device=$2
case $1 in
  first)
    seed=$3 kills=$4
    timed furrow format "$device"
    timed furrow put "$device" /tree
    say "$(furrow ls "$device" | wc -l) names"
    furrow zones "$device" >&2
    get_and_compare
    : >/tmp/log
    while [ "$kills" -gt 0 ]; do
      furrow-torture "$device" --tasks 8 --seed "$((seed + kills))" --rate 4M >>/tmp/log &
      sleep 2
      kill -9 $!
      wait $! 2>/dev/null || true
      timed furrow-torture "$device" --verify /tmp/log
      kills=$((kills - 1))
    done
    timed furrow check --data "$device"
    if [ "${5-}" = until-reset ]; then
      say "appending until the reset"
      cat /tmp/log
      exec furrow-torture "$device" --tasks 8 --seed "$seed" --rate 4M
    fi
    ;;
  again)
    cat >/tmp/log
    say "$(grep -c ^ack /tmp/log) acknowledged appends before the reset"
    timed furrow-torture "$device" --verify /tmp/log
    timed furrow check --data "$device"
    get_and_compare
    ;;
esac
