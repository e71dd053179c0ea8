/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who.h"

#include "base/clock.h"
#include "base/text.h"
#include "sys/io.h"
#include "sys/proc.h"
#include "sys/sysclock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

enum {
        USERS_MAX = 65536,
        NAME_MAX_BYTES = 256,
        GONE_FOR_S = 2, /* how long what was read of a process may speak for it after its end */
};

struct user {
        uint32_t uid;
        uint32_t at, n; /* of the name, in names */
};

struct slot {
        struct who *who; /* NULL: free */
        uint64_t batch;
        int64_t read_ns; /* monotonic */
};

struct who_cache {
        struct slot slot[WHO_CACHE]; /* direct mapped by pid */
        uint64_t batch;
        struct user *users; /* ascending by uid */
        size_t n_users;
        struct buf names;
        struct proc_info info;
};

struct who *who_new(pid_t pid)
{
        struct who *w = calloc(1, sizeof *w);

        if (!w)
                return NULL;
        w->refs = 1;
        w->pid = pid;
        w->comm = BUF_INIT(PROC_COMM_MAX);
        w->exe = BUF_INIT(PROC_EXE_MAX);
        w->cmdline = BUF_INIT(PROC_CMDLINE_MAX + 1);
        w->tty = w->unit = w->container = w->user = BUF_INIT(NAME_MAX_BYTES);
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
        free(w);
        return NULL;
}

int who_cache_new(struct who_cache **ret, struct err *err)
{
        struct who_cache *c = calloc(1, sizeof *c);

        if (!c)
                return err_set(err, -ENOMEM, "out of memory for processes");
        c->batch = 1;
        *ret = c;
        return 0;
}

struct who_cache *who_cache_free(struct who_cache *c)
{
        if (!c)
                return NULL;
        for (size_t i = 0; i < WHO_CACHE; i++)
                who_unref(c->slot[i].who);
        free(c->users);
        buf_done(&c->names);
        free(c);
        return NULL;
}

/* ---- user names ---- */

static int user_cmp(const void *a, const void *b)
{
        const struct user *x = a, *y = b;

        if (x->uid != y->uid)
                return x->uid < y->uid ? -1 : 1;
        return (x->at > y->at) - (x->at < y->at); /* the first line of a uid names it */
}

int who_set_users(struct who_cache *c, struct span facts, struct err *err)
{
        struct buf names = BUF_INIT(1 << 22);
        struct user *users = NULL;
        size_t n = 0, max = 0;

        while (facts.n) {
                const uint8_t *nl = memchr(facts.p, '\n', facts.n);
                struct span line = span_of(facts.p, nl ? (size_t)(nl - facts.p) : facts.n);
                const uint8_t *blank = memchr(line.p, ' ', line.n);
                uint64_t uid;

                facts = span_from(facts, line.n + 1);
                if (!blank || text_to_u64(span_of(line.p, (size_t)(blank - line.p)), &uid) < 0 ||
                    uid > UINT32_MAX || n == USERS_MAX)
                        continue;
                if (n == max) {
                        struct user *p = realloc(users, (max ? max * 2 : 64) * sizeof *p);

                        if (!p)
                                break;
                        users = p;
                        max = max ? max * 2 : 64;
                }
                line = span_from(line, (size_t)(blank - line.p) + 1);
                users[n] = (struct user){ .uid = (uint32_t)uid,
                                          .at = (uint32_t)names.n,
                                          .n = (uint32_t)line.n };
                n++;
                buf_put(&names, line);
        }
        if (facts.n || buf_status(&names) < 0) {
                free(users);
                buf_done(&names);
                return err_set(err, -ENOMEM, "out of memory for user names");
        }
        if (n)
                qsort(users, n, sizeof *users, user_cmp);
        free(c->users);
        buf_done(&c->names);
        c->users = users;
        c->n_users = n;
        c->names = names;
        return 0;
}

static void name_user(struct who_cache *c, struct who *w)
{
        size_t lo = 0, hi = c->n_users;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (c->users[mid].uid < w->uid)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        if (lo < c->n_users && c->users[lo].uid == w->uid)
                buf_put(&w->user, span_of(c->names.p + c->users[lo].at, c->users[lo].n));
}

/* ---- one process ---- */

/* The first thing that is missing and should not be, in words. */
static void say_unknown(struct who *w, const char *what, enum proc_why why)
{
        if (why != PROC_KNOWN && why != PROC_UNSET && w->unknown[0] == '\0')
                snprintf(w->unknown, sizeof w->unknown, "%s: %s", what, proc_why_text(why));
}

static void put_cmdline(struct who *w, const struct proc_info *p)
{
        size_t n = p->cmdline_n;

        while (n && p->cmdline[n - 1] == 0)
                n--;
        for (size_t i = 0; i < n; i++)
                buf_put_byte(&w->cmdline, p->cmdline[i] ? p->cmdline[i] : ' ');
}

static void put_tty(struct who *w, int32_t tty)
{
        unsigned maj = major((dev_t)tty), min = minor((dev_t)tty);

        if (maj >= 136 && maj <= 143)
                buf_printf(&w->tty, "pts/%u", (maj - 136) * 256 + min);
        else if (maj == 4 && min < 64)
                buf_printf(&w->tty, "tty%u", min);
        else if (maj == 4)
                buf_printf(&w->tty, "ttyS%u", min - 64);
        else if (tty)
                buf_printf(&w->tty, "%u:%u", maj, min);
}

static void fill_ids(struct who *w, const struct proc_info *p)
{
        if (p->ids.why == PROC_KNOWN) {
                w->has |= WHO_HAS_UID | WHO_HAS_PPID;
                w->uid = p->ids.uid;
                w->euid = p->ids.euid;
                w->ppid = p->ids.ppid;
        }
        if (p->loginuid.why == PROC_KNOWN) {
                w->has |= WHO_HAS_AUID;
                w->auid = p->loginuid.n;
        }
        if (p->sessionid.why == PROC_KNOWN) {
                w->has |= WHO_HAS_SESSION;
                w->session = p->sessionid.n;
        }
        if (p->stat.why == PROC_KNOWN) {
                w->start = p->stat.start;
                put_tty(w, p->stat.tty);
        }
}

static void fill(struct who_cache *c, struct who *w)
{
        const struct proc_info *p = &c->info;
        struct span unit, container;

        fill_ids(w, p);
        if (p->exe_why == PROC_KNOWN)
                buf_put(&w->exe, span_of(p->exe, p->exe_n));
        if (p->comm_why == PROC_KNOWN)
                buf_put(&w->comm, span_of(p->comm, p->comm_n));
        if (p->cmdline_why == PROC_KNOWN)
                put_cmdline(w, p);
        if (p->cgroup_why == PROC_KNOWN) {
                proc_cgroup_names(span_of(p->cgroup, p->cgroup_n), &unit, &container);
                buf_put(&w->unit, unit);
                buf_put(&w->container, container);
        }
        if (w->has & WHO_HAS_UID)
                name_user(c, w);
        /* A process that has ended but was not waited for keeps its name and loses the rest. */
        if (p->exe_why == PROC_UNSET && p->cmdline_why == PROC_UNSET && w->pid != 2 && w->ppid != 2)
                snprintf(w->unknown, sizeof w->unknown,
                         "the process was ending: executable and command line were gone");
        say_unknown(w, "user", p->ids.why);
        say_unknown(w, "process name", p->comm_why);
        say_unknown(w, "executable", p->exe_why);
        say_unknown(w, "command line", p->cmdline_why);
}

static struct who *ask(struct who_cache *c, pid_t pid, int pidfd)
{
        CLEANUP_FD int fd = proc_open(pid, pidfd);
        struct who *w;

        if (fd < 0)
                return NULL;
        proc_read(fd, pid, &c->info);
        if (c->info.ids.why == PROC_GONE && c->info.comm_why == PROC_GONE)
                return NULL;
        w = who_new(pid);
        if (w)
                fill(c, w);
        return w;
}

static struct who *unknown(pid_t pid)
{
        struct who *w = who_new(pid);

        if (w)
                snprintf(w->unknown, sizeof w->unknown, "%s",
                         pid ? "the process ended before it could be read"
                             : "the kernel named no process of ours");
        return w;
}

/* It ended unread, but the process of this number was read a moment ago.  It most likely is the
 * same; a number can have been given away since, so the entry says what it goes by. */
static struct who *last_known(const struct who *before)
{
        struct who *w = who_new(before->pid);

        if (!w)
                return NULL;
        w->has = before->has;
        w->start = before->start;
        w->ppid = before->ppid;
        w->uid = before->uid;
        w->euid = before->euid;
        w->auid = before->auid;
        w->session = before->session;
        buf_put(&w->comm, buf_span(&before->comm));
        buf_put(&w->exe, buf_span(&before->exe));
        buf_put(&w->cmdline, buf_span(&before->cmdline));
        buf_put(&w->tty, buf_span(&before->tty));
        buf_put(&w->unit, buf_span(&before->unit));
        buf_put(&w->container, buf_span(&before->container));
        buf_put(&w->user, buf_span(&before->user));
        snprintf(w->unknown, sizeof w->unknown,
                 "the process had ended: this is what was read of its number up to %d s before",
                 GONE_FOR_S);
        return w;
}

struct who *who_of(struct who_cache *c, pid_t pid, int pidfd, bool gone)
{
        struct slot *s = &c->slot[(uint32_t)pid % WHO_CACHE];
        bool here = s->who && s->who->pid == pid;
        int64_t now = clock_mono(&sysclock), read_ns = now;
        struct who *w;

        if (here && s->batch == c->batch)
                return s->who;
        w = gone || pid == 0 ? NULL : ask(c, pid, pidfd);
        if (!w && here && s->who->start && now - s->read_ns < GONE_FOR_S * NS_PER_S) {
                w = last_known(s->who);
                read_ns = s->read_ns; /* the time runs on */
        }
        if (!w)
                w = unknown(pid);
        if (!w)
                return here ? s->who : NULL;
        who_unref(s->who);
        *s = (struct slot){ .who = w, .batch = c->batch, .read_ns = read_ns };
        return w;
}

void who_batch_end(struct who_cache *c)
{
        c->batch++;
}
