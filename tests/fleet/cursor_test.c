/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/cursor.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define UP                                                                                         \
        "{\"delivered\":3,\"missed\":1,\"next\":4711,\"origin\":\"example.com/x\",\"refused\":2}\n"
#define DOWN                                                                                          \
        "{\"delivered\":3,\"down_index\":4700,\"down_origin\":\"example.com/w\",\"down_since\":"      \
        "\"2026-11-21T18:00:00.123456789Z\",\"missed\":1,\"next\":4711,\"origin\":\"example.com/x\"," \
        "\"refused\":2,\"told\":true}\n"

static const struct cursor up = {
        .origin = "example.com/x", .next = 4711, .delivered = 3, .refused = 2, .missed = 1
};
/* date -u -d 2026-11-21T18:00:00 +%s */
static const struct cursor down = { .origin = "example.com/x",
                                    .next = 4711,
                                    .delivered = 3,
                                    .refused = 2,
                                    .missed = 1,
                                    .down_since_ns = 1795284000123456789,
                                    .down_index = 4700,
                                    .down_origin = "example.com/w",
                                    .told = true };

static void goes_both_ways(void **state)
{
        static const struct {
                const struct cursor *cursor;
                const char *text;
        } t[] = { { &up, UP }, { &down, DOWN } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct buf out = BUF_INIT(4096);
                struct cursor c;

                cursor_put(t[i].cursor, &out);
                assert_string_equal(buf_cstr(&out), t[i].text);
                assert_int_equal(cursor_parse(span_str(t[i].text), &c, NULL), 0);
                assert_int_equal(c.next, t[i].cursor->next);
                assert_string_equal(c.origin, t[i].cursor->origin);
                assert_int_equal(c.delivered, 3);
                assert_int_equal(c.refused, 2);
                assert_int_equal(c.missed, 1);
                assert_true(c.down_since_ns == t[i].cursor->down_since_ns);
                assert_int_equal(c.down_index, t[i].cursor->down_index);
                assert_string_equal(c.down_origin, t[i].cursor->down_origin);
                assert_true(c.told == t[i].cursor->told);
                buf_done(&out);
        }
}

static void refuses(void **state)
{
        static const struct {
                const char *text, *want;
        } t[] = {
                { "", "does not end with a newline" },
                { "{}", "does not end with a newline" },
                { "x\n", "is no object" },
                { "{}\n", "fact: origin" },
                { "{\"delivered\":0,\"missed\":0,\"next\":-1,\"origin\":\"\",\"refused\":0}\n",
                  "fact: next" },
                { "{\"delivered\":0,\"missed\":0,\"next\":1,\"origin\":\"a b\",\"refused\":0}\n",
                  "fact: origin" },
                { "{\"delivered\":0,\"down_index\":0,\"down_origin\":\"\",\"down_since\":\"now\","
                  "\"missed\":0,\"next\":1,\"origin\":\"\",\"refused\":0,\"told\":true}\n",
                  "fact: down_since" },
                { "{\"delivered\":0,\"down_since\":\"2026-11-21T18:00:00.123456789Z\",\"missed\":0,"
                  "\"next\":1,\"origin\":\"\",\"refused\":0}\n",
                  "fact: down_index" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct cursor c = { .next = 17 };
                struct err err = { 0 };

                assert_int_equal(cursor_parse(span_str(t[i].text), &c, &err), -EBADMSG);
                if (strncmp(err.text, t[i].want, strlen(t[i].want)) != 0)
                        fail_msg("%s: %s", t[i].text, err.text);
                assert_int_equal(c.next, 17);
        }
        for (size_t n = 0; n + 1 < sizeof(DOWN); n++) /* cut anywhere */
                assert_int_equal(cursor_parse(span_of(DOWN, n), &(struct cursor){ 0 }, NULL),
                                 -EBADMSG);
}

/* ---- on disk: whatever fails, the file is the old one or the new one ---- */

static int calls, failing;

static int count(void)
{
        return ++calls == failing ? -ENOSPC : 0;
}

static ssize_t fail_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        int rc = count();

        return rc < 0 ? rc : io_kernel.pwrite(ctx, fd, p, n, at);
}

static int fail_fsync(void *ctx, int fd)
{
        int rc = count();

        return rc < 0 ? rc : io_kernel.fsync(ctx, fd);
}

static int fail_fdatasync(void *ctx, int fd)
{
        int rc = count();

        return rc < 0 ? rc : io_kernel.fdatasync(ctx, fd);
}

static int fail_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        int rc = count();

        return rc < 0 ? rc : io_kernel.rename(ctx, dirfd, from, to);
}

static int fail_open(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        int rc = count();

        return rc < 0 ? rc : io_kernel.open(ctx, dirfd, path, flags, mode);
}

static void each_call_fails_in_turn(void **state)
{
        char top[] = "/tmp/assay-cursor-XXXXXX";
        struct io io = io_kernel;
        struct cursor c;
        int dirfd, rc = -1;

        io.open = fail_open;
        io.pwrite = fail_pwrite;
        io.fsync = fail_fsync;
        io.fdatasync = fail_fdatasync;
        io.rename = fail_rename;
        assert_non_null(mkdtemp(top));
        dirfd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(cursor_load(dirfd, &c, NULL), -ENOENT);
        assert_int_equal(cursor_store(dirfd, &io_kernel, &up, NULL), 0);
        for (failing = 1; rc < 0; failing++) {
                struct cursor next = up;

                next.next += (uint64_t)failing;
                calls = 0;
                rc = cursor_store(dirfd, &io, &next, NULL);
                assert_int_equal(cursor_load(dirfd, &c, NULL), 0);
                /* a failed sync of the directory leaves the new one, too */
                assert_true(c.next == next.next || (rc == -ENOSPC && c.next < next.next));
        }
        assert_true(failing > 4); /* open, write, sync, rename, sync at least */
        assert_int_equal(unlinkat(dirfd, "cursor", 0), 0);
        unlinkat(dirfd, "cursor.tmp", 0);
        close(dirfd);
        rmdir(top);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(goes_both_ways),
                cmocka_unit_test(refuses),
                cmocka_unit_test(each_call_fails_in_turn),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
