"""One QEMU process and the streams between it and us, from power on to power off, hard resets in between included.

Streams: each virtio port is one end of a socket pair. Number 1 is control: the guest says `boot`, `exit`, `fail`; we
answer a boot with the number of the command to run and the bytes of its input. The command after a reset has an output
of its own, so that no half line of the first one runs into it.
"""
import contextlib
import ctypes
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time

from . import GuestError

PORTS = {"control": 1, "stdout": 2, "stderr": 3, "archive": 4, "input": 5, "stdout_after": 6}
COMPLAINTS = re.compile(r"\b(BUG|Oops|KASAN|Kernel panic)\b|INFO: task .* blocked")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Machine:
    def __init__(self, kernel_image, initramfs, devices, options):
        self.options = options
        self.events = queue.Queue()  # (kind, text) from the reading threads, taken by the one that steers
        self.console = []
        self.threads = []
        self.first_output = bytearray()
        self.start_qemu(kernel_image, initramfs, devices)

    def start_qemu(self, kernel_image, initramfs, devices):
        qemu = shutil.which("qemu-system-x86_64")
        if qemu is None:
            raise GuestError("qemu-system-x86_64 is not installed (package qemu-system-x86)")
        accelerator = ["-accel", "kvm", "-cpu", "host"] if self.options.accel == "kvm" else ["-accel", "tcg,thread=multi", "-cpu", "max"]
        command = [qemu, "-nodefaults", "-no-user-config", "-display", "none", *accelerator,
                   "-m", self.options.memory, "-smp", str(self.options.cpus), "-kernel", kernel_image, "-initrd", initramfs,
                   "-append", "console=ttyS0 quiet panic=-1 tsc=reliable " + self.options.append, "-device", "virtio-serial-pci"]
        theirs = []
        self.streams = {}

        def stream(name):
            ours, its = socket.socketpair()
            theirs.append(its)
            self.streams[name] = ours
            command.extend(["-chardev", f"socket,id={name},fd={its.fileno()}"])

        for name in ("console", "monitor", *PORTS):
            stream(name)
        command += ["-serial", "chardev:console", "-mon", "chardev=monitor,mode=control"]
        for name, number in PORTS.items():
            command += ["-device", f"virtserialport,chardev={name},nr={number}"]
        self.process = subprocess.Popen(command + devices.qemu, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
                                        pass_fds=[its.fileno() for its in theirs])
        for its in theirs:
            its.close()
        for name, reader in {"console": self.read_console, "control": self.read_control, "stdout": self.relay_stdout, "stdout_after": self.relay_stdout_after,
                             "stderr": self.relay_stderr, "archive": self.unpack, "monitor": self.drain}.items():
            self.threads.append(threading.Thread(target=self.reading, args=(reader, name), daemon=True))
        self.threads.append(threading.Thread(target=self.await_end, daemon=True))
        for thread in self.threads:
            thread.start()

    # Threads: each reads one stream to its end.

    def reading(self, reader, name):
        with contextlib.suppress(OSError), self.streams[name].makefile("rb") as file:
            reader(file)

    def await_end(self):
        self.process.wait()
        self.events.put(("gone", ""))

    def read_console(self, file):
        for line in file:
            self.console.append(line.decode(errors="replace").rstrip())
            if self.options.verbose:
                print(self.console[-1], file=sys.stderr)

    def read_control(self, file):
        for line in file:
            kind, _, text = line.decode(errors="replace").strip().partition(" ")
            self.events.put((kind, text))

    def relay_stdout(self, file):
        marker = re.compile(self.options.reset_on.encode()) if self.options.reset_on else None
        for line in file:
            self.first_output += line
            if marker and marker.search(line.rstrip(b"\n")):
                marker = None
                self.events.put(("marker", ""))
            self.pass_on(sys.stdout.buffer, line)

    def relay_stdout_after(self, file):
        self.relay(sys.stdout.buffer, file)

    def relay_stderr(self, file):
        self.relay(sys.stderr.buffer, file)

    def relay(self, stream, file):
        while data := file.read1(65536):
            self.pass_on(stream, data)

    def pass_on(self, stream, data):
        with contextlib.suppress(OSError):  # our own reader may have gone away
            stream.write(data)
            stream.flush()

    def unpack(self, file):
        if file.peek(1) and self.options.out:
            os.makedirs(self.options.out, exist_ok=True)
            with tarfile.open(fileobj=file, mode="r|") as archive:
                archive.extractall(self.options.out)
        self.drain(file)

    def drain(self, file):
        while file.read1(1 << 20):
            pass

    # The steering thread.

    def run(self, first_input):
        """Runs the first command and, after a reset where one is asked for, the second; the exit status of the last."""
        deadline = time.monotonic() + self.options.timeout
        reset_at = None
        command, must_reset = 1, self.options.after_reset is not None
        self.boot(deadline)
        self.start_command(1, first_input)
        if self.options.reset_after is not None and not self.options.reset_on:
            reset_at = time.monotonic() + self.options.reset_after
        while True:
            kind, text = self.next_event(deadline, reset_at)
            if kind == "marker" and command == 1:
                reset_at = time.monotonic() + (self.options.reset_after or 0)
            elif kind == "alarm":
                reset_at, must_reset, command = None, False, 2
                self.reset(deadline)
            elif kind == "exit":
                if must_reset:
                    raise GuestError(f"the command ended, with status {text}, before the guest was to be reset")
                return int(text)
            elif kind in ("boot", "gone", "fail"):
                raise GuestError(f"the guest died while command {command} ran")

    def next_event(self, deadline, alarm=None):
        """The next event, or ("alarm", "") at that time."""
        until = min(deadline, alarm or deadline)
        try:
            return self.events.get(timeout=max(0, until - time.monotonic()))
        except queue.Empty:
            if alarm is not None and alarm < deadline:
                return ("alarm", "")
            raise TimeoutError(f"the time of {self.options.timeout:g} s is up") from None

    def boot(self, deadline):
        began = time.monotonic()
        while True:
            kind, text = self.next_event(deadline)
            if kind == "boot":
                self.tell(f"kernel {text.split()[0]} up after {time.monotonic() - began:.1f} s")
                return
            if kind == "fail":
                raise GuestError(f"the guest could not be set up: {text}")
            if kind == "gone":
                raise GuestError("the guest did not boot")

    def start_command(self, number, data):
        self.streams["control"].sendall(f"{number} {len(data)}\n".encode())
        if data:
            threading.Thread(target=self.streams["input"].sendall, args=(data,), daemon=True).start()

    def reset(self, deadline):
        self.streams["monitor"].sendall(b'{"execute":"qmp_capabilities"}\n{"execute":"system_reset"}\n')
        self.tell("reset")
        self.boot(deadline)
        said = bytes(self.first_output)
        self.start_command(2, said[:said.rfind(b"\n") + 1])

    def tell(self, text):
        if self.options.progress:
            print(f"zguest: {text}", file=sys.stderr)

    def stop(self):
        """Ends QEMU and the threads; returns what the guest's kernel complained about."""
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join(10)
        return [line for line in self.console if COMPLAINTS.search(line)]
