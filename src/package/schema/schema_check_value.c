/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check_value.c - does a value fit what a schema says of types, numbers and strings?
 * Floor 2.  SECURITY: values are hostile. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "package/schema/schema_check_priv.h"
#include "package/schema/schema_format.h"

enum { PATTERN_SHOWN = 100, TRIES_PER_STEP = 4, BYTES_PER_STEP = 256 };

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
        return schema_fault(k, o->at, "%s is wanted, not %s", n > 0 ? wanted : "nothing",
                            o->v->kind == TREE_REAL && !(o->s->types & API_NUMBER)
                                    ? "a number with a fraction"
                                    : tree_kind_name(o->v->kind));
}

int schema_check_type(struct check *k, const struct one *o)
{
        if (o->s->never)
                return schema_fault(k, o->at, "is not allowed");
        if (o->s->types != API_ANY && !(o->s->types & types_of(o->v)))
                return wrong_type(k, o);
        return 0;
}

int schema_check_values(struct check *k, const struct one *o)
{
        uint32_t from = 0, to = o->s->n_values;

        if (!o->s->values)
                return 0;
        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = value_cmp(o->v, o->compiled->values[middle], &k->steps);

                if (k->steps.over)
                        return schema_too_much(k);
                if (c == 0)
                        return 0;
                if (c < 0)
                        to = middle;
                else
                        from = middle + 1;
        }
        return schema_fault(k, o->at,
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

int schema_check_number(struct check *k, const struct one *o)
{
        static const char *const says[CHECKER_LIMITS] = {
                [CHECKER_MINIMUM] = "less than",       [CHECKER_MAXIMUM] = "more than",
                [CHECKER_ABOVE] = "not more than",     [CHECKER_BELOW] = "not less than",
                [CHECKER_MULTIPLE] = "no multiple of",
        };

        for (uint32_t i = 0; i < o->compiled->n_limits; i++) {
                const struct checker_limit *l = &o->compiled->limits[i];

                if (breaks_limit(l, o->v))
                        return schema_fault(k, o->at, "%s %.*s", says[l->kind], (int)l->text.n,
                                            (const char *)l->text.p);
        }
        if (o->s->format != API_FORMAT_NONE && breaks_width(o->s->format, o->v))
                return schema_fault(k, o->at, "is no %s", api_format_name(o->s->format));
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
                return schema_fault(k, o->at, "shorter than %" PRIu64 " characters", least);
        if (n > most)
                return schema_fault(k, o->at, "longer than %" PRIu64 " characters", most);
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
                return schema_too_much(k);
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
                return schema_fault(k, o->at, "is not UTF-8");
        if (rc != 0)
                return rc < 0 ? rc : 0;
        if (k->quiet == 0)
                text_put_safe(&shown, schema_cut(o->s->pattern, PATTERN_SHOWN));
        return schema_fault(k, o->at, "does not match the pattern %s%s", buf_cstr(&shown),
                            o->s->pattern.n > PATTERN_SHOWN ? "..." : "");
}

int schema_check_string(struct check *k, const struct one *o)
{
        int rc = schema_spend(k, o->v->text.n / BYTES_PER_STEP);

        if (rc == 0)
                rc = check_length(k, o);
        if (rc == 0 && !schema_format_fits(o->s->format, o->v->text))
                rc = schema_fault(k, o->at, "is no %s", api_format_name(o->s->format));
        return rc == 0 ? check_pattern(k, o) : rc;
}
