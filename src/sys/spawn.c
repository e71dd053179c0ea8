/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/spawn.h"

#include "sys/io.h"

#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const plain_env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };

enum { STANDARD = 3, FDS_MAX = STANDARD + SPAWN_MORE_MAX, SIGNALLED = 256 };

/* Lifts fd to `first` or above, where none will be placed: placing one cannot overwrite another. */
static int lift(int fd, int first)
{
        int r = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : fcntl(fd, F_DUPFD_CLOEXEC, first);

        if (r >= 0 && r < first) {
                int high = fcntl(r, F_DUPFD_CLOEXEC, first);

                fd_close(&r);
                r = high;
        }
        return r < 0 ? -errno : r;
}

static int set_attributes(posix_spawnattr_t *attr, bool own_group)
{
        short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        sigset_t all, none;
        int r;

        sigfillset(&all);
        sigemptyset(&none);
        if (own_group)
                flags |= POSIX_SPAWN_SETPGROUP; /* 0, as it is by default: its own number */
        r = posix_spawnattr_setflags(attr, flags);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attr, &all);
        return r ? r : posix_spawnattr_setsigmask(attr, &none);
}

static int spawn_with(const struct spawn *s, const int *fds, int n_fds, pid_t *ret_pid)
{
        const char *const *envp = s->envp ? s->envp : plain_env;
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attr;
        int r;

        r = posix_spawn_file_actions_init(&files);
        if (r)
                return -r;
        r = posix_spawnattr_init(&attr);
        if (r)
                goto out_files;
        r = set_attributes(&attr, s->own_group);
        for (int i = 0; i < n_fds && r == 0; i++)
                r = posix_spawn_file_actions_adddup2(&files, fds[i], i);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(&files, n_fds);
        if (r == 0)
                r = posix_spawn(ret_pid, s->path, &files, &attr, (char *const *)(uintptr_t)s->argv,
                                (char *const *)(uintptr_t)envp);
        posix_spawnattr_destroy(&attr);
out_files:
        posix_spawn_file_actions_destroy(&files);
        return -r;
}

int spawn_start(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
        int standard[STANDARD] = { s->in, s->out, s->err };
        int fds[FDS_MAX];
        int all = STANDARD + (int)s->n_more;
        int n = 0, r = 0, pidfd;
        pid_t pid = -1;

        assert(s->n_more <= SPAWN_MORE_MAX);
        for (int i = 0; i < all && r == 0; i++) {
                fds[n] = lift(i < STANDARD ? standard[i] : s->more[i - STANDARD], all);
                if (fds[n] < 0)
                        r = fds[n];
                else
                        n++;
        }
        if (r == 0)
                r = spawn_with(s, fds, n, &pid);
        for (int i = 0; i < n; i++)
                fd_close(&fds[i]);
        if (r < 0)
                return err_sys(err, r, "start %s", s->path);
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* not reaped yet, so pid is still its */
        if (pidfd < 0) {
                r = err_sys(err, -errno, "start %s: pidfd", s->path);
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
                return r;
        }
        *ret_pid = pid;
        *ret_pidfd = pidfd;
        return 0;
}

int spawn_wait(pid_t pid, int *ret_status)
{
        int status;
        pid_t r;

        do {
                r = waitpid(pid, &status, 0);
        } while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
        return 0;
}

int spawn_signal(int pidfd, int signo)
{
        if (syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) == 0 || errno == ESRCH)
                return 0;
        return -errno;
}

void spawn_kill(int pidfd)
{
        int r = spawn_signal(pidfd, SIGKILL);

        assert(r == 0); /* our own child, by its pidfd */
}

void spawn_kill_group(pid_t pid)
{
        int r = kill(-pid, SIGKILL);

        assert(r == 0 || errno == ESRCH);
}

int spawn_run(const struct spawn *s, int timeout_ms, int *ret_status, struct err *err)
{
        CLEANUP_FD int pidfd = -1;
        struct pollfd p = { .events = POLLIN };
        int r, n, status;
        pid_t pid;

        r = spawn_start(s, &pid, &pidfd, err);
        if (r < 0)
                return r;
        p.fd = pidfd;
        do {
                n = poll(&p, 1, timeout_ms);
        } while (n < 0 && errno == EINTR);
        if (n != 1)
                kill(pid, SIGKILL); /* our own child, not reaped */
        r = spawn_wait(pid, &status);
        if (r < 0)
                return err_sys(err, r, "wait for %s", s->path);
        if (n != 1)
                return err_set(err, -ETIMEDOUT, "%s: ended by force after %d ms", s->path,
                               timeout_ms);
        *ret_status = status;
        return 0;
}

/* The first object is the program itself. */
static int on_object(struct dl_phdr_info *o, size_t n, void *ctx)
{
        const char **ret = ctx;

        (void)n;
        for (size_t i = 0; i < o->dlpi_phnum; i++)
                if (o->dlpi_phdr[i].p_type == PT_INTERP)
                        *ret = (const char *)(o->dlpi_addr + o->dlpi_phdr[i].p_vaddr);
        return 1;
}

const char *spawn_loader(void)
{
        const char *loader = NULL;

        dl_iterate_phdr(on_object, &loader);
        return loader;
}
