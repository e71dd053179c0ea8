/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/gather.h"
#include "state/bundle.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/gather-homes-XXXXXX";

static void put(const char *path, const char *text)
{
        char full[4096];
        FILE *f;

        snprintf(full, sizeof full, "%s%s", root, path);
        for (char *at = strchr(full + sizeof root, '/'); at; at = strchr(at + 1, '/')) {
                *at = 0;
                (void)mkdir(full, 0755);
                *at = '/';
        }
        f = fopen(full, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int make_root(void **state)
{
        (void)state;
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

static const struct state_source source = { STATE_HOMES, 0, ".ssh/authorized_keys" };
static const atomic_bool no_stop;

static struct gather gather_of(void)
{
        return (struct gather){ .root = root, .sources = &source, .n = 1, .stop = &no_stop };
}

/* The names of the parts, each with what it holds. */
static void check_parts(const char *want)
{
        struct gather g = gather_of();
        struct buf out = BUF_INIT(BUNDLE_MAX), told = BUF_INIT(1 << 16);
        struct state_part p;
        struct state_in in;

        assert_int_equal(gather_all(&g, &out, NULL), 0);
        assert_int_equal(bundle_open(buf_span(&out), &in, NULL), 0);
        while (state_next(&in, &p)) {
                buf_put(&told, p.name);
                buf_printf(&told, " %u ", p.status);
                buf_put(&told, p.bytes);
                buf_put_byte(&told, '\n');
        }
        assert_string_equal(buf_cstr(&told), want);
        buf_done(&told);
        buf_done(&out);
}

static void look(uint8_t ret[32])
{
        struct gather g = gather_of();

        assert_int_equal(gather_look(&g, ret, NULL), 0);
}

static void test_homes(void **state)
{
        uint8_t before[32], after[32];

        (void)state;
        check_parts(""); /* not even passwd */
        put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nshort:x\nann:x:1:1::/srv/ann/:/bin/sh\n"
                           "bob:x:2:2::/home/bob:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"
                           "up:x:3:3::/srv/../root:/bin/sh\nnone:x:4:4:::/bin/sh\n"
                           "relative:x:5:5::root:/bin/sh\nlast:x:6:6::/nonexistent:/bin/sh");
        check_parts("");
        put("/root/.ssh/authorized_keys", "r");
        put("/srv/ann/.ssh/authorized_keys", "a");
        put("/home/bob/.ssh/authorized_keys", "b");
        put("/home/ldap/.ssh/authorized_keys", "l");
        put("/srv/other/.ssh/authorized_keys", "not a home");
        check_parts("/home/bob/.ssh/authorized_keys 0 b\n/home/ldap/.ssh/authorized_keys 0 l\n"
                    "/root/.ssh/authorized_keys 0 r\n/srv/ann/.ssh/authorized_keys 0 a\n");
        look(before);
        look(after);
        assert_memory_equal(before, after, sizeof before);
        put("/srv/ann/.ssh/authorized_keys", "longer");
        look(after);
        assert_memory_not_equal(before, after, sizeof before);
}

/* A user makes it whatever is unpleasant. */
static void test_unpleasant(void **state)
{
        char path[4096];

        (void)state;
        snprintf(path, sizeof path, "%s/root/.ssh/authorized_keys", root);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        check_parts("/home/bob/.ssh/authorized_keys 0 b\n/home/ldap/.ssh/authorized_keys 0 l\n"
                    "/root/.ssh/authorized_keys 22 \n/srv/ann/.ssh/authorized_keys 0 longer\n");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("authorized_keys", path), 0);
        check_parts("/home/bob/.ssh/authorized_keys 0 b\n/home/ldap/.ssh/authorized_keys 0 l\n"
                    "/root/.ssh/authorized_keys 40 \n/srv/ann/.ssh/authorized_keys 0 longer\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_homes),
                                            cmocka_unit_test(test_unpleasant) };

        return cmocka_run_group_tests(tests, make_root, remove_root);
}
