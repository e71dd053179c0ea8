/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: facts are of processes that have read hostile bytes: bounded, checked, sorted here. */
#include "command/change/resolve.h"

#include "command/change/commit.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        ARENA_MAX = 512 << 20,
        SKIPPED_MAX = 1000,
};

struct line {
        const char *path;
        struct span text;
};

struct resolving {
        const struct resolve_spec *spec;
        struct resolved *r;
        struct pathlist_entry entry;
        struct line *lines;
        size_t n_lines, cap;
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
static int set_path(struct resolving *v, const struct commit_fact *f)
{
        const char *at = v->spec->map[f->sub].at;
        int n;

        n = snprintf(v->entry.path, sizeof v->entry.path, "%s%s%s", at,
                     strcmp(at, "/") == 0 ? "" : "/", f->path);
        return n < (int)sizeof v->entry.path ? 0 : -ENAMETOOLONG;
}

static int add_file(struct resolving *v, const struct commit_fact *f)
{
        int r = set_path(v, f);

        if (r < 0)
                return r;
        v->entry.link = f->kind == COMMIT_FACT_LINK;
        v->entry.mode = f->mode;
        memcpy(v->entry.sha256, f->sha256, sizeof v->entry.sha256);
        memcpy(v->entry.target, f->target, sizeof v->entry.target);
        v->r->n_links += v->entry.link;
        return add_line(v);
}

static int add_skipped(struct resolving *v, const struct commit_fact *f)
{
        struct resolved *r = v->r;
        struct resolve_skipped *s;
        int e = set_path(v, f);

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
        s->why = arena_copy(&r->arena, span_str(f->why));
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

static int on_file(void *ctx, const struct commit_fact *f)
{
        return f->kind == COMMIT_FACT_SKIPPED ? add_skipped(ctx, f) : add_file(ctx, f);
}

/* ---- the commit ---- */

static int read_commit(struct resolving *v, struct commit *c, struct err *err)
{
        const struct resolve_spec *s = v->spec;
        struct commit_spec spec = { .job_program = s->job_program,
                                    .clock = s->clock,
                                    .repo = s->repo,
                                    .commit = s->commit,
                                    .n_subs = s->n_maps,
                                    .n_branches = s->n_refs,
                                    .signers = s->signers,
                                    .n_keyrings = s->n_keyrings,
                                    .on_file = on_file,
                                    .ctx = v };

        for (size_t i = 0; i < s->n_maps; i++)
                spec.sub[i] = s->map[i].sub;
        for (size_t i = 0; i < s->n_refs; i++)
                spec.branch[i].ref = s->refs[i];
        memcpy(spec.keyring, s->keyrings, sizeof spec.keyring);
        return commit_read(&spec, c, err);
}

STATIC_ASSERT((int)PATHLIST_MAPS_MAX <= COMMIT_SUBS_MAX, "all fit");
STATIC_ASSERT((int)RESOLVE_KEYRINGS_MAX == COMMIT_KEYRINGS_MAX, "all fit");

static void set_header(const struct commit *c, struct resolved *r)
{
        struct pathlist_header *h = &r->header;

        memcpy(h->commit, c->id, sizeof h->commit);
        memcpy(h->on, c->on, sizeof h->on);
        h->n_on = c->n_on;
        h->signing = c->signing;
        snprintf(h->signer, sizeof h->signer, "%s", c->signer);
        r->committed = c->committed;
}

int resolve_commit(const struct resolve_spec *spec, struct resolved *ret, struct err *err)
{
        struct resolved r = { .arena = ARENA_INIT(ARENA_MAX), .entries = BUF_INIT(PATHLIST_MAX) };
        struct resolving *v = calloc(1, sizeof *v);
        struct commit *c = calloc(1, sizeof *c);
        int e = v && c ? 0 : err_sys(err, -ENOMEM, "commit");

        if (e == 0) {
                v->spec = spec;
                v->r = &r;
                r.header.n_maps = spec->n_maps;
                memcpy(r.header.map, spec->map, sizeof r.header.map);
                e = read_commit(v, c, err);
        }
        if (e == 0) {
                set_header(c, &r);
                e = sort_entries(v, err);
        }
        if (v)
                free(v->lines);
        free(v);
        free(c);
        if (e < 0)
                resolved_done(&r);
        else
                *ret = r;
        return e;
}
