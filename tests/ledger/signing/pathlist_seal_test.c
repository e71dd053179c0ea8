/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of paths, signed and judged; tests/system/integrity/why/test_change_resolve.py checks a
 * signature with openssl(1). */
#include "ledger/signing/pathlist_seal.h"

#include "../../alloc_fail.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define ENTRIES                                                                                    \
        "{\"mode\":420,\"path\":\"/etc/a\",\"sha256\":"                                            \
        "\"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\"}\n"                  \
        "{\"path\":\"/etc/l\",\"target\":\"a\"}\n"

enum { NOW = 1000000000, ROOM = 1 << 16 };

static struct pathlist_header header = {
        .origin = "infra",
        .commit = "fc667df9abc950aea50c4f9420e4832eb8de5b85",
        .issued_ns = NOW * NS_PER_S,
        .expires_ns = (NOW + 3600) * NS_PER_S,
        .n_maps = 1,
        .map = { { "etc", "/etc" } },
        .signing = SIGNATURE_GOOD,
        .signer = "SHA256:x",
};

static struct signer *signer_of(const char *name, uint8_t seed_byte, struct note_vkey *ret)
{
        uint8_t seed[ED25519_SEED] = { seed_byte };
        struct signer *s = NULL;

        assert_int_equal(signer_new(span_str(name), NOTE_ED25519, seed, &s, NULL), 0);
        signer_vkey(s, ret);
        return s;
}

static int unseal(const struct buf *b, const struct note_vkey *keys, size_t n, int64_t now_s,
                  struct err *err)
{
        static struct pathlist l;

        return pathlist_unseal(buf_span(b), keys, n, now_s * NS_PER_S, &l, NULL, err);
}

static void test_good(void **state)
{
        static struct pathlist l;
        static struct pathlist_entry e;
        struct buf b = BUF_INIT(ROOM);
        struct note_vkey keys[2];
        CLEANUP(signer_freep) struct signer *other = signer_of("other", 1, &keys[0]);
        CLEANUP(signer_freep) struct signer *s = signer_of("deploy", 2, &keys[1]);
        struct err err = { 0 };
        size_t key;

        assert_non_null(other); /* only its verifier key is used */
        assert_int_equal(pathlist_seal(&header, SPAN(ENTRIES), 2, s, &b, &err), 0);
        assert_int_equal(pathlist_unseal(buf_span(&b), keys, 2, NOW * NS_PER_S, &l, &key, &err), 0);
        assert_int_equal(key, 1);
        assert_string_equal(l.header.commit, header.commit);
        assert_int_equal(l.header.entries, 2);
        assert_true(pathlist_find(&l, "/etc/l", &e) && e.link && strcmp(e.target, "a") == 0);
        assert_int_equal(unseal(&b, keys, 1, NOW, &err), -ENOKEY);
        assert_int_equal(unseal(&b, keys, 0, NOW, &err), -ENOKEY);
        assert_int_equal(unseal(&b, keys, 2, NOW + 3599, &err), 0);
        assert_int_equal(unseal(&b, keys, 2, NOW + 3600, &err), -ESTALE);
        assert_int_equal(unseal(&b, keys, 2, NOW - 300, &err), 0);
        assert_int_equal(unseal(&b, keys, 2, NOW - 301, &err), -ESTALE);
        buf_done(&b);
}

/* Any byte changed, any byte taken away: none. */
static void test_forged(void **state)
{
        struct buf b = BUF_INIT(ROOM);
        struct note_vkey key;
        CLEANUP(signer_freep) struct signer *s = signer_of("deploy", 2, &key);
        size_t whole;

        assert_int_equal(pathlist_seal(&header, SPAN(ENTRIES), 2, s, &b, NULL), 0);
        whole = b.n;
        for (size_t i = 0; i < whole; i++) {
                struct err err = { 0 };

                b.p[i] ^= 1;
                assert_true(unseal(&b, &key, 1, NOW, &err) < 0);
                assert_true(err.text[0] != '\0');
                b.p[i] ^= 1;
                b.n = i;
                assert_true(unseal(&b, &key, 1, NOW, &err) < 0);
                b.n = whole;
        }
        buf_put(&b, SPAN("{\"path\":\"/etc/m\",\"target\":\"a\"}\n"));
        assert_int_equal(unseal(&b, &key, 1, NOW, NULL), -EBADMSG);
        buf_done(&b);
}

/* A list signed by the right name with another key, and entries of another list. */
static void test_mixed(void **state)
{
        struct buf a = BUF_INIT(ROOM), b = BUF_INIT(ROOM);
        struct note_vkey key, false_key;
        CLEANUP(signer_freep) struct signer *s = signer_of("deploy", 2, &key);
        CLEANUP(signer_freep) struct signer *liar = signer_of("deploy", 3, &false_key);
        struct err err = { 0 };

        assert_int_equal(pathlist_seal(&header, SPAN(ENTRIES), 2, liar, &a, NULL), 0);
        assert_int_equal(unseal(&a, &key, 1, NOW, &err), -ENOKEY);
        buf_clear(&a);
        assert_int_equal(pathlist_seal(&header, SPAN(ENTRIES), 2, s, &a, NULL), 0);
        for (size_t i = 0; i + 7 < a.n; i++) /* as many entries, as well formed */
                if (memcmp(a.p + i, "\"/etc/a\"", 8) == 0)
                        a.p[i + 6] = 'b';
        assert_int_equal(unseal(&a, &key, 1, NOW, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "not those signed"));
        buf_done(&a);
        buf_done(&b);
}

static void test_refused(void **state)
{
        struct buf b = BUF_INIT(ROOM);
        struct note_vkey key;
        CLEANUP(signer_freep) struct signer *s = signer_of("deploy", 2, &key);
        struct err err = { 0 };

        assert_int_equal(pathlist_seal(&header, SPAN(ENTRIES), 3, s, &b, &err), -EINVAL);
        buf_clear(&b);
        assert_int_equal(pathlist_seal(&header, SPAN(ENTRIES ENTRIES), 4, s, &b, &err), -EINVAL);
        buf_done(&b);
        b = BUF_INIT(400);
        assert_int_equal(pathlist_seal(&header, SPAN(ENTRIES), 2, s, &b, &err), -E2BIG);
        buf_done(&b);
}

static void test_memory(void **state)
{
        struct note_vkey key;
        CLEANUP(signer_freep) struct signer *s = signer_of("deploy", 2, &key);
        size_t failures = 0;

        for (size_t nth = 1;; nth++) {
                struct buf b = BUF_INIT(ROOM);
                struct err err = { 0 };
                int r;

                alloc_fail_nth = nth;
                r = pathlist_seal(&header, SPAN(ENTRIES), 2, s, &b, &err);
                alloc_fail_nth = 0;
                buf_done(&b);
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
                failures++;
        }
        assert_true(failures >= 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),   cmocka_unit_test(test_forged),
                cmocka_unit_test(test_mixed),  cmocka_unit_test(test_refused),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
