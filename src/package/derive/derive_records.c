/* SPDX-License-Identifier: Apache-2.0 */
/* derive_records.c - the shapes of all requests, and names for those of components.  Floor 2,
 * pure. */
#include <stdlib.h>

#include "package/derive/derive_text.h"

/* ---- shapes ---- */

static uint32_t count_roots(const struct api *api)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < api->n_operations; i++) {
                const struct api_operation *o = &api->operations[i];

                n += o->n_parameters + (o->request ? o->request->n_media : 0);
        }
        return n;
}

static int make_shapes(struct deriver *d)
{
        uint32_t *roots = arena_alloc(&d->arena, count_roots(d->api) * sizeof *roots);
        uint32_t n = 0;

        if (!roots)
                return -ENOMEM;
        for (uint32_t i = 0; i < d->api->n_operations; i++) {
                const struct api_operation *o = &d->api->operations[i];

                for (uint32_t k = 0; k < o->n_parameters; k++)
                        roots[n++] = o->parameters[k].schema;
                for (uint32_t k = 0; o->request && k < o->request->n_media; k++)
                        roots[n++] = o->request->media[k].schema;
        }
        return shapes_make(&d->api->schemas, roots, n, &d->arena, &d->shapes, d->err);
}

/* What a body can be, whichever type it is sent as; NULL: no memory. */
static const struct shape *body_shape(struct deriver *d, const struct api_body *body)
{
        const struct shape *all = NULL;

        for (uint32_t i = 0; i < body->n_media; i++) {
                const struct shape *one = shape_at(&d->shapes, body->media[i].schema);

                if (!body->media[i].json)
                        continue;
                all = all ? shape_join(&d->shapes, all, one) : one;
                if (!all)
                        return NULL;
        }
        return all ? all : shape_at(&d->shapes, API_NONE);
}

static int make_bodies(struct deriver *d)
{
        uint32_t n = d->api->n_operations;

        d->bodies = arena_alloc(&d->arena, n * sizeof(const struct shape *));
        if (!d->bodies)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++) {
                const struct api_body *body = d->api->operations[i].request;

                if (!body)
                        continue;
                d->bodies[i] = body_shape(d, body);
                if (!d->bodies[i])
                        return -ENOMEM;
        }
        return 0;
}

/* ---- records of components ---- */

/* Records met on the way to them; grows as it goes. */
struct found {
        struct shape_record **list;
        uint32_t n, cap;
};

static bool found_add(struct deriver *d, struct found *f, struct shape_record *r)
{
        if (f->n == f->cap) {
                uint32_t cap = f->cap ? 2 * f->cap : 64;
                struct shape_record **list =
                        arena_alloc(&d->arena, cap * sizeof(struct shape_record *));

                if (!list)
                        return false;
                if (f->n)
                        memcpy(list, f->list, f->n * sizeof(struct shape_record *));
                f->list = list;
                f->cap = cap;
        }
        f->list[f->n++] = r;
        return true;
}

/* All that a type is made of.  Each record is entered once. */
static bool find_records(struct deriver *d, struct found *f, const struct shape *s)
{
        struct shape_record *r;

        while (s && s->item && shape_typed(s))
                s = s->item;
        r = s && shape_typed(s) ? s->record : NULL;
        if (!r || r->seen)
                return true;
        r->seen = true;
        if (r->name.n && !found_add(d, f, r))
                return false;
        for (uint32_t i = 0; i < r->n; i++)
                if (!find_records(d, f, r->attrs[i].shape))
                        return false;
        return true;
}

static int by_name(const void *a, const void *b)
{
        const struct shape_record *x = *(struct shape_record *const *)a,
                                  *y = *(struct shape_record *const *)b;
        int c = span_cmp(x->name, y->name);

        return c ? c : (x->order > y->order) - (x->order < y->order);
}

static int name_record(struct deriver *d, struct shape_record *r)
{
        struct derive_name wanted = { .what = NAMED_RECORD };
        struct buf text = BUF_INIT(2 * DERIVE_NAME_MAX);
        int rc;

        derive_name_put(&text, r->name);
        buf_put_str(&text, "Record");
        wanted.name = buf_span(&text);
        rc = buf_status(&text);
        if (rc == 0)
                rc = derive_name(&d->names, &wanted, &r->type);
        buf_done(&text);
        return rc;
}

static int name_records(struct deriver *d)
{
        struct found f = { 0 };
        int rc = 0;

        for (uint32_t i = 0; i < d->api->n_operations; i++)
                if (!find_records(d, &f, d->bodies[i]))
                        return -ENOMEM;
        for (uint32_t i = 0; i < f.n; i++)
                f.list[i]->order = i;
        if (f.n)
                qsort(f.list, f.n, sizeof(struct shape_record *), by_name);
        for (uint32_t i = 0; i < f.n && rc == 0; i++)
                rc = name_record(d, f.list[i]);
        d->records = f.list;
        d->n_records = f.n;
        return rc;
}

int derive_shapes(struct deriver *d)
{
        int rc = make_shapes(d);

        if (rc == 0)
                rc = make_bodies(d);
        return rc < 0 ? rc : name_records(d);
}
