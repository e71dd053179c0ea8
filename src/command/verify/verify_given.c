/* SPDX-License-Identifier: Apache-2.0 */
/* verify_given.c - see verify_given.h. */
#include "command/verify/verify_given.h"

#include <stdlib.h>

#include "command/lesser.h"
#include "command/verify/verify_command.h"
#include "sys/io.h"
#include "wire/note.h"
#include "wire/timestamp_fact.h"

void verify_given_done(struct verify_given *g)
{
        for (size_t i = 0; i < g->n; i++)
                opened_done(&g->place[i]);
        free(g->authorities);
        buf_done(&g->earlier_text);
}

/* What is no checkpoint says nothing of the ledger: the wrong file was named. */
static int check_earlier(const char *name, struct span bytes, struct err *err)
{
        struct err why = { 0 };
        struct checkpoint c;
        struct note n;

        if (note_parse(bytes, &n, &why) == 0 && checkpoint_parse(n.text, &c, &why) == 0)
                return 0;
        return err_set(err, -ENOENT, "--earlier: %s: no checkpoint is in it: %s", name,
                       err_text(&why));
}

/* Checkpoints kept from before, all of them in one buf. */
static int read_earlier(const struct option_texts *files, struct verify_given *g, struct err *err)
{
        size_t at[OPTION_TEXTS_MAX + 1] = { 0 };

        g->earlier_text = BUF_INIT(OPTION_TEXTS_MAX * NOTE_MAX);
        for (size_t i = 0; i < files->n; i++) {
                uint8_t *p;
                size_t n;
                int status = io_read_given(files->at[i], NOTE_MAX, &p, &n, err);

                if (status < 0)
                        return err_wrap(err, "--earlier");
                status = check_earlier(files->at[i], span_of(p, n), err);
                buf_put(&g->earlier_text, span_of(p, n));
                free(p);
                if (status < 0)
                        return status;
                at[i + 1] = g->earlier_text.n;
        }
        for (size_t i = 0; i < files->n; i++)
                g->earlier[i] = (struct verify_earlier){
                        .name = files->at[i],
                        .bytes = span_of(g->earlier_text.p + at[i], at[i + 1] - at[i]),
                };
        g->n_earlier = files->n;
        return buf_status(&g->earlier_text);
}

static int read_authorities(const char *path, struct verify_given *g, struct err *err)
{
        int status = io_read_given(path, TIMESTAMP_AUTHORITIES_MAX, &g->authorities,
                                   &g->authorities_n, err);

        if (status == 0 && g->authorities_n == 0)
                status = err_set(err, -ENOENT, "%s: no certificate is in it", path);
        return status < 0 ? err_wrap(err, "--ca") : 0;
}

static int open_places(const char *first, const struct option_texts *successors,
                       struct verify_given *g, struct err *err)
{
        int status = open_place(first, &g->place[g->n++], err);

        for (size_t i = 0; i < successors->n && status == 0; i++, g->n++)
                if (open_place(successors->at[i], &g->place[g->n], &g->failed[g->n]) == 0)
                        g->failed[g->n].code = 0;
        return status;
}

int verify_given_open(const struct invocation *in, const char *first, struct verify_given *ret,
                      struct err *err)
{
        const struct verify_command_options *o = in->options;
        CLEANUP(verify_given_done) struct verify_given g = { 0 };
        int status = open_places(first, &o->successors, &g, err);

        if (status == 0)
                status = read_earlier(&o->earlier, &g, err);
        if (status == 0 && o->ca)
                status = read_authorities(o->ca, &g, err);
        if (status < 0)
                return status;
        *ret = g;
        g = (struct verify_given){ 0 };
        return 0;
}

int verify_given_lesser(const struct verify_given *g, struct err *err)
{
        bool directory = false;

        for (size_t i = 0; i < g->n; i++)
                directory |= g->place[i].sort == PLACE_DIRECTORY;
        if (lesser_become(directory, err) == 0)
                return 0;
        return err_wrap(err, "giving root's rights away");
}
