/* SPDX-License-Identifier: Apache-2.0 */
/* vault_subjects - what subjects of the vault cost: memory, disk, a new one, an old one, the start.
 *
 *   vault_subjects DIR N      N subjects in a vault in DIR, which is left there; prints one JSON
 *                             object
 *
 * A new subject has to be durable before an entry that speaks of it: `new_*` are of one alone, the
 * worst there is; a recorder under load syncs all of a batch at once. */
#include "ledger/vault/vault.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 4096, SINGLE = 500, LOOKUPS = 200000, ROWS_MAX = 4096 };

static void die(const struct err *err)
{
        fprintf(stderr, "vault_subjects: %s\n", err_text(err));
        exit(1);
}

static double now(void)
{
        return (double)clock_mono(&sysclock) / 1e9;
}

static int compare_double(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static void seal_one(struct vault *v, unsigned long n, struct buf *rows)
{
        struct vault_sealed sealed;
        struct err err = { 0 };
        char label[32];
        struct vault_field f = { .name = SPAN("what.object"), .value = SPAN("\"x\"") };

        snprintf(label, sizeof label, "Account:%lu", n);
        f.subject = span_str(label);
        buf_clear(rows);
        if (vault_seal(v, SPAN("01JD8Z3R9M-web1-4-8812"), &f, 1, &sealed, rows, &err) < 0)
                die(&err);
}

static void sync_all(struct vault *v)
{
        struct err err = { 0 };

        if (vault_sync(v, &err) < 0)
                die(&err);
}

static double open_all(int fd, struct vault **ret)
{
        struct err err = { 0 };
        double begun = now();

        if (vault_open(fd, &io_kernel, true, ret, &err) < 0)
                die(&err);
        return now() - begun;
}

/* Seconds of the slowest one: a table that grows holds up all writers. */
static double make_all(struct vault *v, unsigned long n, struct buf *rows)
{
        double worst = 0, begun;

        for (unsigned long i = 0; i < n; i++) {
                begun = now();
                seal_one(v, i, rows);
                worst = MAX_OF(worst, now() - begun);
                if (i % BATCH == 0)
                        sync_all(v);
        }
        sync_all(v);
        return worst;
}

static void time_new(struct vault *v, unsigned long from, struct buf *rows, double *times)
{
        for (unsigned long i = 0; i < SINGLE; i++) {
                double begun = now();

                seal_one(v, from + i, rows);
                sync_all(v);
                times[i] = now() - begun;
        }
        qsort(times, SINGLE, sizeof *times, compare_double);
}

static double time_known(struct vault *v, unsigned long n, struct buf *rows)
{
        unsigned long at = 1;
        double begun = now();

        for (int i = 0; i < LOOKUPS; i++, at = (at * 6364136223846793005UL + 1442695040888963407UL))
                seal_one(v, (at >> 20) % n, rows);
        return (now() - begun) / LOOKUPS;
}

static double time_find(struct vault *v, unsigned long n)
{
        char label[32], id[ENTRY_SUBJECT_LEN + 1];
        struct err err = { 0 };
        uint32_t slot;
        double begun;

        snprintf(label, sizeof label, "Account:%lu", n - 1);
        if (vault_subject_of(v, span_str(label), id, &err) < 0)
                die(&err);
        begun = now();
        if (vault_slot_of(v, span_str(id), &slot, &err) < 0)
                die(&err);
        return now() - begun;
}

/* What judging a ledger asks of a vault: whether each of its subjects is erased. */
static double time_erased(struct vault *v, int fd, unsigned long n)
{
        char label[32], (*id)[ENTRY_SUBJECT_LEN + 1] = calloc(n, sizeof *id);
        struct vault *reader = NULL;
        struct err err = { 0 };
        double begun;

        for (unsigned long i = 0; id && i < n; i++) {
                snprintf(label, sizeof label, "Account:%lu", i);
                if (vault_subject_of(v, span_str(label), id[i], &err) < 0)
                        die(&err);
        }
        if (!id || vault_open(fd, &io_kernel, false, &reader, &err) < 0)
                die(&err);
        begun = now();
        for (unsigned long i = 0; i < n; i++)
                if (vault_is_erased(reader, span_str(id[i]), &err) != 0)
                        exit(1); /* nobody is: the answer costs the same */
        begun = now() - begun;
        vault_free(reader);
        free(id);
        return begun;
}

int main(int argc, char **argv)
{
        unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
        int fd = n ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        struct buf rows = BUF_INIT(ROWS_MAX);
        double worst, opened, known, found, asked, times[SINGLE];
        struct err err = { 0 };
        struct vault *v = NULL;
        size_t before, memory;
        struct stat st;

        if (fd < 0) {
                fprintf(stderr, "usage: vault_subjects DIR N\n");
                return 2;
        }
        if (vault_create(fd, &io_kernel, &err) < 0)
                die(&err);
        open_all(fd, &v);
        worst = make_all(v, n, &rows);
        vault_free(v);
        malloc_trim(0);
        before = mallinfo2().uordblks + mallinfo2().hblkhd;
        opened = open_all(fd, &v);
        memory = mallinfo2().uordblks + mallinfo2().hblkhd - before;
        known = time_known(v, n, &rows);
        found = time_find(v, n);
        asked = time_erased(v, fd, n);
        time_new(v, n, &rows, times);
        if (fstatat(fd, "keys/subjects", &st, 0) < 0)
                return 1;
        printf("{\"subjects\":%lu,\"memory\":%zu,\"disk\":%lld,\"open_s\":%.3f,\"known_ns\":%.0f,"
               "\"find_id_ms\":%.1f,\"each_erased_s\":%.3f,\"slowest_ms\":%.2f,\"new_p50_us\":%.0f,\"new_p99_us\":%.0f}\n",
               n, memory, (long long)st.st_size, opened, known * 1e9, found * 1e3, asked,
               worst * 1e3, times[SINGLE / 2] * 1e6, times[SINGLE * 99 / 100] * 1e6);
        vault_free(v);
        buf_done(&rows);
        close(fd);
        return 0;
}
