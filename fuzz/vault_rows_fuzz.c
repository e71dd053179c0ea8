/* SPDX-License-Identifier: Apache-2.0 */
/* A file of sealed rows, read through an io table that serves the input in its place. */
#include "ledger/vault_priv.h"
#include "sys/crc32c.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span input;

static int open_input(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        return memfd_create("rows", MFD_CLOEXEC); /* a file, as it is asked to be */
}

/* The table of subjects is real; the rows are the input, with the checksum it should have. */
static ssize_t read_input(void *ctx, int fd, void *to, size_t n, off_t at)
{
        struct vault *v = ctx;
        uint32_t crc = crc32c(0, span_of(input.p, input.n > 4 ? input.n - 4 : 0));

        if (fd == v->subjects_fd)
                return io_kernel.pread(NULL, fd, to, n, at);
        n = MIN_OF(n, input.n - MIN_OF((size_t)at, input.n));
        for (size_t i = 0; i < n; i++) {
                size_t from = (size_t)at + i;

                ((uint8_t *)to)[i] = from + 4 < input.n || input.n < 5
                                             ? input.p[from]
                                             : (uint8_t)(crc >> 8 * (from + 4 - input.n));
        }
        return (ssize_t)n;
}

/* Two subjects, the second one erased. */
static struct vault *new_vault(void)
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
        assert(vault_erase(v, span_str(id), NULL) == 0);
        v->io.open = open_input;
        v->io.pread = read_input;
        v->io.ctx = v;
        return v;
}

static int ignore(void *ctx, struct span id, struct span disclosure)
{
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct vault *v;
        size_t erased = 0;
        int r;

        if (!v)
                v = new_vault();
        input = span_of(data, size);
        for (uint64_t index = 0; index < 2; index++) {
                r = vault_disclose(v, index, ignore, NULL, &erased, NULL);
                assert(r == 0 || r == -EBADMSG);
        }
        return 0;
}
