#!/bin/busybox sh
# First process of the guest. It tells the host that it is up, is told which command to run and how much input that has,
# runs it with its streams on virtio ports, sends /out as a tar archive, and tells the exit status.
/bin/busybox mkdir -p /bb /proc /sys /dev /tmp /out /run /root
/bin/busybox --install -s /bb
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/bb HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
chmod 1777 /tmp
ln -s /proc/self/fd /dev/fd
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
ifconfig lo up

await() {
  for _ in $(seq 100); do
    [ -e "$1" ] && return
    usleep 100000
  done
  fail "no $1"
}
fail() {
  echo "fail $*" >&3
  sleep 1
  poweroff -f
}
load() {
  insmod "$@" || fail "module $*"
}

. /etc/modules.sh
await /dev/vport0p6
exec 3<>/dev/vport0p1
. /etc/devices.sh

echo "boot $(uname -r) $(cut -d' ' -f1 /proc/uptime)" >&3
read -r number input_bytes <&3
head -c "$input_bytes" </dev/vport0p5 >/run/input

mkfifo /run/out /run/err
cat /run/out >"/dev/vport0p$((number == 1 ? 2 : 6))" &
out=$!
cat /run/err >/dev/vport0p3 &
err=$!
(cd /root && . /etc/environment.sh && exec setsid sh "/etc/command.$number") </run/input >/run/out 2>/run/err 3>&-
status=$?
# A process that the command left behind holds the streams open: it gets three seconds.
(sleep 3 && kill $out $err) 2>/dev/null &
wait $out $err
[ -z "$(ls -A /out)" ] || tar -c -C /out . >/dev/vport0p4
echo "exit $status" >&3
sleep 1
poweroff -f
