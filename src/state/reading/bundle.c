/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/bundle.h"

#include "base/le.h"

static const char magic[] = "assay bundle 1\n";

enum {
        MAGIC = sizeof magic - 1,
        OFF_STATUS = 0,
        OFF_MODE = 4,
        OFF_UID = 8,
        OFF_GID = 12,
        OFF_MTIME = 16,
        OFF_SIZE = 24,
        OFF_NAME_N = 32,
        OFF_BYTES_N = 36,
        HEAD = 40,
};

void bundle_begin(struct buf *out)
{
        buf_put_str(out, magic);
}

void bundle_put(struct buf *out, const struct state_part *p)
{
        uint8_t *h = buf_extend(out, HEAD);

        assert(p->name.n <= BUNDLE_NAME_MAX && p->bytes.n <= BUNDLE_FILE_MAX);
        if (!h)
                return;
        le_put32(h + OFF_STATUS, p->status);
        le_put32(h + OFF_MODE, p->mode);
        le_put32(h + OFF_UID, p->uid);
        le_put32(h + OFF_GID, p->gid);
        le_put64(h + OFF_MTIME, (uint64_t)p->mtime_ns);
        le_put64(h + OFF_SIZE, p->size);
        le_put32(h + OFF_NAME_N, (uint32_t)p->name.n);
        le_put32(h + OFF_BYTES_N, (uint32_t)p->bytes.n);
        buf_put(out, p->name);
        buf_put(out, p->bytes);
}

/* The part at the front of rest: its length, or 0 when it is none. */
static size_t decode(struct span rest, struct state_part *ret)
{
        size_t name_n, bytes_n;

        if (rest.n < HEAD)
                return 0;
        name_n = le_get32(rest.p + OFF_NAME_N);
        bytes_n = le_get32(rest.p + OFF_BYTES_N);
        if (name_n > BUNDLE_NAME_MAX || bytes_n > BUNDLE_FILE_MAX ||
            rest.n - HEAD < name_n + bytes_n)
                return 0;
        *ret = (struct state_part){
                .status = le_get32(rest.p + OFF_STATUS),
                .mode = le_get32(rest.p + OFF_MODE),
                .uid = le_get32(rest.p + OFF_UID),
                .gid = le_get32(rest.p + OFF_GID),
                .mtime_ns = (int64_t)le_get64(rest.p + OFF_MTIME),
                .size = le_get64(rest.p + OFF_SIZE),
                .name = span_of(rest.p + HEAD, name_n),
                .bytes = span_of(rest.p + HEAD + name_n, bytes_n),
        };
        return HEAD + name_n + bytes_n;
}

int bundle_open(struct span bytes, struct state_in *ret, struct err *err)
{
        struct span rest = span_from(bytes, MAGIC);
        struct state_part part;
        size_t parts = 0, n;

        if (!span_starts(bytes, span_str(magic)))
                return err_set(err, -EBADMSG, "not a bundle");
        for (; rest.n; rest = span_from(rest, n)) {
                n = decode(rest, &part);
                if (n == 0 || ++parts > BUNDLE_PARTS_MAX)
                        return err_set(err, -EBADMSG, "bundle, byte %zu: %s", bytes.n - rest.n,
                                       n ? "too many parts" : "not a part");
        }
        ret->all = ret->rest = span_from(bytes, MAGIC);
        return 0;
}

bool state_next(struct state_in *in, struct state_part *ret)
{
        size_t n = in->rest.n ? decode(in->rest, ret) : 0;

        in->rest = span_from(in->rest, n);
        return n != 0;
}

void state_again(struct state_in *in)
{
        in->rest = in->all;
}

bool state_part_named(const struct state_in *in, struct span name, struct state_part *ret)
{
        struct state_in it = { in->all, in->all };
        struct state_part part;

        while (state_next(&it, &part))
                if (span_eq(part.name, name)) {
                        *ret = part;
                        return true;
                }
        return false;
}

void state_put_status(struct buf *out, uint32_t status)
{
        if (status >= BUNDLE_PROGRAM_FAILED)
                buf_printf(out, "ended with status %u", status - BUNDLE_PROGRAM_FAILED);
        else if (status == EINVAL)
                buf_put_str(out, "not a regular file");
        else
                buf_put_str(out, strerror((int)status));
}
