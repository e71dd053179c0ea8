/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: every byte of an object is hostile; whether it is the one its name says, libgit2 checks
 * afterwards (GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION). */
#include "job/loose.h"

#include "base/text.h"
#include "sys/io.h"

#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* ---- one object ---- */

static int begin(z_stream *z, struct span packed)
{
        *z = (z_stream){ .next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n };
        if (packed.n > UINT32_MAX)
                return -EBADMSG;
        return inflateInit(z) == Z_OK ? 0 : -ENOMEM;
}

/* Exactly n bytes; *ret_end: and the stream has ended there. */
static int take(z_stream *z, uint8_t *out, size_t n, bool *ret_end)
{
        int r = Z_OK;

        z->next_out = out;
        z->avail_out = (uInt)n;
        while (r == Z_OK && z->avail_out > 0)
                r = inflate(z, Z_SYNC_FLUSH);
        *ret_end = r == Z_STREAM_END;
        if (r == Z_MEM_ERROR)
                return -ENOMEM;
        return z->avail_out == 0 && (r == Z_OK || r == Z_STREAM_END) ? 0 : -EBADMSG;
}

static int parse(const uint8_t *head, size_t n, struct loose *ret)
{
        const uint8_t *end = memchr(head, '\0', n), *blank = memchr(head, ' ', n);
        struct loose l;
        uint64_t size;
        char type[LOOSE_HEADER_MAX];

        if (!end || !blank || blank > end)
                return -EBADMSG;
        memcpy(type, head, (size_t)(blank - head));
        type[blank - head] = '\0';
        l.type = git_object_string2type(type);
        if (!git_object_typeisloose(l.type) ||
            text_to_u64(span_of(blank + 1, (size_t)(end - blank - 1)), &size) < 0 ||
            size > UINT32_MAX)
                return -EBADMSG;
        l.size = size;
        l.header = (size_t)(end - head) + 1;
        *ret = l;
        return 0;
}

int loose_header(struct span packed, struct loose *ret)
{
        uint8_t head[LOOSE_HEADER_MAX];
        bool end;
        z_stream z;
        size_t n;
        int r = begin(&z, packed);

        if (r < 0)
                return r;
        r = take(&z, head, sizeof head, &end);
        n = sizeof head - z.avail_out; /* fewer, where that is the whole object */
        inflateEnd(&z);
        return r == -ENOMEM ? r : parse(head, n, ret);
}

int loose_content(struct span packed, const struct loose *l, uint8_t *out)
{
        uint8_t head[LOOSE_HEADER_MAX], over;
        bool end = false;
        z_stream z;
        int r = begin(&z, packed);

        if (r < 0)
                return r;
        r = take(&z, head, l->header, &end);
        if (r == 0 && l->size > 0)
                r = end ? -EBADMSG : take(&z, out, l->size, &end);
        if (r == 0 && !end) { /* the end may be all that is missing */
                z.next_out = &over;
                z.avail_out = 1;
                end = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out == 1;
        }
        if (r == 0 && (!end || z.avail_in > 0))
                r = -EBADMSG;
        inflateEnd(&z);
        return r;
}

/* ---- the backend ---- */

struct backend {
        git_odb_backend b; /* first: libgit2 knows it by this */
        int dirfd;
        size_t max;
};

struct mapped {
        void *p;
        size_t n;
};

static int refuse(const char *what)
{
        git_error_set_str(GIT_ERROR_ODB, what);
        return GIT_ERROR;
}

static int map_object(const struct backend *b, const git_oid *id, struct mapped *ret)
{
        char path[GIT_OID_HEXSZ + 2];
        CLEANUP_FD int fd = -1;
        struct stat st;

        git_oid_pathfmt(path, id);
        path[sizeof path - 1] = '\0';
        fd = openat(b->dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? GIT_ENOTFOUND
                                                           : refuse("object cannot be opened");
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
            (uint64_t)st.st_size > UINT32_MAX)
                return refuse("object is no file, or none that can be read");
        ret->n = (size_t)st.st_size;
        ret->p = mmap(NULL, ret->n, PROT_READ, MAP_PRIVATE, fd, 0);
        return ret->p == MAP_FAILED ? refuse("object cannot be mapped") : 0;
}

static int on_exists(git_odb_backend *b, const git_oid *id)
{
        char path[GIT_OID_HEXSZ + 2];

        git_oid_pathfmt(path, id);
        path[sizeof path - 1] = '\0';
        return faccessat(((struct backend *)b)->dirfd, path, F_OK, 0) == 0;
}

static int on_header(size_t *size, git_object_t *type, git_odb_backend *b, const git_oid *id)
{
        struct mapped m;
        struct loose l;
        int r = map_object((struct backend *)b, id, &m);

        if (r < 0)
                return r;
        r = loose_header(span_of(m.p, m.n), &l);
        munmap(m.p, m.n);
        if (r < 0)
                return refuse("object is none");
        *size = l.size;
        *type = l.type;
        return 0;
}

static int unpack(struct backend *b, struct span packed, void **data, struct loose *l)
{
        uint8_t *p;
        int r = loose_header(packed, l);

        if (r < 0)
                return refuse("object is none");
        if (l->size > b->max)
                return refuse("object is too large");
        p = git_odb_backend_data_alloc(&b->b, l->size + 1);
        if (!p)
                return GIT_ERROR;
        p[l->size] = '\0'; /* as libgit2's own leave one */
        r = loose_content(packed, l, p);
        if (r < 0) {
                git_odb_backend_data_free(&b->b, p);
                return refuse("object is cut, or longer than it says");
        }
        *data = p;
        return 0;
}

static int on_read(void **data, size_t *size, git_object_t *type, git_odb_backend *b,
                   const git_oid *id)
{
        struct mapped m;
        struct loose l;
        int r = map_object((struct backend *)b, id, &m);

        if (r < 0)
                return r;
        r = unpack((struct backend *)b, span_of(m.p, m.n), data, &l);
        munmap(m.p, m.n);
        if (r == 0) {
                *size = l.size;
                *type = l.type;
        }
        return r;
}

static void on_free(git_odb_backend *backend)
{
        struct backend *b = (struct backend *)backend;

        fd_close(&b->dirfd);
        free(b);
}

int loose_backend(const char *objects, size_t max, git_odb_backend **ret)
{
        struct backend *b = calloc(1, sizeof *b);

        if (!b)
                return refuse("no memory");
        b->max = max;
        b->dirfd = open(objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (b->dirfd < 0) {
                free(b);
                return refuse("no directory of objects");
        }
        b->b.version = GIT_ODB_BACKEND_VERSION;
        b->b.read = on_read;
        b->b.read_header = on_header;
        b->b.exists = on_exists;
        b->b.free = on_free;
        *ret = &b->b;
        return 0;
}
