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

static int take_as(struct fixture *f, const char *name, bool record_alone,
                   struct quarantine_item *ret)
{
        const struct quarantine_ask a = { .dirfd = f->dirfd,
                                          .name = name,
                                          .path = SPAN("/where/it\xff was"),
                                          .reason = "changed",
                                          .wall_ns = 77,
                                          .record_alone = record_alone };

        return quarantine_take(f->q, &a, ret, NULL);
}

static int take(struct fixture *f, const char *name, char id[QUARANTINE_ID + 1])
{
        struct quarantine_item i;
        int rc = take_as(f, name, false, &i);

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

/* At each ceiling less is kept, which the item says, and nothing that was goes. */
static void test_ceilings(void **state)
{
        static const struct {
                const char *name;
                struct quarantine_limits l;
                int want, alone; /* alone: where the record alone will do */
                const char *why;
        } table[] = {
                { "items", { .items = 1, .content = { .free_min = 1 } }, -ENOSPC, -ENOSPC, NULL },
                { "bytes", { .content = { .free_min = 1, .total_max = 20 } }, -ENOSPC, 0, "room" },
                { "a file", { .content = { .free_min = 1, .file_max = 10 } }, -ENOSPC, 0, "10" },
                { "the disk", { .content = { .free_min = UINT64_MAX / 2 } }, -ENOSPC, 0, "room" },
        };
        struct fixture *f = *state;
        char id[QUARANTINE_ID + 1], no[QUARANTINE_ID + 1], out[64];
        struct quarantine_item item;

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
                rc = take_as(f, "long", true, &item);
                if (rc != table[i].alone)
                        fail_msg("%s, the record alone: %d", table[i].name, rc);
                assert_int_equal(copy_out(f, id, out, sizeof out), 0);
                assert_string_equal(out, "first");
                if (rc < 0)
                        continue;
                assert_int_equal(item.kept, QUARANTINE_NOTHING);
                if (!strstr(item.why, table[i].why))
                        fail_msg("%s: %s", table[i].name, item.why);
                memcpy(no, item.id, sizeof no);
                assert_int_equal(copy_out(f, no, out, sizeof out), -ENODATA);
                assert_int_equal(quarantine_remove(f->q, no, NULL), 0);
        }
}

static void put_at(int fd, off_t at, const char *text)
{
        assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
}

/* A file that is larger than one may be, and mostly holes: all its data are kept, and come out at
 * their places. */
static void test_holes(void **state)
{
        struct fixture *f = *state;
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        const off_t size = (off_t)40 << 30, far = (off_t)39 << 30;
        struct quarantine_item taken, i;
        uint8_t sha[32];
        char got[8] = "", id[QUARANTINE_ID + 1];
        struct stat st;
        int fd = openat(f->dirfd, "huge", O_RDWR | O_CREAT, 0644), out;

        assert_true(fd >= 0);
        put_at(fd, 0, "begin");
        put_at(fd, far, "end");
        assert_int_equal(ftruncate(fd, size), 0);
        assert_int_equal(take_as(f, "huge", false, &taken), 0);
        memcpy(id, taken.id, sizeof id);
        assert_int_equal(quarantine_read(&io_kernel, f->dirfd, id, &text, &i, NULL), 0);
        assert_int_equal(i.kept, QUARANTINE_DATA);
        assert_int_equal(i.part.n, 2);
        assert_true(i.part.extent[1].at <= (uint64_t)far);
        assert_true(i.part.bytes < 1 << 20);
        assert_non_null(strstr(i.why, "42949672960 bytes"));
        out = openat(f->dirfd, "again", O_RDWR | O_CREAT, 0600);
        assert_int_equal(quarantine_copy(f->dirfd, &i, out, NULL), 0);
        assert_int_equal(fstat(out, &st), 0);
        assert_int_equal(st.st_size, size);
        assert_true(st.st_blocks < 4096);
        assert_int_equal(pread(out, got, 5, 0), 5);
        assert_string_equal(got, "begin");
        assert_int_equal(pread(out, got, 5, far), 5);
        assert_string_equal(got, "end");
        /* What lies there is what its digest says. */
        assert_int_equal(quarantine_remove(f->q, id, NULL), 0);
        assert_int_equal(quarantine_use(f->q).bytes, 0);
        close(out);
        close(fd);
        SHA256((const uint8_t *)"", 0, sha);
        fd = openat(f->dirfd, "hole", O_RDWR | O_CREAT, 0644);
        assert_int_equal(ftruncate(fd, size), 0);
        close(fd);
        assert_int_equal(take_as(f, "hole", false, &taken), 0);
        assert_int_equal(taken.kept, QUARANTINE_DATA);
        assert_memory_equal(taken.part.sha256, sha, 32);
}

/* More data than is kept: the first of it, and its digest. */
static void test_part(void **state)
{
        const struct quarantine_limits small = { .content = { .free_min = 1,
                                                              .file_max = 17 << 20 } };
        struct fixture *f = *state;
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        struct quarantine_item i;
        size_t n = 18 << 20;
        uint8_t *data = malloc(n), sha[32];
        char id[QUARANTINE_ID + 1];
        struct stat st;
        int fd = openat(f->dirfd, "large", O_RDWR | O_CREAT, 0644), out;

        for (size_t k = 0; k < n; k++)
                data[k] = (uint8_t)(k * 2654435761u >> 13);
        assert_int_equal(write(fd, data, n), n);
        open_it(f, &small);
        assert_int_equal(take(f, "large", id), 0);
        assert_int_equal(quarantine_read(&io_kernel, f->dirfd, id, &text, &i, NULL), 0);
        assert_int_equal(i.kept, QUARANTINE_PART);
        assert_int_equal(i.part.bytes, QUARANTINE_PART_MAX);
        SHA256(data, QUARANTINE_PART_MAX, sha);
        assert_memory_equal(i.part.sha256, sha, 32);
        assert_int_equal(i.record.size, n);
        out = openat(f->dirfd, "again", O_RDWR | O_CREAT, 0600);
        assert_int_equal(quarantine_copy(f->dirfd, &i, out, NULL), 0);
        assert_int_equal(fstat(out, &st), 0);
        assert_int_equal(st.st_size, QUARANTINE_PART_MAX);
        close(out);
        close(fd);
        free(data);
}

/* Somebody removes it, or a part of it, while it is open. */
static void test_removed(void **state)
{
        static const char *const parts[] = { "quarantine/items", "quarantine/content",
                                             "quarantine" };
        struct fixture *f = *state;
        char id[QUARANTINE_ID + 1], path[96];
        struct quarantine_item i;

        assert_int_equal(quarantine_look(f->q, NULL), 0);
        for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
                write_file(f, "bad", parts[k]);
                assert_int_equal(take(f, "bad", id), 0);
                snprintf(path, sizeof path, "%s/%s", f->dir, parts[k]);
                assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
                write_file(f, "bad", "another");
                assert_int_equal(take_as(f, "bad", true, &i), k == 1 ? 0 : -ESTALE);
                assert_int_equal(quarantine_look(f->q, NULL), 1);
                assert_int_equal(quarantine_look(f->q, NULL), 0);
                assert_int_equal(take(f, "bad", id), 0);
        }
        assert_int_equal(quarantine_use(f->q).items, 1);
        /* Where it cannot be made, nothing is taken and nothing breaks. */
        assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        write_file(f, "quarantine", "a file in its place");
        assert_true(quarantine_look(f->q, NULL) < 0);
        assert_int_equal(take(f, "bad", id), -EIO);
        assert_int_equal(quarantine_use(f->q).items, 0);
        assert_int_equal(unlinkat(f->dirfd, "quarantine", 0), 0);
        assert_int_equal(quarantine_look(f->q, NULL), 1);
        assert_int_equal(take(f, "bad", id), 0);
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
                "\"kept\":{\"extents\":[[0,4096],[1048576,512]],\"how\":\"data\",\"sha256\":"
                "\"abababababababababababababababababababababababababababababababab\","
                "\"why\":\"room\"},\"moment\":true,\"path\":\"/etc/hosts\",\"reason\":\"added\",\"record\":\"%s\"}";
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
                { "[1048576,512]", "[4095,512]", "kept" },
                { "[1048576,512]", "[1048576,0]", "kept" },
                { "[1048576,512]", "[1048576,16777216]", "kept" },
                { "[1048576,512]", "[-1,512]", "kept" },
                { "[1048576,512]", "[1048576]", "kept" },
                { "\"how\":\"data\"", "\"how\":\"whole\"", "kept" },
                { "\"sha256\":\"ab", "\"sha256\":\"AB", "kept" },
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
        assert_int_equal(i.kept, QUARANTINE_DATA);
        assert_int_equal(i.part.bytes, 4608);
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
                cmocka_unit_test_setup_teardown(test_holes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_part, setup, teardown),
                cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_has_no_content, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_a_crash_left, setup, teardown),
                cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
                cmocka_unit_test(test_item_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
