/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/gather_priv.h"

#include "crypto/sha256.h"
#include "monitor/builtin.h"
#include "state/reading/settings.h"
#include "sys/sysclock.h"

enum { LOOK_MAX = 32 * 1024 * 1024, BUILTIN_MAX = 32 * 1024 * 1024 };

int gathering_put(struct gathering *x, const struct state_part *p)
{
        int rc;

        if (++x->parts > BUNDLE_PARTS_MAX)
                return err_set(x->err, -E2BIG, "more than %d files", BUNDLE_PARTS_MAX);
        bundle_put(x->out, p);
        rc = buf_status(x->out);
        return rc < 0 ? err_sys(x->err, rc, "gathering") : 0;
}

static int put_builtin(struct gathering *x, const struct state_source *s)
{
        const struct builtin *b = builtin_by_name(s->where);
        struct state_part p = { .name = span_str(s->where) };
        struct buf text = BUF_INIT(BUILTIN_MAX);
        int rc;

        assert(b);
        rc = b->ask(x->g->root, x->g->stop, &text);
        if (rc == 0 && buf_status(&text) < 0)
                rc = -buf_status(&text);
        p.status = (uint32_t)rc;
        if (rc == 0)
                p.bytes = buf_span(&text);
        if (x->out) {
                rc = gathering_put(x, &p);
        } else {
                buf_put(&x->look, p.bytes);
                rc = 0;
        }
        buf_done(&text);
        return rc;
}

static bool is_cheap(const struct state_source *s)
{
        const struct builtin *b = builtin_by_name(s->where);

        assert(b);
        return builtin_is_cheap(b);
}

static int put_given(struct gathering *x, const struct state_source *s)
{
        struct state_part p = { .name = SPAN(STATE_GIVEN_NAME), .bytes = span_str(s->where) };

        if (s->flags & STATE_TIMED)
                p.mtime_ns = clock_wall(&sysclock);
        return gathering_put(x, &p);
}

static int put_source(struct gathering *x, const struct state_source *s)
{
        if (*x->g->stop)
                return err_set(x->err, -ECANCELED, "stopped");
        if (x->places)
                return gather_places_of(x, s);
        if (s->flags & STATE_WAKES)
                return 0;
        switch (s->type) {
        case STATE_FILE:
        case STATE_FILES:
        case STATE_TREE:
        case STATE_KERNEL:
        case STATE_KERNELS:
        case STATE_KERNEL_TREE:
                return gather_files(x, s);
        case STATE_HOMES:
        case STATE_HOME_TREES:
                return gather_homes(x, s);
        case STATE_PROGRAM:
                return x->out ? gather_program(x, s) : 0;
        case STATE_BUILTIN:
                return x->out || is_cheap(s) ? put_builtin(x, s) : 0;
        case STATE_GIVEN:
                return x->out ? put_given(x, s) : 0;
        }
        return 0;
}

static int put_sources(const struct gather *g, struct buf *out, struct buf *look, struct err *err)
{
        struct gathering x = { .g = g,
                               .out = out,
                               .look = BUF_INIT(LOOK_MAX),
                               .content = BUF_INIT(BUNDLE_FILE_MAX + 1),
                               .err = err };
        int rc = 0;

        for (size_t i = 0; i < g->n && rc == 0; i++)
                rc = put_source(&x, &g->sources[i]);
        if (rc == 0 && out && g->command)
                rc = gather_command(&x, g->command);
        if (rc == 0 && buf_status(&x.look) < 0)
                rc = err_sys(err, buf_status(&x.look), "gathering");
        buf_done(&x.content);
        if (look)
                *look = x.look;
        else
                buf_done(&x.look);
        return rc;
}

int gather_look(const struct gather *g, uint8_t ret[32], struct err *err)
{
        struct buf look = BUF_INIT(1);
        int rc = put_sources(g, NULL, &look, err);

        if (rc == 0)
                sha256(buf_span(&look), ret);
        buf_done(&look);
        return rc;
}

int gather_places(const struct gather *g, struct buf *out, struct err *err)
{
        struct gathering x = {
                .g = g, .places = out, .content = BUF_INIT(BUNDLE_FILE_MAX + 1), .err = err
        };
        int rc = 0;

        /* What is looked at each time anyway, for its age, need not be rushed. */
        for (size_t i = 0; i < g->n; i++)
                if (g->sources[i].flags & STATE_TIMED)
                        return 0;
        for (size_t i = 0; i < g->n && rc == 0; i++)
                rc = put_source(&x, &g->sources[i]);
        buf_done(&x.content);
        return rc == 0 && buf_status(out) < 0 ? err_sys(err, buf_status(out), "places") : rc;
}

bool gather_can_look(const struct state_source *sources, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (sources[i].flags & STATE_WAKES)
                        continue;
                if (sources[i].type == STATE_PROGRAM || sources[i].flags & STATE_TIMED ||
                    (sources[i].type == STATE_BUILTIN && !is_cheap(&sources[i])))
                        return false;
        }
        return true;
}

int gather_all(const struct gather *g, struct buf *out, struct err *err)
{
        bundle_begin(out);
        return put_sources(g, out, NULL, err);
}
