/* SPDX-License-Identifier: Apache-2.0 */
/* Enters the roles in children, on the real kernel, and tries what they must and must not do. */
#include "loop/role.h"

#include "loop/loop.h"
#include "loop/pool.h"
#include "sys/dirwalk.h"
#include "sys/fan.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "sys/spawn.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { BROKEN = 250 };

static char dir[64];
static struct role_paths paths = { .state = dir, .runtime = dir };

typedef int case_fn(void);

static int in_child(case_fn *fn)
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(fn());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int setup(void **state)
{
        snprintf(dir, sizeof dir, "/tmp/assay-role-XXXXXX");
        return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
        static const char *const names[] = { "state", "link", "s", "sub" };
        char path[96];

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(path, sizeof path, "%s/%s", dir, names[i]);
                remove(path);
        }
        return rmdir(dir);
}

static bool enter(enum role_id id)
{
        struct sandbox_state st;
        struct err err = { 0 };

        if (role_enter(id, &paths, ROLE_KEEP_USER, &st, &err) == 0)
                return true;
        fprintf(stderr, "%s\n", err.text);
        return false;
}

/* ---- recorder ---- */

static int recorder_stores(void)
{
        int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct err err = { 0 };
        uint8_t *p;
        size_t n;
        int r;

        if (!enter(ROLE_RECORDER))
                return BROKEN;
        r = io_make_dirs(&io_kernel, dirfd, "sub", 0700, &err);
        if (r == 0)
                r = io_replace_file(&io_kernel, dirfd, "state", dirfd, 0600, SPAN("kept"), &err);
        if (r == 0)
                r = io_kernel.link(NULL, dirfd, "state", "link");
        if (r == 0)
                r = io_read_file(&io_kernel, dirfd, "link", 10, &p, &n, &err);
        return r == 0 && n == 4 ? 0 : -r;
}

static void stop(void *ctx)
{
        loop_stop(ctx, 0);
}

static void on_accept(void *ctx, unsigned events)
{
        stop(ctx);
}

static void noop(struct pool_job *j)
{
}

static int recorder_serves(void)
{
        CLEANUP(loop_freep) struct loop *l = NULL;
        CLEANUP(pool_freep) struct pool *p = NULL;
        struct pool_job job = { .run = noop, .done = noop };
        struct loop_source *s, *t;
        struct sock_cred cred;
        char path[96];
        int fd, client, peer, r;

        if (!enter(ROLE_RECORDER))
                return BROKEN;
        snprintf(path, sizeof path, "%s/s", dir);
        r = sock_listen(path, 0600, &fd, NULL);
        if (r == 0)
                r = sock_connect(path, &client, NULL);
        if (r == 0)
                r = loop_new(&sysclock, &l, NULL);
        if (r == 0)
                r = loop_add_fd(l, fd, LOOP_READ, on_accept, l, &s, NULL);
        if (r == 0)
                r = loop_add_timer(l, stop, l, &t, NULL);
        if (r == 0)
                r = loop_run(l);
        if (r == 0)
                r = sock_accept(fd, &peer, &cred);
        if (r == 0)
                r = sock_set_room(peer, 192 * 1024);
        if (r == 0)
                r = pool_new(2, 4, &p, NULL); /* workers start after sealing */
        if (r == 0)
                r = pool_submit(p, &job);
        if (r == 0)
                pool_drain(p);
        return -r;
}

static int open_errno(const char *path)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? errno : 0;
}

static int recorder_reads_elsewhere(void)
{
        return enter(ROLE_RECORDER) ? open_errno("/etc/hostname") : BROKEN;
}

static int recorder_runs(void)
{
        if (!enter(ROLE_RECORDER))
                return BROKEN;
        execl("/bin/true", "true", (char *)NULL);
        return errno;
}

static int recorder_forks(void)
{
        return !enter(ROLE_RECORDER) ? BROKEN : fork() < 0 ? errno : 0;
}

static int recorder_inet(void)
{
        return !enter(ROLE_RECORDER) ? BROKEN : socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int recorder_code(void)
{
        void *p;

        if (!enter(ROLE_RECORDER))
                return BROKEN;
        p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
                return BROKEN;
        return mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}

static int recorder_aborts(void)
{
        if (!enter(ROLE_RECORDER))
                return BROKEN;
        signal(SIGABRT, SIG_DFL);
        abort();
}

/* ---- sensor ---- */

static int sensor_watches(void)
{
        struct fan_group g;
        struct fs_handle h;
        struct err err = { 0 };
        int dirfd, fd, r;

        if (!enter(ROLE_SENSOR))
                return BROKEN;
        dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = fan_open(0, &g, &err);
        if (r == 0)
                r = fan_mark(&g, FAN_SCOPE_FILESYSTEM, FAN_CREATE | FAN_ONDIR, dirfd, NULL, &err);
        if (r == 0)
                r = fs_handle_of(dirfd, "", &h, NULL);
        fd = r == 0 ? fs_handle_open(dirfd, &h, O_PATH) : r;
        return fd < 0 ? -fd : 0;
}

static int sensor_names_author(void)
{
        char link[64], to[256];

        snprintf(link, sizeof link, "/proc/%d/exe", getppid());
        if (!enter(ROLE_SENSOR))
                return BROKEN;
        return readlink(link, to, sizeof to) < 0 ? errno : 0;
}

static int sensor_spawns(void)
{
        const char *const argv[] = { "true", NULL };
        struct spawn s = { .path = "/bin/true", .argv = argv, .in = -1, .out = -1, .err = 2 };
        int status = BROKEN;
        struct err err = { 0 };

        if (!enter(ROLE_SENSOR))
                return BROKEN;
        if (spawn_run(&s, 10000, &status, &err) < 0)
                return BROKEN;
        return status;
}

static int sensor_mounts(void)
{
        if (!enter(ROLE_SENSOR))
                return BROKEN;
        return mkdirat(-1, dir, 0) < 0 && errno == EEXIST && chroot("/") < 0 ? errno : 0;
}

/* CAP_DAC_OVERRIDE is gone: what root may not write by mode, it cannot. */
static int sensor_overrides(void)
{
        char path[96];
        int fd;

        snprintf(path, sizeof path, "%s/state", dir);
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0400);
        if (fd < 0 || fchmod(fd, 0400) < 0)
                return BROKEN;
        close(fd);
        if (!enter(ROLE_SENSOR))
                return BROKEN;
        return open(path, O_WRONLY | O_CLOEXEC) < 0 ? errno : 0;
}

/* ---- job ---- */

static int job_computes(void)
{
        char *p;

        if (!enter(ROLE_JOB))
                return BROKEN;
        p = malloc(1 << 20);
        if (!p || write(2, "", 0) < 0)
                return BROKEN;
        free(p);
        return 0;
}

static int job_opens(void)
{
        return enter(ROLE_JOB) ? open_errno("/etc/hostname") : BROKEN;
}

static int job_sockets(void)
{
        return !enter(ROLE_JOB) ? BROKEN : socket(AF_UNIX, SOCK_STREAM, 0);
}

static int job_large_computes(void)
{
        size_t n = (size_t)1 << 30; /* more than other jobs get */
        char *p;

        if (!enter(ROLE_JOB_LARGE))
                return BROKEN;
        p = malloc(n);
        if (!p)
                return BROKEN;
        p[n - 1] = 'x';
        free(p);
        return 0;
}

static int job_large_opens(void)
{
        return enter(ROLE_JOB_LARGE) ? open_errno("/etc/hostname") : BROKEN;
}

/* ---- job with a directory ---- */

static bool enter_dir(void)
{
        paths.config = dir;
        return enter(ROLE_JOB_DIR);
}

static int job_dir_reads(void)
{
        return enter_dir() ? open_errno(dir) : BROKEN;
}

static int job_dir_reads_elsewhere(void)
{
        return enter_dir() ? open_errno("/etc/hostname") : BROKEN;
}

static int job_dir_writes(void)
{
        char path[96];

        snprintf(path, sizeof path, "%s/state", dir);
        if (!enter_dir())
                return BROKEN;
        return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 ? errno : 0;
}

static int job_dir_forks(void)
{
        if (!enter_dir())
                return BROKEN;
        return fork() < 0 ? errno : 0;
}

/* ---- job with a program ---- */

static int job_program(const char *path)
{
        const char *const argv[] = { path, "--version", NULL };
        struct spawn s = { .path = path, .argv = argv, .in = -1, .out = -1, .err = 2 };
        int status, r;

        if (!enter(ROLE_JOB_PROGRAM))
                return BROKEN;
        r = spawn_run(&s, 10000, &status, NULL);
        return r < 0 ? -r : status;
}

static int job_program_runs(void)
{
        return job_program("/usr/bin/gpgv");
}

static int job_program_runs_shell(void)
{
        return job_program("/bin/sh");
}

static int job_program_opens(void)
{
        return enter(ROLE_JOB_PROGRAM) ? open_errno("/etc/hostname") : BROKEN;
}

static int job_program_sockets(void)
{
        if (!enter(ROLE_JOB_PROGRAM))
                return BROKEN;
        return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int guard_opens(void)
{
        return enter(ROLE_GUARD) ? open_errno("/etc/hostname") : BROKEN;
}

static int guard_forks(void)
{
        return !enter(ROLE_GUARD) ? BROKEN : fork() < 0 ? errno : 0;
}

static const struct {
        const char *name;
        case_fn *fn;
        int want;
        bool root;
} cases[] = {
        { "recorder: stores", recorder_stores, 0, false },
        { "recorder: serves", recorder_serves, 0, false },
        { "recorder: reads elsewhere", recorder_reads_elsewhere, EACCES, false },
        { "recorder: runs a program", recorder_runs, EPERM, false },
        { "recorder: forks", recorder_forks, EPERM, false },
        { "recorder: internet socket", recorder_inet, EPERM, false },
        { "recorder: makes code", recorder_code, EPERM, false },
        { "recorder: aborts as SIGABRT", recorder_aborts, 1000 + SIGABRT, false },
        { "sensor: watches", sensor_watches, 0, true },
        { "sensor: names the author", sensor_names_author, 0, true },
        { "sensor: starts a program", sensor_spawns, 0, false },
        { "sensor: changes its root", sensor_mounts, EPERM, false },
        { "sensor: overrides a mode, to put back", sensor_overrides, 0, true },
        { "job: computes", job_computes, 0, false },
        { "job: opens a file", job_opens, 1000 + SIGSYS, false },
        { "job: makes a socket", job_sockets, 1000 + SIGSYS, false },
        { "large job: computes", job_large_computes, 0, false },
        { "large job: opens a file", job_large_opens, 1000 + SIGSYS, false },
        { "job with a directory: reads it", job_dir_reads, 0, false },
        { "job with a directory: reads elsewhere", job_dir_reads_elsewhere, EACCES, false },
        { "job with a directory: writes", job_dir_writes, EACCES, false },
        { "job with a directory: forks", job_dir_forks, EPERM, false },
        { "job with a program: runs gpgv", job_program_runs, 0, false },
        { "job with a program: runs a shell", job_program_runs_shell, EACCES, false },
        { "job with a program: opens a file", job_program_opens, EACCES, false },
        { "job with a program: makes a socket", job_program_sockets, EPERM, false },
        { "guard: opens a file", guard_opens, EPERM, false },
        { "guard: forks", guard_forks, EPERM, false },
};

static void test_cases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                if (cases[i].root && geteuid() != 0) {
                        print_message("skipped without root: %s\n", cases[i].name);
                        continue;
                }
                if (cases[i].want == EACCES && !cases[i].root && sandbox_landlock_abi() == 0) {
                        print_message("skipped without landlock: %s\n", cases[i].name);
                        continue;
                }
                print_message("%s\n", cases[i].name);
                assert_int_equal(in_child(cases[i].fn), cases[i].want);
        }
}

static int become_nobody(void)
{
        struct sandbox_state st;
        struct err err = { 0 };

        if (role_enter(ROLE_JOB, &paths, 0, &st, &err) < 0)
                return BROKEN;
        if (st.step[SANDBOX_USER].result != SANDBOX_APPLIED || geteuid() == 0)
                return BROKEN;
        if (st.step[SANDBOX_NETWORK].result != SANDBOX_APPLIED)
                return BROKEN;
        return 0;
}

static void test_drops_user(void **state)
{
        if (geteuid() != 0)
                skip();
        assert_int_equal(in_child(become_nobody), 0);
}

static void *wait_for_ever(void *ctx)
{
        pause();
        return NULL;
}

static int second_thread(void)
{
        struct sandbox_state st;
        struct err err = { 0 };
        pthread_t t;

        if (pthread_create(&t, NULL, wait_for_ever, NULL) != 0)
                return BROKEN;
        return -role_enter(ROLE_RECORDER, &paths, ROLE_KEEP_USER, &st, &err);
}

static void test_refused(void **state)
{
        struct sandbox_state st;
        struct err err = { 0 };

        assert_int_equal(in_child(second_thread), EBUSY);
        assert_int_equal(role_enter(ROLE_HUB, &paths, 0, &st, &err), -ENOSYS);
        assert_non_null(strstr(err.text, "hub"));
}

static const struct {
        const char *name;
        enum role_id to;
        struct span proc;
        uid_t uid;
        bool want;
} peers[] = {
        { "sensor is root", ROLE_RECORDER, SPAN_INIT("sensor"), 0, true },
        { "sensor by another", ROLE_RECORDER, SPAN_INIT("sensor"), 1000, false },
        { "uplink", ROLE_RECORDER, SPAN_INIT("uplink"), 501, true },
        { "uplink by root", ROLE_RECORDER, SPAN_INIT("uplink"), 0, false },
        { "admin", ROLE_RECORDER, SPAN_INIT("admin"), 0, true },
        { "a job", ROLE_RECORDER, SPAN_INIT("job"), 65534, false },
        { "itself", ROLE_RECORDER, SPAN_INIT("recorder"), 500, false },
        { "unknown name", ROLE_RECORDER, SPAN_INIT("sensors"), 0, false },
        { "prefix of a name", ROLE_RECORDER, SPAN_INIT("senso"), 0, false },
        { "no name", ROLE_RECORDER, SPAN_INIT(""), 0, false },
        { "user that does not exist here", ROLE_RECORDER, SPAN_INIT("hub"), 0, false },
        { "recorder does not call the sensor", ROLE_SENSOR, SPAN_INIT("recorder"), 500, false },
};

static void test_peers(void **state)
{
        struct role_users u = { 0 };
        enum role_id id;

        u.of[ROLE_RECORDER].known = u.of[ROLE_SENSOR].known = u.of[ROLE_UPLINK].known = true;
        u.of[ROLE_ADMIN].known = u.of[ROLE_JOB].known = true;
        u.of[ROLE_RECORDER].uid = 500;
        u.of[ROLE_UPLINK].uid = 501;
        u.of[ROLE_JOB].uid = 65534;
        for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
                print_message("%s\n", peers[i].name);
                id = ROLE_COUNT;
                assert_int_equal(role_admits(&u, peers[i].to, peers[i].proc, peers[i].uid, &id),
                                 peers[i].want);
                if (peers[i].want)
                        assert_true(span_eq_str(peers[i].proc, role_of(id)->name));
                else
                        assert_int_equal(id, ROLE_COUNT);
        }
}

static void test_users(void **state)
{
        struct role_users u;
        struct err err = { 0 };

        assert_int_equal(role_users_init(&u, 0, &err), 0);
        assert_true(u.of[ROLE_SENSOR].known);
        assert_int_equal(u.of[ROLE_SENSOR].uid, 0);
        assert_int_equal(role_users_init(&u, ROLE_KEEP_USER, &err), 0);
        assert_int_equal(u.of[ROLE_UPLINK].uid, geteuid());
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_cases, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drops_user, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                cmocka_unit_test(test_peers),
                cmocka_unit_test(test_users),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
