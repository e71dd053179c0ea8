/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of this test hold a file in one way each; what is said of them is whole. */
#include "integrity/restoring/restore_disk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum hold { NOTHING, OPEN, MAPPED, RUNNING };
enum { HELD_MAX = 8 };

struct held {
        char path[64];
        uint64_t dev, ino;
        pid_t pids[HELD_MAX];
        size_t n;
};

static unsigned count_descriptors(void)
{
        DIR *d = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

/* A copy of a program that sleeps, so that it can be run. */
static int set_up(void **state)
{
        static struct held h;
        char bytes[65536];
        struct stat st;
        ssize_t n;
        int from = open("/bin/sleep", O_RDONLY), to;

        h = (struct held){ .path = "/var/tmp/holders-XXXXXX" };
        to = mkstemp(h.path);
        assert_true(from >= 0 && to >= 0);
        while ((n = read(from, bytes, sizeof bytes)) > 0)
                assert_int_equal(write(to, bytes, (size_t)n), n);
        assert_int_equal(fchmod(to, 0700), 0);
        assert_int_equal(fstat(to, &st), 0);
        h.dev = (uint64_t)major(st.st_dev) << 32 | minor(st.st_dev);
        h.ino = st.st_ino;
        close(from);
        close(to);
        *state = &h;
        return 0;
}

static int tear_down(void **state)
{
        const struct held *h = *state;

        for (size_t i = 0; i < h->n; i++) {
                kill(h->pids[i], SIGKILL);
                waitpid(h->pids[i], NULL, 0);
        }
        return unlink(h->path);
}

/* Says a byte once it holds it: when it runs, by the end of the pipe. */
static void hold_it(const char *path, enum hold how, const char *name, int said)
{
        int fd = how == NOTHING || how == RUNNING ? -1 : open(path, O_RDONLY);
        void *at = NULL;

        if (how == RUNNING)
                execl(path, path, "60", NULL);
        if (how == MAPPED) {
                at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
                close(fd);
        }
        prctl(PR_SET_NAME, name);
        if (how == RUNNING || at == MAP_FAILED || (how == OPEN && fd < 0) ||
            write(said, "x", 1) != 1)
                _exit(1);
        for (;;)
                pause();
}

static pid_t start(struct held *h, enum hold how, const char *name)
{
        int p[2];
        char c;
        pid_t pid;

        assert_true(h->n < HELD_MAX);
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                hold_it(h->path, how, name, p[1]);
        close(p[1]);
        assert_int_equal(read(p[0], &c, 1), how != RUNNING);
        close(p[0]);
        h->pids[h->n++] = pid;
        return pid;
}

/* Without leaving anything open.  A machine that is busy may not get through in time, and says so.
 */
static void look(const struct held *h, struct buf *out)
{
        unsigned before = count_descriptors(), tries = 0;

        do {
                buf_clear(out);
                restore_holders(h->dev, h->ino, out);
                assert_int_equal(count_descriptors(), before);
        } while (strstr(buf_cstr(out), "not all processes") && ++tries < 100);
}

static void a_holder_is_told(void **state)
{
        static const struct {
                enum hold how;
                const char *name, *shown, *what; /* shown NULL: the file's */
        } table[] = {
                { NOTHING, "idle", "idle", NULL },
                { OPEN, "editor", "editor", "has it open" },
                { MAPPED, "a\nb", "a\\x0ab", "has it mapped" },
                { RUNNING, NULL, NULL, "runs it (text busy)" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct held *h = *state;
                CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
                char want[128] = "", comm[16]; /* the kernel keeps so much of a name */
                pid_t pid = start(h, table[i].how, table[i].name);

                snprintf(comm, sizeof comm, "%s",
                         table[i].shown ? table[i].shown : strrchr(h->path, '/') + 1);
                if (table[i].what)
                        snprintf(want, sizeof want, "pid %d (%s) %s", (int)pid, comm,
                                 table[i].what);
                look(h, &out);
                assert_string_equal(buf_cstr(&out), want);
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
                h->n--;
        }
}

static void who_asks_is_no_answer(void **state)
{
        const struct held *h = *state;
        CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
        int fd = open(h->path, O_RDONLY);

        assert_true(fd >= 0);
        look(h, &out);
        assert_int_equal(out.n, 0);
        close(fd);
}

/* Who runs it says more than who has it open; of many, four are named. */
static void many_are_counted(void **state)
{
        struct held *h = *state;
        CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
        unsigned named = 0;

        for (unsigned i = 0; i < 6; i++)
                start(h, OPEN, "reader");
        look(h, &out);
        for (const char *at = buf_cstr(&out); (at = strstr(at, "(reader) has it open")); at++)
                named++;
        assert_int_equal(named, 4);
        assert_non_null(strstr(buf_cstr(&out), "open, pid "));
        assert_string_equal(strstr(buf_cstr(&out), " and "), " and 2 more");
        start(h, RUNNING, NULL);
        look(h, &out);
        assert_null(strstr(buf_cstr(&out), "open"));
        assert_non_null(strstr(buf_cstr(&out), "runs it (text busy)"));
}

/* Two files of one filesystem, and one number on two of them. */
static void another_file_is_not_this_one(void **state)
{
        struct held *h = *state;
        struct held other = *h;
        CLEANUP(buf_done) struct buf out = BUF_INIT(4096);

        start(h, OPEN, "reader");
        start(h, MAPPED, "mapper");
        other.ino++;
        look(&other, &out);
        other = *h;
        other.dev++;
        look(&other, &out);
        other.dev = h->dev + (UINT64_C(1) << 32);
        look(&other, &out);
        assert_int_equal(out.n, 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_holder_is_told, set_up, tear_down),
                cmocka_unit_test_setup_teardown(who_asks_is_no_answer, set_up, tear_down),
                cmocka_unit_test_setup_teardown(many_are_counted, set_up, tear_down),
                cmocka_unit_test_setup_teardown(another_file_is_not_this_one, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
