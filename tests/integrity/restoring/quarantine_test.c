/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/quarantine.h"

#include "../sample.h"
#include "base/text.h"
#include "sys/io.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
        char dir[32];
        int dirfd; /* of the state, and of what is put away */
        struct quarantine *q;
};

static const struct quarantine_limits roomy = { .content = { .free_min = 1 } };

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static void open_it(struct fixture *f, const struct quarantine_limits *l)
{
        struct err err = { 0 };

        f->q = quarantine_free(f->q);
        if (quarantine_open(&io_kernel, f->dirfd, l, &f->q, &err) < 0)
                fail_msg("%s", err.text);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        strcpy(f->dir, "/tmp/quarantine-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY);
        open_it(f, &roomy);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        quarantine_free(f->q);
        close(f->dirfd);
        assert_int_equal(nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(f);
        return 0;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
        int fd = openat(f->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static int take(struct fixture *f, const char *name, char id[QUARANTINE_ID + 1])
{
        struct quarantine_item i;
        int rc = quarantine_take(f->q, f->dirfd, name, SPAN("/where/it\xff was"), "changed", 77, &i,
                                 NULL);

        if (rc == 0)
                memcpy(id, i.id, sizeof i.id);
        return rc;
}

static int copy_out(struct fixture *f, const char *id, char *out, size_t max)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        int fd = openat(f->dirfd, ".", O_TMPFILE | O_RDWR, 0600);
        struct quarantine_item i;
        ssize_t n;
        int rc = quarantine_read(&io_kernel, f->dirfd, id, &text, &i, NULL);

        if (rc == 0)
                rc = quarantine_copy(f->dirfd, &i, fd, NULL);
        n = pread(fd, out, max - 1, 0);
        out[n > 0 ? n : 0] = '\0';
        close(fd);
        return rc;
}

static void test_take_and_read(void **state)
{
        struct fixture *f = *state;
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        char id[QUARANTINE_ID + 1], out[64];
        struct quarantine_item i;
        uint8_t sha[32];

        write_file(f, "bad", "bad bytes");
        SHA256((const uint8_t *)"bad bytes", 9, sha);
        assert_int_equal(take(f, "bad", id), 0);
        assert_int_equal(unlinkat(f->dirfd, "bad", 0), 0);
        for (int round = 0; round < 2; round++) { /* as it is, and opened again */
                assert_int_equal(quarantine_read(&io_kernel, f->dirfd, id, &text, &i, NULL), 0);
                assert_true(span_eq(i.path, SPAN("/where/it\xff was")));
                assert_string_equal(i.reason, "changed");
                assert_int_equal(i.at_ns, 77);
                assert_int_equal(i.record.mode, 0640);
                assert_memory_equal(i.record.sha256, sha, 32);
                assert_int_equal(copy_out(f, id, out, sizeof out), 0);
                assert_string_equal(out, "bad bytes");
                assert_int_equal(quarantine_use(f->q).items, 1);
                open_it(f, &roomy);
        }
        assert_int_equal(take(f, "bad", id), -ENOENT);
        assert_int_equal(quarantine_read(&io_kernel, f->dirfd, "../../../x", &text, &i, NULL),
                         -EINVAL);
        assert_int_equal(quarantine_read(&io_kernel, f->dirfd, "0123456789abcdef", &text, &i, NULL),
                         -ENOENT);
}

/* Two items of one content: it goes with the second. */
static void test_remove(void **state)
{
        struct fixture *f = *state;
        char a[QUARANTINE_ID + 1], b[QUARANTINE_ID + 1], out[64];

        write_file(f, "one", "same");
        write_file(f, "two", "same");
        assert_int_equal(take(f, "one", a), 0);
        assert_int_equal(take(f, "two", b), 0);
        assert_string_not_equal(a, b);
        assert_int_equal(quarantine_remove(f->q, a, NULL), 0);
        assert_int_equal(quarantine_remove(f->q, a, NULL), -ENOENT);
        assert_int_equal(copy_out(f, b, out, sizeof out), 0);
        assert_string_equal(out, "same");
        assert_true(quarantine_use(f->q).bytes > 0);
        assert_int_equal(quarantine_remove(f->q, b, NULL), 0);
        assert_int_equal(quarantine_use(f->q).items, 0);
        assert_int_equal(quarantine_use(f->q).bytes, 0);
}

/* At each ceiling nothing is taken, and nothing that was goes. */
static void test_ceilings(void **state)
{
        static const struct {
                const char *name;
                struct quarantine_limits l;
                int want;
        } table[] = {
                { "items", { .items = 1, .content = { .free_min = 1 } }, -ENOSPC },
                { "bytes", { .content = { .free_min = 1, .total_max = 20 } }, -ENOSPC },
                { "a file", { .content = { .free_min = 1, .file_max = 10 } }, -EFBIG },
                { "the disk", { .content = { .free_min = UINT64_MAX / 2 } }, -ENOSPC },
        };
        struct fixture *f = *state;
        char id[QUARANTINE_ID + 1], no[QUARANTINE_ID + 1], out[64];

        write_file(f, "first", "first");
        assert_int_equal(take(f, "first", id), 0);
        write_file(f, "long", "0123456789 and more than that, which does not shrink: xyzzy");
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                int rc;

                open_it(f, &table[i].l);
                rc = take(f, "long", no);
                if (rc != table[i].want)
                        fail_msg("%s: %d", table[i].name, rc);
                assert_int_equal(quarantine_use(f->q).items, 1);
                assert_int_equal(copy_out(f, id, out, sizeof out), 0);
                assert_string_equal(out, "first");
        }
}

static void test_what_has_no_content(void **state)
{
        struct fixture *f = *state;
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        char id[QUARANTINE_ID + 1], out[8];
        struct quarantine_item i;

        assert_int_equal(symlinkat("/etc/shadow", f->dirfd, "link"), 0);
        assert_int_equal(take(f, "link", id), 0);
        assert_int_equal(quarantine_read(&io_kernel, f->dirfd, id, &text, &i, NULL), 0);
        assert_true(span_eq(i.record.link, SPAN("/etc/shadow")));
        assert_int_equal(copy_out(f, id, out, sizeof out), -EINVAL);
        assert_int_equal(mkfifoat(f->dirfd, "pipe", 0600), 0);
        assert_int_equal(take(f, "pipe", id), 0);
}

static void test_what_a_crash_left(void **state)
{
        struct fixture *f = *state;

        write_file(f, "quarantine/items/new.0123456789abcdef", "{");
        open_it(f, &roomy);
        assert_int_equal(faccessat(f->dirfd, "quarantine/items/new.0123456789abcdef", F_OK, 0), -1);
        assert_int_equal(quarantine_use(f->q).items, 0);
}

static int count_item(void *ctx, const char *id, const struct quarantine_item *item,
                      const struct err *why)
{
        int *n = ctx;

        (void)id;
        n[item ? 0 : 1]++;
        assert_int_equal(item != NULL, why->code == 0);
        return 0;
}

/* One that is damaged is told; nothing is swept on its account. */
static void test_damaged(void **state)
{
        struct fixture *f = *state;
        char id[QUARANTINE_ID + 1], out[64];
        int n[2] = { 0 };

        write_file(f, "one", "one");
        assert_int_equal(take(f, "one", id), 0);
        write_file(f, "quarantine/items/00000000000000aa", "{}");
        assert_int_equal(quarantine_each(&io_kernel, f->dirfd, count_item, n, NULL), 0);
        assert_int_equal(n[0], 1);
        assert_int_equal(n[1], 1);
        write_file(f, "two", "two");
        open_it(f, &roomy);
        assert_int_equal(copy_out(f, id, out, sizeof out), 0);
        assert_int_equal(quarantine_remove(f->q, id, NULL), -EBADMSG);
        assert_true(quarantine_use(f->q).bytes > 0);
}

static void test_item_texts(void **state)
{
        static const char good[] =
                "{\"at\":\"2026-11-21T18:00:00.000000000Z\",\"id\":\"0123456789abcdef\","
                "\"moment\":true,\"path\":\"/etc/hosts\",\"reason\":\"added\",\"record\":\"%s\"}";
        static const struct {
                const char *from, *to, *says;
        } table[] = {
                { "2026-11-21T", "2026-11-31T", "at" },
                { "0123456789abcdef", "0123456789abcdeF", "id" },
                { "true", "1", "moment" },
                { "/etc", "etc", "path" },
                { "added", "a\\u0000b", "reason" },
                { "\"record\":\"", "\"record\":\"!", "record" },
                { "\"id\":\"0123456789abcdef\",", "", "id" },
        };
        CLEANUP(buf_done) struct buf rec = BUF_INIT(RECORD_MAX);
        CLEANUP(buf_done) struct buf b64 = BUF_INIT(RECORD_MAX);
        CLEANUP(buf_done) struct buf scratch = BUF_INIT(QUARANTINE_ITEM_MAX);
        CLEANUP(buf_done) struct buf again = BUF_INIT(QUARANTINE_ITEM_MAX);
        struct record file = sample_file(3, 'z');
        struct quarantine_item i;
        char text[4096], bad[4096];

        (void)state;
        text_put_base64(&b64, sample_encode(&rec, &file));
        snprintf(text, sizeof text, good, buf_cstr(&b64));
        assert_int_equal(quarantine_item_parse(span_str(text), &scratch, &i, NULL), 0);
        assert_true(span_eq(i.path, SPAN("/etc/hosts")));
        assert_true(i.moment);
        quarantine_item_print(&i, &again);
        assert_true(span_eq(buf_span(&again), span_str(text)));
        for (size_t k = 0; k < ARRAY_LEN(table); k++) {
                const char *at = strstr(text, table[k].from);
                struct err err = { 0 };

                assert_non_null(at);
                snprintf(bad, sizeof bad, "%.*s%s%s", (int)(at - text), text, table[k].to,
                         at + strlen(table[k].from));
                assert_int_equal(quarantine_item_parse(span_str(bad), &scratch, &i, &err),
                                 -EBADMSG);
                if (!strstr(err.text, table[k].says))
                        fail_msg("%s: %s", table[k].to, err.text);
        }
        assert_int_equal(quarantine_item_parse(SPAN("{"), &scratch, &i, NULL), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_take_and_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ceilings, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_has_no_content, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_a_crash_left, setup, teardown),
                cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
                cmocka_unit_test(test_item_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
