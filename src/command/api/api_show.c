/* SPDX-License-Identifier: Apache-2.0 */
/* api_show.c - see api_show.h. */
#include "command/api/api_show.h"

#include "base/text.h"
#include "package/config/config_text.h"

/* ---- tables, of as many rows as there are ---- */

struct rows {
        const struct invocation *in;
        struct buf *out;
        struct table t;
        size_t n;
};

static void rows_begin(struct rows *r, const char *heading, size_t columns)
{
        buf_put_byte(r->out, '\n');
        screen_put(&r->in->out, r->out, STYLE_BOLD, heading);
        buf_put_byte(r->out, '\n');
        table_init(&r->t, columns);
        r->n = 0;
}

static void rows_end(struct rows *r)
{
        table_print(&r->t, &r->in->out, 2, r->out);
        table_done(&r->t);
}

/* A table has a ceiling: the next part is measured by itself. */
static void rows_next(struct rows *r)
{
        size_t columns = r->t.n_columns;

        if (++r->n % TABLE_ROWS_MAX)
                return;
        rows_end(r);
        table_init(&r->t, columns);
}

static void put_cell(struct rows *r, enum style style, struct span text)
{
        CLEANUP(buf_done) struct buf cell = BUF_INIT(64 * 1024);

        text_put_safe(&cell, text);
        table_put_safe(&r->t, style, buf_cstr(&cell));
}

/* ---- operations ---- */

/* "reads a, b; writes c" */
static void put_places(const struct api *api, const char *before, const uint32_t *at, uint32_t n,
                       struct buf *out)
{
        for (uint32_t i = 0; i < n; i++) {
                buf_put_str(out, i == 0 ? before : ", ");
                buf_put(out, api->classes[at[i]]);
        }
}

static void put_classes(const struct api *api, const struct api_operation *o, struct buf *out)
{
        put_places(api, "reads ", o->reads, o->n_reads, out);
        put_places(api, o->n_reads ? "; writes " : "writes ", o->writes, o->n_writes, out);
}

static void show_operations(struct rows *r, const struct api *api)
{
        CLEANUP(buf_done) struct buf cell = BUF_INIT(64 * 1024);

        rows_begin(r, "Operations", 5);
        for (uint32_t i = 0; i < api->n_operations; i++) {
                const struct api_operation *o = &api->operations[i];

                put_cell(r, STYLE_NAME, o->id);
                table_put(&r->t, STYLE_NONE, api_method_name(o->method));
                put_cell(r, STYLE_NONE, o->path);
                put_cell(r, STYLE_NONE, o->object.type);
                buf_clear(&cell);
                put_classes(api, o, &cell);
                put_cell(r, STYLE_NONE, buf_span(&cell));
                rows_next(r);
        }
        rows_end(r);
}

/* ---- configuration ---- */

static void show_identities(struct rows *r, const struct config *c)
{
        CLEANUP(buf_done) struct buf cell = BUF_INIT(64 * 1024);

        rows_begin(r, "Who is let in", 2);
        for (uint32_t i = 0; i < c->n_identities; i++) {
                buf_clear(&cell);
                config_put_identity(&c->identities[i], &cell);
                put_cell(r, STYLE_NAME, c->identities[i].scheme);
                put_cell(r, STYLE_NONE, buf_span(&cell));
        }
        rows_end(r);
}

static void show_classes(struct rows *r, const struct config *c)
{
        CLEANUP(buf_done) struct buf cell = BUF_INIT(64 * 1024);

        rows_begin(r, "Data classes, and what becomes of them where they are masked", 2);
        for (uint32_t i = 0; i < c->n_classes; i++) {
                buf_clear(&cell);
                config_put_class(&c->classes[i], &cell);
                put_cell(r, STYLE_NAME, c->classes[i].name);
                put_cell(r, STYLE_NONE, buf_span(&cell));
                rows_next(r);
        }
        rows_end(r);
}

static void show_limits(struct rows *r, const struct config *c)
{
        CLEANUP(buf_done) struct buf cell = BUF_INIT(64 * 1024);

        rows_begin(r, "Limits of each caller", 2);
        for (uint32_t i = 0; i < c->n_limits; i++) {
                buf_clear(&cell);
                config_put_limit(&c->limits[i], &cell);
                put_cell(r, STYLE_NAME, c->limits[i].operation);
                put_cell(r, STYLE_NONE, buf_span(&cell));
                rows_next(r);
        }
        rows_end(r);
}

static void show_caches(struct rows *r, const struct config *c)
{
        CLEANUP(buf_done) struct buf cell = BUF_INIT(64 * 1024);

        rows_begin(r, "Answers that are kept", 2);
        for (uint32_t i = 0; i < c->n_caches; i++) {
                buf_clear(&cell);
                config_put_cache(&c->caches[i], &cell);
                put_cell(r, STYLE_NAME, c->caches[i].operation);
                put_cell(r, STYLE_NONE, buf_span(&cell));
                rows_next(r);
        }
        rows_end(r);
}

static void show_files(struct rows *r, const struct package_file *f)
{
        CLEANUP(buf_done) struct buf cell = BUF_INIT(TABLE_CELL_MAX);

        rows_begin(r, "Files", 2);
        for (uint32_t i = 0; i < f->n_sources; i++) {
                buf_clear(&cell);
                screen_put_bytes(&cell, f->sources[i].text.n);
                put_cell(r, STYLE_NAME, f->sources[i].path);
                table_put_safe(&r->t, STYLE_NONE, buf_cstr(&cell));
                rows_next(r);
        }
        rows_end(r);
}

void api_show_text(const struct invocation *in, const struct package_file *f, const struct api *api,
                   const struct config *c, struct buf *out)
{
        static struct rows r; /* too large for a stack */

        r.in = in;
        r.out = out;
        show_operations(&r, api);
        if (c->n_identities)
                show_identities(&r, c);
        if (c->n_classes)
                show_classes(&r, c);
        if (c->n_limits)
                show_limits(&r, c);
        if (c->n_caches)
                show_caches(&r, c);
        show_files(&r, f);
}

/* ---- JSON ---- */

static void json_list(struct json_writer *w, const char *key, const struct span *list, uint32_t n)
{
        json_put_key(w, key);
        json_begin_array(w);
        for (uint32_t i = 0; i < n; i++)
                json_put_string(w, list[i]);
        json_end_array(w);
}

static void json_places(struct json_writer *w, const char *key, const struct api *api,
                        const uint32_t *at, uint32_t n)
{
        json_put_key(w, key);
        json_begin_array(w);
        for (uint32_t i = 0; i < n; i++)
                json_put_string(w, api->classes[at[i]]);
        json_end_array(w);
}

static void json_backend(struct json_writer *w, const struct config_backend *b)
{
        json_begin_object(w);
        json_list(w, "addresses", b->addresses, b->n_addresses);
        json_member_string(w, "base", b->base);
        json_member_string(w, "ca", b->ca_file);
        json_member_u64(w, "connect_ms", b->connect_ms);
        json_member_string(w, "host", b->host);
        json_member_u64(w, "port", b->port);
        json_member_u64(w, "read_ms", b->read_ms);
        json_member_bool(w, "tls", b->tls);
        json_member_string(w, "tls_name", b->tls_name);
        json_member_string(w, "unix", b->unix_path);
        json_end_object(w);
}

static void json_caches(struct json_writer *w, const struct config *c)
{
        json_put_key(w, "cache");
        json_begin_array(w);
        for (uint32_t i = 0; i < c->n_caches; i++) {
                json_begin_object(w);
                json_member_text(w, "by", c->caches[i].by_rights ? "rights" : "caller");
                json_member_string(w, "operation", c->caches[i].operation);
                json_member_u64(w, "seconds", c->caches[i].seconds);
                json_end_object(w);
        }
        json_end_array(w);
}

static void json_caps(struct json_writer *w, const struct config *c)
{
        json_put_key(w, "caps");
        json_begin_object(w);
        json_member_u64(w, "depth", c->depth_max);
        json_member_u64(w, "request", c->request_max);
        json_member_u64(w, "response", c->response_max);
        json_end_object(w);
}

static void json_classes(struct json_writer *w, const struct config *c)
{
        json_put_key(w, "classes");
        json_begin_array(w);
        for (uint32_t i = 0; i < c->n_classes; i++) {
                json_begin_object(w);
                json_member_text(w, "mask", mask_name(c->classes[i].mask));
                json_member_string(w, "name", c->classes[i].name);
                json_member_text(w, "record", c->classes[i].digest ? "digest" : "count");
                json_end_object(w);
        }
        json_end_array(w);
}

static void json_identities(struct json_writer *w, const struct config *c)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);

        json_put_key(w, "identities");
        json_begin_array(w);
        for (uint32_t i = 0; i < c->n_identities; i++) {
                buf_clear(&text);
                config_put_identity(&c->identities[i], &text);
                json_begin_object(w);
                json_member_string(w, "scheme", c->identities[i].scheme);
                json_member_string(w, "text", buf_span(&text));
                json_end_object(w);
        }
        json_end_array(w);
}

static void json_limits(struct json_writer *w, const struct config *c)
{
        json_put_key(w, "limits");
        json_begin_array(w);
        for (uint32_t i = 0; i < c->n_limits; i++) {
                const struct config_limit *l = &c->limits[i];

                json_begin_object(w);
                json_member_u64(w, "burst", l->burst);
                json_member_string(w, "operation", l->operation);
                json_member_u64(w, "per_s", l->per_s);
                json_member_u64(w, "quota", l->quota);
                json_member_u64(w, "quota_s", l->quota_s);
                json_member_u64(w, "rate", l->rate);
                json_end_object(w);
        }
        json_end_array(w);
}

static void json_operation(struct json_writer *w, const struct api *api,
                           const struct api_operation *o)
{
        json_begin_object(w);
        json_member_string(w, "id", o->id);
        json_member_text(w, "method", api_method_name(o->method));
        if (o->object.type.n)
                json_member_string(w, "object", o->object.type);
        json_put_key(w, "parameters");
        json_begin_array(w);
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                json_begin_object(w);
                json_member_text(w, "in", api_place_name(o->parameters[i].in));
                json_member_string(w, "name", o->parameters[i].name);
                json_member_bool(w, "required", o->parameters[i].required);
                json_end_object(w);
        }
        json_end_array(w);
        json_member_string(w, "path", o->path);
        json_places(w, "reads", api, o->reads, o->n_reads);
        json_list(w, "tags", o->tags, o->n_tags);
        json_places(w, "writes", api, o->writes, o->n_writes);
        json_end_object(w);
}

void api_show_json(const struct api *api, const struct config *c, struct json_writer *w)
{
        json_put_key(w, "backend");
        json_backend(w, &c->backend);
        json_member_string(w, "base", c->base);
        json_caches(w, c);
        json_caps(w, c);
        json_classes(w, c);
        json_identities(w, c);
        json_limits(w, c);
        json_put_key(w, "operations");
        json_begin_array(w);
        for (uint32_t i = 0; i < api->n_operations; i++)
                json_operation(w, api, &api->operations[i]);
        json_end_array(w);
}
