/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of this host: as nobody unless the table says otherwise. */
#include "monitor/gather_priv.h"
#include "monitor/program.h"

#include <unistd.h>

enum { WORD_MAX = 4096, NOBODY = 65534 };

struct words {
        char text[WORD_MAX];
        const char *at[GATHER_ARGS_MAX + 1];
};

static void split(const char *where, struct words *w)
{
        char *rest = w->text, *word;
        size_t n = 0;

        assert(strlen(where) < sizeof w->text);
        memcpy(w->text, where, strlen(where) + 1);
        while ((word = strsep(&rest, " "))) {
                assert(n < GATHER_ARGS_MAX);
                w->at[n++] = word;
        }
        w->at[n] = NULL;
}

int gather_program(struct gathering *x, const struct state_source *s)
{
        struct state_part part = { .name = span_str(s->where) };
        struct words w;
        struct program p = { .argv = w.at,
                             .become = x->g->as_others && !(s->flags & STATE_AS_ROOT),
                             .uid = NOBODY,
                             .gid = NOBODY,
                             .in = -1,
                             .timeout_s = GATHER_PROGRAM_S,
                             .stop = x->g->stop,
                             .out = &x->content,
                             .out_max = GATHER_PROGRAM_MAX };
        int rc;

        split(s->where, &w);
        buf_clear(&x->content);
        rc = access(w.at[0], X_OK) < 0 ? -errno : program_run(&p, &part.status);
        if (rc == -ECANCELED)
                return err_set(x->err, rc, "stopped");
        if (rc < 0)
                part.status = (uint32_t)-rc;
        else
                part.bytes = buf_span(&x->content);
        return gathering_put(x, &part);
}
