/* SPDX-License-Identifier: Apache-2.0 */
/* open_source.c - see open_source.h. */
#include "command/open_source.h"

#include "command/places.h"
#include "sys/io.h"

void opened_done(struct opened *o)
{
        o->source = source_free(o->source);
        if (o->fd > 0)
                fd_close(&o->fd);
}

int open_source(const char *name, struct opened *ret, struct err *err)
{
        CLEANUP(opened_done) struct opened o = { 0 };
        int status;

        status = places_open_dir(name, &o.fd, err);
        if (status == 0)
                status = source_dir(o.fd, name, &o.source, err);
        if (status < 0)
                return status;
        *ret = o;
        o = (struct opened){ 0 };
        return 0;
}
