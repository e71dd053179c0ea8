/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/gather.h"
#include "state/reading/bundle.h"

#include <errno.h>
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

static const struct state_source keys = { STATE_HOMES, 0, ".ssh/authorized_keys" };
static const struct state_source units = { STATE_HOME_TREES, STATE_OTHERS, ".config/systemd/user" };
static const struct state_source *source = &keys;
static const atomic_bool no_stop;

static struct gather gather_of(void)
{
        return (struct gather){ .root = root, .sources = source, .n = 1, .stop = &no_stop };
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

#define FIRST                                                                                      \
        "/.ssh/authorized_keys 0 n\n"                                                              \
        "/home/bob/.ssh/authorized_keys 0 b\n"                                                     \
        "/home/ldap/.ssh/authorized_keys 0 l\n"                                                    \
        "/opt/few/.ssh/authorized_keys 0 f\n"                                                      \
        "/opt/r/.ssh/authorized_keys 0 o\n"

static void test_homes(void **state)
{
        uint8_t before[32], after[32];

        (void)state;
        check_parts(""); /* not even passwd */
        put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nshort:x\nann:x:1:1::/srv/ann/:/bin/sh\n"
                           "bob:x:2:2::/home/bob:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"
                           "up:x:3:3::/srv/../root:/bin/sh\nnone:x:4:4:::/bin/sh\n"
                           "relative:x:5:5::opt/r:/bin/sh\nfew:x:7:7::/opt/few\n"
                           "last:x:6:6::/nonexistent:/bin/sh");
        check_parts("");
        /* a home without a name is the root, one without a slash is below it */
        put("/.ssh/authorized_keys", "n");
        put("/opt/r/.ssh/authorized_keys", "o");
        put("/opt/few/.ssh/authorized_keys", "f");
        put("/root/.ssh/authorized_keys", "r");
        put("/srv/ann/.ssh/authorized_keys", "a");
        put("/home/bob/.ssh/authorized_keys", "b");
        put("/home/ldap/.ssh/authorized_keys", "l");
        put("/srv/other/.ssh/authorized_keys", "not a home");
        check_parts(FIRST "/root/.ssh/authorized_keys 0 r\n/srv/../root/.ssh/authorized_keys 0 r\n"
                          "/srv/ann/.ssh/authorized_keys 0 a\n");
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
        check_parts(FIRST "/root/.ssh/authorized_keys 22 \n/srv/../root/.ssh/authorized_keys 22 \n"
                          "/srv/ann/.ssh/authorized_keys 0 longer\n");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("authorized_keys", path), 0);
        check_parts(FIRST "/root/.ssh/authorized_keys 40 \n/srv/../root/.ssh/authorized_keys 40 \n"
                          "/srv/ann/.ssh/authorized_keys 0 longer\n");
}

/* ---- trees ---- */

#define BOB  "/home/bob/.config/systemd/user"
#define LDAP "/home/ldap/.config/systemd/user"

static void full_of(const char *path, char ret[4096])
{
        assert_true(snprintf(ret, 4096, "%s%s", root, path) < 4096);
}

static void put_link(const char *path, const char *to)
{
        char full[4096];

        full_of(path, full);
        assert_int_equal(symlink(to, full), 0);
}

static void test_trees(void **state)
{
        uint8_t before[32], after[32];

        (void)state;
        source = &units;
        check_parts("");
        look(before);
        put(BOB "/b.service", "b");
        put(BOB "/b.service.d/x.conf", "x");
        put(BOB "/b.service.d/deeper/not", "n");
        put(LDAP "/a.service", "a");
        put("/srv/other/.config/systemd/user/a.service", "not a home");
        put_link(BOB "/link.service", "/etc/passwd");
        look(after);
        assert_memory_not_equal(before, after, sizeof before);
        check_parts(BOB "/b.service 0 b\n" BOB "/b.service.d/x.conf 0 x\n" BOB
                        "/link.service 0 /etc/passwd\n" LDAP "/a.service 0 a\n");
        look(before);
        put(BOB "/b.service.d/x.conf", "other");
        look(after);
        assert_memory_not_equal(before, after, sizeof before);
}

/* On the way to it, and below; what is no file is told as what it is. */
static void test_links_out(void **state)
{
        char from[4096], to[4096];

        (void)state;
        source = &units;
        full_of("/home/ldap/.config", from);
        full_of("/home/ldap/moved", to);
        assert_int_equal(rename(from, to), 0);
        put_link("/home/ldap/.config", "moved");
        full_of("/srv/ann/.config", to);
        assert_int_equal(mkdir(to, 0700), 0);
        put_link("/srv/ann/.config/systemd", "/");
        put("/root/.config/systemd/user", "no directory");
        full_of(BOB "/fifo.service", to);
        assert_int_equal(mkfifo(to, 0600), 0);
        put_link(BOB "/dir.wants", "/usr");
        check_parts(BOB "/b.service 0 b\n" BOB "/b.service.d/x.conf 0 other\n" BOB
                        "/dir.wants 0 /usr\n" BOB "/fifo.service 0 \n" BOB
                        "/link.service 0 /etc/passwd\n"
                        "/home/ldap/.config 0 moved\n/srv/ann/.config/systemd 0 /\n");
}

static unsigned parts_below(const char *dir, uint32_t status)
{
        struct gather g = gather_of();
        struct buf out = BUF_INIT(BUNDLE_MAX);
        struct state_part p;
        struct state_in in;
        unsigned n = 0;

        assert_int_equal(gather_all(&g, &out, NULL), 0);
        assert_int_equal(bundle_open(buf_span(&out), &in, NULL), 0);
        while (state_next(&in, &p))
                n += p.status == status && span_starts(p.name, span_str(dir));
        buf_done(&out);
        return n;
}

/* One home's flood is that home's trouble. */
static void test_too_many(void **state)
{
        char path[4096];

        (void)state;
        source = &units;
        for (int i = 0; i < 1100; i++) {
                snprintf(path, sizeof path, "/home/flood/.config/systemd/user/%d.service", i);
                put(path, "");
        }
        assert_int_equal(parts_below("/home/flood/", 0), 1000);
        assert_int_equal(parts_below("/home/flood/", E2BIG), 1);
        assert_int_equal(parts_below(BOB "/", 0), 5);
}

/* A file as long as one may be, and one that is longer. */
static void test_large(void **state)
{
        static const struct state_source file = { STATE_FILE, 0, "/etc/large" };
        static const struct {
                off_t size;
                uint32_t want;
        } cases[] = { { BUNDLE_FILE_MAX, 0 },
                      { BUNDLE_FILE_MAX - 10, 0 },
                      { BUNDLE_FILE_MAX + 1, EFBIG } };
        struct state_part p;
        char path[4096];

        source = &file;
        put("/etc/large", "");
        snprintf(path, sizeof path, "%s/etc/large", root);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct gather g = gather_of();
                struct buf out = BUF_INIT(BUNDLE_MAX);
                struct state_in in;

                assert_int_equal(truncate(path, cases[i].size), 0);
                assert_int_equal(gather_all(&g, &out, NULL), 0);
                assert_int_equal(bundle_open(buf_span(&out), &in, NULL), 0);
                assert_true(state_next(&in, &p));
                assert_int_equal(p.status, cases[i].want);
                assert_int_equal(p.bytes.n, cases[i].want ? 0 : cases[i].size);
                buf_done(&out);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_homes),    cmocka_unit_test(test_unpleasant),
                cmocka_unit_test(test_trees),    cmocka_unit_test(test_links_out),
                cmocka_unit_test(test_too_many), cmocka_unit_test(test_large)
        };

        return cmocka_run_group_tests(tests, make_root, remove_root);
}
