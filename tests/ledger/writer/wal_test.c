/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/writer/wal.h"

#include "../fixture.h"
#include "crypto/sha256.h"
#include "sys/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SEG = 64 * 1024, BATCHES = 5 };

static const struct wal_segment head = {
        .bytes = SEG, .number = 7, .first = 100, .log_id = "0123456789abcde"
};

/* A segment of several batches, built record by record, and where each batch lies. */
struct image {
        uint8_t *p;
        size_t at[BATCHES + 1]; /* of batch i; the last is the end */
        uint64_t size[BATCHES + 1];
        uint32_t salt;
};

static void put_entry(struct buf *b, uint32_t salt, uint32_t batch, uint64_t index, size_t n)
{
        struct buf text = BUF_INIT(2 * ENTRY_MAX);
        struct wal_record r = { .type = WAL_ENTRY, .batch = batch, .index = index, .run = 3 };

        fixture_entry(&text, index, n);
        r.seq = index;
        r.payload = buf_span(&text);
        wal_put_record(b, salt, &r);
        if (index % 3 == 0) {
                r.type = WAL_SEALED;
                r.payload = SPAN("sealed bytes");
                wal_put_record(b, salt, &r);
        }
        buf_done(&text);
}

static void put_batch(struct buf *b, uint32_t salt, uint32_t batch, uint64_t first, uint64_t n,
                      size_t bytes)
{
        struct hash root;
        size_t begun = b->n;

        if (batch == 1) {
                struct wal_record state = { .type = WAL_STATE,
                                            .batch = batch,
                                            .index = first,
                                            .payload = SPAN("the state of some writers") };

                wal_put_record(b, salt, &state);
        }
        for (uint64_t i = 0; i < n; i++)
                put_entry(b, salt, batch, first + i, bytes + 7 * i);
        memset(root.b, (int)(0xa0 + batch), sizeof root.b);
        wal_put_trailer(b, salt, begun, batch, first, first + n, &root);
}

static void image_new(struct image *m, const size_t bytes[BATCHES])
{
        struct buf b = BUF_INIT(SEG);
        uint8_t header[WAL_SEGMENT_HEADER];

        m->salt = wal_salt(&head);
        wal_put_segment(header, &head);
        buf_put(&b, span_of(header, sizeof header));
        m->size[0] = head.first;
        for (uint32_t i = 0; i < BATCHES; i++) {
                m->at[i] = b.n;
                put_batch(&b, m->salt, i + 1, m->size[i], i + 1, bytes[i]);
                m->size[i + 1] = m->size[i] + i + 1;
        }
        m->at[BATCHES] = b.n;
        assert_int_equal(buf_status(&b), 0);
        m->p = calloc(1, SEG);
        memcpy(m->p, b.p, b.n);
        buf_done(&b);
}

static const size_t small[BATCHES] = { 40, 60, 33, 90, 120 };

/* What the documented layout says, by hand: the code's writer is held against wal.h's table. */
static void layout(void **state)
{
        struct wal_record r = { .type = WAL_ENTRY,
                                .batch = 0x01020304,
                                .index = 0x1112131415161718,
                                .run = 0x2122232425262728,
                                .seq = 0x3132333435363738,
                                .payload = SPAN("{\"a\":1}") };
        static const uint8_t want[] = {
                0x01, 0x57, 0x41, 0x4c, 0x07, 0,    0,    0,    0x04, 0x03, 0x02,
                0x01, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x28, 0x27,
                0x26, 0x25, 0x24, 0x23, 0x22, 0x21, 0x38, 0x37, 0x36, 0x35, 0x34,
                0x33, 0x32, 0x31, '{',  '"',  'a',  '"',  ':',  '1',  '}',  0,
        };
        struct buf b = BUF_INIT(1000);
        uint32_t crc = crc32c_portable(0x55, span_of(want, sizeof want - 1));
        uint8_t crc_le[4] = { (uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
                              (uint8_t)(crc >> 24) };

        wal_put_record(&b, 0x55, &r);
        assert_int_equal(b.n, 48);
        assert_memory_equal(b.p, crc_le, 4);
        assert_memory_equal(b.p + 4, want, sizeof want);
        buf_done(&b);
}

static void round_trip(void **state)
{
        struct image m;
        struct wal_segment h;
        struct wal_batch got;
        struct err err = { 0 };
        size_t bad;

        image_new(&m, small);
        assert_int_equal(wal_get_segment(span_of(m.p, SEG), &h, &err), 1);
        assert_int_equal(h.number, 7);
        assert_int_equal(h.first, 100);
        assert_int_equal(h.bytes, SEG);
        assert_memory_equal(h.log_id, head.log_id, WAL_LOG_ID);
        for (size_t i = 0; i < BATCHES; i++) {
                assert_int_equal(wal_get_batch(span_of(m.p, SEG), m.at[i], m.salt, m.size[i], &got,
                                               &bad, &err),
                                 1);
                assert_int_equal(got.at + got.len, m.at[i + 1]);
                assert_int_equal(got.size, m.size[i + 1]);
                assert_int_equal(got.root.b[5], 0xa1 + i);
        }
        assert_int_equal(
                wal_get_batch(span_of(m.p, SEG), m.at[BATCHES], m.salt, 115, &got, &bad, &err), 0);
        assert_int_equal(wal_first_nonzero(span_of(m.p, SEG), m.at[BATCHES]), SIZE_MAX);
        assert_int_equal(wal_first_nonzero(span_of(m.p, SEG), 64), 64);
        free(m.p);
}

static void zero_header(void **state)
{
        static const uint8_t zeros[64];
        struct wal_segment h;

        assert_int_equal(wal_get_segment(span_of(zeros, 64), &h, NULL), 0);
        assert_int_equal(wal_get_segment(span_of(zeros, 63), &h, NULL), -EBADMSG);
}

/* Reads all batches; the number that are whole, and what ended it. */
static size_t count_batches(struct span s, const struct image *m, int *ret_end, size_t *ret_bad,
                            struct err *err)
{
        struct wal_batch got;
        size_t n = 0, at = WAL_SEGMENT_HEADER;
        uint64_t size = head.first;

        while ((*ret_end = wal_get_batch(s, at, m->salt, size, &got, ret_bad, err)) == 1) {
                at = got.at + got.len;
                size = got.size;
                n++;
        }
        return n;
}

static void every_truncation(void **state)
{
        struct image m;

        image_new(&m, small);
        for (size_t n = 0; n <= m.at[BATCHES]; n++) {
                uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees an over-read */
                struct wal_segment h;
                struct err err = { 0 };
                size_t bad = 0, whole = 0, got;
                int end;

                memcpy(exact, m.p, n);
                assert_int_equal(wal_get_segment(span_of(exact, n), &h, NULL),
                                 n < WAL_SEGMENT_HEADER ? -EBADMSG : 1);
                if (n >= WAL_SEGMENT_HEADER) {
                        while (whole < BATCHES && m.at[whole + 1] <= n)
                                whole++;
                        got = count_batches(span_of(exact, n), &m, &end, &bad, &err);
                        assert_int_equal(got, whole);
                        assert_int_equal(end, n == m.at[whole] ? 0 : -EBADMSG);
                }
                free(exact);
        }
        free(m.p);
}

/* Every bit of the header and of the batches: the batch it lies in is refused, those before it
 * stand, and on the log's last segment it is damage, never a torn tail. */
static void every_flip(void **state)
{
        struct image m;

        image_new(&m, small);
        for (size_t at = 0; at < m.at[BATCHES]; at++) {
                for (int bit = 0; bit < 8; bit++) {
                        size_t hit = 0, bad = 0, got;
                        struct wal_segment h;
                        struct err err = { 0 };
                        int end;

                        m.p[at] ^= (uint8_t)(1 << bit);
                        if (at < WAL_SEGMENT_HEADER) {
                                assert_int_equal(wal_get_segment(span_of(m.p, SEG), &h, &err),
                                                 -EBADMSG);
                                assert_non_null(strstr(err.text, "byte "));
                                m.p[at] ^= (uint8_t)(1 << bit);
                                continue;
                        }
                        while (m.at[hit + 1] <= at)
                                hit++;
                        got = count_batches(span_of(m.p, SEG), &m, &end, &bad, &err);
                        if (got != hit || end != -EBADMSG ||
                            wal_is_torn(span_of(m.p, SEG), m.at[hit], bad, m.salt))
                                print_message("byte %zu bit %d of batch %zu\n", at, bit, hit);
                        assert_int_equal(got, hit);
                        assert_int_equal(end, -EBADMSG);
                        assert_non_null(strstr(err.text, "byte "));
                        assert_false(wal_is_torn(span_of(m.p, SEG), m.at[hit], bad, m.salt));
                        m.p[at] ^= (uint8_t)(1 << bit);
                }
        }
        free(m.p);
}

/* The last batch at every alignment to sectors and with lengths whose bytes are mostly zero: no
 * byte of it may be set to zero and make the batch look torn. */
static void no_byte_hides_a_batch(void **state)
{
        for (size_t lead = 0; lead < WAL_SECTOR; lead += 8) {
                for (size_t n = 24; n < 700; n += 8) {
                        uint8_t *p = calloc(1, 4096);
                        struct buf b = BUF_INIT(8192);
                        struct hash root = { { 0 } };
                        uint32_t salt = wal_salt(&head);
                        size_t at = WAL_SECTOR + lead, bad;

                        put_entry(&b, salt, 2, 1, n);
                        wal_put_trailer(&b, salt, 0, 2, 1, 2, &root);
                        memset(p, 0x11, at); /* earlier batches */
                        memcpy(p + at, b.p, b.n);
                        for (size_t i = at; i < at + b.n; i++) {
                                struct wal_batch got;
                                uint8_t was = p[i];

                                if (was == 0)
                                        continue;
                                p[i] = 0;
                                assert_int_equal(wal_get_batch(span_of(p, 4096), at, salt, 1, &got,
                                                               &bad, NULL),
                                                 -EBADMSG);
                                if (wal_is_torn(span_of(p, 4096), at, bad, salt))
                                        print_message("batch of %zu at %zu, byte %zu\n", b.n, at,
                                                      i);
                                assert_false(wal_is_torn(span_of(p, 4096), at, bad, salt));
                                p[i] = was;
                        }
                        buf_done(&b);
                        free(p);
                }
        }
}

/* Write the last batch of m again without the sectors in lost; what the judge says. */
static bool torn_without(const struct image *m, const uint8_t *lost, size_t first_sector,
                         size_t sectors, bool *ret_all, bool *ret_none)
{
        size_t at = m->at[BATCHES - 1], end = m->at[BATCHES], bad = 0;
        uint8_t *p = malloc(SEG);
        struct wal_batch got;
        bool torn = false;
        int r;

        memcpy(p, m->p, SEG);
        *ret_all = *ret_none = true;
        for (size_t i = 0; i < sectors; i++) {
                size_t lo = MAX_OF((first_sector + i) * WAL_SECTOR, at);
                size_t hi = MIN_OF((first_sector + i + 1) * WAL_SECTOR, end);

                if (lost[i])
                        memset(p + lo, 0, hi - lo);
                *ret_all = *ret_all && lost[i];
                *ret_none = *ret_none && !lost[i];
        }
        r = wal_get_batch(span_of(p, SEG), at, m->salt, m->size[BATCHES - 1], &got, &bad, NULL);
        if (r <= 0)
                torn = wal_is_torn(span_of(p, SEG), at, bad, m->salt);
        assert_int_equal(r == 1, *ret_none);
        free(p);
        return torn;
}

static size_t spread(const struct image *m, size_t *first)
{
        *first = m->at[BATCHES - 1] / WAL_SECTOR;
        return (m->at[BATCHES] - 1) / WAL_SECTOR - *first + 1;
}

/* A crash may lose any set of sectors of the batch that was being written. */
static void every_set_of_lost_sectors(void **state)
{
        size_t judged = 0;

        for (size_t n = 24; n < 800; n += 8) {
                size_t bytes[BATCHES] = { 40, 41, 42, 8 + n % 504, n };
                size_t first, sectors;
                struct image m;

                image_new(&m, bytes);
                sectors = spread(&m, &first);
                for (unsigned set = 0; sectors <= 10 && set < 1u << sectors; set++) {
                        uint8_t lost[10];
                        bool all, none, torn;

                        for (size_t i = 0; i < sectors; i++)
                                lost[i] = set >> i & 1;
                        torn = torn_without(&m, lost, first, sectors, &all, &none);
                        if (!torn && !none)
                                print_message("batch at %zu..%zu, lost %#x\n", m.at[BATCHES - 1],
                                              m.at[BATCHES], set);
                        assert_true(torn || none);
                        judged++;
                }
                free(m.p);
        }
        assert_true(judged > 10000);
}

static void random_sets_of_lost_sectors(void **state)
{
        uint64_t rnd = 1;

        for (int round = 0; round < 3000; round++) {
                size_t bytes[BATCHES] = { 40, 24 + fixture_random(&rnd) % 600, 42,
                                          24 + fixture_random(&rnd) % 600,
                                          24 + fixture_random(&rnd) % 6000 };
                unsigned keep = (unsigned)(fixture_random(&rnd) % 7);
                uint8_t lost[128];
                size_t first, sectors;
                bool all, none, torn;
                struct image m;

                image_new(&m, bytes);
                sectors = spread(&m, &first);
                assert_true(sectors <= sizeof lost);
                for (size_t i = 0; i < sectors; i++)
                        lost[i] = fixture_random(&rnd) % 7 >= keep;
                torn = torn_without(&m, lost, first, sectors, &all, &none);
                assert_true(torn || none);
                free(m.p);
        }
}

/* A hole in a batch that has another behind it is no crash's work. */
static void lost_sector_in_an_earlier_batch(void **state)
{
        static const size_t bytes[BATCHES] = { 700, 900, 800, 700, 600 };
        struct image m;

        image_new(&m, bytes);
        for (size_t hit = 0; hit + 1 < BATCHES; hit++) {
                size_t first = m.at[hit] / WAL_SECTOR + 1;

                for (size_t s = first; (s + 1) * WAL_SECTOR <= m.at[hit + 1]; s++) {
                        uint8_t *p = malloc(SEG);
                        struct err err = { 0 };
                        size_t bad, got;
                        int end;

                        memcpy(p, m.p, SEG);
                        memset(p + s * WAL_SECTOR, 0, WAL_SECTOR);
                        got = count_batches(span_of(p, SEG), &m, &end, &bad, &err);
                        assert_int_equal(got, hit);
                        assert_true(end <= 0);
                        assert_false(wal_is_torn(span_of(p, SEG), m.at[hit], bad, m.salt));
                        free(p);
                }
        }
        free(m.p);
}

static void wrong_batches(void **state)
{
        static const struct {
                const char *says;
                uint32_t batch[2];
                uint64_t index[2];
                enum wal_type type[2];
                uint64_t first, size; /* in the trailer */
                uint32_t trailer_batch;
        } rows[] = {
                { "a record of batch 2 in batch 1",
                  { 1, 2 },
                  { 5, 6 },
                  { WAL_ENTRY, WAL_ENTRY },
                  5,
                  7,
                  1 },
                { "a record of batch 2 in batch 1",
                  { 1, 1 },
                  { 5, 6 },
                  { WAL_ENTRY, WAL_ENTRY },
                  5,
                  7,
                  2 },
                { "entry 7 where 6 is due", { 1, 1 }, { 5, 7 }, { WAL_ENTRY, WAL_ENTRY }, 5, 7, 1 },
                { "entry 4 where 5 is due", { 1, 1 }, { 4, 5 }, { WAL_ENTRY, WAL_ENTRY }, 5, 7, 1 },
                { "sealed rows without", { 1, 1 }, { 4, 5 }, { WAL_SEALED, WAL_ENTRY }, 5, 6, 1 },
                { "sealed rows without", { 1, 1 }, { 5, 6 }, { WAL_ENTRY, WAL_SEALED }, 5, 6, 1 },
                { "trailer counts entries", { 1, 1 }, { 5, 6 }, { WAL_ENTRY, WAL_ENTRY }, 5, 8, 1 },
                { "trailer counts entries", { 1, 1 }, { 5, 6 }, { WAL_ENTRY, WAL_ENTRY }, 4, 7, 1 },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct buf b = BUF_INIT(4096);
                struct hash root = { { 1 } };
                struct wal_batch got = { .at = 77 };
                struct err err = { 0 };
                size_t bad;

                for (int k = 0; k < 2; k++) {
                        struct wal_record r = { .type = rows[i].type[k],
                                                .batch = rows[i].batch[k],
                                                .index = rows[i].index[k],
                                                .payload = SPAN("{}") };

                        wal_put_record(&b, 9, &r);
                }
                wal_put_trailer(&b, 9, 0, rows[i].trailer_batch, rows[i].first, rows[i].size,
                                &root);
                assert_int_equal(wal_get_batch(buf_span(&b), 0, 9, 5, &got, &bad, &err), -EBADMSG);
                if (!strstr(err.text, rows[i].says))
                        print_message("%zu: \"%s\"\n", i, err.text);
                assert_non_null(strstr(err.text, rows[i].says));
                assert_int_equal(got.at, 77);
                buf_done(&b);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(layout),
                cmocka_unit_test(round_trip),
                cmocka_unit_test(zero_header),
                cmocka_unit_test(every_truncation),
                cmocka_unit_test(every_flip),
                cmocka_unit_test(no_byte_hides_a_batch),
                cmocka_unit_test(every_set_of_lost_sectors),
                cmocka_unit_test(random_sets_of_lost_sectors),
                cmocka_unit_test(lost_sector_in_an_earlier_batch),
                cmocka_unit_test(wrong_batches),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
