#!/bin/sh
# Runs steps in a guest: `step ID DEVICE FILL_MIB COMMAND..` with the device empty before each. What a step printed goes to
# /out/ID.json and /out/ID.err; its command, exit status and the device's counters before and after it to /out/ID.meta.

# The same addresses in each process: what the emulator has translated serves the next one.
echo 0 >/proc/sys/kernel/randomize_va_space

# The block device of the same namespace: the kernel's idea of the zones must not fall behind.
block_device() {
  case $1 in /dev/ng*) echo "/dev/nvme${1#/dev/ng}" ;; *) echo "$1" ;; esac
}

step() {
  id=$1 block=$(block_device "$2") fill=$3
  shift 3
  if [ -n "$block" ]; then
    zoned=$(cat "/sys/block/${block#/dev/}/queue/zoned")
    [ "$zoned" = none ] || zbd reset "$block" >/dev/null || echo "$id: the zones of $block could not be reset" >&2
    [ "$fill" = 0 ] || dd if=/dev/zero of="$block" bs=1M count="$fill" oflag=direct 2>/dev/null || echo "$id: not filled" >&2
    stat=/sys/block/${block#/dev/}/stat
  else
    stat=/dev/null
  fi
  before=$(cat "$stat")
  status=0
  timeout 60 "$@" >"/out/$id.json" 2>"/out/$id.err" </dev/null || status=$?
  {
    echo "command $*"
    echo "status $status"
    echo "before $before"
    echo "after $(cat "$stat")"
  } >"/out/$id.meta"
  [ -s "/out/$id.err" ] || rm "/out/$id.err"
  echo "[$(cut -d' ' -f1 /proc/uptime)] $id $1: $status" >&2
}
