# SPDX-License-Identifier: Apache-2.0
"""A process whose calls of some sorts, and those of all that it starts, wait for a test before they
are made: seccomp(2), SECCOMP_RET_USER_NOTIF."""
import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import threading

import pytest

IOCTL, UNLINKAT, RENAMEAT2 = 16, 263, 316
GETFLAGS = 0x80086601
RECEIVE, SEND, CONTINUE = 0xc0502100, 0xc0182101, 1
ALLOW, NOTIFY = 0x7fff0000, 0x7fc00000
LOAD, IS, RETURN = 0x20, 0x15, 0x06
SECCOMP, SET_FILTER, NEW_LISTENER = 317, 1, 8
LIBC = ctypes.CDLL(None, use_errno=True)


def program(numbers):
    lines = [(LOAD, 0, 0, 0)]
    for i, number in enumerate(numbers):
        lines.append((IS, len(numbers) - i, 0, number))
    lines += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, NOTIFY)]
    return b"".join(struct.pack("HBBI", *line) for line in lines), len(lines)


class Call:
    """One that waits."""

    def __init__(self, notice):
        self.id, self.pid, _, self.number, _, _, *self.arguments = struct.unpack("QIIiIQ6Q",
                                                                                 notice)

    def file(self):
        """Where its first argument leads, a descriptor; "" where that cannot be seen."""
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/{self.pid}/fd/{self.arguments[0]}")
        return ""

    def text(self, i):
        with open(f"/proc/{self.pid}/mem", "rb") as memory:
            memory.seek(self.arguments[i])
            return os.fsdecode(memory.read(256).split(b"\0")[0])


class Trap:
    """Calls of these numbers: each is shown to decide(call), and made when that returns; unless it
    says "keep": then when it is released."""

    def __init__(self, decide, *numbers):
        self.decide, self.numbers, self.kept = decide, numbers, []
        self.ours, self.theirs = socket.socketpair()
        self.listener = None

    def enter(self):
        """In the process, before it runs its program."""
        code, n = program(self.numbers)
        filter_ = struct.pack("HxxxxxxQ", n, ctypes.addressof(
            lines := ctypes.create_string_buffer(code)))
        fd = LIBC.syscall(SECCOMP, SET_FILTER, NEW_LISTENER, filter_)
        del lines
        socket.send_fds(self.theirs, [b"y" if fd >= 0 else b"n"], [fd] if fd >= 0 else [])

    def begin(self):
        """When it has been started."""
        said, fds, _, _ = socket.recv_fds(self.ours, 1, 1)
        if said != b"y":
            pytest.skip("no notices of seccomp here")
        self.listener = fds[0]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            poll = select.poll()
            poll.register(self.listener, select.POLLIN)
            if not any(events & select.POLLIN for _, events in poll.poll()):
                return  # all of them have ended
            notice = bytearray(80)
            try:
                fcntl.ioctl(self.listener, RECEIVE, notice)
            except OSError:
                continue  # it has gone
            call = Call(bytes(notice))
            if self.decide(call) == "keep":
                self.kept.append(call)
            else:
                self.let(call)

    def let(self, call):
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.listener, SEND, bytearray(struct.pack("QqiI", call.id, 0, 0,
                                                                   CONTINUE)))

    def release(self):
        while self.kept:
            self.let(self.kept.pop())
