/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files; their parsers are proc_parse.c. */
#include "sys/proc.h"

#include "base/text.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
        STATUS_MAX = 4096,
        STAT_MAX = 1024,
        CGROUP_FILE_MAX = 64 << 10, /* a path for each hierarchy, the unified one's last */
        NUMBER_MAX = 16,
        ENVIRON_MAX = 32 << 10,
        NS_LINK_MAX = 32
};

const char *proc_why_text(enum proc_why w)
{
        static const char *const texts[] = {
                [PROC_KNOWN] = "known",        [PROC_UNREAD] = "not read",
                [PROC_GONE] = "exited",        [PROC_DENIED] = "not permitted",
                [PROC_UNSET] = "none",         [PROC_MALFORMED] = "not understood",
                [PROC_FAILED] = "read failed",
        };

        return texts[w];
}

static enum proc_why why_of(int r)
{
        switch (-r) {
        case 0:
                return PROC_KNOWN;
        case ESRCH:
        case ENOENT:
                return PROC_GONE;
        case EACCES:
        case EPERM:
                return PROC_DENIED;
        case EBADMSG:
                return PROC_MALFORMED;
        default:
                return PROC_FAILED;
        }
}

int proc_pidfd(pid_t pid)
{
        int fd = (int)syscall(SYS_pidfd_open, pid, 0);

        return fd < 0 ? -errno : fd;
}

int proc_open(pid_t pid, int pidfd)
{
        char path[32];
        int fd;

        snprintf(path, sizeof path, "/proc/%d", pid);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        /* alive after the open: the pid was its all the time */
        if (pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 && errno != EPERM) {
                int r = -errno;

                close(fd);
                return r;
        }
        return fd;
}

/* The first max bytes of a file of /proc; one more is asked for, to see whether there is more. */
static int read_file(int procfd, const char *name, uint8_t *p, size_t max, size_t *ret_n,
                     bool *ret_more)
{
        CLEANUP_FD int fd = openat(procfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        uint8_t extra;
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = io_kernel.pread(NULL, fd, p, max, 0);
        if (n < 0)
                return (int)n;
        *ret_n = (size_t)n;
        *ret_more = (size_t)n == max && io_kernel.pread(NULL, fd, &extra, 1, n) > 0;
        return 0;
}

/* As read_file(), for files that the kernel writes as a whole and that are shorter than max: a read
 * that leaves room has given all there is, and need not be asked whether there is more. */
static int read_whole(int procfd, const char *name, uint8_t *p, size_t max, size_t *ret_n)
{
        CLEANUP_FD int fd = openat(procfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        ssize_t n;

        if (fd < 0)
                return -errno;
        do
                n = read(fd, p, max);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        *ret_n = (size_t)n;
        return 0;
}

static void read_ids(int procfd, struct proc_info *p)
{
        uint8_t text[STATUS_MAX];
        size_t n;
        int r = read_whole(procfd, "status", text, sizeof text, &n);

        if (r == 0)
                r = proc_parse_status(span_of(text, n), &p->ids);
        p->ids.why = why_of(r);
}

static void read_stat(int procfd, struct proc_info *p)
{
        uint8_t text[STAT_MAX];
        size_t n;
        int r = read_whole(procfd, "stat", text, sizeof text, &n);

        if (r == 0)
                r = proc_parse_stat(span_of(text, n), &p->stat);
        p->stat.why = why_of(r);
}

static void read_number(int procfd, const char *name, struct proc_number *ret)
{
        uint8_t text[NUMBER_MAX];
        uint64_t v;
        size_t n;
        int r = read_whole(procfd, name, text, sizeof text, &n);

        if (r == -ENOENT) { /* a kernel without audit; the process itself was opened */
                ret->why = faccessat(procfd, "stat", F_OK, 0) == 0 ? PROC_UNSET : PROC_GONE;
                return;
        }
        ret->why = why_of(r);
        if (r < 0)
                return;
        if (n > 0 && text[n - 1] == '\n')
                n--;
        if (text_to_u64(span_of(text, n), &v) < 0 || v > UINT32_MAX) {
                ret->why = PROC_MALFORMED;
                return;
        }
        ret->n = (uint32_t)v;
        ret->why = v == UINT32_MAX ? PROC_UNSET : PROC_KNOWN;
}

/* "mnt:[4026531832]" */
static void read_mount_ns(int procfd, const char *path, struct proc_number *ret)
{
        static const char head[] = "mnt:[";
        const size_t n_head = sizeof head - 1;
        char text[NS_LINK_MAX];
        ssize_t n = readlinkat(procfd, path, text, sizeof text);
        uint64_t v;

        ret->why = why_of(n < 0 ? -errno : 0);
        if (n < 0)
                return;
        if ((size_t)n <= n_head + 1 || memcmp(text, head, n_head) != 0 || text[n - 1] != ']' ||
            text_to_u64(span_of(text + n_head, (size_t)n - n_head - 1), &v) < 0 || v > UINT32_MAX) {
                ret->why = PROC_MALFORMED;
                return;
        }
        ret->n = (uint32_t)v;
}

int proc_namespace(int procfd, const char *link, uint32_t *ret)
{
        struct stat st;

        if (fstatat(procfd, link, &st, 0) < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        *ret = (uint32_t)st.st_ino;
        return 0;
}

bool proc_is_kernel(const struct proc_info *i)
{
        enum { KTHREADD = 2 };

        return i->exe_why == PROC_UNSET && i->cmdline_why == PROC_UNSET &&
               i->ids.why == PROC_KNOWN && (i->pid == KTHREADD || i->ids.ppid == KTHREADD);
}

uint32_t proc_own_mount_ns(void)
{
        struct proc_number n = { 0 };

        read_mount_ns(AT_FDCWD, "/proc/self/ns/mnt", &n);
        return n.why == PROC_KNOWN ? n.n : 0;
}

static bool is_file(int dirfd, const char *path, const struct stat *st)
{
        struct stat there;

        return fstatat(dirfd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
               there.st_dev == st->st_dev && there.st_ino == st->st_ino;
}

/* Is the path that was read a name of the file that runs, here or from the process' own root? */
static bool leads_to_exe(int procfd, const struct proc_info *p)
{
        CLEANUP_FD int root = openat(procfd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        char path[PROC_EXE_MAX + 1];
        struct stat st;

        memcpy(path, p->exe, p->exe_n);
        path[p->exe_n] = '\0';
        if (path[0] != '/' || fstatat(procfd, "exe", &st, 0) < 0 || st.st_nlink == 0)
                return false;
        return is_file(AT_FDCWD, path, &st) || (root >= 0 && is_file(root, path + 1, &st));
}

static void read_exe(int procfd, struct proc_info *p)
{
        static const char deleted[] = " (deleted)";
        const size_t tail = sizeof deleted - 1;
        ssize_t n = readlinkat(procfd, "exe", (char *)p->exe, sizeof p->exe);

        if (n < 0) {
                p->exe_why = why_of(-errno);
                /* a kernel thread has the link, but it leads nowhere; so has a zombie */
                if (errno == ENOENT && p->cmdline_why == PROC_UNSET && p->stat.why == PROC_KNOWN)
                        p->exe_why = PROC_UNSET;
                return;
        }
        p->exe_n = (size_t)n;
        p->exe_why = p->exe_n == sizeof p->exe ? PROC_FAILED : PROC_KNOWN;
        if (p->exe_n == sizeof p->exe || p->exe_n <= tail ||
            memcmp(p->exe + p->exe_n - tail, deleted, tail) != 0 || leads_to_exe(procfd, p))
                return; /* or the file is really called so */
        p->exe_n -= tail;
        p->exe_deleted = true;
}

static void read_environ(int procfd, struct proc_info *p)
{
        uint8_t text[ENVIRON_MAX];
        bool more = false;
        size_t n = 0;

        if (read_file(procfd, "environ", text, sizeof text, &n, &more) < 0)
                return;
        p->exe_led = more || proc_environ_leads(span_of(text, n));
        p->exe_strays = proc_environ_strays(span_of(text, n));
}

static void read_exe_file(int procfd, struct proc_info *p)
{
        struct stat st;

        if (fstatat(procfd, "exe", &st, 0) < 0)
                return;
        p->exe_dev = (uint64_t)major(st.st_dev) << 32 | minor(st.st_dev);
        p->exe_ino = st.st_ino;
}

static void read_comm(int procfd, struct proc_info *p)
{
        bool more;
        int r = read_file(procfd, "comm", p->comm, sizeof p->comm, &p->comm_n, &more);

        p->comm_why = why_of(r);
        if (r == 0 && p->comm_n > 0 && p->comm[p->comm_n - 1] == '\n')
                p->comm_n--; /* the last one is the kernel's, any before is the name's */
}

static void read_cmdline(int procfd, struct proc_info *p)
{
        int r = read_file(procfd, "cmdline", p->cmdline, sizeof p->cmdline, &p->cmdline_n,
                          &p->cmdline_cut);

        p->cmdline_why = r == 0 && p->cmdline_n == 0 ? PROC_UNSET : why_of(r);
}

static void read_cgroup(int procfd, struct proc_info *p)
{
        uint8_t text[CGROUP_FILE_MAX];
        struct span path;
        size_t n;
        bool more;
        int r = read_file(procfd, "cgroup", text, sizeof text, &n, &more);

        p->cgroup_why = why_of(r);
        if (r < 0)
                return;
        r = proc_parse_cgroup(span_of(text, n), &path);
        if (r == -ENOENT) {
                p->cgroup_why = PROC_UNSET;
        } else if (r < 0 || path.n > sizeof p->cgroup) {
                p->cgroup_why = PROC_MALFORMED;
        } else {
                memcpy(p->cgroup, path.p, path.n);
                p->cgroup_n = path.n;
        }
}

/* Not by initialiser: the large arrays need no clearing. */
static void nothing_yet(struct proc_info *p, pid_t pid)
{
        p->pid = pid;
        p->ids = (struct proc_ids){ .why = PROC_UNREAD };
        p->stat = (struct proc_stat){ .why = PROC_UNREAD };
        p->loginuid = p->sessionid = p->mount_ns = (struct proc_number){ .why = PROC_UNREAD };
        p->exe_n = p->comm_n = p->cmdline_n = p->cgroup_n = 0;
        p->exe_why = p->comm_why = p->cmdline_why = p->cgroup_why = PROC_UNREAD;
        p->exe_deleted = p->exe_led = p->exe_strays = p->cmdline_cut = false;
        p->exe_dev = p->exe_ino = 0;
}

void proc_read_ids(int procfd, pid_t pid, struct proc_info *ret)
{
        proc_read_ids_since(procfd, pid, NULL, ret);
}

static bool same_number(const struct proc_number *a, const struct proc_number *b)
{
        return a->why == b->why && (a->why == PROC_UNSET || (a->why == PROC_KNOWN && a->n == b->n));
}

void proc_read_ids_since(int procfd, pid_t pid, const struct proc_login *known,
                         struct proc_info *ret)
{
        nothing_yet(ret, pid);
        read_stat(procfd, ret);
        read_ids(procfd, ret);
        read_number(procfd, "sessionid", &ret->sessionid);
        if (known && same_number(&ret->sessionid, &known->session))
                ret->loginuid = known->user;
        else
                read_number(procfd, "loginuid", &ret->loginuid);
}

void proc_read(int procfd, pid_t pid, struct proc_info *ret)
{
        proc_read_ids(procfd, pid, ret);
        read_cmdline(procfd, ret);
        read_exe(procfd, ret);
        read_exe_file(procfd, ret);
        read_environ(procfd, ret);
        read_comm(procfd, ret);
        read_cgroup(procfd, ret);
        read_mount_ns(procfd, "ns/mnt", &ret->mount_ns);
}
