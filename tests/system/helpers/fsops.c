/* SPDX-License-Identifier: Apache-2.0 */
/* fsops - random operations on the files of a directory, in the way of fsstress, until it is told
 * to stop (SIGTERM) or the time is over.
 *
 *   fsops INSIDE OUTSIDE SEED SECONDS OPERATIONS-PER-SECOND
 *
 * Several of them may work in the same directories.  Names are few, so that operations meet: in
 * INSIDE a small tree, and moves to and from OUTSIDE.  Every operation may fail; none is checked.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { NAMES = 14, DEPTH = 4, PATH_BYTES = 512, CONTENT = 6000, LARGE = 400 * 1024 };

static const char *inside, *outside;
static uint64_t seed;
static volatile sig_atomic_t stopped;
static char junk[LARGE];

static void on_term(int signo)
{
        (void)signo;
        stopped = 1;
}

static uint32_t rnd(uint32_t below)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (uint32_t)(seed >> 33) % below;
}

/* Directories are d0..., everything else n0...: so that renames often find their like. */
static void path_in(char out[PATH_BYTES], const char *top, bool directory)
{
        size_t n = (size_t)snprintf(out, PATH_BYTES, "%s", top);
        uint32_t depth = rnd(DEPTH);

        for (uint32_t i = 0; i < depth; i++)
                n += (size_t)snprintf(out + n, PATH_BYTES - n, "/d%u", rnd(4));
        snprintf(out + n, PATH_BYTES - n, "/%c%u", directory ? 'd' : 'n',
                 rnd(directory ? 4 : NAMES));
}

static void any_path(char out[PATH_BYTES])
{
        path_in(out, inside, rnd(5) == 0);
}

static void put(const char *path, int flags)
{
        int fd = open(path, flags | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);

        if (fd < 0)
                return;
        (void)!write(fd, junk + rnd(1000), rnd(40) ? rnd(CONTENT) : LARGE - 1000);
        close(fd);
}

static void put_mapped(const char *path)
{
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat st;
        char *p;

        if (fd < 0)
                return;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
                p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                if (p != MAP_FAILED) {
                        p[rnd((uint32_t)st.st_size)] ^=
                                1; /* others may truncate: SIGBUS is caught */
                        munmap(p, (size_t)st.st_size);
                }
        }
        close(fd);
}

static void put_unnamed(const char *path)
{
        char proc[64];
        int fd = open(inside, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

        if (fd < 0)
                return;
        (void)!write(fd, junk, rnd(CONTENT));
        snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
        (void)!linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
        close(fd);
}

static void set_times(const char *path)
{
        struct timespec t[2] = { { .tv_sec = rnd(1000000) }, { .tv_sec = rnd(1000000) } };

        (void)!utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW);
}

static void set_attribute(const char *path)
{
        if (rnd(2))
                (void)!lsetxattr(path, "user.fsops", junk + rnd(100), rnd(40), 0);
        else
                (void)!lremovexattr(path, "user.fsops");
}

static void move(const char *a, const char *b, unsigned flags)
{
        (void)!syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static void one(void)
{
        char a[PATH_BYTES], b[PATH_BYTES], d[PATH_BYTES], o[PATH_BYTES];

        any_path(a);
        any_path(b);
        path_in(d, inside, true);
        path_in(o, outside, rnd(3) == 0);
        switch (rnd(30)) {
        case 0 ... 4:
                put(a, O_CREAT | O_TRUNC);
                break;
        case 5:
        case 6:
                put(a, O_APPEND);
                break;
        case 7:
                put_mapped(a);
                break;
        case 8:
                put_unnamed(a);
                break;
        case 9:
                (void)!truncate(a, rnd(CONTENT));
                break;
        case 10 ... 12:
                (void)!unlink(a);
                break;
        case 13 ... 15:
                (void)!mkdir(d, 0755);
                break;
        case 16:
                (void)!rmdir(d);
                break;
        case 17 ... 19:
                move(a, b, 0);
                break;
        case 20:
                move(a, b, RENAME_EXCHANGE);
                break;
        case 21:
                move(a, o, 0);
                break;
        case 22:
                move(o, a, 0);
                break;
        case 23:
                (void)!link(a, rnd(3) ? b : o);
                break;
        case 24:
                (void)!symlink("somewhere", a);
                break;
        case 25:
                (void)!mkfifo(a, 0600);
                break;
        case 26:
                (void)!chmod(a, 0600 + rnd(0100));
                break;
        case 27:
                (void)!lchown(a, rnd(5), rnd(5));
                break;
        case 28:
                set_times(a);
                break;
        default:
                set_attribute(a);
        }
}

static void on_bus(int signo)
{
        (void)signo;
        _exit(3); /* somebody truncated a mapped file: the test starts another */
}

int main(int argc, char **argv)
{
        struct timespec pause = { 0 };
        time_t end;
        long rate;

        if (argc != 6) {
                fputs("usage: fsops INSIDE OUTSIDE SEED SECONDS RATE\n", stderr);
                return 2;
        }
        inside = argv[1];
        outside = argv[2];
        seed = strtoull(argv[3], NULL, 10) * 0x9e3779b97f4a7c15ULL + 1;
        end = time(NULL) + strtol(argv[4], NULL, 10);
        rate = strtol(argv[5], NULL, 10);
        pause.tv_nsec = 1000000000L / (rate > 1 ? rate : 2);
        signal(SIGTERM, on_term);
        signal(SIGBUS, on_bus);
        for (size_t i = 0; i < sizeof junk; i++)
                junk[i] = (char)rnd(256);
        while (!stopped && time(NULL) < end) {
                one();
                nanosleep(&pause, NULL);
        }
        return 0;
}
