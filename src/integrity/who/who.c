/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/who.h"

#include "base/clock.h"
#include "integrity/who/procsource.h"
#include "integrity/who/session.h"
#include "integrity/who/session_host.h"
#include "integrity/who/session_keep.h"
#include "integrity/who/who_priv.h"
#include "sys/cgroup.h"
#include "sys/sysclock.h"

#include <stdlib.h>

enum {
        NAME_BYTES = 256,
        NAMES_BYTES = (WHO_PARENTS + WHO_EARLIER) * (WHO_KIN_NAME + WHO_SCRIPT_MAX),
        GONE_FOR_S = 2,   /* without events: how long what was read of a process may speak for it */
        FRESH_FOR_S = 10, /* and what was read of a parent */
};

struct slot {
        struct who *who; /* NULL: free */
        uint64_t batch;
};

struct who_cache {
        struct procsource *source;
        struct session_host *host;
        struct sessions *sessions;
        struct slot slot[WHO_CACHE]; /* direct mapped by pid */
        uint64_t batch;
        uint64_t before_ns;         /* the last read(2) began */
        uint64_t from_ns, until_ns; /* between them the notices were made */
        uint32_t own_mount_ns;
        struct who_users users;
};

struct who *who_new(pid_t pid)
{
        struct who *w = calloc(1, sizeof *w);

        if (!w)
                return NULL;
        w->refs = 1;
        w->pid = w->command = pid;
        w->comm = BUF_INIT(PROC_COMM_MAX);
        w->exe = BUF_INIT(PROC_EXE_MAX);
        w->cmdline = BUF_INIT(PROC_CMDLINE_MAX + 1);
        w->tty = w->unit = w->user = BUF_INIT(NAME_BYTES);
        w->container = BUF_INIT(CGROUP_CONTAINER_MAX);
        w->names = BUF_INIT(NAMES_BYTES);
        w->script = BUF_INIT(WHO_SCRIPT_MAX);
        return w;
}

struct who *who_ref(struct who *w)
{
        w->refs++;
        return w;
}

struct who *who_unref(struct who *w)
{
        if (!w || --w->refs)
                return NULL;
        buf_done(&w->comm);
        buf_done(&w->exe);
        buf_done(&w->cmdline);
        buf_done(&w->tty);
        buf_done(&w->unit);
        buf_done(&w->container);
        buf_done(&w->user);
        buf_done(&w->names);
        buf_done(&w->script);
        session_unref(w->login);
        free(w);
        return NULL;
}

static bool is_same_file(const struct who_exe *a, const struct who_exe *b)
{
        bool known = a->ino && b->ino;

        return a->led == b->led && (!known || (a->dev == b->dev && a->ino == b->ino));
}

bool who_is_same(const struct who *a, const struct who *b)
{
        if (a == b)
                return true;
        if (a->pid != b->pid || a->start != b->start)
                return false;
        return !(a->has & b->has & WHO_HAS_EXECUTED) ||
               (span_eq(buf_span(&a->exe), buf_span(&b->exe)) &&
                span_eq(buf_span(&a->script), buf_span(&b->script)) &&
                is_same_file(&a->file, &b->file));
}

bool who_is_same_user(const struct who *a, const struct who *b)
{
        return !(a->has & b->has & WHO_HAS_UID) || (a->uid == b->uid && a->euid == b->euid);
}

bool who_is_kernel(const struct who *w)
{
        return w->has & WHO_IS_KERNEL;
}

bool who_is_doubted(const struct who *w)
{
        return w->n_earlier || w->has & WHO_USER_AFTER;
}

static bool has_events(const struct who_cache *c)
{
        return procsource_kind(c->source) != PROCSOURCE_PROC;
}

bool who_knows_ends(const struct who_cache *c)
{
        return procsource_kind(c->source) == PROCSOURCE_EBPF;
}

static int follow_sessions(struct who_cache *c, struct err *err)
{
        struct procs *procs = procsource_procs(c->source);
        struct sessions_options o = { .clock = &sysclock,
                                      .worked = &sysclock_worked,
                                      .procs = procs,
                                      .events = has_events(c),
                                      .ops = &session_host_ops };
        int rc = session_host_new(procs, &sysclock, &c->host, err);

        o.ctx = c->host;
        if (rc == 0)
                rc = sessions_new(&o, &c->sessions, err);
        if (rc == 0)
                sessions_begin(c->sessions);
        return rc;
}

int who_cache_new(struct procsource *processes, struct who_cache **ret, struct err *err)
{
        CLEANUP(who_cache_freep) struct who_cache *c = calloc(1, sizeof *c);
        int rc;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory for authors");
        c->source = processes;
        c->batch = 1;
        c->until_ns = UINT64_MAX;
        c->own_mount_ns = proc_own_mount_ns();
        rc = follow_sessions(c, err);
        if (rc < 0)
                return rc;
        *ret = c;
        c = NULL;
        return 0;
}

struct who_cache *who_cache_free(struct who_cache *c)
{
        if (!c)
                return NULL;
        for (size_t i = 0; i < WHO_CACHE; i++)
                who_unref(c->slot[i].who);
        who_users_done(&c->users);
        sessions_free(c->sessions);
        session_host_free(c->host);
        free(c);
        return NULL;
}

int who_set_users(struct who_cache *c, struct span facts, struct err *err)
{
        return who_users_set(&c->users, facts, err);
}

/* ---- when ---- */

static uint64_t now(void)
{
        return (uint64_t)clock_mono(&sysclock);
}

void who_reading(struct who_cache *c)
{
        c->before_ns = now();
}

void who_read(struct who_cache *c, uint64_t *quiet_ns, bool any)
{
        if (!any) {
                *quiet_ns = c->before_ns;
                return;
        }
        c->from_ns = *quiet_ns;
        c->until_ns = now();
        procsource_pull(c->source);
}

void who_batch_end(struct who_cache *c)
{
        c->batch++;
}

int who_recall(struct who_cache *c, struct span bytes, struct err *err)
{
        return sessions_recall(c->sessions, bytes, err);
}

int who_keep(struct who_cache *c, bool all, struct buf *out, struct err *err)
{
        if (all) /* the last time */
                sessions_tick(c->sessions);
        return sessions_keep(c->sessions, all, out, err);
}

void who_ask_file(struct who_cache *c, procs_file_fn *fn, void *ctx)
{
        procs_ask_file(procsource_procs(c->source), fn, ctx);
}

void who_logins(const struct who_cache *c, struct sessions_counts *ret)
{
        *ret = sessions_counts(c->sessions);
}

bool who_catch_up(struct who_cache *c)
{
        return sessions_catch_up(c->sessions);
}

void who_tick(struct who_cache *c)
{
        sessions_tick(c->sessions);
}

/* ---- one process ---- */

static void ask_cache(const struct who_cache *c, pid_t pid, enum procs_at at,
                      struct procs_answer *ret)
{
        procs_at(procsource_procs(c->source), pid, at, c->from_ns, c->until_ns, ret);
}

/* Is what the cache has of a living process less than what /proc has? */
static bool wants_more(const struct who_cache *c, const struct procs_answer *a)
{
        const struct procs_state *s = a->state;

        return !has_events(c) || !a->proc || a->unsure ||
               (!(s->has & PROCESS_IS_KERNEL) && (!s->image || s->image->exe_cut));
}

/* Parents that nobody told of are read; they most often live long. */
static const struct procs_proc *look_at_parent(struct who_cache *c, pid_t pid, uint64_t by_ns)
{
        const struct procs *procs = procsource_procs(c->source);
        const struct procs_proc *p = procs_by(procs, pid, by_ns);
        const struct proc_info *info;

        if (p && (has_events(c) || p->sure_ns + FRESH_FOR_S * NS_PER_S > now()))
                return p;
        (void)!procsource_look(c->source, pid, -1, true, &info);
        return procs_by(procs, pid, by_ns);
}

static void add_parents(struct who_cache *c, struct who *w, const struct procs_proc *of)
{
        struct who_command command = { .below = w->pid };
        pid_t up = of->ppid;
        uint64_t by_ns = of->start_ns;

        for (unsigned i = 0; up > 0 && i < WHO_CHAIN; i++) {
                const struct procs_proc *p = look_at_parent(c, up, by_ns);

                if (!p || p->pid == w->pid)
                        return;
                if (w->n_parents < WHO_PARENTS)
                        who_add_parent(w, p, c->own_mount_ns);
                else if (command.found)
                        return;
                who_seek_command(w, p, &command);
                up = p->ppid;
                by_ns = p->start_ns;
        }
}

/* Without events an end is not told: what was read a moment ago most likely is of the same. */
static void say_last_known(struct who *w, struct procs_answer *a)
{
        if (a->proc && a->proc->sure_ns + GONE_FOR_S * NS_PER_S > now())
                who_say_unknown(w,
                                "the process had ended: this is what was read of its number up to "
                                "%d s before",
                                GONE_FOR_S);
        else
                a->proc = NULL;
}

static void say_nothing_known(struct who_cache *c, struct who *w)
{
        uint64_t lost = procs_counts(procsource_procs(c->source)).lost;

        if (w->pid == 0)
                who_say_unknown(w, "the kernel named no process of ours");
        else if (lost && has_events(c))
                who_say_unknown(w,
                                "the process ended before it could be read, and %llu process "
                                "events were lost",
                                (unsigned long long)lost);
        else
                who_say_unknown(w, "the process ended before it could be read");
}

/* Last, for it may read processes into the cache, and what was found there goes. */
static void set_login(struct who_cache *c, struct who *w, uint64_t start_ns)
{
        struct procs *procs = procsource_procs(c->source);
        struct session *x = sessions_of(c->sessions, w->pid, start_ns);
        const struct procs_proc *p;

        if (x)
                w->login = session_ref(x);
        p = procs_by(procs, w->pid, start_ns);
        if (!p || !procs_is_of_unit(procs, p))
                w->has |= WHO_UNIT_ENTERED;
}

/* Without events nothing tells of another user; whom the cache had before all that this read tells,
 * it can be compared with (procs_seed()). */
static void fill_read(struct who *w, const struct proc_info *info, bool known,
                      uint32_t own_mount_ns)
{
        who_fill_proc(w, info, own_mount_ns);
        if (known || !(w->has & WHO_HAS_UID))
                return;
        w->has |= WHO_USER_AFTER;
        who_say_unknown(w, "user: it was read after the change, and nothing tells whether it was "
                           "another one then");
}

static struct who *make(struct who_cache *c, pid_t pid, int pidfd, bool gone)
{
        const struct proc_info *info = NULL;
        struct procs_answer a = { 0 };
        const struct procs_proc *before;
        bool known; /* before what is told could be done */
        enum procs_at at = gone                             ? PROCS_AT_ENDED
                           : pidfd < 0 && who_knows_ends(c) ? PROCS_AT_EITHER
                                                            : PROCS_AT_LIVES;
        struct who *w = who_new(pid);

        if (!w || pid == 0) {
                if (w)
                        say_nothing_known(c, w);
                return w;
        }
        ask_cache(c, pid, at, &a);
        before = a.proc;
        known = before && before->sure_ns <= c->from_ns;
        gone = gone || (at == PROCS_AT_EITHER && before && before->end_ns);
        if (!gone) {
                if (procsource_look(c->source, pid, pidfd, wants_more(c, &a), &info) < 0)
                        procsource_pull(c->source); /* it has ended since, and as what is told */
                ask_cache(c, pid, at, &a);
        }
        if (!info && !has_events(c))
                say_last_known(w, &a);
        if (a.proc && a.others) {
                who_fill_candidates(w, &a, c->own_mount_ns);
                return w;
        }
        if (a.proc && (has_events(c) || !info))
                who_fill_state(w, &a, info, c->own_mount_ns);
        else if (info)
                fill_read(w, info, known && before == a.proc, c->own_mount_ns);
        else
                say_nothing_known(c, w);
        if (a.proc) {
                uint64_t start_ns = a.proc->start_ns;

                if (has_events(c) && a.state->image && !a.state->inherited)
                        w->has |= WHO_HAS_EXECUTED;
                w->since_ns = clock_wall(&sysclock) - (int64_t)(now() - a.state->from_ns);
                who_fill_earlier(w, &a, c->from_ns, c->own_mount_ns);
                add_parents(c, w, a.proc);
                set_login(c, w, start_ns);
        }
        if (w->has & WHO_HAS_UID)
                buf_put(&w->user, who_users_name(&c->users, w->uid));
        return w;
}

struct who *who_of(struct who_cache *c, pid_t pid, int pidfd, bool gone)
{
        struct slot *s = &c->slot[(uint32_t)pid % WHO_CACHE];
        struct who *w;

        if (s->who && s->who->pid == pid && s->batch == c->batch)
                return s->who;
        w = make(c, pid, pidfd, gone);
        if (!w)
                return s->who && s->who->pid == pid ? s->who : NULL;
        who_unref(s->who);
        *s = (struct slot){ .who = w, .batch = c->batch };
        return w;
}
