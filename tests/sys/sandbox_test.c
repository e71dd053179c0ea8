/* SPDX-License-Identifier: Apache-2.0 */
/* Each case gives rights away in a child and then tries what it must no longer be able to do.  A
 * child answers with the errno it saw, or dies by SIGSYS. */
#include "sys/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { BROKEN = 250 }; /* the sandbox itself failed */

static char dir[64];
static struct sandbox_state st;

typedef int case_fn(void); /* errno of what was tried */

/* Exit status, or 1000 + signal. */
static int in_child(case_fn *fn)
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(fn());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int open_errno(const char *name, int flags)
{
        int fd = open(name, flags | O_CLOEXEC, 0600);

        if (fd < 0)
                return errno;
        close(fd);
        return 0;
}

static int file_errno(const char *sub, int flags)
{
        char path[128];

        snprintf(path, sizeof path, "%s/%s", dir, sub);
        return open_errno(path, flags);
}

static int setup(void **state)
{
        char path[96];

        snprintf(dir, sizeof dir, "/tmp/assay-box-XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(path, sizeof path, "%s/in", dir);
        if (mkdir(path, 0700) < 0)
                return -1;
        return file_errno("in/f", O_CREAT | O_WRONLY) | file_errno("out", O_CREAT | O_WRONLY);
}

static int teardown(void **state)
{
        static const char *const names[] = { "in/f", "in/new", "in/ro", "in", "out" };
        char path[96];

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(path, sizeof path, "%s/%s", dir, names[i]);
                remove(path);
        }
        return rmdir(dir);
}

/* ---- Landlock ---- */

static bool landlocked(unsigned rights)
{
        char in[96];
        struct sandbox_path paths[] = { { .path = in, .rights = rights },
                                        { .path = "/none", .optional = true } };

        snprintf(in, sizeof in, "%s/in", dir);
        return sandbox_no_privs(&st, NULL) == 0 &&
               sandbox_landlock(&st, paths, 2, SANDBOX_NO_TCP | SANDBOX_SCOPED, NULL) == 0 &&
               (st.step[SANDBOX_LANDLOCK].result == SANDBOX_APPLIED ||
                st.step[SANDBOX_LANDLOCK].result == SANDBOX_PARTLY);
}

static int read_in(void)
{
        return landlocked(SANDBOX_READ) ? file_errno("in/f", O_RDONLY) : BROKEN;
}

static int read_out(void)
{
        return landlocked(SANDBOX_READ) ? file_errno("out", O_RDONLY) : BROKEN;
}

static int write_read_only(void)
{
        return landlocked(SANDBOX_READ) ? file_errno("in/f", O_WRONLY) : BROKEN;
}

static int create_in(void)
{
        return landlocked(SANDBOX_WRITE) ? file_errno("in/new", O_CREAT | O_WRONLY) : BROKEN;
}

static int create_read_only(void)
{
        return landlocked(SANDBOX_READ) ? file_errno("in/ro", O_CREAT | O_WRONLY) : BROKEN;
}

static int truncate_read_only(void)
{
        char path[96];

        snprintf(path, sizeof path, "%s/in/f", dir);
        if (!landlocked(SANDBOX_READ))
                return BROKEN;
        return truncate(path, 0) < 0 ? errno : 0;
}

static int read_passwd(void)
{
        return landlocked(SANDBOX_READ) ? open_errno("/etc/passwd", O_RDONLY) : BROKEN;
}

static int run_program(void)
{
        if (!landlocked(SANDBOX_READ))
                return BROKEN;
        execl("/bin/true", "true", (char *)NULL);
        return errno;
}

/* Why the sensor has none: links of other processes are hidden as well. */
static int look_into_parent(void)
{
        char link[64], to[64];

        snprintf(link, sizeof link, "/proc/%d/exe", getppid());
        if (readlink(link, to, sizeof to) < 0)
                return BROKEN; /* must work before */
        if (!landlocked(SANDBOX_READ))
                return BROKEN;
        return readlink(link, to, sizeof to) < 0 ? errno : 0;
}

static int signal_parent(void)
{
        pid_t parent = getppid();

        if (!landlocked(SANDBOX_READ))
                return BROKEN;
        return kill(parent, 0) < 0 ? errno : 0;
}

static int missing_path(void)
{
        struct sandbox_path path = { .path = "/none", .rights = SANDBOX_READ };

        return -sandbox_landlock(&st, &path, 1, 0, NULL);
}

/* ---- users, capabilities ---- */

static int drop_then(int what)
{
        if (sandbox_drop(&st, 65534, 65534, 0, NULL) < 0 || sandbox_no_privs(&st, NULL) < 0)
                return BROKEN;
        if (what == 0)
                return setresuid(0, 0, 0) < 0 ? errno : 0;
        if (what == 1)
                return getgroups(0, NULL) == 0 && getegid() == 65534 ? 0 : BROKEN;
        return open_errno("/etc/shadow", O_RDONLY);
}

static int back_to_root(void)
{
        return drop_then(0);
}

static int groups_gone(void)
{
        return drop_then(1);
}

static int read_shadow(void)
{
        return drop_then(2);
}

/* Another user who keeps one capability can use it, and only it. */
static int keep_one(void)
{
        const uint64_t keep = SANDBOX_CAP(CAP_DAC_READ_SEARCH);
        uint64_t caps;

        if (sandbox_drop(&st, 65534, 65534, keep, NULL) < 0)
                return BROKEN;
        if (sandbox_caps(&caps) < 0 || caps != keep ||
            st.step[SANDBOX_CAPS].result != SANDBOX_APPLIED)
                return BROKEN;
        for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
                if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) != (c == CAP_DAC_READ_SEARCH))
                        return BROKEN;
        if (open_errno("/etc/shadow", O_RDONLY) != 0)
                return BROKEN;
        return chown("/etc/shadow", 0, 0) < 0 ? errno : 0;
}

static int drop_without_right(void)
{
        if (sandbox_drop(&st, 65534, 65534, 0, NULL) < 0)
                return BROKEN;
        return -sandbox_drop(&st, 0, 0, 0, NULL);
}

/* Who was started to end with its parent still does as another user. */
static int end_with_parent(void)
{
        int signo = 0;

        if (prctl(PR_SET_PDEATHSIG, SIGUSR1) < 0 || sandbox_drop(&st, 65534, 65534, 0, NULL) < 0)
                return BROKEN;
        return prctl(PR_GET_PDEATHSIG, &signo) < 0 ? errno : signo == SIGUSR1 ? 0 : BROKEN;
}

static int no_privs(void)
{
        if (sandbox_no_privs(&st, NULL) < 0)
                return BROKEN;
        return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                               prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
                       ? 0
                       : BROKEN;
}

static int no_network(void)
{
        struct sockaddr_storage any = { .ss_family = AF_INET };
        int fd;

        sandbox_no_network(&st);
        if (st.step[SANDBOX_NETWORK].result != SANDBOX_APPLIED)
                return BROKEN;
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        any.__ss_padding[1] = 9; /* port */
        any.__ss_padding[2] = 10;
        return connect(fd, (struct sockaddr *)&any, sizeof(struct sockaddr)) < 0 ? errno : 0;
}

static int no_network_unprivileged(void)
{
        if (sandbox_drop(&st, 65534, 65534, 0, NULL) < 0)
                return BROKEN;
        sandbox_no_network(&st);
        return st.step[SANDBOX_NETWORK].result == SANDBOX_ABSENT &&
                               strstr(st.step[SANDBOX_NETWORK].note, strerror(EPERM))
                       ? EPERM
                       : BROKEN;
}

static int too_many_files(void)
{
        struct sandbox_limits l = { .memory = 1u << 30, .cpu_s = 5, .files = 4 };

        if (sandbox_limit(&st, &l, NULL) < 0)
                return BROKEN;
        for (int i = 0; i < 5; i++)
                if (dup(0) < 0)
                        return errno;
        return 0;
}

/* ---- seccomp ---- */

static const char *const names[] = {
        "exit_group", "write",          "close",       "munmap",  "futex",
        "getpid",     "rt_sigprocmask", "sigaltstack", "madvise", "a_call_of_the_future",
        NULL
};
static const char *const *const lists[] = { names, NULL };
static const struct sandbox_arg args[] = {
        { "mmap", 2, PROT_EXEC, 0 },
        { "socket", 0, 0, AF_UNIX },
        { NULL, 0, 0, 0 },
};

static bool filtered(bool kill)
{
        struct sandbox_calls calls = { .allow = lists, .args = args, .kill = kill };

        return sandbox_no_privs(&st, NULL) == 0 && sandbox_seccomp(&st, &calls, NULL) == 0 &&
               st.step[SANDBOX_SECCOMP].result == SANDBOX_PARTLY &&
               strstr(st.step[SANDBOX_SECCOMP].note, "a_call_of_the_future");
}

static int refused_call(void)
{
        return !filtered(false) ? BROKEN : mkdir("/tmp", 0700) < 0 ? errno : 0;
}

static int fatal_call(void)
{
        return !filtered(true) ? BROKEN : mkdir("/tmp", 0700) < 0 ? errno : 0;
}

static int unix_socket(void)
{
        return !filtered(true) ? BROKEN : socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int inet_socket(void)
{
        return !filtered(false) ? BROKEN : socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int map(int prot)
{
        if (!filtered(false))
                return BROKEN;
        return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int map_data(void)
{
        return map(PROT_READ | PROT_WRITE);
}

static int map_code(void)
{
        return map(PROT_READ | PROT_EXEC);
}

static const struct {
        const char *name;
        case_fn *fn;
        int want;
        int landlock; /* version it needs */
        bool root;
} cases[] = {
        { "landlock: read inside", read_in, 0, 1, false },
        { "landlock: read outside", read_out, EACCES, 1, false },
        { "landlock: write where reading is allowed", write_read_only, EACCES, 1, false },
        { "landlock: create inside", create_in, 0, 1, false },
        { "landlock: create where reading is allowed", create_read_only, EACCES, 1, false },
        { "landlock: truncate where reading is allowed", truncate_read_only, EACCES, 3, false },
        { "landlock: /etc/passwd", read_passwd, EACCES, 1, false },
        { "landlock: run a program", run_program, EACCES, 1, false },
        { "landlock: /proc/<parent>/exe", look_into_parent, EACCES, 1, true },
        { "landlock: signal the parent", signal_parent, EPERM, 6, false },
        { "landlock: missing path", missing_path, ENOENT, 1, false },
        { "drop: back to root", back_to_root, EPERM, 0, true },
        { "drop: groups", groups_gone, 0, 0, true },
        { "drop: /etc/shadow", read_shadow, EACCES, 0, true },
        { "drop: keep one capability", keep_one, EPERM, 0, true },
        { "drop: without the right to", drop_without_right, EPERM, 0, true },
        { "drop: the parent's end", end_with_parent, 0, 0, true },
        { "no new privileges, not dumpable", no_privs, 0, 0, false },
        { "network: none", no_network, ENETUNREACH, 0, true },
        { "network: without the right to", no_network_unprivileged, EPERM, 0, true },
        { "limits: descriptors", too_many_files, EMFILE, 0, false },
        { "seccomp: refused", refused_call, EPERM, 0, false },
        { "seccomp: fatal", fatal_call, 1000 + SIGSYS, 0, false },
        { "seccomp: allowed argument", unix_socket, 0, 0, false },
        { "seccomp: other argument", inet_socket, EPERM, 0, false },
        { "seccomp: map data", map_data, 0, 0, false },
        { "seccomp: map code", map_code, EPERM, 0, false },
};

static void test_cases(void **state)
{
        int abi = sandbox_landlock_abi();
        int skipped = 0;

        print_message("landlock version %d\n", abi);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                if (cases[i].landlock > abi || (cases[i].root && geteuid() != 0)) {
                        print_message("skipped here: %s\n", cases[i].name);
                        skipped++;
                        continue;
                }
                print_message("%s\n", cases[i].name);
                assert_int_equal(in_child(cases[i].fn), cases[i].want);
        }
        if (abi == 0)
                assert_int_equal(in_child(read_in), BROKEN); /* and the state says absent */
        assert_true(skipped < (int)ARRAY_LEN(cases));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_cases, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
