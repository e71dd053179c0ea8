/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/content.h"
#include "integrity/trusted/observe.h"

#include "../sample.h"
#include "sys/io.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

struct fixture {
        char dir[40];
        int dirfd;
        struct observer *o;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        strcpy(f->dir, "/var/tmp/observe-XXXXXX"); /* a filesystem with attributes */
        assert_non_null(mkdtemp(f->dir));
        f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(observer_new(&f->o, NULL), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        observer_free(f->o);
        close(f->dirfd);
        assert_int_equal(nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(f);
        return 0;
}

static void write_file(struct fixture *f, const char *name, const void *p, size_t n)
{
        int fd = openat(f->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, p, n), n);
        close(fd);
}

static void check_hash(const struct record *r, const void *p, size_t n)
{
        uint8_t want[32];

        SHA256(p, n, want);
        assert_int_equal(r->hash, RECORD_HASH_KNOWN);
        assert_memory_equal(r->sha256, want, 32);
}

static void test_file(void **state)
{
        struct fixture *f = *state;
        struct table_handle h;
        struct stat st;
        struct record r;

        write_file(f, "f", "content", 7);
        assert_int_equal(fstatat(f->dirfd, "f", &st, 0), 0);
        assert_int_equal(observe(f->o, f->dirfd, "f", &r, &h), 0);
        check_hash(&r, "content", 7);
        assert_int_equal(r.type, RECORD_FILE);
        assert_int_equal(r.mode, 0640);
        assert_int_equal(r.ino, st.st_ino);
        assert_int_equal(r.size, 7);
        assert_int_equal(r.mtime_ns, st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
        assert_int_equal(r.attrs.n, 0);
        assert_int_not_equal(r.fs, 0);
        assert_int_equal(h.n, 0);
        for (unsigned i = 0; i < RECORD_PARTS; i++)
                assert_in_set(r.known[i],
                              ((const unsigned long[]){ RECORD_KNOWN, RECORD_UNSUPPORTED }), 2);
        assert_int_equal(observe(f->o, f->dirfd, "nothing", &r, &h), -ENOENT);
}

/* What a quick look tells is what a whole one tells, as far as it goes. */
static void test_quick_look_agrees(void **state)
{
        struct fixture *f = *state;
        struct record quick, whole;
        struct table_handle h;

        write_file(f, "f", "x", 1);
        assert_int_equal(symlinkat("f", f->dirfd, "l"), 0);
        assert_int_equal(mkfifoat(f->dirfd, "p", 0600), 0);
        for (const char *const *n = (const char *const[]){ "f", "l", "p", ".", NULL }; *n; n++) {
                assert_int_equal(observe_stat(f->dirfd, *n, &quick, &h), 0);
                assert_int_equal(observe(f->o, f->dirfd, *n, &whole, NULL), 0);
                assert_true(record_same_stat(&quick, &whole));
                assert_int_equal(quick.known[RECORD_ACL], RECORD_SKIPPED);
        }
}

static void test_attributes(void **state)
{
        struct fixture *f = *state;
        struct record_attr a;
        struct record r;
        struct span rest;
        char path[64];
        uint8_t want[32];

        write_file(f, "f", "x", 1);
        snprintf(path, sizeof path, "%s/f", f->dir);
        if (setxattr(path, "user.b", "2", 1, 0) < 0)
                skip(); /* a filesystem without */
        assert_int_equal(setxattr(path, "user.a", "1", 1, 0), 0);
        assert_int_equal(observe(f->o, f->dirfd, "f", &r, NULL), 0);
        check_hash(&r, "x", 1); /* the digests of attributes are made with the same context */
        rest = r.attrs;
        assert_true(record_next_attr(&rest, &a));
        assert_true(span_eq_str(a.name, "user.a"));
        SHA256((const uint8_t *)"1", 1, want);
        assert_memory_equal(a.digest, want, 32);
        assert_true(record_next_attr(&rest, &a));
        assert_true(span_eq_str(a.name, "user.b"));
        assert_false(record_next_attr(&rest, &a));
        /* Encoded as the table keeps it, it decodes again. */
        {
                struct buf b = BUF_INIT(RECORD_MAX);
                struct record back;

                assert_int_equal(record_decode(sample_encode(&b, &r), &back, NULL), 0);
                assert_int_equal(record_diff(&r, &back), 0);
                buf_done(&b);
        }
}

/* Piece by piece, closed in between, the result is the same; what changes in between is seen. */
static void test_pieces(void **state)
{
        enum { N = 1 << 20 };
        struct fixture *f = *state;
        uint8_t *p = malloc(N);
        struct record r;
        int rc, pieces = 0;

        for (size_t i = 0; i < N; i++)
                p[i] = (uint8_t)(i * 7 >> 3);
        write_file(f, "f", p, N);
        assert_int_equal(observe_begin(f->o, f->dirfd, "f"), 0);
        while ((rc = observe_more(f->o, 200000)) > 0) {
                pieces++;
                observe_pause(f->o);
                assert_int_equal(observe_resume(f->o, f->dirfd, "f"), 0);
        }
        assert_int_equal(rc, 0);
        assert_in_range(pieces, 3, 5);
        observe_result(f->o, &r, NULL);
        check_hash(&r, p, N);

        assert_int_equal(observe_begin(f->o, f->dirfd, "f"), 0);
        assert_int_equal(observe_more(f->o, 200000), 1);
        observe_pause(f->o);
        write_file(f, "g", p, N);
        assert_int_equal(renameat(f->dirfd, "g", f->dirfd, "f"), 0);
        assert_int_equal(observe_resume(f->o, f->dirfd, "f"), -EAGAIN);

        assert_int_equal(observe_begin(f->o, f->dirfd, "f"), 0);
        assert_int_equal(observe_more(f->o, 200000), 1);
        observe_abandon(f->o);
        assert_int_equal(observe(f->o, f->dirfd, "f", &r, NULL), 0);
        check_hash(&r, p, N);
        free(p);
}

/* Ended by another thread, or before it begins: -ECANCELED, and nothing is open. */
static void test_ended(void **state)
{
        struct fixture *f = *state;
        atomic_bool ended = true;
        struct record r;
        uint8_t *p = calloc(1, 1 << 20);

        write_file(f, "f", p, 1 << 20);
        observer_set_ended(f->o, &ended);
        assert_int_equal(observe(f->o, f->dirfd, "f", &r, NULL), -ECANCELED);
        ended = false;
        assert_int_equal(observe(f->o, f->dirfd, "f", &r, NULL), 0);
        observer_set_ended(f->o, NULL);
        free(p);
}

/* ---- replaced while it is read ---- */

enum { RACE_BYTES = 300 * 1024, RACE_ROUNDS = 300, RACE_ROUNDS_MAX = 100 * RACE_ROUNDS };

/* Two contents of one size, each with an attribute that says which it is. */
static void race_write(struct fixture *f, const char *name, char which)
{
        static char p[RACE_BYTES];
        char path[64];

        memset(p, which, sizeof p);
        write_file(f, name, p, sizeof p);
        snprintf(path, sizeof path, "%s/%s", f->dir, name);
        (void)!setxattr(path, "user.which", &which, 1, 0);
}

static void replace_for_ever(struct fixture *f)
{
        for (unsigned i = 0;; i++) {
                race_write(f, "next", i % 2 ? 'a' : 'b');
                if (renameat(f->dirfd, "next", f->dirfd, "f") < 0)
                        _exit(1);
        }
}

/* Whatever is told of it is of one file: hash, attributes, inode and kept content belong together.
 */
static void test_replaced_while_read(void **state)
{
        static const struct content_limits limits = { .free_min = 1 };
        struct fixture *f = *state;
        struct content *store = NULL;
        uint8_t sha[2][32], which[2][32];
        static uint8_t p[RACE_BYTES];
        unsigned seen[2] = { 0 };
        pid_t child;

        for (unsigned i = 0; i < 2; i++) {
                char c = (char)('a' + i);

                memset(p, c, sizeof p);
                SHA256(p, sizeof p, sha[i]);
                SHA256((const uint8_t *)&c, 1, which[i]);
        }
        race_write(f, "f", 'a');
        assert_int_equal(content_open(&io_kernel, f->dirfd, &limits, &store, NULL), 0);
        observer_keep(f->o, store, 0);
        child = fork();
        if (child == 0)
                replace_for_ever(f);
        /* The other one needs a processor, too. */
        for (unsigned round = 0;
             round < RACE_ROUNDS || (!(seen[0] && seen[1]) && round < RACE_ROUNDS_MAX); round++) {
                struct record_attr a;
                struct record r;
                unsigned i;

                assert_int_equal(observe(f->o, f->dirfd, "f", &r, NULL), 0);
                if (r.hash != RECORD_HASH_KNOWN) {
                        assert_int_equal(r.reason, RECORD_REASON_CHANGING);
                        continue;
                }
                i = memcmp(r.sha256, sha[0], 32) == 0 ? 0 : 1;
                assert_memory_equal(r.sha256, sha[i], 32);
                assert_int_equal(r.size, RACE_BYTES);
                if (record_attr(&r, RECORD_XATTRS, &a))
                        assert_memory_equal(a.digest, which[i], 32);
                seen[i]++;
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        observer_keep(f->o, NULL, 0);
        assert_true(seen[0] > 0 && seen[1] > 0);
        assert_in_range(content_counts(store).files, 1, 4); /* of contents and of values */
        content_free(store);
}

/* Rewritten in place by a mapping, without a call that could be seen. */
static void write_for_ever(struct fixture *f)
{
        int fd = openat(f->dirfd, "f", O_RDWR);
        uint8_t *p = mmap(NULL, RACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        for (uint8_t i = 0;; i++)
                for (size_t at = 0; at < RACE_BYTES; at += 4096)
                        p[at] = i;
}

/* Content that changes between being hashed and being kept is not kept under that hash. */
static void test_kept_is_what_was_hashed(void **state)
{
        static const struct content_limits limits = { .free_min = 1 };
        struct fixture *f = *state;
        struct content *store = NULL;
        pid_t child;
        int out = openat(f->dirfd, ".", O_TMPFILE | O_RDWR, 0600);

        race_write(f, "f", 'a');
        assert_int_equal(content_open(&io_kernel, f->dirfd, &limits, &store, NULL), 0);
        observer_keep(f->o, store, 0);
        child = fork();
        if (child == 0)
                write_for_ever(f);
        for (unsigned round = 0; round < 50; round++) {
                struct record r;

                assert_int_equal(observe(f->o, f->dirfd, "f", &r, NULL), 0);
                if (r.hash == RECORD_HASH_KNOWN && content_has(store, r.sha256))
                        assert_int_equal(content_copy(store, r.sha256, out, NULL), 0);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        observer_keep(f->o, NULL, 0);
        close(out);
        content_free(store);
}

/* The same bytes, with holes and without: one hash.  Hardly more than holes, or too large: none. */
static void test_holes_and_ceilings(void **state)
{
        static const struct {
                const char *name;
                off_t data_at, size;
                enum record_hash hash;
                enum record_reason reason;
        } cases[] = {
                { "behind", 3 << 20, (3 << 20) + 4, RECORD_HASH_KNOWN, RECORD_REASON_NONE },
                { "before", 0, 5 << 20, RECORD_HASH_KNOWN, RECORD_REASON_NONE },
                { "between", (2 << 20) + 77, (4 << 20) + 1, RECORD_HASH_KNOWN, RECORD_REASON_NONE },
                { "holes", 1 << 20, 17 << 20, RECORD_HASH_SKIPPED, RECORD_REASON_SPARSE },
                { "limit", 0, 1 << 30, RECORD_HASH_SKIPPED, RECORD_REASON_SPARSE },
                { "large", 0, (1 << 30) + 1, RECORD_HASH_SKIPPED, RECORD_REASON_TOO_LARGE },
                { "huge", 0, (off_t)8 << 40, RECORD_HASH_SKIPPED, RECORD_REASON_TOO_LARGE },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                int fd = openat(f->dirfd, cases[i].name, O_RDWR | O_CREAT | O_EXCL, 0600);
                struct record r;

                assert_int_equal(pwrite(fd, "data", 4, cases[i].data_at), 4);
                assert_int_equal(ftruncate(fd, cases[i].size), 0);
                assert_int_equal(observe(f->o, f->dirfd, cases[i].name, &r, NULL), 0);
                assert_int_equal(r.hash, cases[i].hash);
                assert_int_equal(r.reason, cases[i].reason);
                assert_int_equal(r.size, cases[i].size);
                if (r.hash == RECORD_HASH_KNOWN) {
                        uint8_t *want = calloc(1, (size_t)cases[i].size);

                        memcpy(want + cases[i].data_at, "data", 4);
                        check_hash(&r, want, (size_t)cases[i].size);
                        free(want);
                }
                close(fd);
        }
        write_file(f, "f", "content", 7);
        for (unsigned max = 6; max <= 7; max++) {
                struct record r;

                observer_set_max(f->o, max);
                assert_int_equal(observe(f->o, f->dirfd, "f", &r, NULL), 0);
                assert_int_equal(r.hash == RECORD_HASH_KNOWN, max == 7);
        }
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
        const struct CMUnitTest tests[] = {
                WITH(test_file),
                WITH(test_quick_look_agrees),
                WITH(test_attributes),
                WITH(test_pieces),
                WITH(test_ended),
                WITH(test_replaced_while_read),
                WITH(test_holes_and_ceilings),
                WITH(test_kept_is_what_was_hashed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
