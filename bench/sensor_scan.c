/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_scan - time of a baseline, a quick and a deep check of directories, and the memory they
 * take.
 *
 *   sensor_scan DIRECTORY...     prints one JSON object */
#include "integrity/check.h"
#include "sys/io.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WORKERS = 2 };

static double since(int64_t start)
{
        return (double)(clock_mono(&sysclock) - start) / 1e9;
}

static int count(void *ctx, struct span path, const struct record *was, const struct record *is,
                 unsigned differs)
{
        (void)path;
        (void)was;
        (void)is;
        (void)differs;
        ++*(uint64_t *)ctx;
        return 0;
}

static double check(const char *dir, bool deep, struct err *err)
{
        uint64_t differences = 0;
        struct check_options o = { .state_dir = dir,
                                   .deep = deep,
                                   .workers = WORKERS,
                                   .report = count,
                                   .ctx = &differences };
        struct check_result r;
        int64_t start = clock_mono(&sysclock);

        if (check_run(&o, &r, err) < 0 || differences) {
                fprintf(stderr, "check: %llu differences, %s\n", (unsigned long long)differences,
                        err_text(err));
                exit(1);
        }
        return since(start);
}

int main(int argc, char **argv)
{
        char dir[] = "/tmp/sensor-scan-XXXXXX", file[64];
        struct snapshot_head head = { .taken_ns = clock_wall(&sysclock) };
        double baseline, written, quick, deep;
        struct watchset w = { 0 };
        struct scan_counts counts;
        struct err err = { 0 };
        struct rusage usage;
        struct table *t;
        int64_t start;
        int fd, rc = 0;

        for (int i = 1; i < argc && rc == 0; i++)
                rc = watchset_add(&w, span_str(argv[i]), false, &err);
        if (argc < 2 || rc < 0 || !mkdtemp(dir) || table_new(&t, &err) < 0) {
                fprintf(stderr, "usage: sensor_scan DIRECTORY...  %s\n", err.text);
                return 2;
        }
        start = clock_mono(&sysclock);
        rc = check_collect(&w, WORKERS, t, &counts, &err);
        baseline = since(start);
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (rc == 0)
                rc = snapshot_write(&io_kernel, fd, "baseline", &w, t, &head, &err);
        written = since(start);
        t = table_free(t);
        if (rc < 0) {
                fprintf(stderr, "%s\n", err_text(&err));
                return 1;
        }
        quick = check(dir, false, &err);
        deep = check(dir, true, &err);
        getrusage(RUSAGE_SELF, &usage);
        printf("{\"files\":%llu,\"baseline_s\":%.3f,\"with_file_s\":%.3f,\"quick_s\":%.3f,"
               "\"deep_s\":%.3f,\"rss_mib\":%ld}\n",
               (unsigned long long)counts.files, baseline, written, quick, deep,
               usage.ru_maxrss / 1024);
        snprintf(file, sizeof file, "%s/baseline", dir);
        unlink(file);
        rmdir(dir);
        watchset_done(&w);
        close(fd);
        return 0;
}
