/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: facts are of processes that have read hostile bytes: bounded and checked here. */
#include "command/change/commit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "loop/jobrun.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define JOB_NS (300 * NS_PER_S)

enum {
        ARGS_ARENA_MAX = 1 << 20,
        ARG_MAX = sizeof "past=" + COMMIT_PATH_MAX,
        ARGS_MAX = 2 + COMMIT_SUBS_MAX + 2 * COMMIT_REFS_MAX,
        FACTS_MAX = 201000, /* more than a tree may have entries */
        SIGNATURES_MAX = 64,
};

struct reading {
        const struct commit_spec *spec;
        struct commit *c;
        struct commit_fact fact; /* the one at hand */
        enum commit_signing kind;
        bool told; /* the commit itself */
        struct buf payload, signature;
        struct arena arena;  /* of arguments */
        struct signature by; /* of the commit */
        bool judged;
};

/* ---- the commit ---- */

static int take_commit(struct reading *v)
{
        if (v->told)
                return -EBADMSG;
        v->told = true;
        memcpy(v->c->id, v->fact.commit, sizeof v->c->id);
        memcpy(v->c->on, v->fact.on, sizeof v->c->on);
        v->c->n_on = v->fact.n_on;
        v->c->committed = v->fact.committer_time;
        v->kind = v->fact.signing;
        return 0;
}

/* One for each that was asked about, in that order. */
static int take_branch(struct reading *v)
{
        const struct commit_spec *s = v->spec;
        struct commit_tip *t = &v->c->tip[v->c->n_tips];
        size_t asked = 0, at = 0;

        for (; at < s->n_branches; at++)
                if (s->branch[at].past && asked++ == v->c->n_tips)
                        break;
        if (at == s->n_branches || strcmp(s->branch[at].ref, v->fact.ref) != 0)
                return -EBADMSG;
        memcpy(t->ref, v->fact.ref, sizeof t->ref);
        memcpy(t->tip, v->fact.tip, sizeof t->tip);
        t->had = v->fact.had;
        v->c->n_tips++;
        return 0;
}

static int on_fact(void *ctx, struct span json)
{
        struct reading *v = ctx;
        struct buf *piece = &v->payload;
        int r = commit_fact_parse(json, &v->fact, NULL);

        if (r < 0)
                return r;
        switch (v->fact.kind) {
        case COMMIT_FACT_COMMIT:
                return take_commit(v);
        case COMMIT_FACT_BRANCH:
                return take_branch(v);
        case COMMIT_FACT_SIGNATURE:
                piece = &v->signature;
                __attribute__((fallthrough));
        case COMMIT_FACT_PAYLOAD:
                buf_put(piece, span_of(v->fact.data, v->fact.data_n));
                return buf_status(piece);
        case COMMIT_FACT_FILE:
        case COMMIT_FACT_LINK:
        case COMMIT_FACT_SKIPPED:
                return v->fact.sub < v->spec->n_subs ? v->spec->on_file(v->spec->ctx, &v->fact)
                                                     : -EBADMSG;
        }
        return -EBADMSG;
}

/* "sub=etc", "ref=refs/heads/main" in the arena; NULL: it is too long, or there is no memory. */
static const char *argument(struct reading *v, const char *name, const char *value)
{
        char text[ARG_MAX];
        int n = snprintf(text, sizeof text, "%s=%s", name, value);

        return n < (int)sizeof text ? arena_copy(&v->arena, span_of(text, (size_t)n)) : NULL;
}

static bool put_arguments(struct reading *v, const char *args[ARGS_MAX + 1])
{
        const struct commit_spec *s = v->spec;
        size_t n = 0;

        args[n++] = s->repo;
        args[n++] = s->commit;
        for (size_t i = 0; i < s->n_subs; i++)
                args[n++] = argument(v, "sub", s->sub[i]);
        for (size_t i = 0; i < s->n_branches; i++) {
                args[n++] = argument(v, "ref", s->branch[i].ref);
                if (s->branch[i].past)
                        args[n++] = argument(v, "past", s->branch[i].past);
        }
        while (n > 0)
                if (!args[--n])
                        return false;
        return true;
}

/* All that was asked for was told. */
static int check_told(const struct reading *v, struct err *err)
{
        size_t asked = 0;

        for (size_t i = 0; i < v->spec->n_branches; i++)
                asked += v->spec->branch[i].past != NULL;
        if (!v->told || v->c->n_tips != asked)
                return err_set(err, -EBADMSG, "job commit: told of no commit, or not of a branch");
        return 0;
}

static int read_repository(struct reading *v, struct err *err)
{
        const char *args[ARGS_MAX + 1] = { NULL };
        struct job_spec job = { .program = v->spec->job_program,
                                .job = "commit",
                                .input = -1,
                                .args = args,
                                .timeout_ns = JOB_NS,
                                .facts_max = FACTS_MAX,
                                .clock = v->spec->clock };
        int r;

        if (v->spec->n_subs + 2 * v->spec->n_branches + 2 > JOB_ARGS_MAX)
                return err_set(err, -E2BIG, "too many directories and branches at once");
        if (!put_arguments(v, args))
                return err_sys(err, -ENOMEM, "commit");
        r = job_run_wait(&job, on_fact, v, err);
        return r < 0 ? r : check_told(v, err);
}

/* ---- its signature ---- */

static int on_signature(void *ctx, struct span json)
{
        struct reading *v = ctx;
        struct signature s;
        bool verdict;
        int r = signature_parse(json, &verdict, &s, NULL);

        if (r < 0)
                return r;
        if (verdict) {
                v->c->signing = s.status;
                v->judged = true;
        } else if (v->by.status != SIGNATURE_GOOD) {
                v->by = s;
        }
        return 0;
}

static int open_key(const char *path, struct err *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        return fd < 0 ? err_sys(err, -errno, "%s", path) : fd;
}

/* The signature and the keys it is judged by. */
static int open_parts(const struct reading *v, const char *const *keys, size_t n_keys, int *more,
                      size_t *ret_n, struct err *err)
{
        int fd = job_input(buf_span(&v->signature), err);

        for (size_t i = 0; fd >= 0; i++) {
                more[(*ret_n)++] = fd;
                if (i == n_keys)
                        return 0;
                fd = open_key(keys[i], err);
        }
        return fd;
}

static int run_signature(struct reading *v, const char *const *args, const char *const *keys,
                         size_t n_keys, struct err *err)
{
        int more[1 + COMMIT_KEYRINGS_MAX];
        CLEANUP_FD int payload = job_input(buf_span(&v->payload), err);
        struct job_spec job = { .program = v->spec->job_program,
                                .job = "signature",
                                .input = payload,
                                .more = more,
                                .args = args,
                                .timeout_ns = JOB_NS,
                                .facts_max = SIGNATURES_MAX,
                                .clock = v->spec->clock };
        int r = payload < 0 ? payload : open_parts(v, keys, n_keys, more, &job.n_more, err);

        if (r == 0)
                r = job_run_wait(&job, on_signature, v, err);
        for (size_t i = 0; i < job.n_more; i++)
                fd_close(&more[i]);
        if (r == 0 && !v->judged)
                r = err_set(err, -EBADMSG, "job signature: no verdict");
        return r;
}

/* As git does: of the time at which the commit says it was made, so that a signer who was withdrawn
 * since does not undo it.  Whoever has a withdrawn key can say any time, so what is new is judged
 * of now.  gpgv always judges of now. */
static int judge(struct reading *v, struct err *err)
{
        const struct commit_spec *s = v->spec;
        static const char *const detached[] = { "openpgp", "detached", NULL };
        int64_t at = s->now ? clock_wall(s->clock) / NS_PER_S : v->c->committed;
        char time[24];
        const char *const ssh[] = { "ssh", "git", time, NULL };
        int r = 0;

        snprintf(time, sizeof time, "%lld", (long long)at);
        if (v->kind == COMMIT_UNSIGNED)
                v->c->signing = SIGNATURE_NONE;
        else if (v->kind == COMMIT_SSH && s->signers)
                r = run_signature(v, ssh, &s->signers, 1, err);
        else if (v->kind == COMMIT_OPENPGP && s->n_keyrings > 0)
                r = run_signature(v, detached, s->keyring, s->n_keyrings, err);
        else
                v->c->signing = SIGNATURE_NO_KEY;
        if (r == 0 && v->c->signing == SIGNATURE_GOOD) {
                snprintf(v->c->signer, sizeof v->c->signer, "%s",
                         v->by.signer[0] ? v->by.signer : v->by.fingerprint);
                memcpy(v->c->key, v->by.fingerprint, sizeof v->c->key);
        }
        return r;
}

int commit_read(const struct commit_spec *spec, struct commit *ret, struct err *err)
{
        struct reading *v = calloc(1, sizeof *v);
        struct commit *c = calloc(1, sizeof *c);
        int r = v && c ? 0 : err_sys(err, -ENOMEM, "commit");

        if (r == 0) {
                *v = (struct reading){ .spec = spec,
                                       .c = c,
                                       .payload = BUF_INIT(COMMIT_PAYLOAD_MAX),
                                       .signature = BUF_INIT(COMMIT_SIGNATURE_MAX),
                                       .arena = ARENA_INIT(ARGS_ARENA_MAX) };
                r = read_repository(v, err);
                if (r == 0)
                        r = judge(v, err);
                buf_done(&v->payload);
                buf_done(&v->signature);
                arena_done(&v->arena);
        }
        if (r == 0)
                *ret = *c;
        free(v);
        free(c);
        return r;
}
