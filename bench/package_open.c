/* SPDX-License-Identifier: Apache-2.0 */
/* package_open - how long a worker's loop stands still when a package is deployed.
 *
 *   package_open FILE      read, verified by nobody's key, compiled, made ready to serve; prints
 * one JSON object, milliseconds: the median and the worst of 20
 *
 * The package has neither limits nor a cache. */
#include "gateway/exchange/serving.h"
#include "package/registry/live.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TIMES = 20 };

static void die(const struct err *err)
{
        fprintf(stderr, "package_open: %s\n", err_text(err));
        exit(1);
}

static double now_ms(void)
{
        return (double)clock_mono(&sysclock) / 1e6;
}

static int compare_double(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static void print(const char *name, double *times)
{
        qsort(times, TIMES, sizeof *times, compare_double);
        printf("\"%s_ms\":%.1f,\"%s_worst_ms\":%.1f", name, times[TIMES / 2], name,
               times[TIMES - 1]);
}

int main(int argc, char **argv)
{
        double opened[TIMES], served[TIMES], begun;
        int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
        struct gateway gateway = { 0 };
        struct err err = { 0 };

        if (fd < 0) {
                fprintf(stderr, "usage: package_open FILE\n");
                return 2;
        }
        for (int i = 0; i < TIMES; i++) {
                struct generation *g = NULL;
                struct package *p = NULL;
                struct serving *s = NULL;

                begun = now_ms();
                if (package_open(fd, NULL, 0, &p, &err) < 0)
                        die(&err);
                opened[i] = now_ms() - begun;
                begun = now_ms();
                if (generation_new(1, &p, 1, &g) < 0 || serving_new(&gateway, g, &s, &err) < 0)
                        die(&err);
                served[i] = now_ms() - begun;
                serving_unref(s);
                generation_unref(g);
                package_unref(p);
        }
        printf("{");
        print("open", opened);
        printf(",");
        print("serve", served);
        printf("}\n");
        close(fd);
        return 0;
}
