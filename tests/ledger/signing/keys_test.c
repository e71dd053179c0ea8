/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/signing/keys.h"

#include "../fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* golang.org/x/mod/sumdb/note's documentation: this private key, its public half. */
#define DOC_PRIVATE "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define DOC_PUBLIC  "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static void documented_key(void **state)
{
        CLEANUP(signer_freep) struct signer *s = NULL;
        struct buf b = BUF_INIT(1024);
        struct note_vkey vkey;
        struct fixture f;

        fixture_init(&f, false);
        assert_int_equal(mkdirat(f.private_fd, "keys", 0700), 0);
        fixture_write(f.private_fd, "keys/log", SPAN(DOC_PRIVATE "\n"));
        assert_int_equal(keys_load(f.private_fd, &io_kernel, "log", &s, NULL), 0);
        signer_vkey(s, &vkey);
        note_vkey_put(&b, &vkey);
        assert_string_equal(buf_cstr(&b), DOC_PUBLIC);
        buf_done(&b);
        fixture_done(&f);
}

static void generated(void **state)
{
        CLEANUP(signer_freep) struct signer *s = NULL, *t = NULL;
        struct note_vkey a, b;
        struct fixture f;
        struct stat st;

        fixture_init(&f, false);
        assert_int_equal(mkdirat(f.private_fd, "keys", 0700), 0);
        assert_int_equal(keys_generate(f.private_fd, &io_kernel, "log", SPAN("a b"), NULL),
                         -EINVAL);
        assert_int_equal(keys_load(f.private_fd, &io_kernel, "log", &s, NULL), -ENOENT);
        assert_int_equal(keys_generate(f.private_fd, &io_kernel, "log", SPAN("x.example"), NULL),
                         0);
        assert_int_equal(keys_generate(f.private_fd, &io_kernel, "log", SPAN("x.example"), NULL),
                         -EEXIST);
        assert_int_equal(
                keys_generate(f.private_fd, &io_kernel, "log.next", SPAN("x.example"), NULL), 0);
        assert_int_equal(keys_load(f.private_fd, &io_kernel, "log", &s, NULL), 0);
        assert_int_equal(keys_load(f.private_fd, &io_kernel, "log.next", &t, NULL), 0);
        signer_vkey(s, &a);
        signer_vkey(t, &b);
        assert_string_equal(a.name, "x.example");
        assert_memory_not_equal(a.key, b.key, 32);
        assert_int_equal(fstatat(f.private_fd, "keys/log", &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        fixture_done(&f);
}

static void open_to_others(void **state)
{
        static const mode_t modes[] = { 0644, 0640, 0602, 0610 };
        struct signer *s = NULL;
        struct err err = { 0 };
        struct fixture f;

        fixture_init(&f, false);
        assert_int_equal(mkdirat(f.private_fd, "keys", 0700), 0);
        assert_int_equal(keys_generate(f.private_fd, &io_kernel, "log", SPAN("x.example"), NULL),
                         0);
        for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
                assert_int_equal(fchmodat(f.private_fd, "keys/log", modes[i], 0), 0);
                assert_int_equal(keys_load(f.private_fd, &io_kernel, "log", &s, &err), -EPERM);
                assert_non_null(strstr(err.text, "keys/log: mode 06"));
        }
        assert_int_equal(fchmodat(f.private_fd, "keys/log", 0400, 0), 0);
        assert_int_equal(keys_load(f.private_fd, &io_kernel, "log", &s, NULL), 0);
        signer_free(s);
        fixture_done(&f);
}

static void refused(void **state)
{
        static const struct span rows[] = {
                SPAN_INIT(""),
                SPAN_INIT("\n"),
                SPAN_INIT("PRIVATE+KEY+\n"),
                SPAN_INIT(DOC_PRIVATE), /* no newline */
                SPAN_INIT(DOC_PRIVATE "\r\n"),
                SPAN_INIT(DOC_PRIVATE "\n\n"),
                SPAN_INIT(DOC_PUBLIC "\n"),
                SPAN_INIT(
                        "PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdX"
                        "HKDFz\n"), /* key ID */
                SPAN_INIT(
                        "PRIVATE+KEY+PeterNeumanN+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdX"
                        "HKDFz\n"), /* name */
                SPAN_INIT(
                        "PRIVATE+KEY+PeterNeumann+C74F20A3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdX"
                        "HKDFz\n"),
                SPAN_INIT(
                        "PRIVATE+KEY+PeterNeumann+c74f20a3+BIEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdX"
                        "HKDFz\n"), /* type */
                SPAN_INIT(
                        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdX"
                        "HKA==\n"), /* a byte short */
                SPAN_INIT(
                        "PRIVATE+KEY+Peter Neumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxd"
                        "XHKDFz\n"),
        };
        struct fixture f;

        fixture_init(&f, false);
        assert_int_equal(mkdirat(f.private_fd, "keys", 0700), 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct signer *s = NULL;
                struct err err = { 0 };

                fixture_write(f.private_fd, "keys/log", rows[i]);
                assert_int_equal(keys_load(f.private_fd, &io_kernel, "log", &s, &err), -EBADMSG);
                assert_null(s);
                assert_non_null(strstr(err.text, "keys/log"));
                assert_null(strstr(err.text, "AYEKFALV")); /* no secret in a message */
        }
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(documented_key),
                cmocka_unit_test(generated),
                cmocka_unit_test(open_to_others),
                cmocka_unit_test(refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
