/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_vault.h - a vault whose table of subjects is real and whose row files are the input, served
 * by an io table in their place. */
#ifndef FUZZ_FUZZ_VAULT_H
#define FUZZ_FUZZ_VAULT_H

#include "../tests/ledger/erase_now.h"
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static struct span fuzz_rows;

static inline int fuzz_open_rows(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        return memfd_create("rows", MFD_CLOEXEC); /* a file, as it is asked to be */
}

/* With the checksum they should have. */
static inline ssize_t fuzz_read_rows(void *ctx, int fd, void *to, size_t n, off_t at)
{
        const struct span in = fuzz_rows;
        struct vault *v = ctx;
        uint32_t crc = crc32c(0, span_of(in.p, in.n > 4 ? in.n - 4 : 0));

        if (fd == v->subjects_fd)
                return io_kernel.pread(NULL, fd, to, n, at);
        n = MIN_OF(n, in.n - MIN_OF((size_t)at, in.n));
        for (size_t i = 0; i < n; i++) {
                size_t from = (size_t)at + i;

                ((uint8_t *)to)[i] = from + 4 < in.n || in.n < 5
                                             ? in.p[from]
                                             : (uint8_t)(crc >> 8 * (from + 4 - in.n));
        }
        return (ssize_t)n;
}

static inline int fuzz_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
        return remove(path);
}

/* Two subjects, the second one erased.  Its directory is gone, for it is open. */
static inline struct vault *fuzz_vault(void)
{
        struct vault_field f[] = { { SPAN("a"), SPAN("n"), SPAN("1") },
                                   { SPAN("b"), SPAN("n"), SPAN("1") } };
        CLEANUP(buf_done) struct buf rows = BUF_INIT(4096);
        char dir[] = "/tmp/assay-fuzz-XXXXXX", id[ENTRY_SUBJECT_LEN + 1];
        struct vault_sealed sealed;
        struct vault *v = NULL;
        int fd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        assert(vault_create(fd, &io_kernel, NULL) == 0);
        assert(vault_open(fd, &io_kernel, true, &v, NULL) == 0);
        assert(vault_seal(v, SPAN("e"), f, 2, &sealed, &rows, NULL) == 0);
        assert(vault_subject_of(v, SPAN("b"), id, NULL) == 0);
        assert(erase_now(v, span_str(id), NULL) == 0);
        assert(nftw(dir, fuzz_remove, 16, FTW_DEPTH | FTW_PHYS) == 0);
        v->io.open = fuzz_open_rows;
        v->io.pread = fuzz_read_rows;
        v->io.ctx = v;
        return v;
}

#endif
