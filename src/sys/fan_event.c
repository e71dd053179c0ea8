/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a buffer of events apart; pure.
 *
 *   event   0   4  length, records included
 *           4   1  version, 3
 *           6   2  length of this head, 24
 *           8   8  mask
 *          16   4  descriptor, always -1 in a group that reports names
 *          20   4  pid
 *          24   .  records, one after the other:
 *   record  0   1  type
 *           2   2  length
 *           4   .  by type
 *   name    4   8  fsid
 *          12   4  bytes of the handle
 *          16   4  type of the handle
 *          20   .  the handle, then (with a name) the name and one NUL or more
 *   pidfd   4   4  descriptor, or -1 exited, -2 error
 *   error   4   4  errno
 *           8   4  count
 *
 * SECURITY: the frame is the kernel's, names in it are anybody's. */
#include "sys/fan.h"

/* The ABI's numbers; older headers lack some. */
enum record_type {
        RECORD_FID = 1,
        RECORD_DFID_NAME = 2,
        RECORD_DFID = 3,
        RECORD_PIDFD = 4,
        RECORD_ERROR = 5,
        RECORD_OLD_DFID_NAME = 10,
        RECORD_NEW_DFID_NAME = 12,
};

enum {
        VERSION = 3,
        HEAD = 24,
        RECORD_HEAD = 4,
        FID_HEAD = 20,
        PIDFD_RECORD = 8,
        ERROR_RECORD = 12
};
enum { PIDFD_GONE = -1 };

static uint16_t get16(struct span s, size_t at)
{
        uint16_t v;

        memcpy(&v, s.p + at, sizeof v);
        return v;
}

static uint32_t get32(struct span s, size_t at)
{
        uint32_t v;

        memcpy(&v, s.p + at, sizeof v);
        return v;
}

static uint64_t get64(struct span s, size_t at)
{
        uint64_t v;

        memcpy(&v, s.p + at, sizeof v);
        return v;
}

/* A record with a handle; *ret_rest is what follows the handle. */
static int parse_fid(struct span rec, uint64_t *ret_fsid, struct fs_handle *ret,
                     struct span *ret_rest, struct err *err)
{
        uint32_t n;

        if (rec.n < FID_HEAD)
                return err_set(err, -EBADMSG, "fanotify: record of %zu bytes has no handle", rec.n);
        n = get32(rec, 12);
        if (n > rec.n - FID_HEAD || n > FS_HANDLE_MAX)
                return err_set(err, -EBADMSG, "fanotify: handle of %u bytes in a record of %zu", n,
                               rec.n);
        *ret_fsid = get64(rec, 4);
        *ret_rest = span_from(rec, FID_HEAD + n);
        return fs_handle_set(ret, (int32_t)get32(rec, 16), span_of(rec.p + FID_HEAD, n));
}

static int parse_name(struct span rec, struct fan_name *ret, struct err *err)
{
        struct span rest;
        int r;

        r = parse_fid(rec, &ret->fsid, &ret->dir, &rest, err);
        if (r < 0)
                return r;
        ret->present = true;
        ret->name = span_of(rest.p, rest.n ? strnlen((const char *)rest.p, rest.n) : 0);
        if (rest.n && ret->name.n == rest.n)
                return err_set(err, -EBADMSG, "fanotify: name of %zu bytes has no end", rest.n);
        if (span_eq_str(ret->name, "."))
                ret->name = SPAN_NONE;
        return 0;
}

static int parse_pidfd(struct span rec, struct fan_event *ev, struct err *err)
{
        int32_t fd;

        if (rec.n < PIDFD_RECORD)
                return err_set(err, -EBADMSG, "fanotify: pidfd record of %zu bytes", rec.n);
        fd = (int32_t)get32(rec, 4);
        ev->pidfd = fd >= 0 ? fd : -1;
        ev->pidfd_state = fd >= 0            ? FAN_PIDFD_OPEN
                          : fd == PIDFD_GONE ? FAN_PIDFD_GONE
                                             : FAN_PIDFD_ERROR;
        return 0;
}

static int parse_error(struct span rec, struct fan_event *ev, struct err *err)
{
        if (rec.n < ERROR_RECORD)
                return err_set(err, -EBADMSG, "fanotify: error record of %zu bytes", rec.n);
        ev->fs_error = (int32_t)get32(rec, 4);
        ev->fs_error_count = get32(rec, 8);
        return 0;
}

static int parse_record(struct span rec, struct fan_event *ev, struct err *err)
{
        struct span padding;

        switch (rec.p[0]) {
        case RECORD_FID:
                ev->has_child = true;
                return parse_fid(rec, &ev->child_fsid, &ev->child, &padding, err);
        case RECORD_DFID:
        case RECORD_DFID_NAME:
                return parse_name(rec, &ev->at, err);
        case RECORD_OLD_DFID_NAME:
                return parse_name(rec, &ev->old, err);
        case RECORD_NEW_DFID_NAME:
                return parse_name(rec, &ev->new, err);
        case RECORD_PIDFD:
                return parse_pidfd(rec, ev, err);
        case RECORD_ERROR:
                return parse_error(rec, ev, err);
        default: /* a newer kernel's */
                return 0;
        }
}

static int parse_records(struct span s, struct fan_event *ev, struct err *err)
{
        size_t n;
        int r;

        while (s.n > 0) {
                n = s.n >= RECORD_HEAD ? get16(s, 2) : 0;
                if (n < RECORD_HEAD || n > s.n)
                        return err_set(err, -EBADMSG, "fanotify: record of %zu bytes, %zu left", n,
                                       s.n);
                r = parse_record(span_of(s.p, n), ev, err);
                if (r < 0)
                        return r;
                s = span_from(s, n);
        }
        return 0;
}

int fan_next(struct span *events, struct fan_event *ret, struct err *err)
{
        struct fan_event ev = { .pidfd = -1 };
        struct span s = *events;
        uint32_t n, head;
        int r;

        if (s.n == 0)
                return 0;
        if (s.n < HEAD)
                return err_set(err, -EBADMSG, "fanotify: %zu bytes are no event", s.n);
        n = get32(s, 0);
        head = get16(s, 6);
        if (s.p[4] != VERSION)
                return err_set(err, -EBADMSG, "fanotify: version %u of events, not %d", s.p[4],
                               VERSION);
        if (head < HEAD || head > n || n > s.n)
                return err_set(err, -EBADMSG, "fanotify: event of %u bytes, head %u, %zu left", n,
                               head, s.n);
        ev.mask = get64(s, 8);
        ev.pid = (int32_t)get32(s, 20);
        r = parse_records(span_of(s.p + head, n - head), &ev, err);
        if (r < 0)
                return r;
        *ret = ev;
        *events = span_from(s, n);
        return 1;
}
