/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_list.c - assay api list: what is deployed, by whom, and what only was pushed. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/api/api_group.h"
#include "command/api/api_registry.h"

struct list_options {
        const char *registry;
};

static const struct option_spec list_specs[] = {
        API_REGISTRY_OPTION(struct list_options),
        { 0 },
};

enum { PUSHED_MAX = 10000 };

struct row {
        struct registry_record *pushed;
        const struct registry_record *by; /* the deployment that it is served by; NULL: none */
};

struct listing {
        struct api_registry x;
        struct registry_live live;
        struct registry_record *by[LIVE_APIS_MAX]; /* how each of live came to be served */
        struct row *row;                           /* of each version, by API, then by time */
        size_t n, cap;
        bool pending;
};

/* ---- reading ---- */

static int add_row(void *ctx, const struct registry_record *record, struct err *err)
{
        struct listing *l = ctx;
        struct row *r;

        if (l->n == PUSHED_MAX)
                return err_set(err, -E2BIG, "more than %d versions", PUSHED_MAX);
        if (l->n == l->cap) {
                size_t cap = l->cap ? 2 * l->cap : 64;

                r = realloc(l->row, cap * sizeof *r);
                if (!r)
                        return err_sys(err, -ENOMEM, "list");
                l->row = r;
                l->cap = cap;
        }
        r = &l->row[l->n];
        *r = (struct row){ .pushed = malloc(sizeof *record) };
        if (!r->pushed)
                return err_sys(err, -ENOMEM, "list");
        *r->pushed = *record;
        l->n++;
        return 0;
}

static int compare(const void *a, const void *b)
{
        const struct registry_record *x = ((const struct row *)a)->pushed;
        const struct registry_record *y = ((const struct row *)b)->pushed;
        int c = strcmp(x->api, y->api);

        return c ? c : (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* Of each API the last deployment that was its own, going back until all are found. */
static int find_deployments(struct listing *l, struct err *err)
{
        struct registry_record *d = malloc(sizeof *d);
        uint32_t found = 0;
        int rc = d ? 0 : err_sys(err, -ENOMEM, "list");

        for (uint64_t n = l->live.generation; rc == 0 && n > 0 && found < l->live.n; n--) {
                const struct live_api *api;

                rc = registry_deployment(&l->x.r, n, d, err);
                if (rc == -ENOENT && n == l->live.generation) {
                        rc = 0; /* just being put in place */
                        continue;
                }
                api = rc == 0 ? registry_live_api(&l->live, d->api) : NULL;
                if (!api || l->by[api - l->live.api])
                        continue;
                l->by[api - l->live.api] = d;
                found++;
                d = malloc(sizeof *d);
                if (!d)
                        rc = err_sys(err, -ENOMEM, "list");
        }
        free(d);
        return rc;
}

static int join(struct listing *l, struct err *err)
{
        uint32_t joined = 0;

        for (size_t i = 0; i < l->n; i++) {
                const struct live_api *api = registry_live_api(&l->live, l->row[i].pushed->api);

                if (!api || memcmp(api->sha256, l->row[i].pushed->sha256, PACKAGE_HASH) != 0)
                        continue;
                l->row[i].by = l->by[api - l->live.api];
                joined++;
        }
        return joined == l->live.n ? 0
                                   : err_set(err, -EBADMSG,
                                             "of %u of the %u APIs that are deployed there is no "
                                             "record of their push",
                                             (unsigned)(l->live.n - joined), (unsigned)l->live.n);
}

static int is_pending(struct listing *l, struct err *err)
{
        struct registry_record *r = malloc(sizeof *r);
        int rc = r ? registry_pending(&l->x.r, r, err) : err_sys(err, -ENOMEM, "list");

        l->pending = rc == 0;
        free(r);
        return rc == -ENOENT ? 0 : rc;
}

static int read_all(struct listing *l, struct err *err)
{
        int rc = registry_live(&l->x.r, &l->live, err);

        if (rc == 0)
                rc = find_deployments(l, err);
        if (rc == 0)
                rc = registry_versions(&l->x.r, add_row, l, err);
        if (rc == 0)
                rc = is_pending(l, err);
        if (rc < 0)
                return rc;
        if (l->n > 0)
                qsort(l->row, l->n, sizeof *l->row, compare);
        return join(l, err);
}

/* ---- showing ---- */

static void put_pushed_members(const struct registry_record *p, struct json_writer *w)
{
        json_put_key(w, "pushed");
        json_begin_object(w);
        json_member_u64(w, "by", p->by);
        json_member_time(w, "time", p->time_ns);
        json_end_object(w);
        json_member_text(w, "repository", p->repository);
        api_registry_put_hash(w, "sha256", p->sha256);
        json_put_bytes(w, "signer", span_str(p->signer));
        json_member_text(w, "version", p->version);
}

static void put_deployed(const struct registry_record *d, struct json_writer *w)
{
        json_put_key(w, "deployed");
        json_begin_object(w);
        if (d->approver[0])
                json_member_text(w, "approver", d->approver);
        json_member_u64(w, "by", d->by);
        if (d->change[0])
                json_member_text(w, "change", d->change);
        json_member_u64(w, "generation", d->generation);
        json_member_text(w, "kind", registry_act_entry(d->kind));
        if (d->reason[0])
                json_member_text(w, "reason", d->reason);
        json_member_time(w, "since", d->time_ns);
        json_end_object(w);
}

static void put_json(const struct listing *l, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "generation", l->live.generation);
        json_member_bool(&w, "interrupted", l->pending);
        json_put_key(&w, "versions");
        json_begin_array(&w);
        for (size_t i = 0; i < l->n; i++) {
                const struct row *r = &l->row[i];

                json_begin_object(&w);
                json_member_text(&w, "api", r->pushed->api);
                json_member_text(&w, "author", r->pushed->author);
                json_member_text(&w, "commit", r->pushed->commit);
                if (r->by)
                        put_deployed(r->by, &w);
                put_pushed_members(r->pushed, &w);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_time(const struct listing *l, struct table *t, int64_t ns)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(64);

        screen_put_time(&l->x.in->out, &text, ns);
        table_put(t, STYLE_NONE, buf_cstr(&text));
}

static void put_deployed_row(const struct listing *l, const struct row *r, struct table *t)
{
        const struct registry_record *p = r->pushed, *d = r->by;

        table_put(t, STYLE_GOOD, p->api);
        table_put(t, STYLE_BOLD, p->version);
        table_putf(t, STYLE_NONE, "%" PRIu64, d->generation);
        put_time(l, t, d->time_ns);
        table_putf(t, STYLE_NONE, "uid %u", (unsigned)d->by);
        table_put(t, STYLE_NONE, d->kind == REGISTRY_DEPLOYED ? d->approver : "rolled back");
        table_put(t, STYLE_NONE, d->change);
        table_putf(t, STYLE_NONE, "%.12s", p->commit);
}

static void put_pushed_row(const struct listing *l, const struct row *r, struct table *t)
{
        const struct registry_record *p = r->pushed;

        table_put(t, STYLE_NONE, p->api);
        table_put(t, STYLE_NONE, p->version);
        put_time(l, t, p->time_ns);
        table_putf(t, STYLE_NONE, "uid %u", (unsigned)p->by);
        table_put(t, STYLE_NONE, p->author);
        table_putf(t, STYLE_NONE, "%.12s", p->commit);
}

static const struct part {
        const char *title;
        size_t columns;
        const char *const *heads;
        void (*put)(const struct listing *l, const struct row *r, struct table *t);
} parts[] = {
        { "pushed", 6,
          (const char *const[]){ "API", "VERSION", "PUSHED", "BY", "AUTHOR", "COMMIT" },
          put_pushed_row },
        { "deployed", 8,
          (const char *const[]){ "API", "VERSION", "GEN", "SINCE", "BY", "APPROVER", "CHANGE",
                                 "COMMIT" },
          put_deployed_row },
};

/* In as many tables as its rows fit into. */
static void put_part(const struct listing *l, bool deployed, struct buf *out)
{
        const struct part *p = &parts[deployed];
        struct table t;
        size_t rows = 0;

        for (size_t i = 0; i < l->n; i++) {
                if ((l->row[i].by != NULL) != deployed)
                        continue;
                if (rows++ % (TABLE_ROWS_MAX - 1) == 0) {
                        if (rows > 1) {
                                table_print(&t, &l->x.in->out, 2, out);
                                table_done(&t);
                        } else {
                                buf_printf(out, "%s\n", p->title);
                        }
                        table_init(&t, p->columns);
                        for (size_t k = 0; k < p->columns; k++)
                                table_put(&t, STYLE_DIM, p->heads[k]);
                }
                p->put(l, &l->row[i], &t);
        }
        if (rows > 0) {
                table_print(&t, &l->x.in->out, 2, out);
                table_done(&t);
        }
}

static void put_words(const struct listing *l, struct buf *out)
{
        if (l->n == 0)
                buf_put_str(out, "nothing was pushed\n");
        put_part(l, true, out);
        put_part(l, false, out);
        if (l->pending)
                buf_put_str(out, "an act was interrupted: the next command that changes this "
                                 "registry settles it\n");
}

static void listing_done(struct listing *l)
{
        api_registry_close(&l->x);
        registry_live_done(&l->live);
        for (size_t i = 0; i < LIVE_APIS_MAX; i++)
                free(l->by[i]);
        for (size_t i = 0; i < l->n; i++)
                free(l->row[i].pushed);
        free(l->row);
        free(l);
}

static enum status list(struct listing *l)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };

        if (read_all(l, &err) < 0)
                return complain_err(l->x.in, &err);
        if (l->x.in->json)
                put_json(l, &out);
        else
                put_words(l, &out);
        return command_print(l->x.in, &out, STATUS_GOOD);
}

static enum status run(struct invocation *in)
{
        const struct list_options *o = in->options;
        struct listing *l = calloc(1, sizeof *l);
        enum status status;

        if (!l)
                return complain(in, STATUS_UNSURE, "out of memory");
        status = api_registry_open(in, o->registry, API_REGISTRY_LOOK, &l->x);
        if (status == STATUS_GOOD)
                status = list(l);
        listing_done(l);
        return status;
}

const struct command command_api_list = {
        .name = "list",
        .operands = "",
        .about = "show what is deployed, by whom, and what was pushed besides",
        .options = list_specs,
        .options_size = sizeof(struct list_options),
        .run = run,
};
