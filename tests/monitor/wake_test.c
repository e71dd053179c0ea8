/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/gather.h"
#include "monitor/wake.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/wake-XXXXXX";

static const char *full(const char *path)
{
        static char text[2][4096];
        static int turn;

        turn = !turn;
        snprintf(text[turn], sizeof text[turn], "%s%s", root, path);
        return text[turn];
}

static void put(const char *path, const char *text)
{
        FILE *f = fopen(full(path), "w");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void make_dir(const char *path)
{
        assert_int_equal(mkdir(full(path), 0755), 0);
}

static int make_root(void **state)
{
        (void)state;
        memcpy(root + sizeof root - 7, "XXXXXX", 6);
        return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st, (void)type, (void)ftw;
        return remove(path);
}

static int remove_root(void **state)
{
        (void)state;
        return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct told {
        unsigned n[4], moved[4];
};

static void on_wake(void *ctx, size_t owner, bool moved)
{
        struct told *t = ctx;

        t->n[owner]++;
        t->moved[owner] += moved;
}

/* The places of a source under an owner. */
static void watch(struct wake *w, size_t owner, struct state_source s)
{
        static const atomic_bool no_stop;
        struct gather g = { .root = root, .sources = &s, .n = 1, .stop = &no_stop };
        struct buf places = BUF_INIT(1 << 20);

        assert_int_equal(gather_places(&g, &places, NULL), 0);
        assert_int_equal(wake_set(w, owner, buf_span(&places)), 0);
        buf_done(&places);
}

/* What was told of owner 0 since the last time: '-' nothing, 'w' woken, 'm' and its places moved.
 */
static char said(struct wake *w, struct told *t)
{
        *t = (struct told){ 0 };
        wake_read(w);
        return t->moved[0] ? 'm' : t->n[0] ? 'w' : '-';
}

/* Each does one thing below the root. */
static void write_it(const char *path)
{
        put(path, "x");
}

static void replace_it(const char *path)
{
        put("/aside", "y");
        assert_int_equal(rename(full("/aside"), full(path)), 0);
}

static void remove_it(const char *path)
{
        assert_int_equal(remove(full(path)), 0);
}

static void chmod_it(const char *path)
{
        assert_int_equal(chmod(full(path), 0600), 0);
}

static void append_open(const char *path)
{
        static int fd = -1; /* and stays open, as an intruder's would */

        if (fd >= 0)
                close(fd);
        fd = open(full(path), O_WRONLY | O_APPEND);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "z", 1), 1);
}

static void move_away(const char *path)
{
        assert_int_equal(rename(full(path), full("/away")), 0);
}

static const struct {
        const char *name;
        struct state_source source;
        void (*act)(const char *path);
        const char *path;
        char want;
} cases[] = {
        { "a file is written", { STATE_FILE, 0, "/etc/a" }, write_it, "/etc/a", 'w' },
        { "it is replaced", { STATE_FILE, 0, "/etc/a" }, replace_it, "/etc/a", 'w' },
        { "it goes", { STATE_FILE, 0, "/etc/a" }, remove_it, "/etc/a", 'w' },
        { "its mode", { STATE_FILE, 0, "/etc/a" }, chmod_it, "/etc/a", 'w' },
        { "it is written and not closed", { STATE_FILE, 0, "/etc/a" }, append_open, "/etc/a", 'w' },
        { "another one beside it", { STATE_FILE, 0, "/etc/a" }, write_it, "/etc/b", '-' },
        { "one that was not there", { STATE_FILE, 0, "/etc/new" }, write_it, "/etc/new", 'w' },
        { "its directory was not there", { STATE_FILE, 0, "/srv/x/f" }, make_dir, "/srv", 'm' },
        { "what a link leads to", { STATE_FILE, 0, "/etc/link" }, write_it, "/etc/b", 'w' },
        { "one of a pattern", { STATE_FILES, 0, "/etc/d/*.conf" }, write_it, "/etc/d/x.conf", 'w' },
        { "none of it", { STATE_FILES, 0, "/etc/d/*.conf" }, write_it, "/etc/d/x.old", '-' },
        { "a pattern of directories",
          { STATE_FILES, 0, "/etc/*/x.conf" },
          write_it,
          "/etc/d/x.conf",
          'w' },
        { "another directory for it",
          { STATE_FILES, 0, "/etc/*/x.conf" },
          make_dir,
          "/etc/e",
          'm' },
        { "deep in a tree", { STATE_TREE, 0, "/etc" }, write_it, "/etc/d/f", 'w' },
        { "a directory in a tree", { STATE_TREE, 0, "/etc" }, make_dir, "/etc/d/e", 'm' },
        { "the directory itself goes", { STATE_FILE, 0, "/etc/a" }, move_away, "/etc", 'm' },
        { "of a home", { STATE_HOMES, 0, ".ssh/keys" }, write_it, "/home/ann/.ssh/keys", 'w' },
        { "a home that has none yet",
          { STATE_HOMES, 0, ".ssh/keys" },
          make_dir,
          "/home/bob/.ssh",
          'm' },
        { "of a program, what wakes it",
          { STATE_FILE, STATE_WAKES, "/etc/a" },
          write_it,
          "/etc/a",
          'w' },
        { "what the kernel makes up", { STATE_KERNEL, 0, "/etc/a" }, write_it, "/etc/a", '-' },
};

static void make_files(void)
{
        static const char *const dirs[] = { "/etc",      "/etc/d",         "/home",
                                            "/home/ann", "/home/ann/.ssh", "/home/bob" };

        for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
                make_dir(dirs[i]);
        put("/etc/a", "a");
        put("/etc/b", "b");
        assert_int_equal(symlink("b", full("/etc/link")), 0);
}

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(wake_freep) struct wake *w = NULL;
                struct told t;
                char got;

                make_files();
                assert_int_equal(wake_new(on_wake, &t, &w, NULL), 0);
                watch(w, 0, cases[i].source);
                assert_int_equal(said(w, &t), '-');
                cases[i].act(cases[i].path);
                got = said(w, &t);
                if (got != cases[i].want)
                        fail_msg("%s: '%c', not '%c'", cases[i].name, got, cases[i].want);
                remove_root(NULL);
                make_root(NULL);
        }
}

/* What is said of one owner is not said of another, nor after it has other places. */
static void test_owners(void **state)
{
        static const struct state_source a = { STATE_FILE, 0, "/etc/a" },
                                         b = { STATE_FILE, 0, "/etc/b" };
        CLEANUP(wake_freep) struct wake *w = NULL;
        struct told t = { 0 };

        (void)state;
        make_files();
        assert_int_equal(wake_new(on_wake, &t, &w, NULL), 0);
        watch(w, 0, a);
        watch(w, 1, b);
        watch(w, 2, a);
        put("/etc/a", "1");
        assert_int_equal(said(w, &t), 'w');
        assert_true(t.n[0] == 1 && t.n[1] == 0 && t.n[2] == 1);
        watch(w, 0, b);
        put("/etc/a", "2");
        assert_int_equal(said(w, &t), '-');
        assert_true(t.n[2] == 1);
        watch(w, 0, b); /* the same once more costs nothing */
        assert_int_equal(wake_places(w), 3);
        wake_clear(w);
        put("/etc/b", "3");
        assert_int_equal(said(w, &t), '-');
        assert_int_equal(wake_places(w), 0);
}

/* More than the kernel keeps: everybody is told. */
static void test_overflow(void **state)
{
        static const struct state_source a = { STATE_FILE, 0, "/etc/a" },
                                         d = { STATE_FILES, 0, "/etc/d/*" };
        CLEANUP(wake_freep) struct wake *w = NULL;
        struct told t = { 0 };
        unsigned all = 0;

        (void)state;
        make_files();
        assert_int_equal(wake_new(on_wake, &t, &w, NULL), 0);
        watch(w, 0, a);
        watch(w, 1, d);
        for (int i = 0; i < 20000; i++) {
                put(i % 2 ? "/etc/d/x" : "/etc/d/y", "");
                if (i == 19999)
                        put("/etc/a", "");
        }
        for (int i = 0; i < 200; i++)
                all += said(w, &t) != '-';
        assert_true(all >= 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_cases, make_root, remove_root),
                cmocka_unit_test_setup_teardown(test_owners, make_root, remove_root),
                cmocka_unit_test_setup_teardown(test_overflow, make_root, remove_root),
        };

        return cmocka_run_group_tests_name("monitor/wake", tests, NULL, NULL);
}
