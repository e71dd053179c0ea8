/* SPDX-License-Identifier: Apache-2.0 */
/* open_source.c - see open_source.h. */
#include "command/log/open_source.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/io.h"

void opened_done(struct opened *o)
{
        o->source = source_free(o->source);
        if (o->fd > 0)
                fd_close(&o->fd);
        if (o->room > 0)
                fd_close(&o->room);
}

/* A directory, or an archive in a file. */
static int open_path(struct opened *o, struct err *err)
{
        struct stat st;

        o->fd = open(o->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (o->fd < 0 || fstat(o->fd, &st) < 0)
                return err_sys(err, -errno, "%s", o->name);
        if (S_ISDIR(st.st_mode)) {
                o->sort = PLACE_DIRECTORY;
                return 0;
        }
        if (!S_ISREG(st.st_mode))
                return err_set(err, -EINVAL, "%s: neither a directory nor an archive", o->name);
        o->sort = PLACE_ARCHIVE;
        return source_tar_room(o->name, NULL, &o->room, err);
}

int open_place(const char *name, struct opened *ret, struct err *err)
{
        CLEANUP(opened_done) struct opened o = { .name = name };
        int status = 0;

        if (strncasecmp(name, "http://", 7) == 0 || strncasecmp(name, "https://", 8) == 0)
                o.sort = PLACE_URL;
        else if (strstr(name, "://") && access(name, F_OK) < 0)
                status = err_set(err, -EPROTONOSUPPORT, "%s: only http:// and https:// are read",
                                 name);
        else
                status = open_path(&o, err);
        if (status < 0)
                return status;
        *ret = o;
        o = (struct opened){ 0 };
        return 0;
}

int open_read(struct opened *o, struct err *err)
{
        int room;

        switch (o->sort) {
        case PLACE_DIRECTORY:
                return source_dir(o->fd, o->name, &o->source, err);
        case PLACE_ARCHIVE:
                room = o->room;
                o->room = 0; /* it is taken */
                return source_tar(o->fd, o->name, room, 0, &o->source, err);
        case PLACE_URL:
                return source_http(o->name, &o->source, err);
        case PLACE_NONE:
                break;
        }
        return err_set(err, -EINVAL, "nothing is open");
}
