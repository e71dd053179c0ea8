/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check.c - does a value fit a schema?  Floor 2.  SECURITY: values are hostile.
 *
 * Recursion is bounded: a value is at most TREE_DEPTH_MAX deep, and at each of its levels at most
 * API_SCHEMA_NEST_MAX schemas lie in each other (schema_checker.c).  Work is bounded by steps. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "package/schema_check_priv.h"
#include "package/schema_format.h"

enum {
        PATH_SHOWN = 256,
        NAME_SHOWN = 48,
        PATTERN_SHOWN = 100,
        TRIES_PER_STEP = 4,
        BYTES_PER_STEP = 256,
};

/* ---- faults ---- */

static bool is_plain(struct span name)
{
        for (size_t i = 0; i < name.n; i++) {
                uint8_t c = name.p[i], letter = c | 0x20;

                if ((letter < 'a' || letter > 'z') && c != '_' && c != '-' &&
                    (c < '0' || c > '9' || i == 0))
                        return false;
        }
        return name.n > 0 && name.n <= NAME_SHOWN;
}

/* At most n bytes, whole characters. */
static struct span cut(struct span s, size_t n)
{
        if (s.n <= n)
                return s;
        while (n > 0 && (s.p[n] & 0xc0) == 0x80)
                n--;
        return span_of(s.p, n);
}

/* The document's; another may be anything, somebody's name or address for one. */
static void put_name(const struct check *k, struct buf *out, struct span name)
{
        struct span shown = cut(name, NAME_SHOWN);

        if (!api_checker_named(k->c, name)) {
                buf_put_str(out, ".*");
                return;
        }
        if (is_plain(name)) {
                buf_put_byte(out, '.');
                buf_put(out, name);
                return;
        }
        buf_put_str(out, "[\"");
        text_put_safe(out, shown);
        buf_put_str(out, shown.n < name.n ? "...\"]" : "\"]");
}

/* Recursion is that of the value's depth.  false: it was cut. */
static bool put_place(const struct check *k, const struct place *at, struct buf *out)
{
        if (at->kind == PLACE_WHOLE) {
                buf_put_str(out, k->what);
                return true;
        }
        if (!put_place(k, at->above, out))
                return false;
        if (out->n > PATH_SHOWN) {
                buf_put_str(out, "...");
                return false;
        }
        if (at->kind == PLACE_ITEM)
                buf_printf(out, "[%" PRIu32 "]", at->item);
        else
                put_name(k, out, at->name);
        if (at->kind == PLACE_NAME)
                buf_put_str(out, " (the name)");
        return true;
}

static int fault(struct check *k, const struct place *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int fault(struct check *k, const struct place *at, const char *fmt, ...)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT((size_t)2 * ERR_TEXT_MAX);
        char text[ERR_TEXT_MAX / 2];
        va_list ap;

        if (k->quiet > 0 || !k->err)
                return -EINVAL;
        (void)put_place(k, at, &path);
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        return err_set(k->err, -EINVAL, "%s: %s", buf_cstr(&path), text);
}

static int too_much(struct check *k)
{
        return err_set(k->err, -E2BIG, "%s: takes too long to check", k->what);
}

int schema_spend(struct check *k, uint64_t steps)
{
        return steps_take(&k->steps, steps) ? 0 : too_much(k);
}

int schema_fits(struct check *k, uint32_t schema, const struct tree *v, const struct place *at)
{
        int rc;

        k->quiet++;
        rc = schema_check(k, schema, v, at);
        k->quiet--;
        return rc == 0 ? 1 : rc == -EINVAL ? 0 : rc;
}

/* ---- types and values ---- */

static unsigned types_of(const struct tree *v)
{
        struct number a;

        switch (v->kind) {
        case TREE_NULL:
                return API_NULL;
        case TREE_BOOL:
                return API_BOOL;
        case TREE_NUMBER:
                return API_INTEGER | API_NUMBER;
        case TREE_REAL:
                a = number_of_tree(v);
                return API_NUMBER | (number_is_integer(&a) ? API_INTEGER : 0);
        case TREE_STRING:
                return API_STRING;
        case TREE_ARRAY:
                return API_ARRAY;
        case TREE_OBJECT:
                return API_OBJECT;
        }
        return 0;
}

static int wrong_type(struct check *k, const struct one *o)
{
        static const char *const names[] = { "null",     "a boolean", "an integer", "a number",
                                             "a string", "an array",  "an object" };
        char wanted[100] = "";
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (o->s->types >> i & 1)
                        n += (size_t)snprintf(wanted + n, sizeof wanted - n, "%s%s",
                                              n > 0 ? " or " : "", names[i]);
        return fault(k, o->at, "%s is wanted, not %s", n > 0 ? wanted : "nothing",
                     o->v->kind == TREE_REAL && !(o->s->types & API_NUMBER)
                             ? "a number with a fraction"
                             : tree_kind_name(o->v->kind));
}

static int check_type(struct check *k, const struct one *o)
{
        if (o->s->never)
                return fault(k, o->at, "is not allowed");
        if (o->s->types != API_ANY && !(o->s->types & types_of(o->v)))
                return wrong_type(k, o);
        return 0;
}

static int check_values(struct check *k, const struct one *o)
{
        uint32_t from = 0, to = o->s->n_values;

        if (!o->s->values)
                return 0;
        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = value_cmp(o->v, o->compiled->values[middle], &k->steps);

                if (k->steps.over)
                        return too_much(k);
                if (c == 0)
                        return 0;
                if (c < 0)
                        to = middle;
                else
                        from = middle + 1;
        }
        return fault(k, o->at,
                     o->s->n_values == 1 ? "is not the value that is wanted"
                                         : "is none of the values that are wanted");
}

/* ---- numbers ---- */

static bool breaks_limit(const struct checker_limit *l, const struct tree *v)
{
        bool whole = l->whole && v->kind == TREE_NUMBER;
        struct number a;
        int c = 0;

        if (whole && l->kind == CHECKER_MULTIPLE)
                return v->number % l->number != 0;
        if (whole) {
                c = (v->number > l->number) - (v->number < l->number);
        } else {
                a = number_of_tree(v);
                if (l->kind == CHECKER_MULTIPLE)
                        return !number_is_multiple(&a, &l->exact);
                c = number_cmp(&a, &l->exact);
        }
        switch (l->kind) {
        case CHECKER_MINIMUM:
                return c < 0;
        case CHECKER_MAXIMUM:
                return c > 0;
        case CHECKER_ABOVE:
                return c <= 0;
        default:
                return c >= 0;
        }
}

static bool breaks_width(enum api_format f, const struct tree *v)
{
        struct number a = number_of_tree(v);
        int64_t n;

        if (f != API_FORMAT_INT32 && f != API_FORMAT_INT64)
                return false;
        return !number_to_int(&a, 0, &n) ||
               (f == API_FORMAT_INT32 && (n < INT32_MIN || n > INT32_MAX));
}

static int check_number(struct check *k, const struct one *o)
{
        static const char *const says[CHECKER_LIMITS] = {
                [CHECKER_MINIMUM] = "less than",       [CHECKER_MAXIMUM] = "more than",
                [CHECKER_ABOVE] = "not more than",     [CHECKER_BELOW] = "not less than",
                [CHECKER_MULTIPLE] = "no multiple of",
        };

        for (uint32_t i = 0; i < o->compiled->n_limits; i++) {
                const struct checker_limit *l = &o->compiled->limits[i];

                if (breaks_limit(l, o->v))
                        return fault(k, o->at, "%s %.*s", says[l->kind], (int)l->text.n,
                                     (const char *)l->text.p);
        }
        if (o->s->format != API_FORMAT_NONE && breaks_width(o->s->format, o->v))
                return fault(k, o->at, "is no %s", api_format_name(o->s->format));
        return 0;
}

/* ---- strings ---- */

static uint64_t characters(struct span s)
{
        uint64_t n = 0;

        for (size_t i = 0; i < s.n; i++)
                n += (s.p[i] & 0xc0) != 0x80;
        return n;
}

/* Counted only where bytes do not decide it. */
static int check_length(struct check *k, const struct one *o)
{
        struct span text = o->v->text;
        uint64_t least = o->s->min_length, most = o->s->max_length, n;

        if (text.n <= most && (least == 0 || text.n / 4 >= least))
                return 0;
        n = characters(text);
        if (n < least)
                return fault(k, o->at, "shorter than %" PRIu64 " characters", least);
        if (n > most)
                return fault(k, o->at, "longer than %" PRIu64 " characters", most);
        return 0;
}

int schema_search(struct check *k, const struct regex *r, struct span text)
{
        uint64_t tries;
        int rc = schema_spend(k, text.n / BYTES_PER_STEP);

        if (rc < 0)
                return rc;
        tries = k->steps.left * TRIES_PER_STEP;
        rc = regex_search(r, k->c->space->regex, text, &tries);
        k->steps.left = tries / TRIES_PER_STEP;
        if (rc == -E2BIG)
                return too_much(k);
        if (rc == -ENOMEM)
                return err_set(k->err, -ENOMEM, "%s: no memory for a pattern", k->what);
        return rc;
}

static int check_pattern(struct check *k, const struct one *o)
{
        CLEANUP(buf_done) struct buf shown = BUF_INIT(ERR_TEXT_MAX);
        int rc;

        if (!o->compiled->pattern)
                return 0;
        rc = schema_search(k, o->compiled->pattern, o->v->text);
        if (rc == -EINVAL)
                return fault(k, o->at, "is not UTF-8");
        if (rc != 0)
                return rc < 0 ? rc : 0;
        if (k->quiet == 0)
                text_put_safe(&shown, cut(o->s->pattern, PATTERN_SHOWN));
        return fault(k, o->at, "does not match the pattern %s%s", buf_cstr(&shown),
                     o->s->pattern.n > PATTERN_SHOWN ? "..." : "");
}

static int check_string(struct check *k, const struct one *o)
{
        int rc = schema_spend(k, o->v->text.n / BYTES_PER_STEP);

        if (rc == 0)
                rc = check_length(k, o);
        if (rc == 0 && !schema_format_fits(o->s->format, o->v->text))
                rc = fault(k, o->at, "is no %s", api_format_name(o->s->format));
        return rc == 0 ? check_pattern(k, o) : rc;
}

/* ---- arrays ---- */

static int room_for(struct checker_space *space, size_t n)
{
        const struct tree **more;

        if (n <= space->sort_cap)
                return 0;
        more = realloc((void *)space->sort, n * sizeof(struct tree *));
        if (!more)
                return -ENOMEM;
        space->sort = more;
        space->sort_cap = n;
        return 0;
}

static int check_unique(struct check *k, const struct one *o)
{
        struct checker_space *space = k->c->space;
        uint32_t n = o->v->n;
        int rc;

        if (!o->s->unique || n < 2)
                return 0;
        rc = schema_spend(k, n);
        if (rc < 0)
                return rc;
        if (room_for(space, 2 * (size_t)n) < 0)
                return err_set(k->err, -ENOMEM, "%s: no memory to compare items", k->what);
        for (uint32_t i = 0; i < n; i++)
                space->sort[i] = &o->v->items[i];
        value_sort(space->sort, space->sort + n, n, &k->steps);
        for (uint32_t i = 1; i < n && !k->steps.over; i++) {
                const struct tree *a = space->sort[i - 1], *b = space->sort[i];

                if (value_cmp(a, b, &k->steps) == 0 && !k->steps.over)
                        return fault(k, o->at, "items %td and %td are the same", a - o->v->items,
                                     b - o->v->items);
        }
        return k->steps.over ? too_much(k) : 0;
}

static int check_items(struct check *k, const struct one *o)
{
        struct place here = { .above = o->at, .kind = PLACE_ITEM, .depth = o->at->depth + 1 };
        int rc = 0;

        for (uint32_t i = 0; rc == 0 && i < o->v->n; i++) {
                uint32_t schema = i < o->s->prefix_items.n ? o->s->prefix_items.at[i] : o->s->items;

                if (schema == API_NONE)
                        break;
                here.item = i;
                rc = schema_check(k, schema, &o->v->items[i], &here);
        }
        return rc;
}

static int check_contains(struct check *k, const struct one *o)
{
        struct place here = { .above = o->at, .kind = PLACE_ITEM, .depth = o->at->depth + 1 };
        uint64_t n = 0;

        if (o->s->contains == API_NONE)
                return 0;
        for (uint32_t i = 0; i < o->v->n && n <= o->s->max_contains; i++) {
                int rc = schema_fits(k, o->s->contains, &o->v->items[i], &here);

                if (rc < 0)
                        return rc;
                n += (unsigned)rc;
                if (n >= o->s->min_contains && o->s->max_contains == UINT64_MAX)
                        return 0;
        }
        if (n < o->s->min_contains)
                return fault(k, o->at, "contains fewer than %" PRIu64 " of the items wanted",
                             o->s->min_contains);
        if (n > o->s->max_contains)
                return fault(k, o->at, "contains more than %" PRIu64 " of certain items",
                             o->s->max_contains);
        return 0;
}

static int check_array(struct check *k, const struct one *o)
{
        int rc;

        if (o->v->n < o->s->min_items)
                return fault(k, o->at, "fewer than %" PRIu64 " items", o->s->min_items);
        if (o->v->n > o->s->max_items)
                return fault(k, o->at, "more than %" PRIu64 " items", o->s->max_items);
        rc = check_items(k, o);
        if (rc == 0)
                rc = check_contains(k, o);
        return rc == 0 ? check_unique(k, o) : rc;
}

/* ---- objects ---- */

static int missing(struct check *k, const struct one *o, struct span name)
{
        struct place here = { .above = o->at, .kind = PLACE_MEMBER, .name = name };

        return fault(k, &here, "is missing");
}

static int check_name(struct check *k, const struct one *o, const struct tree_member *m)
{
        struct place here = {
                .above = o->at, .kind = PLACE_NAME, .depth = o->at->depth + 1, .name = m->key
        };
        struct tree name = { .kind = TREE_STRING, .text = m->key };

        return o->s->names == API_NONE ? 0 : schema_check(k, o->s->names, &name, &here);
}

/* property: the one of its name, NULL where there is none. */
static int check_member(struct check *k, const struct one *o, const struct api_property *property,
                        const struct tree_member *m)
{
        struct place here = {
                .above = o->at, .kind = PLACE_MEMBER, .depth = o->at->depth + 1, .name = m->key
        };
        bool known = property && property->schema != API_NONE;
        int rc = check_name(k, o, m);

        if (rc == 0 && known)
                rc = schema_check(k, property->schema, &m->value, &here);
        for (uint32_t i = 0; rc == 0 && i < o->s->n_patterns; i++) {
                int found = schema_search(k, o->compiled->patterns[i], m->key);

                if (found < 0)
                        return found == -EINVAL ? fault(k, &here, "is not UTF-8") : found;
                known |= found;
                if (found && o->s->patterns[i].schema != API_NONE)
                        rc = schema_check(k, o->s->patterns[i].schema, &m->value, &here);
        }
        if (rc == 0 && !known && o->s->additional != API_NONE)
                rc = schema_check(k, o->s->additional, &m->value, &here);
        return rc;
}

/* Both are in order of names. */
static int check_members(struct check *k, const struct one *o)
{
        uint32_t i = 0, j = 0;

        while (i < o->s->n_properties || j < o->v->n) {
                const struct api_property *p = i < o->s->n_properties ? &o->s->properties[i] : NULL;
                const struct tree_member *m = j < o->v->n ? &o->v->members[j] : NULL;
                int c = !p ? 1 : !m ? -1 : span_cmp(p->name, m->key), rc = 0;

                if (c < 0 && p->required)
                        return missing(k, o, p->name);
                if (c >= 0)
                        rc = check_member(k, o, c == 0 ? p : NULL, m);
                if (rc < 0)
                        return rc;
                i += c <= 0;
                j += c >= 0;
        }
        return 0;
}

bool schema_has(const struct tree *object, struct span name)
{
        uint32_t from = 0, to = object->n;

        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = span_cmp(name, object->members[middle].key);

                if (c == 0)
                        return true;
                if (c < 0)
                        to = middle;
                else
                        from = middle + 1;
        }
        return false;
}

static int check_dependents(struct check *k, const struct one *o)
{
        int rc = schema_spend(k, o->s->n_dependents);

        for (uint32_t i = 0; rc == 0 && i < o->s->n_dependents; i++) {
                const struct api_dependent *d = &o->s->dependents[i];

                if (!schema_has(o->v, d->name))
                        continue;
                rc = schema_spend(k, d->n_required);
                for (uint32_t j = 0; rc == 0 && j < d->n_required; j++)
                        if (!schema_has(o->v, d->required[j]))
                                rc = missing(k, o, d->required[j]);
                if (rc == 0 && d->schema != API_NONE)
                        rc = schema_check(k, d->schema, o->v, o->at);
        }
        return rc;
}

static int check_object(struct check *k, const struct one *o)
{
        int rc = schema_spend(k, (uint64_t)o->s->n_properties + o->v->n);

        if (rc < 0)
                return rc;
        if (o->v->n < o->s->min_properties)
                return fault(k, o->at, "fewer than %" PRIu64 " members", o->s->min_properties);
        if (o->v->n > o->s->max_properties)
                return fault(k, o->at, "more than %" PRIu64 " members", o->s->max_properties);
        rc = check_members(k, o);
        return rc == 0 ? check_dependents(k, o) : rc;
}

/* ---- combinations ---- */

/* How many of them fit, no more than `enough`. */
static int count_fitting(struct check *k, const struct one *o, struct api_places list, int enough)
{
        int n = 0;

        for (uint32_t i = 0; n < enough && i < list.n; i++) {
                int rc = schema_fits(k, list.at[i], o->v, o->at);

                if (rc < 0)
                        return rc;
                n += rc;
        }
        return n;
}

static int check_choices(struct check *k, const struct one *o)
{
        int n;

        if (o->s->any_of.n > 0) {
                n = count_fitting(k, o, o->s->any_of, 1);
                if (n <= 0)
                        return n < 0 ? n
                                     : fault(k, o->at, "is none of the things it may be (anyOf)");
        }
        if (o->s->one_of.n > 0) {
                n = count_fitting(k, o, o->s->one_of, 2);
                if (n != 1)
                        return n < 0    ? n
                               : n == 0 ? fault(k, o->at, "is none of the things it may be (oneOf)")
                                        : fault(k, o->at,
                                                "is more than one of the things it may be "
                                                "(oneOf)");
        }
        if (o->s->not_of != API_NONE) {
                n = schema_fits(k, o->s->not_of, o->v, o->at);
                if (n != 0)
                        return n < 0 ? n : fault(k, o->at, "is what it must not be (not)");
        }
        return 0;
}

static int check_condition(struct check *k, const struct one *o)
{
        uint32_t then;
        int rc;

        if (o->s->if_of == API_NONE || (o->s->then_of == API_NONE && o->s->else_of == API_NONE))
                return 0;
        rc = schema_fits(k, o->s->if_of, o->v, o->at);
        if (rc < 0)
                return rc;
        then = rc ? o->s->then_of : o->s->else_of;
        return then == API_NONE ? 0 : schema_check(k, then, o->v, o->at);
}

static int check_combinations(struct check *k, const struct one *o)
{
        int rc = o->s->ref == API_NONE ? 0 : schema_check(k, o->s->ref, o->v, o->at);

        for (uint32_t i = 0; rc == 0 && i < o->s->all_of.n; i++)
                rc = schema_check(k, o->s->all_of.at[i], o->v, o->at);
        if (rc == 0)
                rc = check_choices(k, o);
        return rc == 0 ? check_condition(k, o) : rc;
}

/* ---- the whole ---- */

static int check_kind(struct check *k, const struct one *o)
{
        switch (o->v->kind) {
        case TREE_NUMBER:
        case TREE_REAL:
                return check_number(k, o);
        case TREE_STRING:
                return check_string(k, o);
        case TREE_ARRAY:
                return check_array(k, o);
        case TREE_OBJECT:
                return check_object(k, o);
        default:
                return 0;
        }
}

int schema_check(struct check *k, uint32_t schema, const struct tree *v, const struct place *at)
{
        struct one o = { &k->c->schemas.at[schema], &k->c->compiled[schema], v, at };
        int rc = schema_spend(k, 1);

        if (rc == 0 && at->depth > TREE_DEPTH_MAX)
                rc = err_set(k->err, -E2BIG, "%s: nested too deep", k->what);
        if (rc == 0)
                rc = check_type(k, &o);
        if (rc == 0)
                rc = check_values(k, &o);
        if (rc == 0)
                rc = check_kind(k, &o);
        if (rc == 0)
                rc = check_combinations(k, &o);
        return rc == 0 ? schema_check_unevaluated(k, &o) : rc;
}

int api_schema_check(const struct api_checker *c, uint32_t schema, const struct tree *v,
                     const char *what, struct err *err)
{
        struct check k = { .c = c, .what = what, .err = err };
        const struct place whole = { .kind = PLACE_WHOLE };

        assert(schema < c->schemas.n);
        k.steps.left = API_SCHEMA_STEPS_MAX;
        return schema_check(&k, schema, v, &whole);
}
