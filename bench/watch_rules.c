/* SPDX-License-Identifier: Apache-2.0 */
/* watch_rules - what it costs to ask which profile has a name: as a scan asks, directory by
 * directory, and as an event does, by the whole path.
 *
 *   watch_rules FILES     as many names in a tree like /usr; the rules that ship, as lines on
 *                         standard input.  Prints one JSON object. */
#include "integrity/watching/watchset.h"
#include "sys/sysclock.h"

#include <stdio.h>
#include <stdlib.h>

enum { DIRECTORY = 40 }; /* names in one */

static size_t put_dir(char *out, size_t max, size_t i)
{
        static const char *const tops[] = { "/usr/lib/x86_64-linux-gnu", "/usr/lib/python3", "/etc",
                                            "/home/someone", "/srv/www/site" };

        return (size_t)snprintf(out, max, "%s/%zu/sub%zu", tops[i % ARRAY_LEN(tops)], i / 50,
                                i % 50);
}

static size_t put_name(char *out, size_t max, size_t i)
{
        return (size_t)snprintf(out, max, "lib%zu.%s", i, i % 3 ? "so.1" : "conf");
}

static double by_name(const struct watchset *w, size_t files, size_t *ret_watched)
{
        int64_t start = clock_mono(&sysclock);
        struct watch_at dir, at;
        char text[256];

        *ret_watched = 0;
        for (size_t i = 0; i < files; i++) {
                if (i % DIRECTORY == 0)
                        watch_at_path(w, span_of(text, put_dir(text, sizeof text, i / DIRECTORY)),
                                      &dir);
                watch_at_name(w, &dir, span_of(text, put_name(text, sizeof text, i)), &at);
                *ret_watched += watch_at_rule(w, &at) != NULL;
        }
        return (double)(clock_mono(&sysclock) - start) / (double)files;
}

static double by_path(const struct watchset *w, size_t files, size_t *ret_watched)
{
        int64_t start = clock_mono(&sysclock);
        char text[256];

        *ret_watched = 0;
        for (size_t i = 0; i < files; i++) {
                size_t n = put_dir(text, sizeof text, i / DIRECTORY);

                text[n++] = '/';
                n += put_name(text + n, sizeof text - n, i);
                *ret_watched += watchset_covers(w, span_of(text, n));
        }
        return (double)(clock_mono(&sysclock) - start) / (double)files;
}

int main(int argc, char **argv)
{
        size_t files = argc == 2 ? strtoul(argv[1], NULL, 10) : 0, one, other;
        static char line[WATCH_LINE_MAX + 2];
        struct watchset w = { 0 };
        struct err err = { 0 };
        double name, path;
        int rc = 0;

        while (rc == 0 && fgets(line, sizeof line, stdin))
                rc = watchset_take(&w, span_of(line, strcspn(line, "\n")), &err);
        if (files == 0 || rc < 0 || w.n == 0) {
                fprintf(stderr, "usage: watch_rules FILES <LINES  %s\n", err.text);
                return 2;
        }
        name = by_name(&w, files, &one);
        path = by_path(&w, files, &other);
        if (one != other) {
                fprintf(stderr, "%zu names and %zu paths are watched\n", one, other);
                return 1;
        }
        printf("{\"files\":%zu,\"patterns\":%zu,\"watched\":%zu,\"name_ns\":%.1f,\"path_ns\":%.1f}\n",
               files, w.n, one, name, path);
        watchset_done(&w);
        return 0;
}
