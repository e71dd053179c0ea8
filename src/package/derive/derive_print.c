/* SPDX-License-Identifier: Apache-2.0 */
/* derive_print.c - shapes as types of Cedar.  Floor 2, pure.
 *
 * Recursion is bounded by SHAPE_HEIGHT_MAX. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "package/derive/derive_text.h"
#include "package/openapi/openapi_place.h"
#include "policy/parse/token.h"
#include "policy/print/print.h"

enum { PLACE_MAX = 300 };

void derive_put_name(struct buf *out, struct span attr)
{
        if (cedar_is_ident(attr) && cedar_word(attr) == WORD_NONE)
                buf_put(out, attr);
        else
                cedar_print_string(attr, out);
}

static void put_indent(struct deriver *d, unsigned indent)
{
        for (unsigned i = 0; i < indent; i++)
                buf_put_str(d->out, "  ");
}

/* ---- what is told ---- */

void derive_step(struct deriver *d, struct span name)
{
        if (d->n_steps < ARRAY_LEN(d->step))
                d->step[d->n_steps++] = name;
}

static struct source_mark place_of(const struct deriver *d)
{
        if (d->component.n)
                return openapi_place_schema(d->document, d->component, d->step, d->n_steps);
        return openapi_place_operation(d->document, d->operation, d->step, d->n_steps);
}

static void warn(struct deriver *d, const char *text)
{
        struct source_mark mark;

        if (!d->l || d->told)
                return;
        mark = place_of(d);
        lint_warning(d->l, &mark, "%s: %s", buf_cstr(&d->place), text);
}

static void tell_lack(struct deriver *d, const struct shape_attr *a, unsigned indent)
{
        const char *text = shape_lack_text(a->shape->lack);
        char said[160];

        if (a->shape->lack == SHAPE_NOTHING)
                return;
        snprintf(said, sizeof said, "policies cannot ask for it: %s", text);
        warn(d, said);
        put_indent(d, indent);
        buf_put_str(d->out, "// ");
        text_put_safe(d->out, a->name);
        buf_printf(d->out, ": left out, %s\n", text);
}

static void tell_decimals(struct deriver *d, const struct shape *s)
{
        while (s->item)
                s = s->item;
        if ((s->kinds & API_NUMBER) && !s->fine)
                warn(d, "it is a decimal, and numbers with more than four digits behind the point "
                        "are refused; multipleOf: 0.01 says that there are none");
}

/* ---- types ---- */

static void put_enum(struct deriver *d, const struct shape *s)
{
        struct derive_name wanted = { .what = NAMED_ENUM,
                                      .values = s->values,
                                      .n_values = s->n_values };
        struct buf name = BUF_INIT(2 * DERIVE_NAME_MAX);
        struct span given = SPAN_NONE;
        int rc;

        if (s->name.n)
                derive_name_put(&name, s->name);
        wanted.name = s->name.n ? buf_span(&name) : buf_span(&d->name);
        rc = buf_status(&name);
        if (rc == 0)
                rc = derive_name(&d->names, &wanted, &given);
        if (rc < 0 && d->status == 0)
                d->status = rc;
        buf_put(d->out, given);
        buf_done(&name);
}

static void put_string(struct deriver *d, const struct shape *s)
{
        static const char *const names[] = {
                [SHAPE_STRING] = "String",
                [SHAPE_DATETIME] = "datetime",
                [SHAPE_IPADDR] = "ipaddr",
        };

        if (s->values)
                put_enum(d, s);
        else
                buf_put_str(d->out, names[s->text]);
}

static void put_type(struct deriver *d, const struct shape *s, unsigned indent)
{
        switch (s->kinds & ~(uint32_t)API_NULL) {
        case API_BOOL:
                buf_put_str(d->out, "Bool");
                return;
        case API_INTEGER:
                buf_put_str(d->out, "Long");
                return;
        case API_STRING:
                put_string(d, s);
                return;
        case API_ARRAY:
                buf_put_str(d->out, "Set<");
                put_type(d, s->item, indent);
                buf_put_byte(d->out, '>');
                return;
        case API_OBJECT:
                if (s->record->type.n) {
                        buf_put(d->out, s->record->type);
                        return;
                }
                buf_put_str(d->out, "{\n");
                derive_put_record(d, s->record, indent + 1);
                put_indent(d, indent);
                buf_put_byte(d->out, '}');
                return;
        default:
                buf_put_str(d->out, "decimal");
        }
}

void derive_put_attr(struct deriver *d, const struct shape_attr *a, unsigned indent)
{
        size_t name = d->name.n, place = d->place.n;
        uint32_t n_steps = d->n_steps;

        derive_step(d, a->name);
        derive_name_put(&d->name, a->name);
        if (place < PLACE_MAX) {
                buf_put_str(&d->place, d->place.n && d->place.p[place - 1] != ' ' ? "." : "");
                buf_put(&d->place, span_of(a->name.p, MIN_OF(a->name.n, (size_t)PLACE_MAX)));
        }
        if (!shape_typed(a->shape)) {
                tell_lack(d, a, indent);
        } else {
                tell_decimals(d, a->shape);
                put_indent(d, indent);
                derive_put_name(d->out, a->name);
                buf_put_str(d->out, a->required && !shape_nullable(a->shape) ? ": " : "?: ");
                put_type(d, a->shape, indent);
                buf_put_str(d->out, ",\n");
        }
        d->name.n = name;
        d->place.n = place;
        d->n_steps = n_steps;
}

void derive_put_record(struct deriver *d, const struct shape_record *r, unsigned indent)
{
        for (uint32_t i = 0; i < r->n && buf_status(d->out) == 0 && d->status == 0; i++)
                derive_put_attr(d, &r->attrs[i], indent);
}

void derive_begin(struct deriver *d, struct buf *b)
{
        if (d->status == 0)
                d->status = buf_status(b);
        buf_clear(b);
}

void derive_put_types(struct deriver *d)
{
        for (uint32_t i = 0; i < d->n_records; i++) {
                const struct shape_record *r = d->records[i];

                d->component = r->name;
                derive_begin(d, &d->name);
                derive_name_put(&d->name, r->name);
                derive_begin(d, &d->place);
                buf_put_str(&d->place, "schema ");
                buf_put(&d->place, span_of(r->name.p, MIN_OF(r->name.n, (size_t)PLACE_MAX)));
                buf_put_str(&d->place, ": ");
                buf_printf(d->out, "\ntype %.*s = {\n", (int)r->type.n, (const char *)r->type.p);
                derive_put_record(d, r, 1);
                buf_put_str(d->out, "};\n");
        }
        d->component = SPAN_NONE;
}

static int by_name(const void *a, const void *b)
{
        const struct derive_name *x = *(const struct derive_name *const *)a,
                                 *y = *(const struct derive_name *const *)b;

        return span_cmp(x->name, y->name);
}

static void put_enum_entity(struct deriver *d, const struct derive_name *e)
{
        buf_printf(d->out, "entity %.*s enum [", (int)e->name.n, (const char *)e->name.p);
        for (uint32_t i = 0; i < e->n_values; i++) {
                buf_put_str(d->out, i ? ", " : "");
                cedar_print_string(e->values[i], d->out);
        }
        buf_put_str(d->out, "];\n");
}

void derive_put_enums(struct deriver *d)
{
        const struct derive_name **list =
                arena_alloc(&d->arena, d->names.n * sizeof(struct derive_name *));
        uint32_t n = 0;

        if (!list) {
                d->status = -ENOMEM;
                return;
        }
        for (uint32_t i = 0; i < d->names.n; i++)
                if (d->names.list[i].what == NAMED_ENUM)
                        list[n++] = &d->names.list[i];
        qsort(list, n, sizeof(struct derive_name *), by_name);
        buf_put_str(d->out, n ? "\n" : "");
        for (uint32_t i = 0; i < n; i++)
                put_enum_entity(d, list[i]);
}
