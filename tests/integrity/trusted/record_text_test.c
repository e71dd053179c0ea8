/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/record_text.h"

#include "../sample.h"

/* The list of "setfacl -m u:1000:rw-" on a file of mode 0644, the capabilities of
 * "setcap cap_net_raw=ep", a label, and two other attributes. */
#define ACL_VALUE                                                                                  \
        "\2\0\0\0\1\0\6\0\xff\xff\xff\xff\2\0\6\0\xe8\3\0\0\4\0\4\0\xff\xff\xff\xff"               \
        "\20\0\6\0\xff\xff\xff\xff\40\0\4\0\xff\xff\xff\xff"
#define CAPS_VALUE "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define LABEL      "system_u:object_r:etc_t:s0"

static void test_parts(void **state)
{
        static const struct {
                enum record_part part;
                struct span value;
                enum record_known known;
                const char *want;
        } rows[] = {
                { RECORD_ACL, SPAN_INIT(ACL_VALUE), RECORD_KNOWN,
                  "user::rw-,user:1000:rw-,group::r--,mask::rw-,other::r--" },
                { RECORD_ACL_DEFAULT, SPAN_INIT(ACL_VALUE), RECORD_KNOWN,
                  "user::rw-,user:1000:rw-,group::r--,mask::rw-,other::r--" },
                { RECORD_CAPS, SPAN_INIT(CAPS_VALUE), RECORD_KNOWN, "cap_net_raw=ep" },
                { RECORD_LABEL, SPAN_INIT(LABEL), RECORD_KNOWN, LABEL },
                { RECORD_LABEL, SPAN_INIT(LABEL "\0"), RECORD_KNOWN, LABEL },
                { RECORD_LABEL, SPAN_INIT("a\n\xff"), RECORD_KNOWN, "a\\x0a\\xff" },
                /* Not what they should be; digests by sha256sum(1) of "x" and of "". */
                { RECORD_ACL, SPAN_INIT("x"), RECORD_KNOWN,
                  "0 entries, sha256:"
                  "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" },
                { RECORD_CAPS, SPAN_INIT("x"), RECORD_KNOWN,
                  "1 bytes, sha256:"
                  "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" },
                { RECORD_ACL, SPAN_INIT(""), RECORD_KNOWN,
                  "0 entries, sha256:"
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
                { RECORD_ACL, { NULL, 0 }, RECORD_KNOWN, "none" },
                { RECORD_CAPS, { NULL, 0 }, RECORD_UNSUPPORTED, "unsupported" },
                { RECORD_LABEL, { NULL, 0 }, RECORD_UNREADABLE, "unreadable" },
                { RECORD_XATTRS, { NULL, 0 }, RECORD_SKIPPED, "skipped" },
                { RECORD_XATTRS, { NULL, 0 }, RECORD_KNOWN, "none" },
                { RECORD_FLAGS, { NULL, 0 }, RECORD_KNOWN, "none" },
        };
        struct buf attrs = BUF_INIT(RECORD_ATTRS_MAX), out = BUF_INIT(RECORD_TEXT_MAX);

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct record r = sample_file(1, 1);

                buf_clear(&attrs);
                buf_clear(&out);
                if (rows[i].value.p)
                        record_put_value(&attrs, rows[i].part, rows[i].value);
                r.attrs = buf_span(&attrs);
                r.known[rows[i].part] = (uint8_t)rows[i].known;
                record_put_part(&r, rows[i].part, &out);
                assert_string_equal(buf_cstr(&out), rows[i].want);
        }
        buf_done(&attrs);
        buf_done(&out);
        (void)state;
}

/* One entry more than is shown; digest of the same 524 bytes by Python's hashlib. */
static void test_long_list(void **state)
{
        uint8_t value[4 + 65 * 8] = { 2 };
        struct buf attrs = BUF_INIT(RECORD_ATTRS_MAX), out = BUF_INIT(RECORD_TEXT_MAX);
        struct record r = sample_file(1, 1);

        for (size_t at = 4; at < sizeof value; at += 8)
                value[at] = 2;
        record_put_value(&attrs, RECORD_ACL, span_of(value, sizeof value));
        r.attrs = buf_span(&attrs);
        record_put_part(&r, RECORD_ACL, &out);
        assert_string_equal(
                buf_cstr(&out),
                "65 entries, sha256:d7c26bf7c26768c00c305b0e9524a96c80259664c4745fa011ce9358df63017e");
        buf_done(&attrs);
        buf_done(&out);
        (void)state;
}

static void test_names(void **state)
{
        static const uint8_t digest[RECORD_HASH] = { 1 };
        struct buf attrs = BUF_INIT(RECORD_ATTRS_MAX), out = BUF_INIT(RECORD_TEXT_MAX);
        struct record r = sample_file(1, 1);

        record_put_xattr(&attrs, SPAN("user.a\x01"), digest);
        record_put_xattr(&attrs, SPAN("user.b"), digest);
        r.attrs = buf_span(&attrs);
        record_put_part(&r, RECORD_XATTRS, &out);
        assert_string_equal(buf_cstr(&out), "user.a\\x01 user.b");
        buf_clear(&attrs);
        buf_clear(&out);
        record_put_many(&attrs, 7000, digest);
        r.attrs = buf_span(&attrs);
        record_put_part(&r, RECORD_XATTRS, &out);
        assert_string_equal(buf_cstr(&out), "7000 of them");
        buf_clear(&out);
        r.flags = RECORD_FLAGS_ALL;
        record_put_part(&r, RECORD_FLAGS, &out);
        assert_string_equal(buf_cstr(&out), "append compressed encrypted immutable nodump verity");
        buf_done(&attrs);
        buf_done(&out);
        (void)state;
}

/* What stat(1) -f calls them. */
static void test_filesystems(void **state)
{
        static const struct {
                uint32_t fs;
                const char *want;
        } rows[] = {
                { 0xef53, "ext4" },           { 0x01021994, "tmpfs" },   { 0x58465342, "xfs" },
                { 0x9123683e, "btrfs" },      { 0x794c7630, "overlay" }, { 0x4d44, "vfat" },
                { 0x12345678, "0x12345678" }, { 0, "unknown" },
        };
        struct buf out = BUF_INIT(64);

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                buf_clear(&out);
                record_put_fs(rows[i].fs, &out);
                assert_string_equal(buf_cstr(&out), rows[i].want);
        }
        buf_done(&out);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parts),
                cmocka_unit_test(test_long_list),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_filesystems),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
