/* SPDX-License-Identifier: Apache-2.0 */
/* archive_maker.h - tar (ustar) and ar (deb(5)) by hand, so that they can be wrong in every way. */
#ifndef TESTS_JOB_ARCHIVE_MAKER_H
#define TESTS_JOB_ARCHIVE_MAKER_H

#include "base/buf.h"

#include <stdio.h>

struct tar_entry {
        const char *name;
        char type;        /* '0' file, '1' hard link, '2' symbolic link, '5' directory, ... */
        const char *link; /* NULL: none */
        struct span content;
        unsigned mode, uid, gid;
        const char *user, *group; /* NULL: root */
};

enum { TAR_BLOCK = 512 };

static inline void tar_put_zeros(struct buf *b, size_t n)
{
        while (n-- > 0)
                buf_put_byte(b, 0);
}

static inline void tar_put_header(struct buf *b, const struct tar_entry *e, size_t size)
{
        char h[TAR_BLOCK] = { 0 };
        unsigned sum = 0;

        memcpy(h, e->name, strnlen(e->name, 100));
        snprintf(h + 100, 8, "%07o", e->mode);
        snprintf(h + 108, 8, "%07o", e->uid);
        snprintf(h + 116, 8, "%07o", e->gid);
        snprintf(h + 124, 12, "%011zo", size);
        snprintf(h + 136, 12, "%011o", 1700000000u);
        memset(h + 148, ' ', 8);
        h[156] = e->type;
        if (e->link)
                memcpy(h + 157, e->link, strnlen(e->link, 100));
        memcpy(h + 257, "ustar\00000", 8);
        snprintf(h + 265, 32, "%s", e->user ? e->user : "root");
        snprintf(h + 297, 32, "%s", e->group ? e->group : "root");
        snprintf(h + 329, 8, "%07o", 8u);
        snprintf(h + 337, 8, "%07o", 1u);
        for (size_t i = 0; i < sizeof h; i++)
                sum += (unsigned char)h[i];
        snprintf(h + 148, 8, "%06o", sum);
        buf_put(b, span_of(h, sizeof h));
}

static inline void tar_put(struct buf *b, const struct tar_entry *e)
{
        tar_put_header(b, e, e->content.n);
        buf_put(b, e->content);
        tar_put_zeros(b, (TAR_BLOCK - e->content.n % TAR_BLOCK) % TAR_BLOCK);
}

static inline void tar_end(struct buf *b)
{
        tar_put_zeros(b, 2 * (size_t)TAR_BLOCK);
}

static inline void ar_put(struct buf *b, const char *name, struct span content)
{
        buf_printf(b, "%-16s%-12s%-6s%-6s%-8s%-10zu`\n", name, "0", "0", "0", "100644", content.n);
        buf_put(b, content);
        if (content.n % 2)
                buf_put_byte(b, '\n');
}

#endif
