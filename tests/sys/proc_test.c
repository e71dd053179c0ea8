/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proc.h"

#include "sys/io.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static struct proc_info info;

/* ---- the real /proc ---- */

static void test_self(void **state)
{
        CLEANUP_FD int fd = proc_open(getpid(), -1);
        char exe[PROC_EXE_MAX];
        ssize_t n = readlink("/proc/self/exe", exe, sizeof exe);

        assert_true(fd >= 0);
        proc_read(fd, getpid(), &info);
        assert_int_equal(info.ids.why, PROC_KNOWN);
        assert_int_equal(info.ids.euid, geteuid());
        assert_int_equal(info.ids.egid, getegid());
        assert_int_equal(info.ids.ppid, getppid());
        assert_int_equal(info.stat.why, PROC_KNOWN);
        assert_int_equal(info.stat.session, getsid(0));
        assert_true(info.stat.start > 0);
        assert_int_equal(info.exe_why, PROC_KNOWN);
        assert_false(info.exe_deleted);
        assert_true(span_eq(span_of(info.exe, info.exe_n), span_of(exe, (size_t)n)));
        assert_int_equal(info.cmdline_why, PROC_KNOWN);
        assert_int_equal(info.cmdline[info.cmdline_n - 1], '\0');
        assert_int_equal(info.cgroup_why, PROC_KNOWN);
        assert_int_equal(info.cgroup[0], '/');
        assert_true(info.loginuid.why == PROC_KNOWN || info.loginuid.why == PROC_UNSET);
}

/* The login is read only where the session is another: what was known of it is believed else. */
static void test_ids_since(void **state)
{
        CLEANUP_FD int fd = proc_open(getpid(), -1);
        struct proc_login known = { .user = { PROC_KNOWN, 4242 } };
        struct proc_number login;

        proc_read_ids(fd, getpid(), &info);
        login = info.loginuid;
        known.session = info.sessionid;
        proc_read_ids_since(fd, getpid(), &known, &info);
        assert_int_equal(info.ids.euid, geteuid());
        assert_int_equal(info.stat.why, PROC_KNOWN);
        assert_int_equal(info.loginuid.n, 4242);
        known.session.n++;
        known.session.why = known.session.why == PROC_KNOWN ? PROC_UNSET : PROC_KNOWN;
        proc_read_ids_since(fd, getpid(), &known, &info);
        assert_int_equal(info.loginuid.why, login.why);
        assert_int_equal(info.loginuid.n, login.n);
        (void)state;
}

/* A copy of sleep under a name with a newline, "(deleted)" and brackets; optionally unlinked. */
struct hostile {
        char dir[64];
        char path[160];
        pid_t pid;
};

static const char hostile_comm[] = "x) R 1 (\ny";

static void copy(const char *from, const char *to)
{
        uint8_t *p;
        size_t n;
        int dirfd;

        assert_int_equal(io_read_file(&io_kernel, AT_FDCWD, from, 1 << 24, &p, &n, NULL), 0);
        dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(io_replace_file(&io_kernel, dirfd, to, dirfd, 0700, span_of(p, n), NULL),
                         0);
        close(dirfd);
        free(p);
}

static void hostile_start(struct hostile *h, const char *name)
{
        int ready[2];
        char got;

        snprintf(h->dir, sizeof h->dir, "/tmp/assay-proc-XXXXXX");
        assert_non_null(mkdtemp(h->dir));
        snprintf(h->path, sizeof h->path, "%s/%s", h->dir, name);
        copy("/bin/sleep", h->path);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        h->pid = fork();
        if (h->pid == 0) {
                execl(h->path, hostile_comm, "100", (char *)NULL);
                _exit(1);
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &got, 1), 0); /* closed by the exec */
        close(ready[0]);
}

static void hostile_stop(struct hostile *h)
{
        kill(h->pid, SIGKILL);
        waitpid(h->pid, NULL, 0);
        unlink(h->path);
        assert_int_equal(rmdir(h->dir), 0);
}

static void test_hostile_exe(void **state)
{
        static const char name[] = "a\nUid:\t0\t0\t0\t0 (deleted)";
        CLEANUP_FD int fd = -1;
        struct hostile h;
        char other[160];

        hostile_start(&h, name);
        fd = proc_open(h.pid, -1);
        proc_read(fd, h.pid, &info);
        assert_int_equal(info.exe_why, PROC_KNOWN);
        assert_false(info.exe_deleted); /* it is called so */
        assert_true(span_eq(span_of(info.exe, info.exe_n), span_str(h.path)));
        assert_true(span_eq(span_of(info.comm, info.comm_n), span_of(name, 15)));
        assert_int_equal(info.ids.why, PROC_KNOWN);
        assert_int_equal(info.ids.uid, getuid());
        assert_int_equal(info.ids.ppid, getpid());
        assert_int_equal(info.cmdline_n, sizeof hostile_comm + sizeof "100");
        assert_memory_equal(info.cmdline, hostile_comm, sizeof hostile_comm);
        snprintf(other, sizeof other, "%s/other", h.dir);
        assert_int_equal(link(h.path, other), 0); /* the file stays, its name goes */
        assert_int_equal(unlink(h.path), 0);
        proc_read(fd, h.pid, &info);
        assert_int_equal(unlink(other), 0);
        assert_true(info.exe_deleted); /* the kernel's own suffix, behind the file's */
        assert_true(span_eq(span_of(info.exe, info.exe_n), span_str(h.path)));
        proc_read(fd, h.pid, &info);
        assert_true(info.exe_deleted);
        assert_true(span_eq(span_of(info.exe, info.exe_n), span_str(h.path)));
        hostile_stop(&h);
}

/* A name that tries to look like the fields behind it. */
static void test_hostile_comm(void **state)
{
        static const char name[] = "x) R 1 (\ny";
        CLEANUP_FD int fd = -1;
        int ready[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                prctl(PR_SET_NAME, name, 0, 0, 0);
                _exit(write(ready[1], "!", 1) == 1 ? pause() : 1);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        fd = proc_open(pid, -1);
        proc_read(fd, pid, &info);
        assert_true(span_eq_str(span_of(info.comm, info.comm_n), name));
        assert_int_equal(info.stat.why, PROC_KNOWN);
        assert_int_equal(info.stat.session, getsid(0));
        assert_int_equal(info.ids.ppid, getpid());
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(ready[0]);
        close(ready[1]);
        proc_read(fd, pid, &info); /* the descriptor outlives it */
        assert_int_equal(info.exe_why, PROC_GONE);
        assert_int_equal(info.ids.why, PROC_GONE);
        assert_int_equal(info.stat.why, PROC_GONE);
        assert_int_equal(info.comm_why, PROC_GONE);
        assert_int_equal(info.cmdline_why, PROC_GONE);
        assert_int_equal(info.cgroup_why, PROC_GONE);
        assert_int_equal(info.loginuid.why, PROC_GONE);
}

static void test_pidfd(void **state)
{
        int alive = (int)syscall(SYS_pidfd_open, getpid(), 0);
        int gone, fd;
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        gone = (int)syscall(SYS_pidfd_open, pid, 0);
        assert_true(alive >= 0 && gone >= 0);
        waitpid(pid, NULL, 0);
        fd = proc_open(getpid(), alive);
        assert_true(fd >= 0);
        close(fd);
        /* the pid is somebody else's by now: the pidfd knows */
        assert_int_equal(proc_open(getpid(), gone), -ESRCH);
        assert_int_equal(proc_open(pid, -1), -ESRCH);
        close(alive);
        close(gone);
}

static void test_kernel_thread(void **state)
{
        CLEANUP_FD int fd = proc_open(2, -1);

        if (fd < 0)
                skip();
        proc_read(fd, 2, &info);
        if (info.comm_n != 8 || memcmp(info.comm, "kthreadd", 8) != 0)
                skip(); /* a pid namespace of our own */
        assert_int_equal(info.exe_why, geteuid() == 0 ? PROC_UNSET : PROC_DENIED);
        assert_int_equal(info.cmdline_why, PROC_UNSET);
        assert_int_equal(info.loginuid.why, PROC_UNSET);
        assert_int_equal(proc_is_kernel(&info), geteuid() == 0);
}

/* ---- the parsers ---- */

static const struct {
        const char *name, *input;
        int want;
        struct proc_stat stat;
} stats[] = {
        { "plain",
          "7 (sh) S 1 7 6 34816 7 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123 0\n",
          0,
          { 0, 6, 34816, 123 } },
        { "brackets",
          "7 (x) R 1 () S 1 7 6 -1 7 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123 0\n",
          0,
          { 0, 6, -1, 123 } },
        { "no name", "7 sh S 1 7 6", -EBADMSG, { 0 } },
        { "short", "7 (sh) S 1 7 6 0 7", -EBADMSG, { 0 } },
        { "ends at the name", "7 (sh)", -EBADMSG, { 0 } },
        { "empty", "", -EBADMSG, { 0 } },
        { "letters",
          "7 (sh) S 1 7 x 0 7 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123 0\n",
          -EBADMSG,
          { 0 } },
        { "huge",
          "7 (sh) S 1 7 6 0 7 4 1 2 3 4 5 6 7 8 20 0 1 0 99999999999999999999 0\n",
          -EBADMSG,
          { 0 } },
};

static void test_stat(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(stats); i++) {
                struct proc_stat st = { 0 };

                print_message("%s\n", stats[i].name);
                assert_int_equal(proc_parse_stat(span_str(stats[i].input), &st), stats[i].want);
                assert_int_equal(st.session, stats[i].stat.session);
                assert_int_equal(st.tty, stats[i].stat.tty);
                assert_int_equal(st.start, stats[i].stat.start);
        }
}

static const struct {
        const char *name, *input;
        int want;
} statuses[] = {
        { "plain", "Name:\tsh\nPPid:\t5\nUid:\t1\t2\t3\t4\nGid:\t6\t7\t8\t9\nX:\n", 0 },
        { "name like a field", "Name:\tUid:\nPPid:\t5\nUid:\t1\t2\t3\t4\nGid:\t6\t7\t8\t9\n", 0 },
        { "no Gid", "PPid:\t5\nUid:\t1\t2\t3\t4\n", -EBADMSG },
        { "three numbers", "PPid:\t5\nUid:\t1\t2\t3\nGid:\t6\t7\t8\t9\n", -EBADMSG },
        { "five numbers", "PPid:\t5\nUid:\t1\t2\t3\t4\t5\nGid:\t6\t7\t8\t9\n", -EBADMSG },
        { "too large", "PPid:\t5\nUid:\t1\t2\t3\t4294967296\nGid:\t6\t7\t8\t9\n", -EBADMSG },
        { "negative", "PPid:\t-5\nUid:\t1\t2\t3\t4\nGid:\t6\t7\t8\t9\n", -EBADMSG },
        { "empty", "", -EBADMSG },
};

static void test_status(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
                struct proc_ids ids = { .ppid = 77 };

                print_message("%s\n", statuses[i].name);
                assert_int_equal(proc_parse_status(span_str(statuses[i].input), &ids),
                                 statuses[i].want);
                if (statuses[i].want < 0) {
                        assert_int_equal(ids.ppid, 77);
                        continue;
                }
                assert_int_equal(ids.ppid, 5);
                assert_true(ids.uid == 1 && ids.euid == 2 && ids.suid == 3 && ids.fsuid == 4);
                assert_true(ids.gid == 6 && ids.egid == 7 && ids.sgid == 8 && ids.fsgid == 9);
        }
}

static const struct {
        const char *name, *input;
        int want;
        const char *path;
} cgroups[] = {
        { "unified", "0::/system.slice/ssh.service\n", 0, "/system.slice/ssh.service" },
        { "hybrid", "4:memory:/m\n1:name=systemd:/user.slice\n0::/\n", 0, "/user.slice" },
        { "both", "1:name=systemd:/a\n0::/b\n", 0, "/b" },
        { "root", "0::/\n", 0, "/" },
        { "colon in the path", "0::/a:b\n", 0, "/a:b" },
        { "outlived by a zombie", "0::/docker/1 (deleted)\n", 0, "/docker/1" },
        { "nothing else", "0:: (deleted)\n", 0, " (deleted)" },
        { "neither", "4:memory:/m\n", -ENOENT, NULL },
        { "empty", "", -ENOENT, NULL },
        { "no path", "0::\n", -EBADMSG, NULL },
        { "no colon", "hello\n", -EBADMSG, NULL },
};

static void test_cgroup(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cgroups); i++) {
                struct span path = SPAN_NONE;

                print_message("%s\n", cgroups[i].name);
                assert_int_equal(proc_parse_cgroup(span_str(cgroups[i].input), &path),
                                 cgroups[i].want);
                if (cgroups[i].path)
                        assert_true(span_eq_str(path, cgroups[i].path));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ids_since),   cmocka_unit_test(test_self),
                cmocka_unit_test(test_hostile_exe), cmocka_unit_test(test_hostile_comm),
                cmocka_unit_test(test_pidfd),       cmocka_unit_test(test_kernel_thread),
                cmocka_unit_test(test_stat),        cmocka_unit_test(test_status),
                cmocka_unit_test(test_cgroup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
