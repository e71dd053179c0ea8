# SPDX-License-Identifier: Apache-2.0
"""Starts assay-job as a program of Assay does, and takes what it tells."""
import dataclasses
import json
import os
import socket
import subprocess

from assay_tool import BIN

FACT, END, FAILED = 1, 2, 3
FIRST_MORE, HIGH = 3, 60


@dataclasses.dataclass
class Told:
    facts: list  # the first `keep` of them
    failed: str  # None: it ended well
    status: int
    count: int = 0

    def of(self, kind):
        return [f for f in self.facts if f.get("fact") == kind]


def _place(descriptors):
    """In the child: descriptors become 3, 4, ... and nothing else stays open."""
    high = [os.dup2(fd, HIGH + i) for i, fd in enumerate(descriptors)]
    for i, fd in enumerate(high):
        os.dup2(fd, FIRST_MORE + i)
    os.closerange(FIRST_MORE + len(high), 256)


def _take(sock, keep):
    told, count = Told([], None, None), None
    while frame := sock.recv(1 << 17):
        assert count is None and told.failed is None, "a frame behind the last"
        if frame[0] == FACT:
            told.count += 1
            if told.count <= keep:
                told.facts.append(json.loads(frame[1:]))
        elif frame[0] == END:
            count = int.from_bytes(frame[1:], "little")
            assert count == told.count
        else:
            told.failed = frame[1:].decode()
    if count is None and told.failed is None:
        told.failed = ""  # it died
    return told


def run(job, data, *args, more=(), keep=100000):
    """data and each of more is bytes, a path or an open descriptor."""
    opened = []

    def descriptor(what):
        if isinstance(what, int):
            return what
        if isinstance(what, bytes):
            fd = os.memfd_create("input")
            os.write(fd, what)
        else:
            fd = os.open(what, os.O_RDONLY)
        opened.append(fd)
        return fd

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    descriptors = [descriptor(m) for m in more]
    child = subprocess.Popen([BIN / "assay-job", job, *args], stdin=descriptor(data),
                             stdout=theirs, stderr=subprocess.DEVNULL, close_fds=False,
                             preexec_fn=lambda: _place(descriptors))
    theirs.close()
    with ours:
        told = _take(ours, keep)
    told.status = child.wait(timeout=60)
    for fd in opened:
        os.close(fd)
    return told
