/* SPDX-License-Identifier: Apache-2.0 */
/* wal.c - see wal.h for the offset tables. */
#include "ledger/writer/wal.h"

#include "base/le.h"
#include "sys/crc32c.h"

static const uint8_t magic[8] = { 'A', 'S', 'Y', 'W', 'A', 'L', '0', '1' };

enum { RECORD_MAGIC = 0x4C415700, TRAILER_END = 0x444E4557 };

static bool all_zero(const uint8_t *p, size_t n)
{
        return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

size_t wal_first_nonzero(struct span segment, size_t at)
{
        while (at < segment.n) {
                size_t n = MIN_OF(segment.n - at, (size_t)4096);

                if (!all_zero(segment.p + at, n)) {
                        while (segment.p[at] == 0)
                                at++;
                        return at;
                }
                at += n;
        }
        return SIZE_MAX;
}

/* ---- segment header ---- */

void wal_put_segment(uint8_t out[WAL_SEGMENT_HEADER], const struct wal_segment *s)
{
        memset(out, 0, WAL_SEGMENT_HEADER);
        memcpy(out, magic, sizeof magic);
        le_put32(out + 8, s->bytes);
        le_put64(out + 16, s->number);
        le_put64(out + 24, s->first);
        memcpy(out + 32, s->log_id, WAL_LOG_ID);
        le_put32(out + 60, crc32c(0, span_of(out, 60)));
}

int wal_get_segment(struct span s, struct wal_segment *ret, struct err *err)
{
        struct wal_segment h;

        if (s.n < WAL_SEGMENT_HEADER)
                return err_set(err, -EBADMSG, "segment header cut short at byte %zu", s.n);
        if (all_zero(s.p, WAL_SEGMENT_HEADER))
                return 0;
        if (memcmp(s.p, magic, sizeof magic) != 0)
                return err_set(err, -EBADMSG, "byte 0: no segment begins here");
        if (le_get32(s.p + 60) != crc32c(0, span_of(s.p, 60)))
                return err_set(err, -EBADMSG, "byte 60: the segment header's checksum is wrong");
        h.bytes = le_get32(s.p + 8);
        h.number = le_get64(s.p + 16);
        h.first = le_get64(s.p + 24);
        memcpy(h.log_id, s.p + 32, WAL_LOG_ID);
        if (le_get32(s.p + 12) != 0 || !all_zero(s.p + 48, 12))
                return err_set(err, -EBADMSG, "byte 12: reserved bytes are not zero");
        *ret = h;
        return 1;
}

uint32_t wal_salt(const struct wal_segment *s)
{
        uint8_t number[8];

        le_put64(number, s->number);
        return crc32c(crc32c(0, span_of(s->log_id, WAL_LOG_ID)), span_of(number, sizeof number));
}

/* ---- records ---- */

void wal_put_record(struct buf *b, uint32_t salt, const struct wal_record *r)
{
        size_t len = wal_record_len(r->payload.n);
        uint8_t *p = buf_extend(b, len);

        if (!p)
                return;
        le_put32(p + 4, RECORD_MAGIC | (uint32_t)r->type);
        le_put32(p + 8, (uint32_t)r->payload.n);
        le_put32(p + 12, r->batch);
        le_put64(p + 16, r->index);
        le_put64(p + 24, r->run);
        le_put64(p + 32, r->seq);
        if (r->payload.n)
                memcpy(p + WAL_RECORD_HEADER, r->payload.p, r->payload.n);
        memset(p + WAL_RECORD_HEADER + r->payload.n, 0, len - WAL_RECORD_HEADER - r->payload.n);
        le_put32(p, crc32c(salt, span_of(p + 4, WAL_RECORD_HEADER - 4 + r->payload.n)));
}

void wal_put_trailer(struct buf *b, uint32_t salt, size_t begun, uint32_t batch, uint64_t first,
                     uint64_t size, const struct hash *root)
{
        uint8_t payload[WAL_TRAILER_PAYLOAD] = { 0 };
        struct wal_record r = {
                .type = WAL_TRAILER,
                .batch = batch,
                .index = size,
                .payload = span_of(payload, sizeof payload),
        };

        memcpy(payload, root->b, HASH_LEN);
        le_put64(payload + 32, first);
        le_put32(payload + 40, (uint32_t)(b->n - begun + WAL_TRAILER_BYTES));
        le_put32(payload + 44, TRAILER_END);
        wal_put_record(b, salt, &r);
}

int wal_get_record(struct span segment, size_t at, uint32_t salt, struct wal_record *ret,
                   size_t *ret_len, struct err *err)
{
        const uint8_t *p = segment.p + at;
        size_t room = at <= segment.n ? segment.n - at : 0, payload, len;
        uint32_t word;

        if (room < WAL_RECORD_HEADER) {
                if (all_zero(p, room))
                        return 0;
                return err_set(err, -EBADMSG, "byte %zu: bytes behind the last record", at);
        }
        if (all_zero(p, WAL_RECORD_HEADER))
                return 0;
        word = le_get32(p + 4);
        payload = le_get32(p + 8);
        if ((word & ~0xFFu) != RECORD_MAGIC || (word & 0xFF) < WAL_ENTRY ||
            (word & 0xFF) > WAL_TRAILER)
                return err_set(err, -EBADMSG, "byte %zu: no record begins here", at);
        if (payload > room - WAL_RECORD_HEADER)
                return err_set(err, -EBADMSG,
                               "byte %zu: a record of %zu bytes runs past the segment", at,
                               payload);
        len = MIN_OF(wal_record_len(payload), room);
        if (le_get32(p) != crc32c(salt, span_of(p + 4, WAL_RECORD_HEADER - 4 + payload)))
                return err_set(err, -EBADMSG, "byte %zu: the record's checksum is wrong", at);
        if (!all_zero(p + WAL_RECORD_HEADER + payload, len - WAL_RECORD_HEADER - payload))
                return err_set(err, -EBADMSG, "byte %zu: the record's padding is not zero", at);
        *ret = (struct wal_record){
                .type = (enum wal_type)(word & 0xFF),
                .batch = le_get32(p + 12),
                .index = le_get64(p + 16),
                .run = le_get64(p + 24),
                .seq = le_get64(p + 32),
                .payload = span_of(p + WAL_RECORD_HEADER, payload),
        };
        *ret_len = len;
        return 1;
}

/* ---- batches ---- */

/* The trailer r of a batch that began at `at` and brought the log from first to size. */
static int check_trailer(const struct wal_record *r, size_t at, size_t end, uint64_t first,
                         uint64_t size, struct wal_batch *ret, struct err *err)
{
        const uint8_t *p = r->payload.p;

        if (r->payload.n != WAL_TRAILER_PAYLOAD || le_get32(p + 44) != TRAILER_END)
                return err_set(err, -EBADMSG, "byte %zu: the batch's trailer is malformed", at);
        if (le_get64(p + 32) != first || r->index != size)
                return err_set(err, -EBADMSG,
                               "byte %zu: the batch's trailer counts entries %llu to %llu, the "
                               "batch has %llu to %llu",
                               at, (unsigned long long)le_get64(p + 32),
                               (unsigned long long)r->index, (unsigned long long)first,
                               (unsigned long long)size);
        if (le_get32(p + 40) != end - at)
                return err_set(err, -EBADMSG,
                               "byte %zu: the batch's trailer counts %u bytes of %zu", at,
                               le_get32(p + 40), end - at);
        ret->at = at;
        ret->len = end - at;
        ret->first = first;
        ret->size = size;
        memcpy(ret->root.b, p, HASH_LEN);
        return 1;
}

int wal_get_batch(struct span segment, size_t at, uint32_t salt, uint64_t first,
                  struct wal_batch *ret, size_t *ret_bad, struct err *err)
{
        uint64_t size = first;
        uint32_t batch = 0;
        size_t off = at;

        for (;;) {
                struct wal_record r;
                size_t len;
                int rc = wal_get_record(segment, off, salt, &r, &len, err);

                *ret_bad = off;
                if (rc == 0 && off == at)
                        return 0;
                if (rc == 0)
                        return err_set(err, -EBADMSG, "byte %zu: the batch has no trailer", off);
                if (rc < 0)
                        return rc;
                if (off == at)
                        batch = r.batch;
                if (r.batch != batch)
                        return err_set(err, -EBADMSG, "byte %zu: a record of batch %u in batch %u",
                                       off, r.batch, batch);
                if (r.type == WAL_TRAILER) {
                        rc = check_trailer(&r, at, off + len, first, size, ret, err);
                        return rc;
                }
                if (r.type == WAL_ENTRY && r.index != size)
                        return err_set(err, -EBADMSG, "byte %zu: entry %llu where %llu is due", off,
                                       (unsigned long long)r.index, (unsigned long long)size);
                if (r.type == WAL_SEALED && (size == first || r.index != size - 1))
                        return err_set(err, -EBADMSG, "byte %zu: sealed rows without their entry",
                                       off);
                if (r.type == WAL_ENTRY)
                        size++;
                off += len;
        }
}

/* Trailers from `at` on (they are 8-aligned): the damaged batch may have its own, which counts the
 * bytes from `at`; any other is of a later batch. */
struct trailers {
        size_t own_end; /* 0: none */
        bool later;
};

static struct trailers find_trailers(struct span segment, size_t at, uint32_t salt)
{
        struct trailers t = { 0 };

        for (size_t off = at; off + WAL_TRAILER_BYTES <= segment.n; off += 8) {
                struct wal_record r;
                size_t len;

                if (le_get32(segment.p + off + 4) != (RECORD_MAGIC | WAL_TRAILER) ||
                    wal_get_record(segment, off, salt, &r, &len, NULL) != 1)
                        continue;
                if (t.own_end || r.payload.n != WAL_TRAILER_PAYLOAD ||
                    off + len - at != le_get32(r.payload.p + 40))
                        t.later = true;
                else
                        t.own_end = off + len;
        }
        return t;
}

/* Where the record at `bad` would end, as far as its header can be believed. */
static size_t record_end(struct span segment, size_t bad)
{
        size_t room = segment.n - bad, payload;

        if (room < WAL_RECORD_HEADER)
                return segment.n;
        payload = le_get32(segment.p + bad + 8);
        if (le_get32(segment.p + bad + 4) == (RECORD_MAGIC | WAL_TRAILER))
                payload = WAL_TRAILER_PAYLOAD;
        return bad + WAL_RECORD_HEADER + MIN_OF(payload, room - WAL_RECORD_HEADER);
}

bool wal_is_torn(struct span segment, size_t at, size_t bad, uint32_t salt)
{
        struct trailers t = find_trailers(segment, at, salt);
        size_t from = bad, stop;

        if (t.later)
                return false;
        if (t.own_end) {
                from = at; /* its last sector was written, so what is missing lies before */
                stop = t.own_end;
        } else {
                stop = record_end(segment, bad);
        }
        for (size_t sector = from / WAL_SECTOR * WAL_SECTOR; sector < stop; sector += WAL_SECTOR) {
                size_t lo = MAX_OF(sector, at);
                size_t hi = MIN_OF(sector + WAL_SECTOR, segment.n);

                if (all_zero(segment.p + lo, hi - lo))
                        return true;
        }
        return false;
}
