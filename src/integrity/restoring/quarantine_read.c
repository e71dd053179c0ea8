/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine_read.c - what is in quarantine, without opening it for writing. */
#include "integrity/restoring/quarantine.h"

#include "sys/io.h"
#include "sys/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int quarantine_read(const struct io *io, int dirfd, const char *id, struct buf *text,
                    struct quarantine_item *ret, struct err *err)
{
        char path[sizeof "quarantine/items/" + QUARANTINE_ID];
        uint8_t *p = NULL;
        size_t n = 0;
        int rc;

        if (!quarantine_is_id(span_str(id)))
                return err_set(err, -EINVAL, "%.40s: no id of an item", id);
        snprintf(path, sizeof path, "quarantine/items/%s", id);
        rc = io_read_file(io, dirfd, path, QUARANTINE_ITEM_MAX, &p, &n, err);
        if (rc == 0)
                rc = quarantine_item_parse(span_of(p, n), text, ret, err);
        if (rc == 0 && strcmp(ret->id, id) != 0)
                rc = err_set(err, -EBADMSG, "%s: the item is another one's", path);
        free(p);
        return rc;
}

struct each {
        const struct io *io;
        int dirfd;
        quarantine_each_fn *fn;
        void *ctx;
        struct buf text;
};

static int each_item(void *ctx, int dirfd, const char *name)
{
        struct each *e = ctx;
        struct quarantine_item i;
        struct err err = { 0 };
        int rc;

        if (!quarantine_is_id(span_str(name)))
                return 0;
        rc = quarantine_read(e->io, e->dirfd, name, &e->text, &i, &err);
        if (rc == -ENOENT)
                return 0; /* removed meanwhile */
        return e->fn(e->ctx, name, rc == 0 ? &i : NULL, &err);
}

int quarantine_each(const struct io *io, int dirfd, quarantine_each_fn *fn, void *ctx,
                    struct err *err)
{
        CLEANUP_FD int items =
                openat(dirfd, "quarantine/items", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct each e = { .io = io,
                          .dirfd = dirfd,
                          .fn = fn,
                          .ctx = ctx,
                          .text = BUF_INIT(QUARANTINE_ITEM_MAX) };
        int rc;

        if (items < 0 && errno == ENOENT)
                return 0; /* nothing was ever put away */
        rc = items < 0 ? -errno : names_each(items, ".", each_item, &e);
        buf_done(&e.text);
        return rc < 0 ? err_sys(err, rc, "quarantine") : 0;
}

static int copy_part(int q, const struct quarantine_item *item, int out_fd, struct err *err)
{
        CLEANUP_FD int pieces = memfd_create("pieces", MFD_CLOEXEC);
        int rc = pieces < 0 ? err_sys(err, -errno, "memory for what was kept") : 0;

        if (rc == 0 && item->part.n)
                rc = content_copy_from(q, item->part.sha256, pieces, err);
        return rc < 0 ? rc
                      : quarantine_part_lay_out(&item->part, pieces, item->record.size, out_fd,
                                                err);
}

int quarantine_copy(int dirfd, const struct quarantine_item *item, int out_fd, struct err *err)
{
        CLEANUP_FD int q =
                openat(dirfd, "quarantine", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (q < 0)
                return err_sys(err, -errno, "quarantine");
        if (item->record.type != RECORD_FILE)
                return err_set(err, -EINVAL, "item %s is a %s and has no content", item->id,
                               record_type_name(item->record.type));
        if (item->kept == QUARANTINE_NOTHING)
                return err_set(err, -ENODATA, "nothing of the content of item %s was kept: %s",
                               item->id, item->why);
        return item->kept == QUARANTINE_WHOLE
                       ? content_copy_from(q, item->record.sha256, out_fd, err)
                       : copy_part(q, item, out_fd, err);
}
