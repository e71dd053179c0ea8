/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/attempt.h"

#include "sys/attempt_calls.h"
#include "sys/bpf.h"

#include <linux/types.h>

#include "bpf/attempt.h"

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

STATIC_ASSERT((int)ATTEMPT_FLAGS == ATTEMPT_OP_FLAGS, "the eBPF program tells this one by itself");

int attempt_open(struct bpf **ret, struct err *err)
{
        CLEANUP(bpf_freep) struct bpf *b = NULL;
        const struct attempt_call *c;
        uint32_t number;
        int rc = bpf_open(BPF_ATTEMPT, &b, err);

        for (size_t i = 0; rc == 0 && (c = attempt_call_at(i, &number)); i++) {
                assert(number < ATTEMPT_CALLS);
                rc = bpf_set(b, "calls", number, span_of(c, sizeof *c));
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

void attempt_put_path(struct span s, struct buf *path)
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
        attempt_put_path(argument, path);
        if (path->n == 0)
                buf_put_byte(path, '/');
        if (buf_status(path) < 0)
                return buf_status(path);
        *ret = (struct attempt){ .op = (enum attempt_op)r.op,
                                 .pid = (pid_t)r.pid,
                                 .error = r.error,
                                 .exact = r.path_n == 0 && !(r.flags & ATTEMPT_UNREAD),
                                 .incomplete = r.flags & (ATTEMPT_BASE_CUT | ATTEMPT_UNREAD) };
        return 0;
}
