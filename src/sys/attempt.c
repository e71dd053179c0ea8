/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/attempt.h"

#include "sys/bpf.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/types.h>
#include <sys/syscall.h>

#include "bpf/attempt.h"

enum {
        NONE = ATTEMPT_NO_ARG,
        TO_WRITE = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC,
        SETATTR = 469, /* file_setattr(2), younger than the C library */
};

static const char *const op_names[ATTEMPT_OPS] = {
        [ATTEMPT_OPEN] = "open",    [ATTEMPT_UNLINK] = "unlink",     [ATTEMPT_RENAME] = "rename",
        [ATTEMPT_LINK] = "link",    [ATTEMPT_MAKE] = "make",         [ATTEMPT_MODE] = "chmod",
        [ATTEMPT_OWNER] = "chown",  [ATTEMPT_TRUNCATE] = "truncate", [ATTEMPT_XATTR] = "setxattr",
        [ATTEMPT_TIMES] = "utimes", [ATTEMPT_FLAGS] = "chattr",      [ATTEMPT_WRITE] = "write",
};

const char *attempt_op_name(enum attempt_op op)
{
        return op_names[op];
}

/* ---- which calls ---- */

#define PLAIN NONE, NONE, NONE, 0, 0, 0

struct known_call {
        uint32_t number;
        struct attempt_call call;
};

/* op, path, dirfd, path2, dirfd2, mask_arg, how, zero, mask */
static const struct known_call calls[] = {
#ifdef SYS_open
        { SYS_open, { ATTEMPT_OPEN, 0, NONE, NONE, NONE, 1, ATTEMPT_ANY_BIT, 0, TO_WRITE } },
        { SYS_creat, { ATTEMPT_OPEN, 0, NONE, PLAIN } },
        { SYS_unlink, { ATTEMPT_UNLINK, 0, NONE, PLAIN } },
        { SYS_rmdir, { ATTEMPT_UNLINK, 0, NONE, PLAIN } },
        { SYS_rename, { ATTEMPT_RENAME, 0, NONE, 1, NONE, NONE, 0, 0, 0 } },
        { SYS_link, { ATTEMPT_LINK, 0, NONE, 1, NONE, NONE, 0, 0, 0 } },
        { SYS_symlink, { ATTEMPT_MAKE, 1, NONE, PLAIN } },
        { SYS_mkdir, { ATTEMPT_MAKE, 0, NONE, PLAIN } },
        { SYS_mknod, { ATTEMPT_MAKE, 0, NONE, PLAIN } },
        { SYS_chmod, { ATTEMPT_MODE, 0, NONE, PLAIN } },
        { SYS_chown, { ATTEMPT_OWNER, 0, NONE, PLAIN } },
        { SYS_lchown, { ATTEMPT_OWNER, 0, NONE, PLAIN } },
        { SYS_utime, { ATTEMPT_TIMES, 0, NONE, PLAIN } },
        { SYS_utimes, { ATTEMPT_TIMES, 0, NONE, PLAIN } },
#endif
#ifdef SYS_renameat
        { SYS_renameat, { ATTEMPT_RENAME, 1, 0, 3, 2, NONE, 0, 0, 0 } },
#endif
#ifdef SYS_fchmodat2
        { SYS_fchmodat2, { ATTEMPT_MODE, 1, 0, PLAIN } },
#endif
        { SYS_openat, { ATTEMPT_OPEN, 1, 0, NONE, NONE, 2, ATTEMPT_ANY_BIT, 0, TO_WRITE } },
        { SYS_openat2, { ATTEMPT_OPEN, 1, 0, NONE, NONE, 2, ATTEMPT_POINTED, 0, TO_WRITE } },
        { SYS_unlinkat, { ATTEMPT_UNLINK, 1, 0, PLAIN } },
        { SYS_renameat2, { ATTEMPT_RENAME, 1, 0, 3, 2, NONE, 0, 0, 0 } },
        { SYS_linkat, { ATTEMPT_LINK, 1, 0, 3, 2, NONE, 0, 0, 0 } },
        { SYS_symlinkat, { ATTEMPT_MAKE, 2, 1, PLAIN } },
        { SYS_mkdirat, { ATTEMPT_MAKE, 1, 0, PLAIN } },
        { SYS_mknodat, { ATTEMPT_MAKE, 1, 0, PLAIN } },
        { SYS_fchmod, { ATTEMPT_MODE, NONE, 0, PLAIN } },
        { SYS_fchmodat, { ATTEMPT_MODE, 1, 0, PLAIN } },
        { SYS_fchown, { ATTEMPT_OWNER, NONE, 0, PLAIN } },
        { SYS_fchownat, { ATTEMPT_OWNER, 1, 0, PLAIN } },
        { SYS_truncate, { ATTEMPT_TRUNCATE, 0, NONE, PLAIN } },
        { SYS_ftruncate, { ATTEMPT_TRUNCATE, NONE, 0, PLAIN } },
        { SYS_fallocate, { ATTEMPT_WRITE, NONE, 0, PLAIN } },
        { SYS_setxattr, { ATTEMPT_XATTR, 0, NONE, PLAIN } },
        { SYS_lsetxattr, { ATTEMPT_XATTR, 0, NONE, PLAIN } },
        { SYS_fsetxattr, { ATTEMPT_XATTR, NONE, 0, PLAIN } },
        { SYS_removexattr, { ATTEMPT_XATTR, 0, NONE, PLAIN } },
        { SYS_lremovexattr, { ATTEMPT_XATTR, 0, NONE, PLAIN } },
        { SYS_fremovexattr, { ATTEMPT_XATTR, NONE, 0, PLAIN } },
        { SYS_utimensat, { ATTEMPT_TIMES, 1, 0, PLAIN } },
        { SYS_ioctl,
          { ATTEMPT_FLAGS, NONE, 0, NONE, NONE, 1, ATTEMPT_EQUAL, 0, (uint32_t)FS_IOC_SETFLAGS } },
        { SETATTR, { ATTEMPT_FLAGS, 1, 0, PLAIN } },
        { SYS_write, { ATTEMPT_WRITE, NONE, 0, PLAIN } },
        { SYS_pwrite64, { ATTEMPT_WRITE, NONE, 0, PLAIN } },
        { SYS_writev, { ATTEMPT_WRITE, NONE, 0, PLAIN } },
};

STATIC_ASSERT((int)ATTEMPT_FLAGS == ATTEMPT_OP_FLAGS, "the eBPF program tells this one by itself");

int attempt_open(struct bpf **ret, struct err *err)
{
        CLEANUP(bpf_freep) struct bpf *b = NULL;
        int rc = bpf_open(BPF_ATTEMPT, &b, err);

        for (size_t i = 0; i < ARRAY_LEN(calls) && rc == 0; i++) {
                assert(calls[i].number < ATTEMPT_CALLS);
                rc = bpf_set(b, "calls", calls[i].number,
                             span_of(&calls[i].call, sizeof calls[i].call));
                if (rc < 0)
                        return err_sys(err, rc, "tell eBPF which calls to look at");
        }
        if (rc < 0)
                return rc;
        *ret = b;
        b = NULL;
        return 0;
}

/* ---- records ---- */

/* Takes the last part off; the root stays. */
static void up(struct buf *path)
{
        const uint8_t *slash = path->n ? memrchr(path->p, '/', path->n) : NULL;

        path->n = slash ? (size_t)(slash - path->p) : 0;
}

/* As the kernel would walk it if nothing on the way were a link. */
static void put_parts(struct span s, struct buf *path)
{
        while (s.n) {
                const uint8_t *slash = memchr(s.p, '/', s.n);
                size_t n = slash ? (size_t)(slash - s.p) : s.n;

                if (n == 2 && memcmp(s.p, "..", 2) == 0) {
                        up(path);
                } else if (n && !(n == 1 && s.p[0] == '.')) {
                        buf_put_byte(path, '/');
                        buf_put(path, span_of(s.p, n));
                }
                s = span_from(s, n + 1);
        }
}

/* Parts, the last one first, each ended by a NUL. */
static int put_base(struct span parts, struct buf *path)
{
        struct span rest = parts;

        while (rest.n) {
                size_t n = rest.n - 1; /* of the part that ends here, the NUL not counted */
                size_t at = n;

                if (rest.p[n] != 0)
                        return -EBADMSG;
                while (at && rest.p[at - 1] != 0)
                        at--;
                if (at == n || memchr(rest.p + at, '/', n - at))
                        return -EBADMSG;
                buf_put_byte(path, '/');
                buf_put(path, span_of(rest.p + at, n - at));
                rest.n = at;
        }
        return 0;
}

int attempt_decode(struct span record, struct attempt *ret, struct buf *path, struct err *err)
{
        struct attempt_record r;
        struct span rest, argument;

        if (record.n < sizeof r)
                return err_set(err, -EBADMSG, "attempt record: %zu bytes", record.n);
        assert(record.p);
        memcpy(&r, record.p, sizeof r);
        rest = span_from(record, sizeof r);
        if (rest.n != (size_t)r.base_n + r.path_n || r.flags & ~(unsigned)ATTEMPT_FLAGS_ALL ||
            r.op == 0 || r.op >= ATTEMPT_OPS || r.error > 0 || r.error < -4095 ||
            (r.error == 0) != !!(r.flags & ATTEMPT_DONE) || r.pid > INT32_MAX)
                return err_set(err, -EBADMSG, "attempt record: its head");
        argument = span_from(rest, r.base_n);
        buf_clear(path);
        if (put_base(span_of(record.p + sizeof r, r.base_n), path) < 0 ||
            memchr(argument.p, 0, argument.n))
                return err_set(err, -EBADMSG, "attempt record: its path");
        put_parts(argument, path);
        if (path->n == 0)
                buf_put_byte(path, '/');
        if (buf_status(path) < 0)
                return buf_status(path);
        *ret = (struct attempt){ .op = (enum attempt_op)r.op,
                                 .pid = (pid_t)r.pid,
                                 .error = r.error,
                                 .exact = r.path_n == 0 && !(r.flags & ATTEMPT_UNREAD),
                                 .incomplete = r.flags & (ATTEMPT_BASE_CUT | ATTEMPT_UNREAD),
                                 .time_ns = r.time_ns };
        return 0;
}
