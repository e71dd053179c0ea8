/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/procsource.h"

#include "base/text.h"
#include "integrity/who/procs.h"
#include "sys/bpf.h"
#include "sys/io.h"
#include "sys/proc.h"
#include "sys/procconn.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        PROOF_MS = 1000,
        PROOF_STEP_MS = 20,
        SWEEP_S = 60, /* how old what is said of a living process may get without exit events */
        SWEEP_EVENTS_S = 600, /* and with them: who was dead already when first seen has no more */
        RESEED_S = 10,        /* between two readings of all of /proc for losses */
        REFUSED_MAX = 900,
};

struct procsource {
        enum procsource_kind kind;
        const struct clock *clock;
        struct procs *procs;
        struct bpf *bpf;
        struct procconn *connector;
        char refused[REFUSED_MAX];
        uint64_t lost; /* as the source counted it last */
        uint64_t pulled_ns, swept_ns, seeded_ns;
        bool reseed;
        pid_t proof; /* whose fork has to be told; 0: it was */
        struct process_scratch scratch;
        struct proc_info info;
};

static const char *const names[] = {
        [PROCSOURCE_EBPF] = "ebpf",
        [PROCSOURCE_CONNECTOR] = "connector",
        [PROCSOURCE_PROC] = "proc",
};

const char *procsource_name(enum procsource_kind k)
{
        return names[k];
}

int procsource_by_name(const char *name, enum procsource_kind *ret)
{
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                if (strcmp(name, names[i]) == 0) {
                        *ret = (enum procsource_kind)i;
                        return 0;
                }
        }
        return -EINVAL;
}

static uint64_t now(const struct procsource *s)
{
        return (uint64_t)clock_mono(s->clock);
}

/* ---- /proc ---- */

static struct proc_number number_of(uint32_t n)
{
        return (struct proc_number){ .why = n == PROCESS_UNSET ? PROC_UNSET : PROC_KNOWN, .n = n };
}

static void read_ids(struct procsource *s, int procfd, pid_t pid)
{
        const struct procs_proc *known = procs_newest(s->procs, pid);
        struct proc_login login;

        if (!known || known->end_ns || !(known->state.has & PROCESS_HAS_AUID)) {
                proc_read_ids(procfd, pid, &s->info);
                return;
        }
        login.user = number_of(known->state.auid);
        login.session = number_of(known->state.session);
        proc_read_ids_since(procfd, pid, &login, &s->info);
        if (!procs_is(known, &s->info)) /* another process: what was known is of no use */
                proc_read_ids(procfd, pid, &s->info);
}

int procsource_look(struct procsource *s, pid_t pid, int pidfd, bool whole,
                    const struct proc_info **ret)
{
        CLEANUP_FD int fd = proc_open(pid, pidfd);

        if (fd < 0)
                return fd;
        if (whole)
                proc_read(fd, pid, &s->info);
        else
                read_ids(s, fd, pid);
        if (s->info.stat.why != PROC_KNOWN || s->info.ids.why == PROC_GONE)
                return -ESRCH; /* it went while it was read */
        (void)!procs_seed(s->procs, &s->info, now(s));
        *ret = &s->info;
        return 0;
}

/* Those the cache is sure of since from_ns are left alone. */
static void read_all(struct procsource *s, uint64_t from_ns)
{
        DIR *d = opendir("/proc");
        const struct proc_info *info;
        const struct procs_proc *known;
        struct dirent *e;
        uint64_t pid;

        while (d && (e = readdir(d))) {
                if (text_to_u64(span_str(e->d_name), &pid) < 0 || pid > INT32_MAX)
                        continue;
                known = procs_newest(s->procs, (pid_t)pid);
                if (!known || known->sure_ns < from_ns)
                        (void)!procsource_look(s, (pid_t)pid, -1, true, &info);
        }
        if (d)
                closedir(d);
        s->seeded_ns = now(s);
        s->reseed = false;
}

void procsource_seed(struct procsource *s)
{
        read_all(s, 0);
        procsource_pull(s);
}

static bool still_lives(void *ctx, const struct procs_proc *p)
{
        struct procsource *s = ctx;
        CLEANUP_FD int fd = proc_open(p->pid, -1);

        if (fd < 0)
                return false;
        proc_read_ids(fd, p->pid, &s->info);
        return procs_is(p, &s->info);
}

void procsource_tick(struct procsource *s)
{
        uint64_t t = now(s);
        uint64_t old = (s->kind == PROCSOURCE_PROC ? SWEEP_S : SWEEP_EVENTS_S) * NS_PER_S;

        procsource_pull(s);
        procs_expire(s->procs, t);
        if (s->reseed && t > s->seeded_ns + RESEED_S * NS_PER_S) {
                read_all(s, s->pulled_ns);
                procs_sweep(s->procs, t, still_lives, s);
        }
        if (t > s->swept_ns + old) {
                procs_sweep(s->procs, t - old, still_lives, s);
                s->swept_ns = t;
        }
}

/* ---- events ---- */

static void take(struct procsource *s, const struct process_event *e)
{
        const struct proc_info *info;

        if (e->what == PROCESS_FORKED && e->pid == s->proof)
                s->proof = 0;
        procs_apply(s->procs, e);
        /* the connector does not say what a process became: quick, before it ends */
        if (s->kind == PROCSOURCE_CONNECTOR && e->what == PROCESS_EXECUTED)
                (void)!procsource_look(s, e->pid, -1, true, &info);
}

static int take_record(void *ctx, struct span record)
{
        struct procsource *s = ctx;
        struct process_event e;

        if (process_decode(record, &s->scratch, &e, NULL) < 0)
                procs_lost(s->procs, 1, s->pulled_ns, now(s));
        else
                take(s, &e);
        return 0;
}

static int take_event(void *ctx, const struct process_event *e)
{
        take(ctx, e);
        return 0;
}

bool procsource_pull(struct procsource *s)
{
        const uint64_t before = procs_counts(s->procs).events;
        uint64_t t = now(s), lost = 0;
        int rc = 0;

        if (s->bpf) {
                rc = bpf_read(s->bpf, take_record, s);
                lost = bpf_lost(s->bpf);
        } else if (s->connector) {
                rc = procconn_read(s->connector, take_event, s);
                lost = procconn_lost(s->connector);
        }
        if (lost > s->lost || rc < 0) {
                procs_lost(s->procs, MAX_OF(lost - s->lost, (uint64_t)1), s->pulled_ns, now(s));
                s->lost = lost;
                s->reseed = true;
        }
        s->pulled_ns = t;
        return procs_counts(s->procs).events > before;
}

/* ---- opening ---- */

static void note_refusal(struct procsource *s, enum procsource_kind k, const struct err *err)
{
        size_t n = strlen(s->refused);

        snprintf(s->refused + n, sizeof s->refused - n, "%s%s: %s", n ? "; " : "", names[k],
                 err_text(err));
}

/* A source can be granted and stay silent: the connector to one without rights, any of them in
 * another namespace.  So a process is begun, and its fork must be told. */
static int prove(struct procsource *s, struct err *err)
{
        const uint64_t end = now(s) + PROOF_MS * NS_PER_MS;
        struct pollfd p = { .fd = procsource_fd(s), .events = POLLIN };
        pid_t pid = fork();

        if (pid < 0)
                return err_sys(err, -errno, "fork");
        if (pid == 0)
                _exit(0);
        s->proof = pid;
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        do {
                procsource_pull(s);
                if (s->proof)
                        (void)!poll(&p, 1, PROOF_STEP_MS);
        } while (s->proof && now(s) < end);
        if (!s->proof)
                return 0;
        return err_set(err, -ENODATA,
                       "it told nothing of a process that was begun to try it; is this the host's "
                       "own process namespace?");
}

static int try_ebpf(struct procsource *s, struct err *err)
{
        int rc = bpf_open(BPF_PROCESS, &s->bpf, err);

        s->kind = PROCSOURCE_EBPF;
        if (rc == 0)
                rc = prove(s, err);
        if (rc < 0)
                s->bpf = bpf_free(s->bpf);
        return rc;
}

static int try_connector(struct procsource *s, struct err *err)
{
        int rc = procconn_open(&s->connector, err);

        s->kind = PROCSOURCE_CONNECTOR;
        if (rc == 0)
                rc = prove(s, err);
        if (rc < 0)
                s->connector = procconn_free(s->connector);
        return rc;
}

int procsource_open(enum procsource_kind best, const struct clock *clock, struct procsource **ret,
                    struct err *err)
{
        static int (*const tries[])(struct procsource * s, struct err * err) = {
                [PROCSOURCE_EBPF] = try_ebpf,
                [PROCSOURCE_CONNECTOR] = try_connector,
        };
        CLEANUP(procsource_freep) struct procsource *s = calloc(1, sizeof *s);
        enum procsource_kind k;
        int rc;

        if (!s)
                return err_set(err, -ENOMEM, "out of memory for processes");
        s->clock = clock;
        rc = procs_new(&s->procs, err);
        if (rc < 0)
                return rc;
        s->pulled_ns = now(s);
        for (k = best; k < PROCSOURCE_PROC; k++) {
                struct err why = { 0 };

                if (tries[k](s, &why) == 0)
                        break;
                note_refusal(s, k, &why);
        }
        s->kind = k;
        *ret = s;
        s = NULL;
        return 0;
}

struct procsource *procsource_free(struct procsource *s)
{
        if (!s)
                return NULL;
        bpf_free(s->bpf);
        procconn_free(s->connector);
        procs_free(s->procs);
        free(s);
        return NULL;
}

enum procsource_kind procsource_kind(const struct procsource *s)
{
        return s->kind;
}

const char *procsource_refused(const struct procsource *s)
{
        return s->refused;
}

struct procs *procsource_procs(const struct procsource *s)
{
        return s->procs;
}

int procsource_fd(const struct procsource *s)
{
        return s->bpf ? bpf_fd(s->bpf) : s->connector ? procconn_fd(s->connector) : -1;
}
