/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/presence.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "wire/json.h"

enum { NOW_S = 1795631400 }; /* 2026-11-25T18:30:00Z, date(1) */

struct place {
        char path[64];
        int fd;
};

static int make_place(void **state)
{
        static struct place p;

        snprintf(p.path, sizeof(p.path), "/tmp/presence-XXXXXX");
        assert_non_null(mkdtemp(p.path));
        p.fd = open(p.path, O_RDONLY | O_DIRECTORY);
        assert_true(p.fd >= 0);
        *state = &p;
        return 0;
}

static int remove_place(void **state)
{
        struct place *p = *state;

        unlinkat(p->fd, "sensor.status", 0);
        close(p->fd);
        return rmdir(p->path);
}

static void put_file(int dirfd, const char *content)
{
        int fd = openat(dirfd, "sensor.status", O_WRONLY | O_CREAT | O_TRUNC, 0644);

        assert_int_equal(write(fd, content, strlen(content)), strlen(content));
        close(fd);
}

static void says_and_is_read(void **state)
{
        struct place *p = *state;
        struct presence me = PRESENCE_NONE, other = PRESENCE_NONE;
        struct sandbox_state st = { .step[SANDBOX_LANDLOCK] = { SANDBOX_APPLIED, "version 7" } };
        CLEANUP(buf_done) struct buf got = BUF_INIT(2 * PRESENCE_MAX);
        struct json_value v;
        struct err err = { 0 };
        struct stat file;
        bool lives = false;
        int64_t n;

        assert_int_equal(presence_open(p->fd, "sensor", NOW_S * NS_PER_S, &me, &err), 0);
        assert_int_equal(presence_open(p->fd, "sensor", NOW_S * NS_PER_S, &other, &err),
                         -EWOULDBLOCK);
        assert_string_equal(err_text(&err), "sensor.status: another sensor runs here");
        assert_int_equal(other.fd, -1);
        assert_int_equal(presence_say(&me, &st, SPAN("{\"files\":12345678901}"), &err), 0);
        /* The second, shorter one leaves nothing of the first. */
        assert_int_equal(presence_say(&me, &st, SPAN("{\"files\":3}"), &err), 0);
        assert_int_equal(presence_read(p->fd, "sensor", &got, &lives, &err), 0);
        assert_true(lives);
        assert_int_equal(json_check(buf_span(&got), &err), 0);
        v = json_value_of(buf_span(&got));
        assert_true(json_get_path(v, "more.files", &v) && json_value_int(v, &n) && n == 3);
        v = json_value_of(buf_span(&got));
        assert_true(json_get(v, "pid", &v) && json_value_int(v, &n) && n == getpid());
        assert_non_null(strstr(buf_cstr(&got), "[\"landlock\",\"applied\",\"version 7\"]"));
        assert_non_null(strstr(buf_cstr(&got), "\"since\":\"2026-11-25T18:30:00.000000000Z\""));
        assert_int_equal(fstatat(p->fd, "sensor.status", &file, 0), 0);
        assert_int_equal(file.st_mode & 07777, 0644);
        presence_done(&me);
        buf_clear(&got);
        assert_int_equal(presence_read(p->fd, "sensor", &got, &lives, &err), 0);
        assert_false(lives);
}

static void looking_keeps_nobody_out(void **state)
{
        struct place *p = *state;
        struct presence me = PRESENCE_NONE;
        CLEANUP(buf_done) struct buf got = BUF_INIT(2 * PRESENCE_MAX);
        struct err err;
        bool lives;

        put_file(p->fd, "{}\n");
        for (int i = 0; i < 10; i++) {
                assert_int_equal(presence_read(p->fd, "sensor", &got, &lives, &err), 0);
                assert_int_equal(presence_open(p->fd, "sensor", 0, &me, &err), 0);
                presence_done(&me);
        }
}

/* Whoever may read what is said may lock that for reading, before one begins as well. */
static void readers_lock_nobody_out(void **state)
{
        struct place *p = *state;
        struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
        struct presence me = PRESENCE_NONE, other = PRESENCE_NONE;
        CLEANUP(buf_done) struct buf got = BUF_INIT(2 * PRESENCE_MAX);
        struct err err = { 0 };
        struct stat file;
        bool lives;
        int fd;

        put_file(p->fd, "x"); /* left by one that was killed as it began */
        assert_int_equal(renameat(p->fd, "sensor.status", p->fd, "sensor.status.new"), 0);
        put_file(p->fd, "{}\n");
        fd = openat(p->fd, "sensor.status", O_RDONLY);
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
        assert_int_equal(presence_read(p->fd, "sensor", &got, &lives, &err), 0);
        assert_false(lives);
        assert_int_equal(presence_open(p->fd, "sensor", 0, &me, &err), 0);
        assert_int_equal(presence_say(&me, &(struct sandbox_state){ 0 }, SPAN_NONE, &err), 0);
        assert_int_equal(presence_read(p->fd, "sensor", &got, &lives, &err), 0);
        assert_true(lives);
        assert_int_equal(presence_open(p->fd, "sensor", 0, &other, &err), -EWOULDBLOCK);
        assert_int_equal(fstatat(p->fd, "sensor.status", &file, 0), 0);
        assert_int_equal(file.st_mode & 07777, 0644);
        assert_int_equal(fstatat(p->fd, "sensor.status.new", &file, 0), -1);
        presence_done(&me);
        close(fd);
}

static void refuses_what_is_no_state(void **state)
{
        struct place *p = *state;
        static const char *const t[] = { "\n", "{}", "{\"a\":1,\"a\":2}\n", "[1]\n", "x\n{}\n" };
        CLEANUP(buf_done) struct buf got = BUF_INIT(2 * PRESENCE_MAX);
        bool lives;

        unlinkat(p->fd, "sensor.status", 0);
        assert_int_equal(presence_read(p->fd, "sensor", &got, &lives, NULL), -ENOENT);
        put_file(p->fd, ""); /* it has just begun */
        assert_int_equal(presence_read(p->fd, "sensor", &got, &lives, NULL), -ENOENT);
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };

                put_file(p->fd, t[i]);
                assert_int_equal(presence_read(p->fd, "sensor", &got, &lives, &err), -EBADMSG);
                assert_string_equal(err_text(&err),
                                    "sensor.status: no JSON object in its first line");
                assert_int_equal(got.n, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(says_and_is_read),
                cmocka_unit_test(looking_keeps_nobody_out),
                cmocka_unit_test(readers_lock_nobody_out),
                cmocka_unit_test(refuses_what_is_no_state),
        };

        return cmocka_run_group_tests(tests, make_place, remove_place);
}
