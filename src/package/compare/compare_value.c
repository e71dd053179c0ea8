/* SPDX-License-Identifier: Apache-2.0 */
/* compare_value.c - types, values and limits of two schemas.  Floor 2, pure. */
#include "package/compare/compare_walk.h"

#include "package/schema/number.h"

#include <stdarg.h>
#include <stdio.h>

enum { VALUE_MAX = 60 };

/* ---- telling ---- */

unsigned compare_effect_of(const struct compare_walk *w, unsigned fits)
{
        unsigned effect = 0;

        if (w->unsure)
                fits = FITS_EITHER;
        if ((w->w->use & COMPARE_REQUEST && fits & FITS_LESS) ||
            (w->w->use & COMPARE_ANSWER && fits & FITS_MORE))
                effect = COMPARE_BREAKS;
        return effect;
}

void compare_tell(struct compare_walk *w, unsigned effect, const char *fmt, ...)
{
        char text[COMPARE_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        compare_add(w->c, w->w->part, COMPARE_CHANGED, effect, w->w->name, "%.*s%s%s",
                    (int)w->where_n, w->where, w->where_n ? ": " : "", text);
}

/* ---- limits ---- */

/* A number that values may not go below or above. */
static void check_number(struct compare_walk *w, const char *name, struct span a, struct span b,
                         bool lower)
{
        struct number x, y;
        int order;

        if (a.n == 0 && b.n == 0)
                return;
        if (a.n == 0) {
                compare_tell(w, compare_effect_of(w, FITS_LESS), "%s %.*s, there was none", name,
                             SHOWN(b));
                return;
        }
        if (b.n == 0) {
                compare_tell(w, compare_effect_of(w, FITS_MORE), "no %s, was %.*s", name, SHOWN(a));
                return;
        }
        if (!number_of(a, &x) || !number_of(b, &y))
                return;
        order = number_cmp(&y, &x);
        if (order)
                compare_tell(w, compare_effect_of(w, (order > 0) == lower ? FITS_LESS : FITS_MORE),
                             "%s %.*s, was %.*s", name, SHOWN(b), SHOWN(a));
}

static void check_multiple(struct compare_walk *w, struct span a, struct span b)
{
        struct number x, y;

        if (a.n == 0 || b.n == 0 || !number_of(a, &x) || !number_of(b, &y)) {
                check_number(w, "multipleOf", a, b, true);
                return;
        }
        if (number_cmp(&x, &y) == 0)
                return;
        compare_tell(w,
                     compare_effect_of(w, number_is_multiple(&y, &x)   ? FITS_LESS
                                          : number_is_multiple(&x, &y) ? FITS_MORE
                                                                       : FITS_EITHER),
                     "multipleOf %.*s, was %.*s", SHOWN(b), SHOWN(a));
}

static void put_size(char out[32], uint64_t v)
{
        if (v == UINT64_MAX)
                snprintf(out, 32, "without limit");
        else
                snprintf(out, 32, "%llu", (unsigned long long)v);
}

static void check_size(struct compare_walk *w, const char *name, uint64_t a, uint64_t b, bool lower)
{
        char was[32], is[32];

        if (a == b)
                return;
        put_size(was, a);
        put_size(is, b);
        compare_tell(w, compare_effect_of(w, (b > a) == lower ? FITS_LESS : FITS_MORE),
                     "%s %s, was %s", name, is, was);
}

static void check_sizes(struct compare_walk *w, const struct api_schema *a,
                        const struct api_schema *b)
{
        check_number(w, "minimum", a->minimum, b->minimum, true);
        check_number(w, "maximum", a->maximum, b->maximum, false);
        check_number(w, "exclusiveMinimum", a->above, b->above, true);
        check_number(w, "exclusiveMaximum", a->below, b->below, false);
        check_multiple(w, a->multiple_of, b->multiple_of);
        check_size(w, "minLength", a->min_length, b->min_length, true);
        check_size(w, "maxLength", a->max_length, b->max_length, false);
        check_size(w, "minItems", a->min_items, b->min_items, true);
        check_size(w, "maxItems", a->max_items, b->max_items, false);
        check_size(w, "minContains", a->min_contains, b->min_contains, true);
        check_size(w, "maxContains", a->max_contains, b->max_contains, false);
        check_size(w, "minProperties", a->min_properties, b->min_properties, true);
        check_size(w, "maxProperties", a->max_properties, b->max_properties, false);
        if (a->unique != b->unique)
                compare_tell(w, compare_effect_of(w, b->unique ? FITS_LESS : FITS_MORE),
                             b->unique ? "uniqueItems" : "no uniqueItems any more");
}

/* ---- texts that one either has or has not ---- */

static void check_text(struct compare_walk *w, const char *name, struct span a, struct span b)
{
        if (span_eq(a, b))
                return;
        if (a.n == 0)
                compare_tell(w, compare_effect_of(w, FITS_LESS), "%s %.*s, there was none", name,
                             SHOWN(b));
        else if (b.n == 0)
                compare_tell(w, compare_effect_of(w, FITS_MORE), "no %s, was %.*s", name, SHOWN(a));
        else
                compare_tell(w, compare_effect_of(w, FITS_EITHER), "%s %.*s, was %.*s", name,
                             SHOWN(b), SHOWN(a));
}

static struct span format_of(const struct api_schema *s)
{
        return s->format == API_FORMAT_NONE ? SPAN_NONE : span_str(api_format_name(s->format));
}

/* Without a class a value of an answer is shown to whoever may make the call. */
void compare_data_class(struct compare_walk *w, struct span a, struct span b)
{
        unsigned shown = w->w->use & COMPARE_ANSWER ? COMPARE_EITHER : COMPARE_NOTHING;

        if (span_eq(a, b))
                return;
        if (a.n == 0)
                compare_tell(w, shown & COMPARE_BREAKS, "x-data-class %.*s, there was none",
                             SHOWN(b));
        else if (b.n == 0)
                compare_tell(w, shown & COMPARE_WIDENS, "no x-data-class, was %.*s", SHOWN(a));
        else
                compare_tell(w, shown, "x-data-class %.*s, was %.*s", SHOWN(b), SHOWN(a));
}

/* ---- types and values ---- */

/* A number may be an integer as well. */
static uint32_t types_of(const struct api_schema *s)
{
        return s->never ? 0 : s->types & API_NUMBER ? s->types | API_INTEGER : s->types;
}

static void put_types(char out[128], uint32_t types)
{
        static const struct {
                uint32_t bit;
                const char *name;
        } names[] = {
                { API_STRING, "string" }, { API_INTEGER, "integer" }, { API_NUMBER, "number" },
                { API_BOOL, "boolean" },  { API_OBJECT, "object" },   { API_ARRAY, "array" },
                { API_NULL, "null" },
        };
        size_t n = 0;

        if (types & API_NUMBER)
                types &= ~(uint32_t)API_INTEGER;
        snprintf(out, 128, "%s", types == 0 ? "nothing" : "anything");
        if (types == 0 || types == (API_ANY & ~API_INTEGER))
                return;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (types & names[i].bit)
                        n += (size_t)snprintf(out + n, 128 - n, "%s%s", n ? " or " : "",
                                              names[i].name);
}

static void check_types(struct compare_walk *w, const struct api_schema *a,
                        const struct api_schema *b)
{
        uint32_t x = types_of(a), y = types_of(b);
        char was[128], is[128];

        if (x == y)
                return;
        put_types(was, x);
        put_types(is, y);
        compare_tell(w, compare_effect_of(w, (x & ~y ? FITS_LESS : 0u) | (y & ~x ? FITS_MORE : 0u)),
                     "type %s, was %s", is, was);
}

static struct span print_value(struct comparer *c, const struct tree *v, struct buf *b)
{
        buf_clear(b);
        tree_print(v, b);
        if (buf_status(b) < 0)
                c->rc = -ENOMEM;
        return buf_span(b);
}

static bool has_value(struct comparer *c, const struct api_schema *s, struct span v, struct buf *b)
{
        for (uint32_t i = 0; i < s->n_values; i++)
                if (span_eq(print_value(c, &s->values[i], b), v))
                        return true;
        return false;
}

/* Values of one that the other has not. */
static void tell_values(struct compare_walk *w, const struct api_schema *of,
                        const struct api_schema *not_of, unsigned fits, const char *what)
{
        CLEANUP(buf_done) struct buf one = BUF_INIT(1 << 20), two = BUF_INIT(1 << 20);

        for (uint32_t i = 0; i < of->n_values; i++) {
                struct span v = print_value(w->c, &of->values[i], &one);

                if (w->c->rc == 0 && !has_value(w->c, not_of, v, &two))
                        compare_tell(w, compare_effect_of(w, fits), "value %.*s %s",
                                     (int)MIN_OF(v.n, (size_t)VALUE_MAX), (const char *)v.p, what);
        }
}

static void check_values(struct compare_walk *w, const struct api_schema *a,
                         const struct api_schema *b)
{
        if (a->n_values == 0 && b->n_values == 0)
                return;
        if (a->n_values == 0) {
                compare_tell(w, compare_effect_of(w, FITS_LESS), "one of %u values, any was",
                             (unsigned)b->n_values);
        } else if (b->n_values == 0) {
                compare_tell(w, compare_effect_of(w, FITS_MORE), "any value, was one of %u",
                             (unsigned)a->n_values);
        } else {
                tell_values(w, b, a, FITS_MORE, "added");
                tell_values(w, a, b, FITS_LESS, "removed");
        }
}

/* ---- all of it ---- */

void compare_values(struct compare_walk *w, const struct api_schema *a, const struct api_schema *b)
{
        compare_data_class(w, a->data_class, b->data_class);
        check_types(w, a, b);
        check_values(w, a, b);
        check_sizes(w, a, b);
        check_text(w, "pattern", a->pattern, b->pattern);
        check_text(w, "format", format_of(a), format_of(b));
}
