/* SPDX-License-Identifier: Apache-2.0 */
/* A list of mounts below a directory of ours: which of them are told, and with what. */
#include "sys/mounted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

static const char list[] = "/dev/sda1 / ext4 rw,relatime 0 0\n"
                           "host:/x /net nfs4 rw 0 0\n"
                           "me@host:/ /ssh fuse.sshfs rw 0 0\n"
                           "/dev/loop0 /image squashfs ro 0 0\n"
                           "proc /proc proc rw 0 0\n"
                           "tmpfs /with\\040blank tmpfs rw 0 0\n"
                           "/dev/sdb1 /gone xfs rw 0 0\n"
                           "not a line\n";

struct told {
        char text[256];
        struct mounted last;
        int rc;
};

static int note(void *ctx, const struct mounted *m)
{
        struct told *t = ctx;
        size_t n = strlen(t->text);

        snprintf(t->text + n, sizeof t->text - n, "%s %s %s\n", m->source, m->at, m->type);
        t->last = *m;
        return t->rc;
}

struct place {
        char dir[32];
};

static int make(void **state)
{
        struct place *p = calloc(1, sizeof *p);
        char path[128];
        FILE *f;

        memcpy(p->dir, "/tmp/mounted.XXXXXX", sizeof "/tmp/mounted.XXXXXX");
        assert_non_null(mkdtemp(p->dir));
        snprintf(path, sizeof path, "%s/with blank", p->dir);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "%s/mounts", p->dir);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fputs(list, f) >= 0 && fclose(f) == 0, 1);
        *state = p;
        return 0;
}

static int clean(void **state)
{
        struct place *p = *state;
        char path[128];

        snprintf(path, sizeof path, "%s/with blank", p->dir);
        rmdir(path);
        snprintf(path, sizeof path, "%s/mounts", p->dir);
        unlink(path);
        rmdir(p->dir);
        free(p);
        return 0;
}

static void test_which(void **state)
{
        struct place *p = *state;
        struct told t = { 0 };

        assert_int_equal(mounted_each(p->dir, "/mounts", note, &t), 0);
        assert_string_equal(t.text, "/dev/sda1 / ext4\ntmpfs /with blank tmpfs\n");
}

static void test_numbers(void **state)
{
        struct place *p = *state;
        struct told t = { 0 };
        struct statvfs v;
        struct stat st;

        assert_int_equal(mounted_each(p->dir, "/mounts", note, &t), 0);
        assert_int_equal(statvfs(p->dir, &v), 0);
        assert_int_equal(stat(p->dir, &st), 0);
        assert_int_equal(t.last.size, v.f_blocks * v.f_frsize);
        assert_int_equal(t.last.inodes, v.f_files);
        assert_int_equal(t.last.dev, st.st_dev);
        assert_true(t.last.used <= t.last.size && t.last.available <= t.last.size);
        assert_int_equal(t.last.read_only, (v.f_flag & ST_RDONLY) != 0);
}

static void test_stopped(void **state)
{
        struct place *p = *state;
        struct told t = { .rc = -ECANCELED };

        assert_int_equal(mounted_each(p->dir, "/mounts", note, &t), -ECANCELED);
        assert_string_equal(t.text, "/dev/sda1 / ext4\n");
}

static void test_none(void **state)
{
        struct place *p = *state;
        struct told t = { 0 };

        assert_int_equal(mounted_each(p->dir, "/no_such", note, &t), -ENOENT);
        assert_string_equal(t.text, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_which, make, clean),
                cmocka_unit_test_setup_teardown(test_numbers, make, clean),
                cmocka_unit_test_setup_teardown(test_stopped, make, clean),
                cmocka_unit_test_setup_teardown(test_none, make, clean),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
