/* SPDX-License-Identifier: Apache-2.0 */
/* open_source.c - see open_source.h. */
#include "command/log/open_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/io.h"

void opened_done(struct opened *o)
{
        o->source = source_free(o->source);
        if (o->fd > 0)
                fd_close(&o->fd);
}

/* A directory, or an archive in a file. */
static int open_path(const char *name, struct opened *o, struct err *err)
{
        struct stat st;

        o->fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (o->fd < 0 || fstat(o->fd, &st) < 0)
                return err_sys(err, -errno, "%s", name);
        if (S_ISDIR(st.st_mode))
                return source_dir(o->fd, name, &o->source, err);
        if (S_ISREG(st.st_mode))
                return source_tar(o->fd, name, NULL, 0, &o->source, err);
        return err_set(err, -EINVAL, "%s: neither a directory nor an archive", name);
}

int open_source(const char *name, struct opened *ret, struct err *err)
{
        CLEANUP(opened_done) struct opened o = { 0 };
        int status;

        if (strncmp(name, "http://", 7) == 0 || strncmp(name, "https://", 8) == 0)
                status = source_http(name, &o.source, err);
        else if (strstr(name, "://") && access(name, F_OK) < 0)
                status = err_set(err, -EPROTONOSUPPORT, "%s: only http:// and https:// are read",
                                 name);
        else
                status = open_path(name, &o, err);
        if (status < 0)
                return status;
        *ret = o;
        o = (struct opened){ 0 };
        return 0;
}
