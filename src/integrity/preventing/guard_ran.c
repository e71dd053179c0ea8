/* SPDX-License-Identifier: Apache-2.0 */
/* guard_ran.c - what was executed while nobody was asked.
 *
 * A lapse lets everything through.  What began in it is known all the same, by the events of
 * processes: each program of a profile that would not have been let through is told as unjudged,
 * a moment later, when its file has been read. */
#include "integrity/preventing/guard_priv.h"

#include "integrity/who/procsource.h"

#include <stdlib.h>

enum {
        SETTLE_MS = 700, /* until what was seen of a file is in the table */
        LIST_MAX = 1 << 20,
        SCRIPT_ARGS = 2, /* after the interpreter's own name, an option and the script's */
};

/* Of a list; the path follows. */
struct ran {
        pid_t pid;
        int64_t since_ns;
        bool ended, script;
        const char *reason;
        size_t path_n;
};

struct ran_search {
        struct sensor *s;
        struct buf list;
        uint64_t more;            /* that found no room */
        int64_t mono_ns, wall_ns; /* the same moment */
};

void guard_ran_since(struct sensor *s, int64_t from_ns)
{
        struct guard *g = s->guard;

        from_ns = MAX_OF(from_ns, (int64_t)1);
        g->ran_ns = g->ran_ns ? MIN_OF(g->ran_ns, from_ns) : from_ns;
        g->up_ns = sensor_mono(s); /* until now, if it is up */
}

/* Would this have been refused, or not been known?  NULL: it is what is trusted. */
static const char *complaint(struct sensor *s, struct span path, int64_t since_wall_ns)
{
        const struct watch_profile *p = watchset_profile(s->o.watch, path);
        struct table_node *n;
        struct record r;

        if (!p || p->execute == WATCH_EXECUTE_ANY)
                return NULL;
        n = table_find(s->table, path);
        if (!n || !n->record || record_decode(table_record(n), &r, NULL) < 0)
                return "nothing is known of its content";
        switch (guard_verdict_of(s->guard, n, &r)) {
        case GUARD_REFUSE:
                return "its content is not what is trusted";
        case GUARD_ALLOW:
                return r.ctime_ns > since_wall_ns ? "it was changed since" : NULL;
        default:
                return "its content could not be read";
        }
}

static void note_ran(struct ran_search *f, const struct procs_proc *x, const struct procs_state *st,
                     struct span path, bool script)
{
        int64_t since = (int64_t)st->from_ns;
        struct ran r = { .pid = x->pid,
                         .since_ns = since,
                         .ended = x->end_ns != 0,
                         .script = script,
                         .path_n = path.n };

        r.reason = complaint(f->s, path, f->wall_ns - (f->mono_ns - since));
        if (!r.reason)
                return;
        if (f->list.n + sizeof r + path.n > LIST_MAX) {
                f->more++;
                return;
        }
        buf_put(&f->list, span_of(&r, sizeof r));
        buf_put(&f->list, path);
}

/* One that nobody may execute was at most read. */
static bool may_be_script(struct sensor *s, struct span path)
{
        struct table_node *n = table_find(s->table, path);
        struct record r;

        return n && n->record && record_decode(table_record(n), &r, NULL) == 0 &&
               r.type == RECORD_FILE && r.mode & 0111;
}

/* The kernel executes the interpreter of a script, and hands it the script's name. */
static void on_executed(void *ctx, const struct procs_proc *x, const struct procs_state *st)
{
        struct ran_search *f = ctx;
        struct span args = procs_args(st);

        note_ran(f, x, st, procs_exe(st), false);
        for (int i = 0; i <= SCRIPT_ARGS && args.n; i++) {
                size_t n = strnlen((const char *)args.p, args.n);

                if (i > 0 && n > 1 && args.p[0] == '/' && may_be_script(f->s, span_of(args.p, n)))
                        note_ran(f, x, st, span_of(args.p, n), true);
                args = span_from(args, MIN_OF(n + 1, args.n));
        }
}

static int say(struct sensor *s, const struct ran *r, struct span path)
{
        CLEANUP(buf_done) struct buf reason = BUF_INIT(GUARD_WHY_MAX * 2);
        struct guard_execution x = { .decision = "unjudged",
                                     .alert = "execution unjudged",
                                     .path = path,
                                     .pid = r->pid,
                                     .since_ns = r->since_ns,
                                     .ended = r->ended };

        buf_printf(&reason, "%snobody was asked, and %s",
                   r->script ? "a script, or read by an interpreter: " : "", r->reason);
        x.reason = buf_cstr(&reason);
        return guard_may_say(s, x.pid) ? guard_say_execution(s, &x) : 0;
}

static int say_all(struct sensor *s, struct span list)
{
        struct ran r;
        int rc = 0;

        while (list.n && rc == 0) {
                memcpy(&r, list.p, sizeof r);
                list = span_from(list, sizeof r);
                rc = say(s, &r, span_of(list.p, r.path_n));
                list = span_from(list, r.path_n);
        }
        return rc;
}

int guard_ran_work(struct sensor *s)
{
        struct guard *g = s->guard;
        int64_t now = sensor_mono(s), until = now - SETTLE_MS * NS_PER_MS;
        struct ran_search f = { .s = s, .list = BUF_INIT(LIST_MAX + 1), .mono_ns = now };
        int rc;

        if (g->ran_ns == 0 || until <= g->ran_ns || !out_room(s))
                return 0;
        f.wall_ns = sensor_wall(s);
        (void)!procsource_pull(s->o.processes);
        procs_executed(procsource_procs(s->o.processes), (uint64_t)g->ran_ns, (uint64_t)until,
                       on_executed, &f);
        g->ran_ns = g->state == GUARD_UP && g->up_ns <= until ? 0 : until;
        g->unsaid += f.more;
        rc = buf_status(&f.list) < 0 ? buf_status(&f.list) : say_all(s, buf_span(&f.list));
        buf_done(&f.list);
        return rc;
}
