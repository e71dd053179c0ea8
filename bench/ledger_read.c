/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_read - proofs and verification of a published log, in processor time of one core.
 *
 *   ledger_read DIR VKEY      prints one JSON object */
#include "ledger/read/source.h"
#include "ledger/read/tree.h"
#include "ledger/signing/signer.h"
#include "ledger/verify/verify.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PROOFS = 200000, HOT = 4096 };

static double cpu(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const struct err *err)
{
        fprintf(stderr, "ledger_read: %s: %s\n", what, err_text(err));
        exit(1);
}

/* Entries of one pass a second of processor time. */
static double pass_rate(struct source *s, const struct note_vkey *key, unsigned pass)
{
        struct verify_options o = { .source = s, .keys = key, .n_keys = 1, .passes = pass };
        struct verify_result v;
        struct err err = { 0 };
        double begun = cpu();

        if (verify_log(&o, &v, &err) < 0)
                die("verify", &err);
        if (v.verdict == VERDICT_FAIL) {
                fputs("ledger_read: the log is damaged\n", stderr);
                exit(1);
        }
        return (double)v.size / (cpu() - begun);
}

/* Mean of proofs over indices whose tiles are cached. */
static double proof_us(struct source *s, uint64_t size)
{
        struct hash proof[PROOF_MAX];
        struct tree *t = NULL;
        struct err err = { 0 };
        double begun = 0;
        size_t n;

        if (tree_new(s, size, 256, &t, &err) < 0)
                die("tree", &err);
        for (int i = -HOT; i < PROOFS; i++) {
                uint64_t index = size - 1 - (uint64_t)(i + HOT) * 7 % (size < HOT ? size : HOT);

                if (i == 0)
                        begun = cpu();
                if (tree_prove_inclusion(t, index, proof, &n, &err) < 0)
                        die("proof", &err);
        }
        begun = cpu() - begun;
        tree_free(t);
        return begun / PROOFS * 1e6;
}

int main(int argc, char **argv)
{
        struct verify_options o;
        struct verify_result v;
        struct note_vkey key;
        struct source *s = NULL;
        struct err err = { 0 };
        double hash, meaning;
        int fd;

        if (argc != 3) {
                fputs("usage: ledger_read DIR VKEY\n", stderr);
                return 2;
        }
        fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || source_dir(fd, argv[1], &s, &err) < 0)
                die(argv[1], &err);
        if (verifier_parse(span_str(argv[2]), &key, &err) < 0)
                die("key", &err);
        o = (struct verify_options){ .source = s, .keys = &key, .n_keys = 1 };
        if (verify_log(&o, &v, &err) < 0) /* warm, and to know the size */
                die("verify", &err);
        hash = pass_rate(s, &key, VERIFY_HASH);
        meaning = pass_rate(s, &key, VERIFY_MEANING);
        printf("{\"hash_per_s\":%.0f,\"meaning_per_s\":%.0f,\"proof_us\":%.3f,\"size\":%llu}\n",
               hash, meaning, proof_us(s, v.size), (unsigned long long)v.size);
        source_free(s);
        return 0;
}
