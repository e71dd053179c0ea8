# SPDX-License-Identifier: Apache-2.0
"""Calls on a file that do not come to an end: their memory is kept back by whoever made them."""
import contextlib
import subprocess

import pytest

# Memory whose second page comes only when a line is read, and threads that use it, one after the
# other, as this user: "write" to the file, "read" it (past the cache), "list" the directory; or
# wait for who does: "rename" the file.  As many as there are words.
STALLED = """
import ctypes, fcntl, mmap, os, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
memory = mmap.mmap(-1, 8192)
memory[:4096] = b"e" * 4096
at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
faults = libc.syscall(323, 0o2000000)
if faults < 0:
    sys.exit(77)
fcntl.ioctl(faults, 0xc018aa3f, bytearray(struct.pack("QQQ", 0xaa, 0, 0)))
fcntl.ioctl(faults, 0xc020aa00, bytearray(struct.pack("QQQQ", at + 4096, 4096, 1, 0)))
path, threads = sys.argv[1], []
os.setuid(int(sys.argv[2]))
FLAGS = {"write": os.O_WRONLY, "read": os.O_RDONLY | os.O_DIRECT, "list": os.O_RDONLY}
for word in sys.argv[3:]:
    fd = os.open(path, FLAGS.get(word, os.O_PATH))
    call = {"write": (libc.write, (fd, ctypes.c_void_p(at), 8192)),
            "read": (libc.read, (fd, ctypes.c_void_p(at + 4096), 4096)),
            "list": (libc.syscall, (217, fd, ctypes.c_void_p(at + 4096), 4096)),
            "rename": (os.rename, (path, path + ".away"))}[word]
    threads.append(threading.Thread(target=call[0], args=call[1]))
    threads[-1].start()
    if len(threads) == 1:
        os.read(faults, 32)  # it has come to the second page
time.sleep(0.1)
if not os.path.isdir(path):
    os.close(os.open(path, os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY))
print("stalled", flush=True)
sys.stdin.readline()
page = ctypes.create_string_buffer(b"f" * 8192)
source = (ctypes.addressof(page) + 4095) & ~4095
fcntl.ioctl(faults, 0xc028aa03, bytearray(struct.pack("QQQQq", at + 4096, source, 4096, 0, 0)))
for thread in threads:
    thread.join()
"""


@contextlib.contextmanager
def stalled(path, *words, uid=0):
    """While words are done to the file or directory at path without an end."""
    with subprocess.Popen(["/usr/bin/python3", "-c", STALLED, path, str(uid), *words], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            if not child.stdout.readline():
                assert child.wait() == 77
                pytest.skip("no userfaultfd here")
            yield child
        finally:
            child.stdin.write("\n")
            child.stdin.close()
