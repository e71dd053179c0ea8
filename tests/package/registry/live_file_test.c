/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a generation, and making one the deployed one on a disk that fails. */
#include "package/registry/live.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../../ledger/faulty.h"
#include "../../ledger/fixture.h"

#define HASH "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BYTES                                                                                      \
        "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31\32\33\34\35"       \
        "\36\37"

static const struct live_api apis[] = {
        { SPAN_INIT("accounts"), SPAN_INIT("1.4.0"), BYTES },
        { SPAN_INIT("cards"), SPAN_INIT("2"), "" },
};

#define TWO                                                                                        \
        "{\"apis\":[[\"accounts\",\"1.4.0\",\"" HASH "\"],[\"cards\",\"2\",\"00000000000000000000" \
        "00000000000000000000000000000000000000000000\"]],\"generation\":7}\n"

/* ---- the text ---- */

static void a_generation_has_this_text(void **state)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(LIVE_TEXT_MAX);
        struct live_api got[LIVE_APIS_MAX];
        uint64_t generation;
        uint32_t n;

        (void)state;
        assert_int_equal(live_put(&out, 7, apis, 2, NULL), 0);
        assert_string_equal(buf_cstr(&out), TWO);
        assert_int_equal(live_read(SPAN(TWO), &generation, got, &n, NULL), 0);
        assert_int_equal(generation, 7);
        assert_int_equal(n, 2);
        for (uint32_t i = 0; i < n; i++) {
                assert_true(span_eq(got[i].name, apis[i].name));
                assert_true(span_eq(got[i].version, apis[i].version));
                assert_memory_equal(got[i].sha256, apis[i].sha256, PACKAGE_HASH);
        }
        buf_clear(&out);
        assert_int_equal(live_put(&out, 9007199254740991, NULL, 0, NULL), 0);
        assert_string_equal(buf_cstr(&out), "{\"apis\":[],\"generation\":9007199254740991}\n");
        assert_int_equal(live_read(buf_span(&out), &generation, got, &n, NULL), 0);
        assert_true(generation == 9007199254740991 && n == 0);
}

static void other_texts_are_refused(void **state)
{
#define API(name, version, hash) "[\"" name "\",\"" version "\",\"" hash "\"]"
        static const struct {
                const char *text, *says;
        } rows[] = {
                { "", "no newline" },
                { "\n", "byte 0" },
                { "{\"apis\":[],\"generation\":1}", "no newline" },
                { "{\"apis\":[],\"generation\":1}\n\n", "byte 26" },
                { "{\"apis\":[],\"generation\":1} \n", "byte 26" },
                { "{\"apis\":[], \"generation\":1}\n", "byte 11" },
                { "{\"generation\":1,\"apis\":[]}\n", "byte 16" },
                { "{}\n", "its members are not" },
                { "{\"apis\":[]}\n", "its members are not" },
                { "{\"generation\":1}\n", "its members are not" },
                { "{\"apis\":[],\"b\":0,\"generation\":1}\n", "its members are not" },
                { "{\"apis\":[],\"generation\":1,\"h\":0}\n", "its members are not" },
                { "[]\n", "byte 0" },
                { "{\"apis\":{},\"generation\":1}\n", "apis: no list" },
                { "{\"apis\":[],\"generation\":0}\n", "generation: none" },
                { "{\"apis\":[],\"generation\":-1}\n", "generation: none" },
                { "{\"apis\":[],\"generation\":\"1\"}\n", "generation: none" },
                { "{\"apis\":[],\"generation\":9007199254740992}\n", "byte 24" },
                { "{\"apis\":[1],\"generation\":1}\n", "apis[0]: not [name" },
                { "{\"apis\":[[]],\"generation\":1}\n", "apis[0]: not [name" },
                { "{\"apis\":[[\"a\",\"1\"]],\"generation\":1}\n", "apis[0]: not [name" },
                { "{\"apis\":[[\"a\",\"1\",\"" HASH "\",0]],\"generation\":1}\n", "apis[0]: not" },
                { "{\"apis\":[[\"a\",1,\"" HASH "\"]],\"generation\":1}\n", "apis[0]: not [name" },
                { "{\"apis\":[" API("a", "1", "00") "],\"generation\":1}\n", "apis[0]: not [name" },
                { "{\"apis\":[" API("../a", "1", HASH) "],\"generation\":1}\n", "no name of an" },
                { "{\"apis\":[" API("a", "../1", HASH) "],\"generation\":1}\n", "no version" },
                { "{\"apis\":[" API("b", "1", HASH) "," API("a", "1", HASH) "],\"generation\":1}\n",
                  "apis[1]: not in order" },
                { "{\"apis\":[" API("a", "1", HASH) "," API("a", "2", HASH) "],\"generation\":1}\n",
                  "apis[1]: not in order" },
        };
        struct live_api got[LIVE_APIS_MAX];
        uint64_t generation = 99;
        uint32_t n = 99;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct err err = { 0 };

                if (live_read(span_str(rows[i].text), &generation, got, &n, &err) != -EBADMSG ||
                    !strstr(err.text, rows[i].says))
                        fail_msg("%s: %s", rows[i].text, err.text);
        }
        assert_true(generation == 99 && n == 99);
}

static void no_other_text_is_written(void **state)
{
        static const struct {
                uint64_t generation;
                struct live_api apis[2];
                uint32_t n;
                int want;
        } rows[] = {
                { 0, { { SPAN_NONE, SPAN_NONE, "" } }, 0, -EINVAL },
                { 9007199254740992, { { SPAN_NONE, SPAN_NONE, "" } }, 0, -EINVAL },
                { 1, { { SPAN_INIT("A"), SPAN_INIT("1"), "" } }, 1, -EINVAL },
                { 1, { { SPAN_INIT("a"), SPAN_INIT(""), "" } }, 1, -EINVAL },
                { 1,
                  { { SPAN_INIT("b"), SPAN_INIT("1"), "" },
                    { SPAN_INIT("a"), SPAN_INIT("1"), "" } },
                  2,
                  -EINVAL },
                { 1,
                  { { SPAN_INIT("a"), SPAN_INIT("1"), "" },
                    { SPAN_INIT("a"), SPAN_INIT("1"), "" } },
                  2,
                  -EINVAL },
                { 1, { { SPAN_NONE, SPAN_NONE, "" } }, LIVE_APIS_MAX + 1, -E2BIG },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(LIVE_TEXT_MAX);

                assert_int_equal(live_put(&out, rows[i].generation, rows[i].apis, rows[i].n, NULL),
                                 rows[i].want);
                assert_int_equal(out.n, 0);
        }
}

/* As many as there may be, with names as long as they may be, fit and come back. */
static void the_largest_one_fits(void **state)
{
        static struct live_api many[LIVE_APIS_MAX + 1], got[LIVE_APIS_MAX];
        static char name[LIVE_APIS_MAX + 1][64];
        CLEANUP(buf_done) struct buf out = BUF_INIT(LIVE_TEXT_MAX), more = BUF_INIT(1 << 20);
        char version[PACKAGE_VERSION_MAX];
        uint64_t generation;
        struct err err = { 0 };
        uint32_t n;

        (void)state;
        memset(version, '1', sizeof version);
        for (unsigned i = 0; i <= LIVE_APIS_MAX; i++) {
                snprintf(name[i], sizeof name[i], "a%04u%058u", i, 0u);
                many[i] = (struct live_api){ .name = span_str(name[i]),
                                             .version = span_of(version, sizeof version) };
        }
        assert_int_equal(live_put(&out, 9007199254740991, many, LIVE_APIS_MAX, NULL), 0);
        assert_int_equal(live_read(buf_span(&out), &generation, got, &n, NULL), 0);
        assert_int_equal(n, LIVE_APIS_MAX);
        buf_put(&more, span_of(out.p, out.n - strlen("],\"generation\":9007199254740991}\n")));
        buf_put_str(&more, ",[\"b\",\"1\",\"" HASH "\"]],\"generation\":1}\n");
        assert_int_equal(live_read(buf_span(&more), &generation, got, &n, &err), -EBADMSG);
        assert_string_equal(err.text, "apis: more than 256");
        buf_clear(&more);
        while (more.n <= LIVE_TEXT_MAX)
                buf_put_byte(&more, '\n');
        assert_int_equal(live_read(buf_span(&more), &generation, got, &n, &err), -EBADMSG);
        assert_string_equal(err.text, "more than 65536 bytes");
}

/* ---- deploying ---- */

struct place {
        char path[32];
        int fd;
};

static struct place place_new(void)
{
        struct place p = { "/dev/shm/assay-live-XXXXXX", -1 };

        assert_non_null(mkdtemp(p.path));
        p.fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(p.fd >= 0);
        return p;
}

static void place_done(struct place *p)
{
        close(p->fd);
        fixture_remove(AT_FDCWD, p->path);
}

/* What a reader of `current` gets is the text of this generation of these. */
static void expect_deployed(int dirfd, uint64_t want, const struct live_api *of, uint32_t n)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(LIVE_TEXT_MAX);
        uint64_t got = 99;
        uint8_t *p = NULL;
        size_t size = 0;

        assert_int_equal(live_deployed(dirfd, &got, NULL), 0);
        assert_int_equal(got, want);
        assert_int_equal(live_put(&text, want, of, n, NULL), 0);
        assert_int_equal(io_read_file(&io_kernel, dirfd, "current", 1 << 20, &p, &size, NULL), 0);
        assert_true(span_eq(span_of(p, size), buf_span(&text)));
        free(p);
}

static void generations_follow_each_other(void **state)
{
        struct place p = place_new();
        const struct io *io = &io_kernel;
        struct err err = { 0 };
        uint64_t n = 99;
        struct stat st;

        (void)state;
        assert_int_equal(live_deployed(p.fd, &n, &err), 0);
        assert_int_equal(n, 0);
        assert_int_equal(live_publish(io, p.fd, 1, apis, 1, &err), 0);
        expect_deployed(p.fd, 1, apis, 1);
        assert_int_equal(live_publish(io, p.fd, 2, apis, 2, &err), 0);
        expect_deployed(p.fd, 2, apis, 2);
        assert_int_equal(live_publish(io, p.fd, 2, apis, 2, &err), 0); /* again */
        assert_int_equal(live_publish(io, p.fd, 2, apis, 1, &err), -EEXIST);
        assert_string_equal(err.text, "generation 2: deployed with other content");
        assert_int_equal(live_publish(io, p.fd, 1, apis, 1, &err), -EEXIST);
        assert_string_equal(err.text, "generation 1: 2 is deployed");
        assert_int_equal(live_publish(io, p.fd, 0, apis, 1, &err), -EINVAL);
        expect_deployed(p.fd, 2, apis, 2);
        assert_int_equal(fstatat(p.fd, "live/2", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0444);
        place_done(&p);
}

static void links_that_lead_elsewhere_are_refused(void **state)
{
        static const char *const targets[] = { "live/",
                                               "live/0",
                                               "live/01",
                                               "live/x",
                                               "live/1/",
                                               "/live/1",
                                               "../live/1",
                                               "packages/1",
                                               "live/-1",
                                               "live/18446744073709551616",
                                               "live/184467440737095516160000000000000000" };
        struct place p = place_new();
        uint64_t n = 99;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
                struct err err = { 0 };

                assert_int_equal(symlinkat(targets[i], p.fd, "current"), 0);
                assert_int_equal(live_deployed(p.fd, &n, &err), -EBADMSG);
                assert_string_equal(err.text, "current: leads to no generation");
                assert_int_equal(live_publish(&io_kernel, p.fd, 1, apis, 1, &err), -EBADMSG);
                assert_int_equal(unlinkat(p.fd, "current", 0), 0);
        }
        assert_int_equal(mkdirat(p.fd, "current", 0700), 0);
        assert_int_equal(live_deployed(p.fd, &n, NULL), -EINVAL);
        assert_int_equal(n, 99);
        place_done(&p);
}

/* The at-th call of a kind fails while generation 2 follows 1, and with `dead` all after it: 1 or 2
 * is deployed then, whole.  The same again makes it 2; so does another content, while 2 was never
 * the deployed one.  False when there was no such call. */
static bool one_fails(enum faulty_kind kind, unsigned at, bool dead, bool half, bool other)
{
        struct place p = place_new();
        struct faulty f;
        uint64_t n = 0;
        int r;

        assert_int_equal(live_publish(&io_kernel, p.fd, 1, apis, 1, NULL), 0);
        faulty_init(&f);
        f.kind = kind;
        f.at = at;
        f.error = -EIO;
        f.dead = dead;
        f.half = half;
        r = live_publish(&f.io, p.fd, 2, apis, 2, NULL);
        assert_int_equal(live_deployed(p.fd, &n, NULL), 0);
        assert_true(n == 1 || n == 2);
        expect_deployed(p.fd, n, apis, (uint32_t)n);
        if (!f.struck) {
                assert_int_equal(r, 0);
        } else {
                assert_int_equal(r, -EIO);
                r = live_publish(&io_kernel, p.fd, 2, apis, other ? 1 : 2, NULL);
                assert_int_equal(r, other && n == 2 ? -EEXIST : 0);
        }
        expect_deployed(p.fd, 2, apis, r == 0 && f.struck && other ? 1 : 2);
        place_done(&p);
        return f.struck;
}

static void calls_fail_in_turn(void **state)
{
        unsigned struck[FAULTY_KINDS] = { 0 };

        (void)state;
        for (unsigned way = 0; way < 8; way++)
                for (unsigned k = 0; k < FAULTY_KINDS; k++)
                        for (unsigned at = 1;
                             one_fails((enum faulty_kind)k, at, way & 1, way & 2, way & 4); at++)
                                struck[k]++;
        for (unsigned k = 0; k < FAULTY_KINDS; k++)
                print_message("%s: %u\n", faulty_name((enum faulty_kind)k), struck[k] / 8);
        /* the file, live/, the directory */
        assert_int_equal(struck[FAULTY_FSYNC], 8 * 3);
        assert_int_equal(struck[FAULTY_RENAME], 8 * 2);
        assert_int_equal(struck[FAULTY_SYMLINK], 8);
        assert_int_equal(struck[FAULTY_PWRITE], 8);
}

/* ---- in what order ---- */

static char trace[1024];

static void note(const char *what, int fd)
{
        struct stat st;

        strncat(trace, what, sizeof trace - strlen(trace) - 1);
        if (fd >= 0 && fstat(fd, &st) == 0)
                strncat(trace, S_ISDIR(st.st_mode) ? " directory" : " file",
                        sizeof trace - strlen(trace) - 1);
        strncat(trace, ", ", sizeof trace - strlen(trace) - 1);
}

static ssize_t traced_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        note("write", fd);
        return io_kernel.pwrite(NULL, fd, p, n, at);
}

static int traced_fsync(void *ctx, int fd)
{
        note("sync", fd);
        return io_kernel.fsync(NULL, fd);
}

static int traced_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        note(to, -1);
        return io_kernel.rename(NULL, dirfd, from, to);
}

/* What power can take away is what was not synced: so the text and its name are before the link
 * leads there. */
static void the_text_is_synced_before_the_link(void **state)
{
        struct place p = place_new();
        struct io io = io_kernel;

        (void)state;
        io.pwrite = traced_pwrite;
        io.fsync = traced_fsync;
        io.rename = traced_rename;
        assert_int_equal(live_publish(&io_kernel, p.fd, 1, apis, 1, NULL), 0);
        assert_int_equal(live_publish(&io, p.fd, 2, apis, 1, NULL), 0);
        assert_string_equal(trace, "write file, sync file, live/2, sync directory, current, "
                                   "sync directory, ");
        place_done(&p);
}

static void memory_may_fail(void **state)
{
        (void)state;
        for (size_t nth = 1, done = 0; !done; nth++) {
                struct place p = place_new();
                int first, again;

                alloc_fail_nth = nth;
                first = live_publish(&io_kernel, p.fd, 1, apis, 2, NULL);
                again = first == 0 ? live_publish(&io_kernel, p.fd, 1, apis, 2, NULL) : -ENOMEM;
                done = alloc_fail_nth > 0;
                alloc_fail_nth = 0;
                assert_true(first == 0 || first == -ENOMEM);
                assert_int_equal(again, done ? 0 : -ENOMEM);
                if (first == 0)
                        expect_deployed(p.fd, 1, apis, 2);
                place_done(&p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_generation_has_this_text),
                cmocka_unit_test(other_texts_are_refused),
                cmocka_unit_test(no_other_text_is_written),
                cmocka_unit_test(the_largest_one_fits),
                cmocka_unit_test(generations_follow_each_other),
                cmocka_unit_test(links_that_lead_elsewhere_are_refused),
                cmocka_unit_test(calls_fail_in_turn),
                cmocka_unit_test(the_text_is_synced_before_the_link),
                cmocka_unit_test(memory_may_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
