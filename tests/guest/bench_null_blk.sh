#!/bin/sh
# furrow-bench --null-blk: the device is there while it is measured, has what was asked for, and is gone after it, however
# the run ended.
set -eu
nullb=/sys/kernel/config/nullb

fail() {
  echo "FAILED: $*"
  exit 1
}
devices() {
  for folder in "$nullb"/*/; do
    [ -d "$folder" ] && basename "$folder"
  done
}
gone() {
  [ -z "$(devices)" ] || fail "$1: left $(devices)"
  [ -z "$(ls /dev | grep -e furrow_bench -e nullb || true)" ] || fail "$1: left a node"
}
appear() {
  for _ in $(seq 200); do
    [ -n "$(devices)" ] && [ -b "/dev/$(devices)" ] && return
    usleep 50000
  done
  fail "no device came"
}

furrow-bench --null-blk append 2>/tmp/said && fail "there is no configfs yet"
grep -q "mount -t configfs" /tmp/said || fail "no configfs: $(cat /tmp/said)"
mount -t configfs configfs /sys/kernel/config

furrow-bench --null-blk size=256M,zone_size=8M,zone_capacity=6M,max_active=8,block_size=512 append --bytes 64K --depth 4 --seconds 0.5 --json >/tmp/said
grep -q '"device": "/dev/furrow_bench_' /tmp/said || fail "measured on something else: $(cat /tmp/said)"
grep -q '"operations": [1-9]' /tmp/said || fail "nothing was done: $(cat /tmp/said)"
gone "a good run"
furrow-bench --null-blk randread --fill 8M --seconds 0.2 || fail "with the defaults"
gone "the defaults"

furrow-bench --null-blk size=64M,zone_size=32M append --seconds 1 2>/tmp/said && fail "two zones are too few for a store"
grep -q . /tmp/said || fail "a failure without a word"
gone "a failed format"

# The device bears the number of the process that made it; its only child is the one that measures.
interrupt() {
  appear
  usleep 700000
  device=$(devices)
  [ "$(cat "/sys/block/$device/queue/zoned")" = host-managed ] || fail "not a zoned device"
  maker=${device##*_}
  case $1 in
    maker) kill -"$2" "$maker" ;;
    worker) kill -"$2" "$(grep -ls "^PPid:[[:space:]]*$maker\$" /proc/[0-9]*/status | cut -d/ -f3)" ;;
  esac
}
for case in "maker INT" "maker TERM" "maker HUP" "worker SEGV" "worker KILL"; do
  interrupt $case &
  # In the foreground: what a shell puts into the background ignores SIGINT.
  furrow-bench --null-blk append --seconds 20 2>/tmp/said >/tmp/out && fail "$case: it says that all was well: $(cat /tmp/out)"
  wait $! || fail "$case"
  gone "$case"
done
echo "furrow-bench --null-blk leaves nothing behind"
