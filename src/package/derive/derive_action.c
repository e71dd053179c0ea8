/* SPDX-License-Identifier: Apache-2.0 */
/* derive_action.c - operations, their tags and what they read as actions of Cedar.  Floor 2, pure.
 */
#include <stdlib.h>

#include "package/derive/derive_join.h"
#include "package/derive/derive_text.h"
#include "package/policies/question.h"
#include "policy/print/print.h"

/* ---- names of actions ---- */

/* An action and what it is of, for people. */
struct action_name {
        struct span name;
        const char *what;
        const struct api_operation *of; /* NULL: no operation's */
};

struct action_names {
        struct action_name *list;
        uint32_t n;
};

static int by_name(const void *a, const void *b)
{
        const struct action_name *x = a, *y = b;
        int c = span_cmp(x->name, y->name);

        return c ? c : strcmp(x->what, y->what);
}

static size_t count_names(const struct api *api)
{
        size_t n = 2;

        for (uint32_t i = 0; i < api->n_operations; i++)
                n += 3 + api->operations[i].n_tags;
        return n;
}

static bool add_operation(struct deriver *d, struct action_names *all,
                          const struct api_operation *o)
{
        all->list[all->n++] = (struct action_name){ o->id, "an operation", o };
        for (uint32_t i = 0; i < o->n_tags; i++)
                all->list[all->n++] = (struct action_name){ o->tags[i], "a tag", NULL };
        for (enum api_question k = API_ASK_READ; o->n_reads && k <= API_ASK_MASKED; k++) {
                struct cedar_uid action;

                if (!api_question(&d->arena, o->id, k, &action))
                        return false;
                all->list[all->n++] =
                        (struct action_name){ action.id, "what an operation's answer is read by",
                                              o };
        }
        return true;
}

/* The same tag on many operations is one. */
static bool clash(const struct action_name *a, const struct action_name *b)
{
        return span_eq(a->name, b->name) && (a->of != b->of || strcmp(a->what, b->what) != 0);
}

int derive_check_actions(struct deriver *d)
{
        struct action_names all = { 0 };
        int rc = 0;

        all.list = arena_alloc(&d->arena, count_names(d->api) * sizeof *all.list);
        if (!all.list)
                return err_set(d->err, -ENOMEM, "no memory for actions");
        all.list[all.n++] =
                (struct action_name){ SPAN("read"), "what all classes are read by", NULL };
        all.list[all.n++] =
                (struct action_name){ SPAN("readMasked"), "what all classes are read by", NULL };
        for (uint32_t i = 0; i < d->api->n_operations; i++)
                if (!add_operation(d, &all, &d->api->operations[i]))
                        return err_set(d->err, -ENOMEM, "no memory for actions");
        qsort(all.list, all.n, sizeof *all.list, by_name);
        for (uint32_t i = 1; i < all.n; i++) {
                const struct action_name *a = &all.list[i - 1], *b = &all.list[i];

                if (!clash(a, b))
                        continue;
                d->operation = b->of ? b->of->id : a->of ? a->of->id : SPAN_NONE;
                rc = derive_error(d, NULL,
                                  "\"%.*s\" is %s and %s: both would be the action of this "
                                  "name; call one of them otherwise",
                                  (int)b->name.n, (const char *)b->name.p, a->what, b->what);
        }
        d->operation = SPAN_NONE;
        return rc;
}

/* ---- contexts ---- */

/* A parameter is never null, and text where nothing is said of it. */
static bool as_text(struct shape *s)
{
        const uint32_t all = API_ANY & ~(uint32_t)API_NULL;

        s->kinds &= all;
        if (s->kinds != all || s->lack != SHAPE_ANY)
                return false;
        *s = (struct shape){ .kinds = API_STRING, .text = s->text };
        return true;
}

const struct shape *derive_parameter_shape(struct deriver *d, const struct api_parameter *p)
{
        struct shape *s = arena_alloc(&d->arena, sizeof *s);
        struct shape *item;

        if (!s)
                return NULL;
        *s = *shape_at(&d->shapes, p->schema);
        if (!as_text(s) && (s->kinds & API_ARRAY)) {
                item = arena_alloc(&d->arena, sizeof *item);
                if (!item)
                        return NULL;
                *item = s->item ? *s->item : *shape_at(&d->shapes, API_NONE);
                (void)as_text(item);
                shape_settle(item);
                s->item = item;
        }
        shape_settle(s);
        return s;
}

/* Those of one place, as a record. */
static const struct shape *place_shape(struct deriver *d, const struct api_operation *o,
                                       enum api_place place)
{
        struct shape_attr *attrs = arena_alloc(&d->arena, o->n_parameters * sizeof *attrs);
        struct shape *s = arena_alloc(&d->arena, sizeof *s);
        uint32_t n = 0;

        if (!attrs || !s)
                return NULL;
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                const struct api_parameter *p = &o->parameters[i];

                if (p->in != place)
                        continue;
                attrs[n] = (struct shape_attr){ .name = p->name,
                                                .shape = derive_parameter_shape(d, p),
                                                .required = p->required };
                if (!attrs[n++].shape)
                        return NULL;
        }
        s->kinds = API_OBJECT;
        s->record = shape_record_of(&d->shapes, attrs, n);
        shape_settle(s);
        return s->record ? s : NULL;
}

/* A place none of whose parameters has a type. */
static void put_lacks(struct deriver *d, const struct shape_attr *place, unsigned indent)
{
        uint32_t n_steps = d->n_steps;
        size_t n = d->place.n;

        derive_step(d, place->name);
        buf_put(&d->place, place->name);
        derive_put_record(d, place->shape->record, indent);
        d->place.n = n;
        d->n_steps = n_steps;
}

static void put_place(struct deriver *d, const struct api_operation *o, enum api_place place,
                      unsigned indent)
{
        struct shape_attr attr = { .name = span_str(api_place_name(place)),
                                   .shape = place_shape(d, o, place),
                                   .required = true };

        if (!attr.shape)
                d->status = -ENOMEM;
        else if (shape_typed(attr.shape))
                derive_put_attr(d, &attr, indent);
        else
                put_lacks(d, &attr, indent);
}

static void put_body(struct deriver *d, const struct api_operation *o, unsigned indent)
{
        const struct api_body *body = o->request;
        struct shape_attr attr = { .name = SPAN("body"), .required = body->required };

        for (uint32_t i = 0; i < body->n_media; i++)
                attr.required = attr.required && body->media[i].json;
        attr.shape = d->bodies[o - d->api->operations];
        derive_put_attr(d, &attr, indent);
}

static void put_context(struct deriver *d, const struct api_operation *o, unsigned indent)
{
        static const char *const common[] = { "address: ipaddr", "time: datetime",
                                              "tls: { version: String, client?: String }" };
        static const enum api_place places[] = { API_IN_PATH, API_IN_QUERY, API_IN_HEADER,
                                                 API_IN_COOKIE };

        for (size_t i = 0; i < ARRAY_LEN(common); i++)
                buf_printf(d->out, "%*s%s,\n", (int)(2 * indent), "", common[i]);
        d->operation = o->id;
        derive_begin(d, &d->name);
        derive_name_put(&d->name, o->id);
        derive_begin(d, &d->place);
        buf_printf(&d->place, "operation %.*s: ", (int)o->id.n, (const char *)o->id.p);
        for (size_t i = 0; i < ARRAY_LEN(places); i++)
                put_place(d, o, places[i], indent);
        if (o->request)
                put_body(d, o, indent);
}

/* ---- actions ---- */

static struct span object_type(const struct api_operation *o)
{
        return o->object.type.n ? o->object.type : SPAN("Api");
}

static void put_operation(struct deriver *d, const struct api_operation *o)
{
        buf_put_str(d->out, "\naction ");
        cedar_print_string(o->id, d->out);
        for (uint32_t i = 0; i < o->n_tags; i++) {
                buf_put_str(d->out, i ? ", " : " in [");
                cedar_print_string(o->tags[i], d->out);
        }
        buf_put_str(d->out, o->n_tags ? "] appliesTo {\n" : " appliesTo {\n");
        buf_put_str(d->out, "  principal: Caller,\n  resource: ");
        buf_put(d->out, object_type(o));
        buf_put_str(d->out, ",\n  context: {\n");
        put_context(d, o, 2);
        buf_put_str(d->out, "  },\n};\n");
}

/* An operation's ".read" is in the action "read". */
static void put_read(struct deriver *d, const struct api_operation *o, enum api_question which,
                     struct span context)
{
        const struct span suffix = api_question_suffix(which), above = span_from(suffix, 1);

        buf_printf(d->out, "action \"%.*s%.*s\" in [\"%.*s\"] appliesTo {\n", (int)o->id.n,
                   (const char *)o->id.p, (int)suffix.n, (const char *)suffix.p, (int)above.n,
                   (const char *)above.p);
        buf_put_str(d->out, "  principal: Caller,\n  resource: DataClass,\n  context: ");
        buf_put(d->out, context);
        buf_put_str(d->out, ",\n};\n");
}

static void put_reads(struct deriver *d, const struct api_operation *o)
{
        struct derive_name wanted = { .what = NAMED_RECORD };
        struct span name = SPAN_NONE;
        int rc;

        derive_begin(d, &d->name);
        derive_name_put(&d->name, o->id);
        buf_put_str(&d->name, "Read");
        wanted.name = buf_span(&d->name);
        rc = derive_name(&d->names, &wanted, &name);
        if (rc < 0) {
                d->status = rc;
                return;
        }
        buf_printf(d->out, "type %.*s = {\n  object: ", (int)name.n, (const char *)name.p);
        buf_put(d->out, object_type(o));
        buf_put_str(d->out, ",\n");
        d->told = true;
        put_context(d, o, 1);
        d->told = false;
        buf_put_str(d->out, "};\n");
        put_read(d, o, API_ASK_READ, name);
        put_read(d, o, API_ASK_MASKED, name);
}

static int by_text(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static void put_tags(struct deriver *d)
{
        struct span *tags = arena_alloc(&d->arena, count_names(d->api) * sizeof *tags);
        uint32_t n = 0;

        if (!tags) {
                d->status = -ENOMEM;
                return;
        }
        for (uint32_t i = 0; i < d->api->n_operations; i++)
                for (uint32_t k = 0; k < d->api->operations[i].n_tags; k++)
                        tags[n++] = d->api->operations[i].tags[k];
        qsort(tags, n, sizeof *tags, by_text);
        for (uint32_t i = 0; i < n; i++) {
                if (i && span_eq(tags[i], tags[i - 1]))
                        continue;
                buf_put_str(d->out, "action ");
                cedar_print_string(tags[i], d->out);
                buf_put_str(d->out, ";\n");
        }
}

void derive_put_actions(struct deriver *d)
{
        buf_put_byte(d->out, '\n');
        put_tags(d);
        buf_put_str(d->out, "action \"read\", \"readMasked\";\n");
        for (uint32_t i = 0; i < d->api->n_operations && d->status == 0; i++) {
                const struct api_operation *o = &d->api->operations[i];

                put_operation(d, o);
                if (o->n_reads)
                        put_reads(d, o);
        }
        d->operation = SPAN_NONE;
}
