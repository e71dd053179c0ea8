/* SPDX-License-Identifier: Apache-2.0 */
/* Records of bpf/process.h; pure. */
#include "sys/process.h"

#include <linux/types.h>

#include "bpf/process.h"

STATIC_ASSERT((int)PROCESS_COMM_MAX == (int)PROCESS_RECORD_COMM, "one length of names");
STATIC_ASSERT((int)PROCESS_EXE_MAX == (int)PROCESS_RECORD_EXE, "one length of paths");
STATIC_ASSERT((int)PROCESS_ARGS_MAX == (int)PROCESS_RECORD_ARGS, "one length of arguments");
STATIC_ASSERT((int)PROCESS_CGROUP_MAX == (int)PROCESS_RECORD_CGROUP, "one length of groups");

/* Parts, the last one first, each ended by a NUL: put before each other from the end of out, each
 * with its slash, they are the path.  They take the room they have in the record. */
static int put_together(struct span parts, uint8_t *out, size_t max, struct span *ret)
{
        size_t at = max;

        if (parts.n > max)
                return -EBADMSG;
        while (parts.n) {
                const uint8_t *nul = memchr(parts.p, 0, parts.n);
                size_t n = nul ? (size_t)(nul - parts.p) : 0;

                if (n == 0)
                        return -EBADMSG;
                at -= n;
                memcpy(out + at, parts.p, n);
                out[--at] = '/';
                parts = span_from(parts, n + 1);
        }
        *ret = span_of(out + at, max - at);
        return 0;
}

static int what_of(unsigned kind, enum process_what *ret)
{
        switch (kind) {
        case PROCESS_RECORD_FORK:
                *ret = PROCESS_FORKED;
                return 0;
        case PROCESS_RECORD_EXEC:
                *ret = PROCESS_EXECUTED;
                return 0;
        case PROCESS_RECORD_EXIT:
                *ret = PROCESS_ENDED;
                return 0;
        default:
                return -EBADMSG;
        }
}

static unsigned has_of(unsigned flags)
{
        static const struct {
                unsigned flag, has;
        } map[] = {
                { PROCESS_FLAG_EXE, PROCESS_HAS_EXE },
                { PROCESS_FLAG_EXE_CUT, PROCESS_EXE_CUT },
                { PROCESS_FLAG_EXE_NAMELESS, PROCESS_EXE_NAMELESS },
                { PROCESS_FLAG_ARGS, PROCESS_HAS_ARGS },
                { PROCESS_FLAG_ARGS_CUT, PROCESS_ARGS_CUT },
                { PROCESS_FLAG_CGROUP, PROCESS_HAS_PLACE },
                { PROCESS_FLAG_CGROUP_CUT, PROCESS_PLACE_CUT },
                { PROCESS_FLAG_KERNEL, PROCESS_IS_KERNEL },
                { PROCESS_FLAG_AUDIT, PROCESS_HAS_AUID },
                { PROCESS_FLAG_EXE_LED, PROCESS_EXE_LED },
                { PROCESS_FLAG_EXE_STRAYS, PROCESS_EXE_STRAYS },
        };
        unsigned has = PROCESS_HAS_START | PROCESS_HAS_PARENT | PROCESS_HAS_UID | PROCESS_HAS_SID |
                       PROCESS_HAS_COMM;

        for (size_t i = 0; i < ARRAY_LEN(map); i++)
                if (flags & map[i].flag)
                        has |= map[i].has;
        return has;
}

static int check_record(const struct process_record *r, size_t n, struct err *err)
{
        if (n != (size_t)r->exe_n + r->args_n + r->cgroup_n)
                return err_set(err, -EBADMSG, "process record: %u+%u+%u bytes in %zu", r->exe_n,
                               r->args_n, r->cgroup_n, n);
        if (r->flags & ~(unsigned)PROCESS_FLAGS_ALL)
                return err_set(err, -EBADMSG, "process record: flags %x", r->flags);
        if (r->pid > INT32_MAX || r->ppid > INT32_MAX || r->creator > INT32_MAX ||
            r->sid > INT32_MAX)
                return err_set(err, -EBADMSG, "process record: pid %u, %u, %u or %u", r->pid,
                               r->ppid, r->creator, r->sid);
        return 0;
}

int process_decode(struct span record, struct process_scratch *scratch, struct process_event *ret,
                   struct err *err)
{
        struct process_event e = { 0 };
        struct process_record r;
        struct span rest;
        int rc;

        if (record.n < sizeof r)
                return err_set(err, -EBADMSG, "process record: %zu bytes", record.n);
        memcpy(&r, record.p, sizeof r);
        rest = span_from(record, sizeof r);
        rc = check_record(&r, rest.n, err);
        if (rc < 0)
                return rc;
        if (what_of(r.kind, &e.what) < 0)
                return err_set(err, -EBADMSG, "process record: kind %u", r.kind);
        if (put_together(span_of(rest.p, r.exe_n), scratch->exe, sizeof scratch->exe, &e.exe) < 0)
                return err_set(err, -EBADMSG, "process record: executable");
        rest = span_from(rest, r.exe_n);
        e.args = span_of(rest.p, r.args_n);
        rest = span_from(rest, r.args_n);
        if (e.args.n > PROCESS_ARGS_MAX ||
            put_together(rest, scratch->cgroup, sizeof scratch->cgroup, &e.cgroup_path) < 0)
                return err_set(err, -EBADMSG, "process record: arguments or control group");
        e.has = has_of(r.flags) | (r.mount_ns ? PROCESS_HAS_MOUNT_NS : 0);
        e.time_ns = r.time_ns;
        e.start_ns = r.start_ns;
        e.pid = (int32_t)r.pid;
        e.ppid = (int32_t)r.ppid;
        e.creator = (int32_t)r.creator;
        e.sid = (int32_t)r.sid;
        e.tty = (int32_t)r.tty;
        e.uid = r.uid;
        e.euid = r.euid;
        e.auid = r.auid;
        e.session = r.session;
        e.mount_ns = r.mount_ns;
        e.cgroup = r.cgroup;
        e.exe_ino = r.exe_ino;
        e.exe_dev = (uint64_t)(r.exe_dev >> 20) << 32 | (r.exe_dev & 0xfffff);
        /* r is this function's; the bytes to point at are the record's */
        e.comm = span_of(record.p + offsetof(struct process_record, comm),
                         strnlen(r.comm, sizeof r.comm));
        *ret = e;
        return 0;
}
