/* SPDX-License-Identifier: Apache-2.0 */
/* clock_shift.c - preloaded: the time of day is as many seconds ahead as CLOCK_SHIFT's file has, an
 * int64_t that may change at any time.  Clocks that only go forward are the system's. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *seconds;

/* Before any rights are given away; what forks later shares it. */
__attribute__((constructor)) static void open_shift(void)
{
        const char *path = getenv("CLOCK_SHIFT");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *at = MAP_FAILED;

        if (fd >= 0) {
                at = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, fd, 0);
                (void)close(fd);
        }
        if (at == MAP_FAILED)
                abort();
        seconds = at;
}

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
        static int (*real)(clockid_t, struct timespec *);
        int rc;

        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
        rc = real(clock_id, tp);
        if (rc == 0 && (clock_id == CLOCK_REALTIME || clock_id == CLOCK_REALTIME_COARSE))
                tp->tv_sec += *seconds;
        return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
        struct timespec ts;

        (void)tz;
        if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
                return -1;
        tv->tv_sec = ts.tv_sec;
        tv->tv_usec = ts.tv_nsec / 1000;
        return 0;
}

time_t time(time_t *timer)
{
        struct timespec ts = { 0 };

        (void)clock_gettime(CLOCK_REALTIME, &ts);
        if (timer)
                *timer = ts.tv_sec;
        return ts.tv_sec;
}
