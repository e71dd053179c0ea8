/* SPDX-License-Identifier: Apache-2.0 */
/* An archive is refused in words, or each path it lists is below it and can be read. */
#include "fuzz_io.h"
#include "ledger/read/source.h"

static int read_one(void *ctx, const char *path)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(SOURCE_FILE_MAX);

        assert(*path && *path != '/' && strncmp(path, "../", 3) != 0);
        return ((struct source *)ctx)->read(ctx, path, &b, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(source_freep) struct source *s = NULL;
        int fd = fuzz_file(data, size), room = -1;
        struct err err = { 0 };

        assert(source_tar_room("x", NULL, &room, NULL) == 0);
        if (source_tar(fd, "x", room, 1 << 16, &s, &err) < 0)
                return assert(!s && strncmp(err.text, "archive x", 9) == 0), close(fd);
        assert(s->list(s, read_one, s, NULL) == 0);
        return close(fd);
}
