/* SPDX-License-Identifier: Apache-2.0 */
/* restore_holders.c - who still has a file that no longer has its name.
 *
 * By /proc: executables and open descriptors by device and inode, mappings by the text of maps.
 * What is seen is of a moment, and bounded in time: this serves a sentence in an entry.
 *
 * SECURITY: names of processes are any bytes; they are escaped. */
#include "integrity/restoring/restore_disk.h"

#include "base/clock.h"
#include "base/text.h"
#include "sys/io.h"
#include "sys/sysclock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOK_MS = 100, SAID_MAX = 4, MAPS_MAX = 256 * 1024, COMM_MAX = 64, CALL_MAX = 96 };
enum { LOOK_STALLED_MS = 1000 }; /* that has waited anyway */

struct search {
        uint64_t dev, ino;
        int64_t until_ns;
        unsigned found;
        struct buf maps;
        struct buf *out;
};

/* Another process of ours, a hand that waits as well. */
static bool is_ours(int pidfd)
{
        struct stat us, it, owner;

        return stat("/proc/self/exe", &us) == 0 && fstatat(pidfd, "exe", &it, 0) == 0 &&
               it.st_ino == us.st_ino && it.st_dev == us.st_dev && fstat(pidfd, &owner) == 0 &&
               owner.st_uid == geteuid();
}

static bool is_it(const struct search *s, int dirfd, const char *name)
{
        struct statx st; /* the link is followed, and no server asked */

        return statx(dirfd, name, AT_STATX_DONT_SYNC, STATX_INO, &st) == 0 &&
               st.stx_ino == s->ino &&
               ((uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor) == s->dev;
}

static bool has_open(const struct search *s, int pidfd)
{
        CLEANUP_FD int fd = openat(pidfd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        bool found = false;
        struct dirent *e;
        int copy = fd;

        if (!d)
                return false;
        fd = -1; /* the stream's */
        while (!found && (e = readdir(d)) && clock_mono(&sysclock) < s->until_ns)
                found = e->d_name[0] != '.' && is_it(s, copy, e->d_name);
        closedir(d);
        return found;
}

/* "7f.. r-xp 00000000 08:01 1234   /path": device and inode, as text between blanks.  A btrfs shows
 * another device there, so its mappings are not found. */
static bool has_mapped(struct search *s, int pidfd)
{
        CLEANUP_FD int fd = openat(pidfd, "maps", O_RDONLY | O_CLOEXEC);
        char want[2 * TEXT_U64_MAX];
        ssize_t n = 1;

        if (fd < 0)
                return false;
        snprintf(want, sizeof want, " %02x:%02x %llu ", (unsigned)(s->dev >> 32),
                 (unsigned)(s->dev & UINT32_MAX), (unsigned long long)s->ino);
        buf_clear(&s->maps);
        while (n > 0 && s->maps.n < MAPS_MAX) {
                uint8_t *p = buf_extend(&s->maps, 16384);

                n = p ? read(fd, p, 16384) : 0;
                s->maps.n -= 16384 - (size_t)MAX_OF(n, 0);
        }
        return memmem(s->maps.p, s->maps.n, want, strlen(want)) != NULL;
}

static void say(struct search *s, int pidfd, const char *pid, const char *what)
{
        CLEANUP_FD int fd = openat(pidfd, "comm", O_RDONLY | O_CLOEXEC);
        char comm[COMM_MAX];
        ssize_t n = fd < 0 ? 0 : read(fd, comm, sizeof comm);

        s->found++;
        if (s->found > SAID_MAX)
                return;
        while (n > 0 && comm[n - 1] == '\n')
                n--;
        buf_printf(s->out, "%spid %s (", s->found > 1 ? ", " : "", pid);
        text_put_safe(s->out, span_of(comm, (size_t)MAX_OF(n, 0)));
        buf_printf(s->out, ") %s", what);
}

/* ---- who is in a call on it ---- */

static const char *call_name(long nr)
{
        static const struct {
                long nr;
                const char *name;
        } calls[] = {
                { SYS_write, "write" },       { SYS_pwrite64, "pwrite64" },
                { SYS_writev, "writev" },     { SYS_pwritev, "pwritev" },
                { SYS_pwritev2, "pwritev2" }, { SYS_read, "read" },
                { SYS_pread64, "pread64" },   { SYS_readv, "readv" },
                { SYS_preadv, "preadv" },     { SYS_preadv2, "preadv2" },
                { SYS_ioctl, "ioctl" },       { SYS_getdents64, "getdents64" },
        };

        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
                if (calls[i].nr == nr)
                        return calls[i].name;
        return "a system call";
}

static void read_text(int dirfd, const char *name, char *to, size_t room)
{
        CLEANUP_FD int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, to, room - 1);

        to[MAX_OF(n, 0)] = '\0';
}

/* "1 0x3 0x7f...": the number of the call and its arguments, the first a descriptor. */
static bool in_call(const struct search *s, int pidfd, const char *tid, char what[CALL_MAX])
{
        char path[64], text[256], at[64], *end;
        long nr;

        snprintf(path, sizeof path, "task/%.20s/syscall", tid);
        read_text(pidfd, path, text, sizeof text);
        if (text[0] < '0' || text[0] > '9')
                return false; /* it runs, or has gone */
        nr = strtol(text, &end, 10);
        snprintf(path, sizeof path, "fd/%lu", strtoul(end, NULL, 16));
        if (!is_it(s, pidfd, path))
                return false;
        snprintf(path, sizeof path, "task/%.20s/wchan", tid);
        read_text(pidfd, path, at, sizeof at);
        snprintf(what, CALL_MAX, "is in %s%s%s", call_name(nr), at[0] > '0' ? " at " : "",
                 at[0] > '0' ? at : "");
        return true;
}

static bool is_in_call(const struct search *s, int pidfd, char what[CALL_MAX])
{
        CLEANUP_FD int fd = openat(pidfd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        bool found = false;
        struct dirent *e;

        if (!d)
                return false;
        fd = -1; /* the stream's */
        while (!found && (e = readdir(d)) && clock_mono(&sysclock) < s->until_ns)
                found = e->d_name[0] != '.' && in_call(s, pidfd, e->d_name, what);
        closedir(d);
        return found;
}

/* What is cheap to see first, of all processes. */
enum pass { CALLS, EXES, FILES, MAPS, PASSES };

static void look_at(struct search *s, int proc, const char *pid, enum pass pass)
{
        CLEANUP_FD int fd = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char what[CALL_MAX];

        if (fd < 0)
                return;
        if (pass == CALLS && is_in_call(s, fd, what) && !is_ours(fd))
                say(s, fd, pid, what);
        else if (pass == EXES && is_it(s, fd, "exe"))
                say(s, fd, pid, "runs it (text busy)");
        else if (pass == FILES && has_open(s, fd))
                say(s, fd, pid, "has it open");
        else if (pass == MAPS && has_mapped(s, fd))
                say(s, fd, pid, "has it mapped");
}

/* false: there was not the time for all of them. */
static bool look_at_all(struct search *s, DIR *d, enum pass pass)
{
        char self[TEXT_U64_MAX + 1];
        struct dirent *e;

        text_u64((uint64_t)getpid(), self);
        rewinddir(d);
        while ((e = readdir(d)) && clock_mono(&sysclock) < s->until_ns)
                if (e->d_name[0] >= '0' && e->d_name[0] <= '9' && strcmp(e->d_name, self) != 0)
                        look_at(s, dirfd(d), e->d_name, pass);
        return clock_mono(&sysclock) < s->until_ns;
}

static void look(uint64_t dev, uint64_t ino, enum pass first, struct buf *out)
{
        struct search s = { .dev = dev,
                            .ino = ino,
                            .until_ns = clock_mono(&sysclock) +
                                        (first == CALLS ? LOOK_STALLED_MS : LOOK_MS) * NS_PER_MS,
                            .maps = BUF_INIT(MAPS_MAX + 16384),
                            .out = out };
        CLEANUP_FD int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        bool late = false;

        if (!d)
                return;
        fd = -1; /* the stream's */
        for (int pass = (int)first; pass < PASSES && !s.found && !late; pass++)
                late = !look_at_all(&s, d, (enum pass)pass);
        if (s.found > SAID_MAX)
                buf_printf(out, " and %u more", s.found - SAID_MAX);
        if (late)
                buf_printf(out, "%snot all processes were looked at", s.found ? "; " : "");
        closedir(d);
        buf_done(&s.maps);
}

void restore_holders(uint64_t dev, uint64_t ino, struct buf *out)
{
        look(dev, ino, EXES, out);
}

void restore_stalled_by(uint64_t dev, uint64_t ino, struct buf *out)
{
        look(dev, ino, CALLS, out);
}
