/* SPDX-License-Identifier: Apache-2.0 */
#include "../sample.h"

/* Bytes worked out by hand from the table in record.h. */
static void test_bytes(void **state)
{
        static const uint8_t fixed[RECORD_FIXED] = {
                2, 1, 1,    0, 0xa4, 1, 0x00, 0x02, 1, 0, 0, 0, 2,    0, 0, 0, 1, 0,
                0, 0, 3,    0, 0,    0, 0x53, 0xef, 0, 0, 0, 0, 47,   0, 3, 0, 0, 0,
                0, 0, 0,    0, 0xe8, 3, 0,    0,    0, 0, 0, 0, 0xd0, 7, 0, 0, 0, 0,
                0, 0, 0xf4, 1, 0,    0, 0,    0,    0, 0, 7, 0, 0,    0, 0, 0, 0, 0,
                1, 0, 0,    0, 8,    0, 0,    0,    0, 0, 0, 0, 0,    0, 0, 0,
        };
        static const uint8_t attrs[] = { 3,   3,   0,   'c', 'a', 'p', 5,  7,
                                         'u', 's', 'e', 'r', '.', 'a', 'b' };
        static const uint8_t digest[RECORD_HASH] = { 0xcd };
        struct buf b = BUF_INIT(RECORD_MAX), made = BUF_INIT(RECORD_ATTRS_MAX);
        struct record r = sample_file(7, 0xab), back;
        struct span s;

        r.flags = RECORD_IMMUTABLE | RECORD_APPEND;
        r.fs = 0xef53;
        r.known[RECORD_LABEL] = RECORD_UNREADABLE;
        record_put_value(&made, RECORD_CAPS, SPAN("cap"));
        record_put_xattr(&made, SPAN("user.ab"), digest);
        r.attrs = buf_span(&made);
        s = sample_encode(&b, &r);
        assert_int_equal(s.n, RECORD_FIXED + 32 + 47);
        assert_memory_equal(s.p, fixed, sizeof fixed);
        assert_int_equal(s.p[RECORD_FIXED], 0xab);
        assert_memory_equal(s.p + RECORD_FIXED + 32, attrs, sizeof attrs);
        assert_memory_equal(s.p + RECORD_FIXED + 32 + sizeof attrs, digest, RECORD_HASH);
        assert_int_equal(record_decode(s, &back, NULL), 0);
        assert_int_equal(record_diff(&r, &back), 0);
        assert_true(record_same_stat(&r, &back));
        assert_int_equal(back.fs, 0xef53);
        assert_int_equal(back.known[RECORD_LABEL], RECORD_UNREADABLE);
        buf_done(&b);
        buf_done(&made);
        (void)state;
}

static void test_refused(void **state)
{
        static const struct {
                const char *name;
                size_t at;
                uint8_t value;
        } cases[] = {
                { "version", 0, 1 },
                { "type none", 1, 0 },
                { "type unknown", 1, 8 },
                { "hash status", 2, 4 },
                { "reason with hash", 3, 1 },
                { "mode above 07777", 5, 0x10 },
                { "a seventh part", 7, 0x10 },
                { "unknown flag", 20, 0x40 },
                { "link beyond the end", 28, 1 },
                { "attributes beyond", 30, 1 },
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

#define D32 "dddddddddddddddddddddddddddddddd"

/* One spelling: each part once and in order, names ascending, nothing of what is not known. */
static void test_attributes_must_be_in_order(void **state)
{
        static const struct {
                const char *name;
                struct span attrs;
                enum record_part unknown; /* RECORD_PARTS: none */
                int want;
        } cases[] = {
                { "a list", SPAN_INIT("\1\2\0xx"), RECORD_PARTS, 0 },
                { "an empty value", SPAN_INIT("\4\0\0"), RECORD_PARTS, 0 },
                { "all four", SPAN_INIT("\1\1\0a\2\1\0b\3\1\0c\4\1\0d"), RECORD_PARTS, 0 },
                { "two names", SPAN_INIT("\5\1a" D32 "\5\1b" D32), RECORD_PARTS, 0 },
                { "prefix first", SPAN_INIT("\5\1a" D32 "\5\2ab" D32), RECORD_PARTS, 0 },
                { "many", SPAN_INIT("\x85\1\0\0\0" D32), RECORD_PARTS, 0 },
                { "long value", SPAN_INIT("\x81\1\4\0\0" D32), RECORD_PARTS, 0 },
                { "another part unknown", SPAN_INIT("\1\1\0a"), RECORD_CAPS, 0 },
                { "parts backwards", SPAN_INIT("\2\1\0b\1\1\0a"), RECORD_PARTS, -EBADMSG },
                { "a part twice", SPAN_INIT("\1\1\0b\1\1\0a"), RECORD_PARTS, -EBADMSG },
                { "a part twice, once long", SPAN_INIT("\1\1\0b\x81\1\4\0\0" D32), RECORD_PARTS,
                  -EBADMSG },
                { "flags are none", SPAN_INIT("\0\1\0b"), RECORD_PARTS, -EBADMSG },
                { "a sixth part", SPAN_INIT("\6\1\0b"), RECORD_PARTS, -EBADMSG },
                { "value cut", SPAN_INIT("\1\2\0x"), RECORD_PARTS, -EBADMSG },
                { "length cut", SPAN_INIT("\1\2"), RECORD_PARTS, -EBADMSG },
                { "short value by digest", SPAN_INIT("\x81\0\4\0\0" D32), RECORD_PARTS, -EBADMSG },
                { "digest cut", SPAN_INIT("\x81\1\4\0\0ddd"), RECORD_PARTS, -EBADMSG },
                { "names backwards", SPAN_INIT("\5\1b" D32 "\5\1a" D32), RECORD_PARTS, -EBADMSG },
                { "a name twice", SPAN_INIT("\5\1a" D32 "\5\1a" D32), RECORD_PARTS, -EBADMSG },
                { "an empty name", SPAN_INIT("\5\0" D32), RECORD_PARTS, -EBADMSG },
                { "a NUL in a name", SPAN_INIT("\5\2a\0" D32), RECORD_PARTS, -EBADMSG },
                { "name cut", SPAN_INIT("\5\1"), RECORD_PARTS, -EBADMSG },
                { "none of many", SPAN_INIT("\x85\0\0\0\0" D32), RECORD_PARTS, -EBADMSG },
                { "many beside one", SPAN_INIT("\5\1a" D32 "\x85\1\0\0\0" D32), RECORD_PARTS,
                  -EBADMSG },
                { "list of what is unknown", SPAN_INIT("\1\1\0a"), RECORD_ACL, -EBADMSG },
                { "names of what is unknown", SPAN_INIT("\5\1a" D32), RECORD_XATTRS, -EBADMSG },
        };
        struct buf b = BUF_INIT(RECORD_MAX);
        struct record back;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct record r = sample_dir(1);

                r.attrs = cases[i].attrs;
                if (cases[i].unknown < RECORD_PARTS)
                        r.known[cases[i].unknown] = RECORD_UNSUPPORTED;
                if (record_decode(sample_encode(&b, &r), &back, NULL) != cases[i].want)
                        fail_msg("%s", cases[i].name);
        }
        buf_done(&b);
        (void)state;
}

/* A value that is too long to keep is its length and digest; which one, differs. */
static void test_long_values(void **state)
{
        static uint8_t value[RECORD_VALUE_MAX + 1];
        struct buf a = BUF_INIT(RECORD_ATTRS_MAX), b = BUF_INIT(RECORD_ATTRS_MAX);
        struct record x = sample_file(1, 1), y = sample_file(1, 1);
        struct record_attr got;

        record_put_value(&a, RECORD_ACL, span_of(value, RECORD_VALUE_MAX));
        x.attrs = buf_span(&a);
        assert_true(record_attr(&x, RECORD_ACL, &got));
        assert_null(got.digest);
        assert_int_equal(got.value.n, RECORD_VALUE_MAX);
        buf_clear(&a);
        record_put_value(&a, RECORD_ACL, span_of(value, sizeof value));
        value[RECORD_VALUE_MAX] = 1;
        record_put_value(&b, RECORD_ACL, span_of(value, sizeof value));
        x.attrs = buf_span(&a);
        y.attrs = buf_span(&b);
        assert_true(record_attr(&x, RECORD_ACL, &got));
        assert_int_equal(got.n, RECORD_VALUE_MAX + 1);
        assert_non_null(got.digest);
        assert_int_equal(record_diff(&x, &x), 0);
        assert_int_equal(record_diff(&x, &y), RECORD_F_ACL);
        assert_false(record_attr(&x, RECORD_CAPS, &got));
        buf_done(&a);
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
        r->attrs = SPAN("\5\1a" D32);
}
static void set_acl(struct record *r)
{
        r->attrs = SPAN("\1\1\0a");
}
static void set_acl_default(struct record *r)
{
        r->attrs = SPAN("\2\1\0a");
}
static void set_caps(struct record *r)
{
        r->attrs = SPAN("\3\1\0a");
}
static void set_label(struct record *r)
{
        r->attrs = SPAN("\4\1\0a");
}
static void set_all_attrs(struct record *r)
{
        r->attrs = SPAN("\1\1\0a\2\1\0b\3\1\0c\4\1\0d\5\1a" D32);
}
static void set_acl_unknown(struct record *r)
{
        r->known[RECORD_ACL] = RECORD_UNREADABLE;
}
static void set_flags_unknown(struct record *r)
{
        r->known[RECORD_FLAGS] = RECORD_UNSUPPORTED;
}
static void set_fs(struct record *r)
{
        r->fs = 1;
}
static void set_link(struct record *r)
{
        r->link = SPAN("t");
}

/* One part alone differs where the others are the same on both sides. */
static void test_one_of_many_parts(void **state)
{
        static const struct {
                struct span a, b;
                unsigned want;
        } cases[] = {
                { SPAN_INIT("\1\1\0a\3\1\0c\5\1a" D32), SPAN_INIT("\1\1\0b\3\1\0c\5\1a" D32),
                  RECORD_F_ACL },
                { SPAN_INIT("\1\1\0a\3\1\0c\5\1a" D32), SPAN_INIT("\1\1\0a\5\1a" D32),
                  RECORD_F_CAPS },
                { SPAN_INIT("\1\1\0a\3\1\0c\5\1a" D32), SPAN_INIT("\1\1\0a\3\1\0c\5\1b" D32),
                  RECORD_F_XATTRS },
                { SPAN_INIT("\1\1\0a"), SPAN_INIT("\2\1\0a"), RECORD_F_ACL | RECORD_F_ACL_DEFAULT },
                { SPAN_INIT("\5\1a" D32), SPAN_INIT("\5\1a" D32 "\5\1b" D32), RECORD_F_XATTRS },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct record a = sample_file(7, 1), b = a;

                a.attrs = cases[i].a;
                b.attrs = cases[i].b;
                assert_int_equal(record_diff(&a, &b), cases[i].want);
                assert_int_equal(record_diff(&b, &a), cases[i].want);
        }
        (void)state;
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
                { "list", set_acl, RECORD_F_ACL, RECORD_F_ACL, true },
                { "default list", set_acl_default, RECORD_F_ACL_DEFAULT, RECORD_F_ACL_DEFAULT,
                  true },
                { "capabilities", set_caps, RECORD_F_CAPS, RECORD_F_CAPS, true },
                { "label", set_label, RECORD_F_LABEL, RECORD_F_LABEL, true },
                { "all of them", set_all_attrs,
                  RECORD_F_ACL | RECORD_F_ACL_DEFAULT | RECORD_F_CAPS | RECORD_F_LABEL |
                          RECORD_F_XATTRS,
                  RECORD_F_ACL | RECORD_F_ACL_DEFAULT | RECORD_F_CAPS | RECORD_F_LABEL |
                          RECORD_F_XATTRS,
                  true },
                { "list not read", set_acl_unknown, RECORD_F_ACL, RECORD_F_ACL, true },
                { "flags not known", set_flags_unknown, RECORD_F_FLAGS, RECORD_F_FLAGS, true },
                { "filesystem", set_fs, RECORD_F_FS, RECORD_F_FS, true },
                { "target", set_link, RECORD_F_LINK, RECORD_F_LINK, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct record file = sample_file(7, 1), dir = sample_dir(7), f = file, d = dir;

                cases[i].change(&f);
                cases[i].change(&d);
                if (record_diff(&file, &f) != cases[i].of_file ||
                    record_diff(&f, &file) != cases[i].of_file ||
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
                cmocka_unit_test(test_attributes_must_be_in_order),
                cmocka_unit_test(test_long_values),
                cmocka_unit_test(test_one_of_many_parts),
                cmocka_unit_test(test_diff),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
