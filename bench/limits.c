/* SPDX-License-Identifier: Apache-2.0 */
/* limits - what this machine can do at best: hash leaves and nodes, sync 64 KiB groups.
 *
 *   limits DIR      prints one JSON object; DIR is on the file system to be measured
 *
 * Hashing is measured against OpenSSL itself, with a digest fetched once and a context kept, not
 * against our own wrapper. */
#include "sys/io.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { GROUP = 64 * 1024, FILE_BYTES = 64 * 1024 * 1024, SYNCS = 2000, LEAF = 257, NODE = 65 };

static double now(void)
{
        return (double)clock_mono(&sysclock) / 1e9;
}

static double hash_rate(const EVP_MD *md, EVP_MD_CTX *ctx, size_t n)
{
        static uint8_t data[512], out[32];
        unsigned long done = 0;
        double begun = now();

        while (now() - begun < 1.0)
                for (int i = 0; i < 2000; i++, done++) {
                        data[1] = (uint8_t)i;
                        if (EVP_DigestInit_ex2(ctx, md, NULL) != 1 ||
                            EVP_DigestUpdate(ctx, data, n) != 1 ||
                            EVP_DigestFinal_ex(ctx, out, NULL) != 1)
                                exit(1);
                }
        return (double)done / (now() - begun);
}

static int compare_double(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* A file written before, as a segment is, and groups synced into it one after the other. */
static void sync_times(const char *dir, double *times)
{
        static uint8_t group[GROUP];
        char path[4096];
        int fd;

        snprintf(path, sizeof path, "%s/limits.tmp", dir);
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0) {
                perror(path);
                exit(1);
        }
        for (off_t at = 0; at < FILE_BYTES; at += GROUP)
                if (pwrite(fd, group, GROUP, at) != GROUP)
                        exit(1);
        if (fsync(fd) < 0)
                exit(1);
        memset(group, 'x', sizeof group);
        for (int i = 0; i < SYNCS; i++) {
                double begun = now();

                if (pwrite(fd, group, GROUP, (off_t)i % (FILE_BYTES / GROUP) * GROUP) != GROUP ||
                    fdatasync(fd) < 0)
                        exit(1);
                times[i] = now() - begun;
        }
        close(fd);
        unlink(path);
        qsort(times, SYNCS, sizeof *times, compare_double);
}

int main(int argc, char **argv)
{
        static double times[SYNCS];
        double total = 0;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        EVP_MD *md = EVP_MD_fetch(NULL, "SHA2-256", NULL);

        if (argc != 2 || !ctx || !md) {
                fputs("usage: limits DIR\n", stderr);
                return 2;
        }
        sync_times(argv[1], times);
        for (int i = 0; i < SYNCS; i++)
                total += times[i];
        printf("{\"leaf_per_s\":%.0f,\"node_per_s\":%.0f,\"sync_p50_us\":%.1f,\"sync_p99_us\":%.1f,"
               "\"sync_per_s\":%.0f}\n",
               hash_rate(md, ctx, LEAF), hash_rate(md, ctx, NODE), times[SYNCS / 2] * 1e6,
               times[SYNCS * 99 / 100] * 1e6, SYNCS / total);
        EVP_MD_free(md);
        EVP_MD_CTX_free(ctx);
        return 0;
}
