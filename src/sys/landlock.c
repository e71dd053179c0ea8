/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock by raw system calls: the C library of Debian 12 has no wrappers, and its kernel headers
 * stop at version 2.  Numbers from the kernel's user-space ABI (landlock(7)). */
#include "sys/io.h"
#include "sys/sandbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum fs_access {
        FS_EXECUTE = 1u << 0,
        FS_WRITE_FILE = 1u << 1,
        FS_READ_FILE = 1u << 2,
        FS_READ_DIR = 1u << 3,
        FS_REMOVE_DIR = 1u << 4,
        FS_REMOVE_FILE = 1u << 5,
        FS_MAKE_CHAR = 1u << 6,
        FS_MAKE_DIR = 1u << 7,
        FS_MAKE_REG = 1u << 8,
        FS_MAKE_SOCK = 1u << 9,
        FS_MAKE_FIFO = 1u << 10,
        FS_MAKE_BLOCK = 1u << 11,
        FS_MAKE_SYM = 1u << 12,
        FS_REFER = 1u << 13,     /* version 2 */
        FS_TRUNCATE = 1u << 14,  /* 3 */
        FS_IOCTL_DEV = 1u << 15, /* 5 */
};

enum { NET_BIND_TCP = 1u << 0, NET_CONNECT_TCP = 1u << 1 };     /* 4 */
enum { SCOPE_ABSTRACT_UNIX = 1u << 0, SCOPE_SIGNAL = 1u << 1 }; /* 6 */
enum { OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV };

struct ruleset_attr {
        uint64_t fs, net, scoped;
};

/* The ABI's is packed: 12 bytes. */
struct path_attr {
        uint64_t allowed;
        int32_t fd;
} __attribute__((packed));

int sandbox_landlock_abi(void)
{
        long r = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

        return r < 0 ? 0 : (int)r;
}

static uint64_t handled_fs(int abi)
{
        uint64_t all = (FS_MAKE_SYM << 1) - 1;

        return all | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
               (abi >= 5 ? FS_IOCTL_DEV : 0);
}

static uint64_t rights_of(unsigned rights)
{
        return (rights & SANDBOX_READ ? FS_READ_FILE | FS_READ_DIR : 0) |
               (rights & SANDBOX_EXEC ? FS_EXECUTE | FS_READ_FILE : 0) |
               (rights & SANDBOX_WRITE
                        ? FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
                                  FS_MAKE_REG | FS_MAKE_SOCK | FS_MAKE_SYM | FS_REFER | FS_TRUNCATE
                        : 0);
}

static int add_path(int ruleset, uint64_t handled, const struct sandbox_path *p, struct err *err)
{
        CLEANUP_FD int fd = open(p->path, O_PATH | O_CLOEXEC);
        struct path_attr attr = { .allowed = rights_of(p->rights) & handled };
        struct stat st;

        if (fd < 0 && errno == ENOENT && p->optional)
                return 0;
        if (fd < 0 || fstat(fd, &st) < 0)
                return err_sys(err, -errno, "landlock: %s", p->path);
        if (!S_ISDIR(st.st_mode))
                attr.allowed &= OF_FILES;
        attr.fd = fd;
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) < 0)
                return err_sys(err, -errno, "landlock: %s", p->path);
        return 0;
}

/* What was wanted and this version lacks, for the note. */
static const char *missing(int abi, unsigned flags)
{
        if (abi < 3)
                return ", truncation not covered";
        if (abi < 4 && (flags & SANDBOX_NO_TCP))
                return ", TCP not covered";
        if (abi < 6 && (flags & SANDBOX_SCOPED))
                return ", signals and abstract sockets not covered";
        return "";
}

int sandbox_landlock(struct sandbox_state *st, const struct sandbox_path *paths, size_t n,
                     unsigned flags, struct err *err)
{
        int abi = sandbox_landlock_abi();
        struct ruleset_attr attr = {
                .fs = handled_fs(abi),
                .net = flags & SANDBOX_NO_TCP ? NET_BIND_TCP | NET_CONNECT_TCP : 0,
                .scoped = flags & SANDBOX_SCOPED ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0,
        };
        size_t size = abi >= 6 ? sizeof attr : abi >= 4 ? 2 * sizeof attr.fs : sizeof attr.fs;
        CLEANUP_FD int ruleset = -1;
        const char *lacks = missing(abi, flags);
        int r;

        if (abi == 0) {
                st->step[SANDBOX_LANDLOCK].result = SANDBOX_ABSENT;
                snprintf(st->step[SANDBOX_LANDLOCK].note, SANDBOX_NOTE_MAX,
                         "this kernel has no Landlock");
                return 0;
        }
        ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
        if (ruleset < 0)
                return err_sys(err, -errno, "landlock: new rule set");
        for (size_t i = 0; i < n; i++) {
                r = add_path(ruleset, attr.fs, &paths[i], err);
                if (r < 0)
                        return r;
        }
        if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
                return err_sys(err, -errno, "landlock: restrict");
        st->step[SANDBOX_LANDLOCK].result = lacks[0] ? SANDBOX_PARTLY : SANDBOX_APPLIED;
        snprintf(st->step[SANDBOX_LANDLOCK].note, SANDBOX_NOTE_MAX, "version %d%s", abi, lacks);
        return 0;
}
