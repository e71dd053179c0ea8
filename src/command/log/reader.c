/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - see reader.h. */
#include "command/log/reader.h"

#include "command/lesser.h"
#include "command/log/open_source.h"
#include "command/places.h"
#include "sys/io.h"

static int open_reader(const char *name, bool apart, const struct note_vkey *key,
                       struct reader *ret, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { .note = BUF_INIT(NOTE_MAX), .key = key };
        CLEANUP(opened_done) struct opened opened = { 0 };
        int status = open_place(name, &opened, err);

        if (status == 0 && apart && lesser_become(opened.sort == PLACE_DIRECTORY, err) < 0)
                return err_wrap(err, "giving root's rights away");
        if (status == 0)
                status = open_read(&opened, err);
        if (status == 0) {
                r.fd = opened.fd;
                r.source = opened.source;
                opened = (struct opened){ 0 };
                status = reader_refresh(&r, err);
        }
        if (status < 0)
                return status;
        *ret = r;
        r = (struct reader){ 0 };
        return 0;
}

int reader_open_any(const char *name, const struct note_vkey *key, struct reader *ret,
                    struct err *err)
{
        return open_reader(name, false, key, ret, err);
}

int reader_open_apart(const char *name, const struct note_vkey *key, struct reader *ret,
                      struct err *err)
{
        return open_reader(name, true, key, ret, err);
}

/* ---- the vault ---- */

void secrets_done(struct secrets *s)
{
        s->vault = vault_free(s->vault);
        if (s->fd > 0)
                fd_close(&s->fd);
}

int secrets_open(const char *dir, struct secrets *ret, struct err *err)
{
        CLEANUP(secrets_done) struct secrets s = { 0 };
        char private[PLACES_PATH_MAX];
        int status;

        status = places_private(dir, private, err);
        if (status == 0)
                status = places_open_dir(private, &s.fd, err);
        if (status == 0)
                status = vault_open(s.fd, &io_kernel, false, &s.vault, err);
        if (status < 0)
                return status;
        *ret = s;
        s = (struct secrets){ 0 };
        return 0;
}
