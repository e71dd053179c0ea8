/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: facts are of processes that have read hostile bytes: bounded, checked, sorted here. */
#include "command/resolve.h"

#include "loop/jobrun.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define JOB_NS (300 * NS_PER_S)

enum {
        ARENA_MAX = 512 << 20,
        SKIPPED_MAX = 1000,
        ARG_MAX = sizeof "ref=" + PATHLIST_PATH_MAX,
        FACTS_MAX = PATHLIST_ENTRIES_MAX + 1000,
        SIGNATURES_MAX = 64,
};

struct line {
        const char *path;
        struct span text;
};

struct resolving {
        const struct resolve_spec *spec;
        struct resolved *r;
        struct commit_fact fact; /* the one at hand */
        struct pathlist_entry entry;
        enum commit_signing kind;
        bool told; /* the commit itself */
        struct buf payload, signature;
        struct line *lines;
        size_t n_lines, cap;
        struct signature by; /* of the commit */
        bool judged;
};

void resolved_done(struct resolved *r)
{
        arena_done(&r->arena);
        buf_done(&r->entries);
        free(r->skipped);
        *r = (struct resolved){ 0 };
}

/* ---- files ---- */

static int add_line(struct resolving *v)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(4 * PATHLIST_PATH_MAX);
        struct line l;
        char *copy;

        if (v->n_lines == PATHLIST_ENTRIES_MAX)
                return -E2BIG;
        if (v->n_lines == v->cap) {
                size_t cap = v->cap ? 2 * v->cap : 256;
                struct line *p = realloc(v->lines, cap * sizeof *p);

                if (!p)
                        return -ENOMEM;
                v->lines = p;
                v->cap = cap;
        }
        pathlist_put_entry(&text, &v->entry);
        if (buf_status(&text) < 0)
                return buf_status(&text);
        copy = arena_copy(&v->r->arena, buf_span(&text));
        l.path = arena_copy(&v->r->arena, span_str(v->entry.path));
        if (!copy || !l.path)
                return -ENOMEM;
        l.text = span_of(copy, text.n);
        v->lines[v->n_lines++] = l;
        return 0;
}

/* Where the map puts it on a host. */
static int set_path(struct resolving *v)
{
        const struct commit_fact *f = &v->fact;
        const char *at;
        int n;

        if (f->sub >= v->spec->n_maps)
                return -EBADMSG;
        at = v->spec->map[f->sub].at;
        n = snprintf(v->entry.path, sizeof v->entry.path, "%s%s%s", at,
                     strcmp(at, "/") == 0 ? "" : "/", f->path);
        return n < (int)sizeof v->entry.path ? 0 : -ENAMETOOLONG;
}

static int add_file(struct resolving *v)
{
        const struct commit_fact *f = &v->fact;
        int r = set_path(v);

        if (r < 0)
                return r;
        v->entry.link = f->kind == COMMIT_FACT_LINK;
        v->entry.mode = f->mode;
        memcpy(v->entry.sha256, f->sha256, sizeof v->entry.sha256);
        memcpy(v->entry.target, f->target, sizeof v->entry.target);
        v->r->n_links += v->entry.link;
        return add_line(v);
}

static int add_skipped(struct resolving *v)
{
        struct resolved *r = v->r;
        struct resolve_skipped *s;
        int e = set_path(v);

        if (e < 0)
                return e;
        if (r->n_skipped == SKIPPED_MAX)
                return -E2BIG;
        if (!r->skipped)
                r->skipped = calloc(SKIPPED_MAX, sizeof *r->skipped);
        if (!r->skipped)
                return -ENOMEM;
        s = &r->skipped[r->n_skipped];
        s->path = arena_copy(&r->arena, span_str(v->entry.path));
        s->why = arena_copy(&r->arena, span_str(v->fact.why));
        if (!s->path || !s->why)
                return -ENOMEM;
        r->n_skipped++;
        return 0;
}

static int compare(const void *a, const void *b)
{
        return strcmp(((const struct line *)a)->path, ((const struct line *)b)->path);
}

static int sort_entries(struct resolving *v, struct err *err)
{
        struct buf *out = &v->r->entries;

        if (v->n_lines > 0)
                qsort(v->lines, v->n_lines, sizeof *v->lines, compare);
        for (size_t i = 0; i < v->n_lines; i++) {
                if (i > 0 && strcmp(v->lines[i - 1].path, v->lines[i].path) == 0)
                        return err_set(err, -EEXIST, "two files would be %s", v->lines[i].path);
                buf_put(out, v->lines[i].text);
        }
        v->r->n_entries = (uint32_t)v->n_lines;
        return buf_status(out) < 0 ? err_sys(err, buf_status(out), "entries") : 0;
}

/* ---- the commit ---- */

static int take_commit(struct resolving *v)
{
        struct pathlist_header *h = &v->r->header;

        if (v->told)
                return -EBADMSG;
        v->told = true;
        memcpy(h->commit, v->fact.commit, sizeof h->commit);
        memcpy(h->on, v->fact.on, sizeof h->on);
        h->n_on = v->fact.n_on;
        v->kind = v->fact.signing;
        v->r->committed = v->fact.committer_time;
        return 0;
}

static int on_fact(void *ctx, struct span json)
{
        struct resolving *v = ctx;
        struct buf *piece = &v->payload;
        int r = commit_fact_parse(json, &v->fact, NULL);

        if (r < 0)
                return r;
        switch (v->fact.kind) {
        case COMMIT_FACT_COMMIT:
                return take_commit(v);
        case COMMIT_FACT_SIGNATURE:
                piece = &v->signature;
                __attribute__((fallthrough));
        case COMMIT_FACT_PAYLOAD:
                buf_put(piece, span_of(v->fact.data, v->fact.data_n));
                return buf_status(piece);
        case COMMIT_FACT_FILE:
        case COMMIT_FACT_LINK:
                return add_file(v);
        case COMMIT_FACT_SKIPPED:
                return add_skipped(v);
        }
        return -EBADMSG;
}

/* "sub=etc", "ref=refs/heads/main" in the arena. */
static const char *argument(struct resolving *v, const char *name, const char *value)
{
        char text[ARG_MAX];
        int n = snprintf(text, sizeof text, "%s=%s", name, value);

        return arena_copy(&v->r->arena, span_of(text, (size_t)n));
}

static int read_commit(struct resolving *v, struct err *err)
{
        const struct resolve_spec *s = v->spec;
        const char *args[2 + PATHLIST_MAPS_MAX + COMMIT_REFS_MAX + 1] = { s->repo, s->commit };
        struct job_spec job = { .program = s->job_program,
                                .job = "commit",
                                .input = -1,
                                .args = args,
                                .timeout_ns = JOB_NS,
                                .facts_max = FACTS_MAX,
                                .clock = s->clock };
        size_t n = 2;
        int r;

        STATIC_ASSERT(2 + PATHLIST_MAPS_MAX + COMMIT_REFS_MAX <= JOB_ARGS_MAX, "all fit");
        for (size_t i = 0; i < s->n_maps; i++)
                args[n++] = argument(v, "sub", s->map[i].sub);
        for (size_t i = 0; i < s->n_refs; i++)
                args[n++] = argument(v, "ref", s->refs[i]);
        for (size_t i = 0; i < n; i++)
                if (!args[i])
                        return err_sys(err, -ENOMEM, "commit");
        r = job_run_wait(&job, on_fact, v, err);
        if (r == 0 && !v->told)
                r = err_set(err, -EBADMSG, "job commit: told of no commit");
        return r;
}

/* ---- its signature ---- */

static int on_signature(void *ctx, struct span json)
{
        struct resolving *v = ctx;
        struct signature s;
        bool verdict;
        int r = signature_parse(json, &verdict, &s, NULL);

        if (r < 0)
                return r;
        if (verdict) {
                v->r->header.signing = s.status;
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
static int open_parts(const struct resolving *v, const char *const *keys, size_t n_keys, int *more,
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

static int run_signature(struct resolving *v, const char *const *args, const char *const *keys,
                         size_t n_keys, struct err *err)
{
        int more[1 + RESOLVE_KEYRINGS_MAX];
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

/* Of the time at which the commit says it was made, as git judges it: a signer who was withdrawn
 * since does not undo it. */
static int judge(struct resolving *v, struct err *err)
{
        const struct resolve_spec *s = v->spec;
        static const char *const detached[] = { "openpgp", "detached", NULL };
        char time[24];
        const char *const ssh[] = { "ssh", "git", time, NULL };
        struct pathlist_header *h = &v->r->header;
        int r = 0;

        snprintf(time, sizeof time, "%lld", (long long)v->r->committed);
        if (v->kind == COMMIT_UNSIGNED)
                h->signing = SIGNATURE_NONE;
        else if (v->kind == COMMIT_SSH && s->signers)
                r = run_signature(v, ssh, &s->signers, 1, err);
        else if (v->kind == COMMIT_OPENPGP && s->n_keyrings > 0)
                r = run_signature(v, detached, s->keyrings, s->n_keyrings, err);
        else
                h->signing = SIGNATURE_NO_KEY;
        if (r == 0 && h->signing == SIGNATURE_GOOD)
                snprintf(h->signer, sizeof h->signer, "%s",
                         v->by.signer[0] ? v->by.signer : v->by.fingerprint);
        return r;
}

int resolve_commit(const struct resolve_spec *spec, struct resolved *ret, struct err *err)
{
        struct resolving *v = calloc(1, sizeof *v);
        struct resolved r = { .arena = ARENA_INIT(ARENA_MAX), .entries = BUF_INIT(PATHLIST_MAX) };
        int e;

        if (!v)
                return err_sys(err, -ENOMEM, "commit");
        v->spec = spec;
        v->r = &r;
        v->payload = BUF_INIT(COMMIT_PAYLOAD_MAX);
        v->signature = BUF_INIT(COMMIT_SIGNATURE_MAX);
        r.header.n_maps = spec->n_maps;
        memcpy(r.header.map, spec->map, sizeof r.header.map);
        e = read_commit(v, err);
        if (e == 0)
                e = judge(v, err);
        if (e == 0)
                e = sort_entries(v, err);
        free(v->lines);
        buf_done(&v->payload);
        buf_done(&v->signature);
        free(v);
        if (e < 0)
                resolved_done(&r);
        else
                *ret = r;
        return e;
}
