/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/deep_position.h"

#include "base/le.h"
#include "sys/crc32c.h"

enum { HEAD = 16, FIXED = 60 };

static const char magic[8] = "ASSAYDP1";

void deep_position_put(const struct deep_position *p, size_t n, struct buf *out)
{
        size_t at = out->n;

        assert(n <= DEEP_LANES);
        buf_put(out, span_of(magic, sizeof magic));
        le_append(out, 0, 4);
        le_append(out, n, 4);
        for (size_t i = 0; i < n; i++) {
                assert(i == 0 || p[i - 1].period_s < p[i].period_s);
                le_append(out, p[i].period_s, 8);
                le_append(out, (uint64_t)p[i].began_ns, 8);
                le_append(out, p[i].done, 8);
                le_append(out, p[i].files, 8);
                le_append(out, p[i].bytes, 8);
                le_append(out, p[i].found, 8);
                le_append(out, p[i].unread, 8);
                le_append(out, p[i].path.n, 4);
                buf_put(out, p[i].path);
        }
        if (buf_status(out) == 0)
                le_put32(out->p + at + 8, crc32c(0, span_from(buf_span(out), at + 12)));
}

static int get_lane(struct span *s, struct deep_position *p, struct err *err)
{
        const uint8_t *f = s->p;
        size_t path_n = s->n < FIXED ? 0 : le_get32(f + 56);

        if (s->n < FIXED || path_n > s->n - FIXED || path_n > DEEP_PATH_MAX)
                return err_set(err, -EBADMSG, "the position ends within a lane");
        *p = (struct deep_position){ .period_s = le_get64(f),
                                     .began_ns = (int64_t)le_get64(f + 8),
                                     .done = le_get64(f + 16),
                                     .files = le_get64(f + 24),
                                     .bytes = le_get64(f + 32),
                                     .found = le_get64(f + 40),
                                     .unread = le_get64(f + 48),
                                     .path = span_of(f + FIXED, path_n) };
        *s = span_from(*s, FIXED + path_n);
        if (path_n && (p->path.p[0] != '/' || memchr(p->path.p, 0, path_n)))
                return err_set(err, -EBADMSG, "the position has a path that is none");
        return 0;
}

int deep_position_get(struct span s, struct deep_position ret[DEEP_LANES], size_t *ret_n,
                      struct err *err)
{
        struct deep_position p[DEEP_LANES];
        uint32_t n;
        int rc = 0;

        if (s.n < HEAD || memcmp(s.p, magic, sizeof magic) != 0)
                return err_set(err, -EBADMSG, "it is no position");
        if (le_get32(s.p + 8) != crc32c(0, span_from(s, 12)))
                return err_set(err, -EBADMSG, "the position's checksum is wrong");
        n = le_get32(s.p + 12);
        if (n > DEEP_LANES)
                return err_set(err, -EBADMSG, "the position has %u lanes", n);
        s = span_from(s, HEAD);
        for (uint32_t i = 0; i < n && rc == 0; i++) {
                rc = get_lane(&s, &p[i], err);
                if (rc == 0 && i > 0 && p[i - 1].period_s >= p[i].period_s)
                        rc = err_set(err, -EBADMSG, "the position's lanes are not in order");
        }
        if (rc < 0)
                return rc;
        if (s.n)
                return err_set(err, -EBADMSG, "the position goes on behind its lanes");
        if (n)
                memcpy(ret, p, n * sizeof p[0]);
        *ret_n = n;
        return 0;
}
