# SPDX-License-Identifier: Apache-2.0
"""A FUSE filesystem of one directory whose names may have up to 1024 bytes, which none on a disk
here has: NTFS, exFAT and vfat have up to 765."""
import ctypes
import errno
import os
import stat
import struct
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH = 1, 2, 3, 14, 15, 17, 18, 25
INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 26, 27, 28, 29, 36, 42
CONTENT = b"content\n"


class LongNames:
    def __init__(self, place, names, tells_room=True):
        self.place, self.names = place, [n.encode() for n in names]
        self.tells_room = tells_room  # or statfs(2) is refused
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,allow_other"
        if LIBC.mount(b"long", os.fsencode(place), b"fuse", 0, options.encode()) < 0:
            raise OSError(ctypes.get_errno(), "mount")
        threading.Thread(target=self.serve, daemon=True).start()

    def done(self):
        LIBC.umount2(os.fsencode(self.place), 2)

    def serve(self):
        while True:
            try:
                request = os.read(self.fd, 1 << 17)
            except OSError:
                return os.close(self.fd)
            _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
            answer = self.answer(opcode, node, request[40:])
            if answer is not None:
                error, body = (answer, b"") if isinstance(answer, int) else (0, answer)
                os.write(self.fd, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)

    def attr(self, node):
        mode = stat.S_IFDIR | 0o755 if node == 1 else stat.S_IFREG | 0o644
        size = 0 if node == 1 else len(CONTENT)
        return struct.pack("<6Q3I7I", node, size, 1, 1000, 1000, 1000, 0, 0, 0, mode, 1, 0, 0, 0,
                           4096, 0)

    def answer(self, opcode, node, body):
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            return None
        if opcode == INIT:
            return struct.pack("<4I2H2I2H8I", 7, 31, 65536, 0, 8, 8, 65536, 1, 0, 0, *[0] * 8)
        if opcode == GETATTR:
            return struct.pack("<QII", 1, 0, 0) + self.attr(node)
        if opcode == LOOKUP:
            name = body.rstrip(b"\0")
            if name not in self.names:
                return errno.ENOENT
            found = 2 + self.names.index(name)
            return struct.pack("<4Q2I", found, 0, 1, 1, 0, 0) + self.attr(found)
        if opcode in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if opcode == READDIR:
            return self.listing(*struct.unpack_from("<QQI", body)[1:])
        if opcode == STATFS and self.tells_room:
            return struct.pack("<5Q10I", *[1000] * 5, 4096, 1024, *[0] * 8)
        if opcode == READ:
            return CONTENT[struct.unpack_from("<QQ", body)[1]:]
        return b"" if opcode in (RELEASE, RELEASEDIR, FLUSH) else errno.ENOSYS

    def listing(self, offset, size):
        out = b""
        for i, name in list(enumerate(self.names))[offset:]:
            one = struct.pack("<QQII", i + 2, i + 1, len(name), 8) + name
            one += b"\0" * (-len(one) % 8)
            if len(out) + len(one) > size:
                break
            out += one
        return out
