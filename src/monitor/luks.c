/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of open LUKS devices say, before any key: a line for each,
 *   kernel's name of the device, "1", cipher, mode, bits of the key
 *   kernel's name of the device, "2", the header's JSON text
 * Offsets of version 1 (docs/on-disk-format.pdf of cryptsetup), numbers most significant byte
 * first: 0  6 "LUKS" ba be    6  2 version    8 32 cipher    40 32 mode    108  4 bytes of the key
 * Of version 2 (LUKS2 On-Disk Format): the same magic and version, the JSON text at 4096, ended by
 * a NUL.  It has salts and digests of keyslots; no key, and the table keeps neither. */
#include "monitor/builtin.h"

#include "sys/io.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        HEADER = 4096,
        JSON_MAX = 64 * 1024,
        CIPHER_AT = 8,
        MODE_AT = 40,
        CIPHER_N = 32,
        KEY_AT = 108,
        UUID_MAX = 256,
};

static struct span to_nul(const uint8_t *p, size_t max)
{
        return span_of(p, strnlen((const char *)p, max));
}

/* It may be a disk, or in a test a file that stands for one; opening neither waits. */
static int open_device(const char *path)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd >= 0 && (fstat(fd, &st) < 0 || !(S_ISBLK(st.st_mode) || S_ISREG(st.st_mode))))
                fd_close(&fd);
        return fd;
}

static void put_header(const char *device, const char *path, struct buf *out)
{
        static const uint8_t magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0 };
        CLEANUP_FD int fd = open_device(path);
        struct buf b = BUF_INIT(HEADER + JSON_MAX);
        uint8_t *p = fd < 0 ? NULL : buf_extend(&b, HEADER + JSON_MAX);
        ssize_t n = p ? io_kernel.pread(NULL, fd, p, HEADER + JSON_MAX, 0) : -1;

        if (n > HEADER && memcmp(p, magic, sizeof magic) == 0) {
                builtin_field(out, span_str(device));
                builtin_number(out, p[sizeof magic]);
                if (p[sizeof magic] == 1) {
                        builtin_field(out, to_nul(p + CIPHER_AT, CIPHER_N));
                        builtin_field(out, to_nul(p + MODE_AT, CIPHER_N));
                        builtin_number(out, 8 * (((uint64_t)p[KEY_AT + 2] << 8) | p[KEY_AT + 3]));
                } else {
                        builtin_field(out, to_nul(p + HEADER, (size_t)n - HEADER));
                }
                builtin_end(out);
        }
        buf_done(&b);
}

static bool is_luks(const char *uuid_path)
{
        static const char want[] = "CRYPT-LUKS";
        CLEANUP_FD int fd = open(uuid_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        char text[sizeof want - 1];

        return fd >= 0 && read(fd, text, sizeof text) == (ssize_t)sizeof text &&
               memcmp(text, want, sizeof text) == 0;
}

/* path: <root>/sys/block/<device>/dm/uuid.  What it lies on is a name in slaves. */
static void put_device(const char *root, char *path, struct buf *out)
{
        char pattern[PATH_MAX], node[PATH_MAX];
        char *end = path + strlen(path) - strlen("/dm/uuid");
        glob_t g = { 0 };

        if (!is_luks(path))
                return;
        *end = '\0';
        if ((size_t)snprintf(pattern, sizeof pattern, "%s/slaves/*", path) < sizeof pattern &&
            glob(pattern, GLOB_NOESCAPE, NULL, &g) == 0 && g.gl_pathc == 1 &&
            (size_t)snprintf(node, sizeof node, "%s/dev/%s", root,
                             strrchr(g.gl_pathv[0], '/') + 1) < sizeof node)
                put_header(strrchr(path, '/') + 1, node, out);
        globfree(&g);
}

int builtin_luks(const char *root, const atomic_bool *stop, struct buf *out)
{
        char pattern[PATH_MAX];
        glob_t g = { 0 };

        if ((size_t)snprintf(pattern, sizeof pattern, "%s/sys/block/*/dm/uuid", root) >=
            sizeof pattern)
                return ENAMETOOLONG;
        if (glob(pattern, GLOB_NOESCAPE, NULL, &g) == 0)
                for (size_t i = 0; i < g.gl_pathc && !*stop; i++)
                        put_device(root, g.gl_pathv[i], out);
        globfree(&g);
        return 0;
}
