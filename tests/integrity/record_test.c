/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

/* Bytes worked out by hand from the table in record.h. */
static void test_bytes(void **state)
{
        static const uint8_t fixed[RECORD_FIXED] = {
                1, 1, 1, 0, 0xa4, 1, 0, 0, 1, 0, 0,    0, 2, 0, 0, 0, 1, 0, 0,    0, 3, 0,
                0, 0, 3, 0, 0,    0, 0, 0, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0, 0xd0, 7, 0, 0,
                0, 0, 0, 0, 0xf4, 1, 0, 0, 0, 0, 0,    0, 7, 0, 0, 0, 0, 0, 0,    0, 1, 0,
                0, 0, 8, 0, 0,    0, 0, 0, 0, 0, 0,    0, 0, 0, 0, 0, 7, 0, 0,    0, 0, 0,
        };
        struct buf b = BUF_INIT(RECORD_MAX);
        struct record r = sample_file(7, 0xab), back;
        struct span s;

        r.flags = RECORD_IMMUTABLE | RECORD_APPEND;
        r.xattrs = span_of("user.a", 7);
        memset(r.xattr_digest, 0xcd, sizeof r.xattr_digest);
        s = sample_encode(&b, &r);
        assert_int_equal(s.n, RECORD_FIXED + 32 + 32 + 7);
        assert_memory_equal(s.p, fixed, sizeof fixed);
        assert_int_equal(s.p[RECORD_FIXED], 0xab);
        assert_int_equal(s.p[RECORD_FIXED + 32], 0xcd);
        assert_memory_equal(s.p + RECORD_FIXED + 64, "user.a", 7);
        assert_int_equal(record_decode(s, &back, NULL), 0);
        assert_int_equal(record_diff(&r, &back), 0);
        assert_true(record_same_stat(&r, &back));
        buf_done(&b);
        (void)state;
}

static void test_refused(void **state)
{
        static const struct {
                const char *name;
                size_t at;
                uint8_t value;
        } cases[] = {
                { "version", 0, 2 },
                { "type none", 1, 0 },
                { "type unknown", 1, 8 },
                { "hash status", 2, 4 },
                { "reason with hash", 3, 1 },
                { "mode above 07777", 5, 0x10 },
                { "unknown flag", 20, 0x40 },
                { "link beyond the end", 80, 1 },
                { "names beyond", 82, 1 },
                { "attribute status", 84, 3 },
                { "reserved", 85, 1 },
                { "reserved", 87, 1 },
                { "hash gone", 2, RECORD_HASH_SKIPPED },
        };
        struct record r = sample_file(7, 1), out = { .ino = 99 };
        uint8_t bytes[RECORD_FIXED + 32];
        struct buf b = BUF_INIT(RECORD_MAX);
        struct err err;

        memcpy(bytes, sample_encode(&b, &r).p, sizeof bytes);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                uint8_t was = bytes[cases[i].at];

                bytes[cases[i].at] = cases[i].value;
                err.text[0] = '\0';
                if (record_decode(span_of(bytes, sizeof bytes), &out, &err) != -EBADMSG ||
                    !err.text[0])
                        fail_msg("%s was not refused", cases[i].name);
                bytes[cases[i].at] = was;
        }
        for (size_t n = 0; n < sizeof bytes; n++)
                assert_int_equal(record_decode(span_of(bytes, n), &out, &err), -EBADMSG);
        assert_int_equal(out.ino, 99);
        buf_done(&b);
        (void)state;
}

static void test_names_must_ascend(void **state)
{
        static const struct {
                const char *names;
                size_t n;
                int want;
        } cases[] = {
                { "a\0b", 4, 0 },        { "a\0ab", 5, 0 },      { "b\0a", 4, -EBADMSG },
                { "a\0a", 4, -EBADMSG }, { "\0a", 3, -EBADMSG }, { "ab", 2, -EBADMSG },
        };
        struct buf b = BUF_INIT(RECORD_MAX);
        struct record back;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct record r = sample_dir(1);

                r.xattrs = span_of(cases[i].names, cases[i].n);
                assert_int_equal(record_decode(sample_encode(&b, &r), &back, NULL), cases[i].want);
        }
        buf_done(&b);
        (void)state;
}

static void set_mode(struct record *r)
{
        r->mode = 0600;
}
static void set_uid(struct record *r)
{
        r->uid = 9;
}
static void set_gid(struct record *r)
{
        r->gid = 9;
}
static void set_size(struct record *r)
{
        r->size = 9;
}
static void set_mtime(struct record *r)
{
        r->mtime_ns++;
}
static void set_ctime(struct record *r)
{
        r->ctime_ns++;
}
static void set_ino(struct record *r)
{
        r->ino++;
}
static void set_btime(struct record *r)
{
        r->btime_ns++;
}
static void set_dev(struct record *r)
{
        r->dev++;
}
static void set_links(struct record *r)
{
        r->nlink++;
}
static void set_flags(struct record *r)
{
        r->flags = RECORD_IMMUTABLE;
}
static void set_xattrs(struct record *r)
{
        r->xattr_digest[0] = 1;
}
static void set_link(struct record *r)
{
        r->link = SPAN("t");
}

static void test_diff(void **state)
{
        static const struct {
                const char *name;
                void (*change)(struct record *r);
                unsigned of_file, of_dir;
                bool same_stat; /* a quick scan would not look closer */
        } cases[] = {
                { "mode", set_mode, RECORD_F_MODE, RECORD_F_MODE, false },
                { "uid", set_uid, RECORD_F_UID, RECORD_F_UID, false },
                { "gid", set_gid, RECORD_F_GID, RECORD_F_GID, false },
                { "size", set_size, RECORD_F_SIZE, 0, false },
                { "mtime", set_mtime, RECORD_F_MTIME, 0, false },
                { "ctime", set_ctime, 0, 0, false },
                { "inode", set_ino, RECORD_F_INODE, RECORD_F_INODE, false },
                { "the same inode used again", set_btime, RECORD_F_INODE, RECORD_F_INODE, false },
                { "device", set_dev, 0, 0, false },
                { "links", set_links, RECORD_F_LINKS, 0, false },
                { "flags", set_flags, RECORD_F_FLAGS, RECORD_F_FLAGS, false },
                { "attributes", set_xattrs, RECORD_F_XATTRS, RECORD_F_XATTRS, true },
                { "target", set_link, RECORD_F_LINK, RECORD_F_LINK, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct record file = sample_file(7, 1), dir = sample_dir(7), f = file, d = dir;

                cases[i].change(&f);
                cases[i].change(&d);
                if (record_diff(&file, &f) != cases[i].of_file ||
                    record_diff(&dir, &d) != cases[i].of_dir ||
                    record_same_stat(&file, &f) != cases[i].same_stat)
                        fail_msg("%s", cases[i].name);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_names_must_ascend),
                cmocka_unit_test(test_diff),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
