/* SPDX-License-Identifier: Apache-2.0 */
/* who_short drive DIR SPARE COUNT - COUNT processes that live for a moment, each of which makes one
 * file in DIR, called KIND-NUMBER, and writes into it who it is: "pid creator uid".
 * who_short noise COUNT - COUNT processes that do nothing at all.
 * who_short run COUNT - COUNT programs that do nothing; one JSON object tells how long each took.
 *
 * Linked statically, so that it ends well below a millisecond after it began.  SPARE is a directory
 * on the same filesystem that is not watched.  One JSON object tells how long they lived. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 512, UIDS = 7, FIRST_UID = 2000, COUNT_MAX = 100000 };

extern char **environ;
static char self[PATH_BYTES];
static const char *spare;
static int image = -1; /* a memfd with this program in it */

static void fail(const char *what)
{
        fprintf(stderr, "who_short: %s: %s\n", what, strerror(errno));
        exit(2);
}

/* ---- the short life ---- */

static pid_t creator;

static void say(const char *path)
{
        char text[64];
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
        int n = snprintf(text, sizeof text, "%d %d %d\n", getpid(), creator, getuid());

        if (fd < 0 || write(fd, text, (size_t)n) != n)
                fail(path);
        close(fd);
}

static void *say_in_thread(void *path)
{
        say(path);
        return NULL;
}

/* As a daemon does: the one that writes has no parent of its own any more. */
static void say_as_daemon(const char *path)
{
        pid_t pid = fork();

        if (pid == 0) {
                setsid();
                creator = getpid();
                pid = fork();
                if (pid == 0)
                        say(path);
                _exit(0);
        }
        waitpid(pid, NULL, 0);
        /* until it has written, or this program would be done before it */
        for (struct stat st = { 0 }; stat(path, &st) < 0 || st.st_size == 0;)
                usleep(100);
}

static void live(const char *how, const char *path, const char *argument)
{
        pthread_t thread;
        uid_t uid;

        creator = getppid();
        if (strcmp(how, "setuid") == 0) {
                uid = (uid_t)strtoul(argument, NULL, 10);
                if (setresuid(uid, uid, uid) < 0)
                        fail("setresuid");
        } else if (strcmp(how, "renamed") == 0 && rename(self, argument) < 0) {
                fail("rename");
        } else if (strcmp(how, "deleted") == 0 && unlink(self) < 0) {
                fail("unlink");
        }
        if (strcmp(how, "thread") == 0) {
                if (pthread_create(&thread, NULL, say_in_thread, (void *)path) ||
                    pthread_join(thread, NULL))
                        fail("thread");
        } else if (strcmp(how, "daemon") == 0) {
                say_as_daemon(path);
        } else {
                say(path);
        }
}

/* ---- beginning them ---- */

static pid_t begin(const char *program, const char *const argv[])
{
        pid_t pid;
        int e = posix_spawn(&pid, program, NULL, NULL, (char *const *)argv, environ);

        if (e) {
                errno = e;
                fail(program);
        }
        return pid;
}

static pid_t begin_how(const char *program, const char *how, const char *path, const char *more)
{
        const char *const argv[] = { program, "live", how, path, more, NULL };

        return begin(program, argv);
}

static pid_t plain(const char *path, unsigned i)
{
        (void)i;
        return begin_how(self, "plain", path, "");
}

static pid_t other_user(const char *path, unsigned i)
{
        pid_t pid = fork();

        if (pid == 0) {
                uid_t uid = FIRST_UID + i % UIDS;

                if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                        _exit(2);
                execl(self, self, "live", "user", path, "", NULL);
                _exit(2);
        }
        return pid;
}

static pid_t changed_user(const char *path, unsigned i)
{
        char uid[16];

        snprintf(uid, sizeof uid, "%u", FIRST_UID + i % UIDS);
        return begin_how(self, "setuid", path, uid);
}

static pid_t forked(const char *path, unsigned i)
{
        pid_t pid = fork();

        (void)i;
        if (pid == 0) {
                creator = getppid();
                say(path);
                _exit(0);
        }
        return pid;
}

static pid_t threaded(const char *path, unsigned i)
{
        (void)i;
        return begin_how(self, "thread", path, "");
}

static pid_t daemonic(const char *path, unsigned i)
{
        (void)i;
        return begin_how(self, "daemon", path, "");
}

/* A name of its own for this program. */
static void name_spare(const char *what, unsigned i, char out[PATH_BYTES])
{
        snprintf(out, PATH_BYTES, "%s/%s-%u", spare, what, i);
}

static pid_t renamed(const char *path, unsigned i)
{
        char name[PATH_BYTES], other[PATH_BYTES];

        name_spare("before", i, name);
        name_spare("after", i, other);
        if (link(self, name) < 0)
                fail(name);
        return begin_how(name, "renamed", path, other);
}

static pid_t deleted(const char *path, unsigned i)
{
        char name[PATH_BYTES];

        name_spare("deleted", i, name);
        if (link(self, name) < 0)
                fail(name);
        return begin_how(name, "deleted", path, "");
}

static pid_t in_memory(const char *path, unsigned i)
{
        pid_t pid = fork();

        (void)i;
        if (pid == 0) {
                const char *const argv[] = { "in-memory", "live", "memfd", path, "", NULL };

                syscall(SYS_execveat, image, "", argv, environ, AT_EMPTY_PATH);
                _exit(2);
        }
        return pid;
}

static pid_t shell(const char *script)
{
        const char *const argv[] = { "sh", "-c", script, NULL };

        return begin("/bin/sh", argv);
}

static pid_t by_shell(const char *path, unsigned i)
{
        char script[2 * PATH_BYTES];

        (void)i;
        snprintf(script, sizeof script, "echo $$ $PPID %d >%s", getuid(), path);
        return shell(script);
}

static pid_t by_subshell(const char *path, unsigned i)
{
        char script[2 * PATH_BYTES];

        (void)i; /* a subshell does not know its own number: 0 */
        snprintf(script, sizeof script, "(echo 0 $$ %d >%s); :", getuid(), path);
        return shell(script);
}

static const struct {
        const char *name;
        pid_t (*begin)(const char *path, unsigned i);
} kinds[] = {
        { "plain", plain },     { "user", other_user },      { "setuid", changed_user },
        { "fork", forked },     { "thread", threaded },      { "daemon", daemonic },
        { "renamed", renamed }, { "deleted", deleted },      { "memfd", in_memory },
        { "shell", by_shell },  { "subshell", by_subshell },
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- all of them ---- */

static int64_t now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void open_image(void)
{
        int fd = open(self, O_RDONLY | O_CLOEXEC);
        struct stat st;

        image = memfd_create("image", MFD_CLOEXEC);
        if (fd < 0 || image < 0 || fstat(fd, &st) < 0 ||
            sendfile(image, fd, NULL, (size_t)st.st_size) != st.st_size)
                fail("memfd");
        close(fd);
}

static int by_size(const void *a, const void *b)
{
        const int64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static int drive(const char *dir, unsigned count)
{
        int64_t *lived = calloc(count, sizeof *lived);
        unsigned short_lived = 0;

        if (!lived || count == 0)
                fail("count");
        open_image();
        for (unsigned i = 0; i < count; i++) {
                char path[PATH_BYTES];
                int status;

                snprintf(path, sizeof path, "%s/%s-%u", dir, kinds[i % KINDS].name, i / KINDS);
                lived[i] = -now();
                if (waitpid(kinds[i % KINDS].begin(path, i / KINDS), &status, 0) < 0 || status)
                        fail(path);
                lived[i] += now();
                short_lived += lived[i] < 1000000;
        }
        qsort(lived, count, sizeof *lived, by_size);
        printf("{\"processes\": %u, \"under_1_ms\": %u, \"median_us\": %lld, \"p99_us\": %lld}\n",
               count, short_lived, (long long)lived[count / 2] / 1000,
               (long long)lived[count * 99ULL / 100] / 1000);
        free(lived);
        return 0;
}

static void begin_nothing(void)
{
        pid_t pid = vfork();

        if (pid == 0)
                _exit(0);
        if (waitpid(pid, NULL, 0) != pid)
                fail("vfork");
}

static int noise(unsigned count)
{
        while (count--)
                begin_nothing();
        return 0;
}

static int run(unsigned count)
{
        const char *const argv[] = { self, "nothing", NULL };
        int64_t began = now();

        for (unsigned i = 0; i < count; i++)
                if (waitpid(begin(self, argv), NULL, 0) < 0)
                        fail("wait");
        printf("{\"each_us\": %.1f}\n", (double)(now() - began) / 1000 / count);
        return 0;
}

int main(int argc, char **argv)
{
        ssize_t n;

        if (argc == 2 && strcmp(argv[1], "nothing") == 0)
                return 0;
        if (argc == 5 && strcmp(argv[1], "live") == 0) {
                snprintf(self, sizeof self, "%s", argv[0]);
                live(argv[2], argv[3], argv[4]);
                return 0;
        }
        n = readlink("/proc/self/exe", self, sizeof self - 1);
        if (n < 0)
                fail("/proc/self/exe");
        self[n] = '\0';
        if (argc == 3 && strcmp(argv[1], "noise") == 0)
                return noise((unsigned)strtoul(argv[2], NULL, 10));
        if (argc == 3 && strcmp(argv[1], "run") == 0)
                return run((unsigned)strtoul(argv[2], NULL, 10));
        if (argc != 5 || strcmp(argv[1], "drive") != 0 || strtoul(argv[4], NULL, 10) > COUNT_MAX) {
                fprintf(stderr,
                        "usage: who_short drive DIR SPARE COUNT | noise COUNT | run COUNT\n");
                return 2;
        }
        spare = argv[3];
        return drive(argv[2], (unsigned)strtoul(argv[4], NULL, 10));
}
