/* SPDX-License-Identifier: Apache-2.0 */
/* schema_checker.c - schemas made ready for checks.  Floor 2, pure. */
#include "package/schema/schema_checker.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"

enum { NAME_SHOWN = 100 };

const struct api_schema api_schema_any = {
        .types = API_ANY,
        .ref = API_NONE,
        .max_length = UINT64_MAX,
        .max_items = UINT64_MAX,
        .items = API_NONE,
        .contains = API_NONE,
        .min_contains = 1,
        .max_contains = UINT64_MAX,
        .unevaluated_items = API_NONE,
        .additional = API_NONE,
        .unevaluated_properties = API_NONE,
        .names = API_NONE,
        .max_properties = UINT64_MAX,
        .not_of = API_NONE,
        .if_of = API_NONE,
        .then_of = API_NONE,
        .else_of = API_NONE,
};

struct compiler {
        struct api_checker *c;
        struct err *err;
        uint32_t at; /* the schema */
};

static const struct api_schema *schema_of(const struct compiler *k)
{
        return &k->c->schemas.at[k->at];
}

static struct checker_schema *compiled_of(struct compiler *k)
{
        return &k->c->compiled[k->at];
}

static int fail(const struct compiler *k, int code, const char *what)
{
        struct span name = schema_of(k)->name;
        struct buf text = BUF_INIT(ERR_TEXT_MAX / 2);

        if (code == -ENOMEM)
                return err_set(k->err, -ENOMEM, "no memory for schemas");
        text_put_safe(&text, span_of(name.p, MIN_OF(name.n, (size_t)NAME_SHOWN)));
        if (name.n > 0)
                (void)err_set(k->err, code, "schema %s: %s", buf_cstr(&text), what);
        else
                (void)err_set(k->err, code, "schema %" PRIu32 ": %s", k->at, what);
        buf_done(&text);
        return code;
}

static void *take_memory(struct compiler *k, size_t n, size_t size)
{
        return size_mul(n, size, &n) ? arena_alloc(&k->c->arena, n) : NULL;
}

/* ---- patterns ---- */

int api_pattern_check(struct span pattern, struct err *err)
{
        CLEANUP(regex_freep) struct regex *r = NULL;

        return regex_new(pattern, &r, err);
}

static int compile_pattern(struct compiler *k, struct span pattern, struct regex **ret)
{
        struct buf text = BUF_INIT(2 * ERR_TEXT_MAX);
        struct err err = { 0 };
        int rc = regex_new(pattern, ret, &err);

        if (rc == 0)
                return 0;
        buf_put_str(&text, "pattern ");
        text_put_safe(&text, span_of(pattern.p, MIN_OF(pattern.n, (size_t)NAME_SHOWN)));
        buf_printf(&text, ": %s", err_text(&err));
        rc = fail(k, rc, buf_cstr(&text));
        buf_done(&text);
        return rc;
}

static int compile_patterns(struct compiler *k)
{
        const struct api_schema *s = schema_of(k);
        struct checker_schema *to = compiled_of(k);
        int rc = 0;

        if (s->pattern.n > 0)
                rc = compile_pattern(k, s->pattern, &to->pattern);
        if (rc < 0 || s->n_patterns == 0)
                return rc;
        to->patterns = take_memory(k, s->n_patterns, sizeof(struct regex *));
        if (!to->patterns)
                return fail(k, -ENOMEM, NULL);
        for (uint32_t i = 0; rc == 0 && i < s->n_patterns; i++)
                rc = compile_pattern(k, s->patterns[i].pattern, &to->patterns[i]);
        return rc;
}

/* ---- numbers and values ---- */

static int compile_limits(struct compiler *k)
{
        const struct api_schema *s = schema_of(k);
        const struct span texts[CHECKER_LIMITS] = {
                [CHECKER_MINIMUM] = s->minimum,      [CHECKER_MAXIMUM] = s->maximum,
                [CHECKER_ABOVE] = s->above,          [CHECKER_BELOW] = s->below,
                [CHECKER_MULTIPLE] = s->multiple_of,
        };
        struct checker_limit *limits;
        uint32_t n = 0;

        for (unsigned i = 0; i < CHECKER_LIMITS; i++)
                n += texts[i].n > 0;
        if (n == 0)
                return 0;
        limits = take_memory(k, n, sizeof *limits);
        if (!limits)
                return fail(k, -ENOMEM, NULL);
        compiled_of(k)->limits = limits;
        for (unsigned i = 0; i < CHECKER_LIMITS; i++) {
                struct checker_limit *l = limits + compiled_of(k)->n_limits;

                if (texts[i].n == 0)
                        continue;
                *l = (struct checker_limit){ .kind = i, .text = texts[i] };
                if (!number_of(texts[i], &l->exact))
                        return fail(k, -EINVAL, "a limit that is no number");
                if (i == CHECKER_MULTIPLE && (l->exact.n == 0 || l->exact.negative))
                        return fail(k, -EINVAL, "multipleOf is not above 0");
                l->whole = number_to_int(&l->exact, 0, &l->number);
                compiled_of(k)->n_limits++;
        }
        return 0;
}

static int compile_values(struct compiler *k)
{
        const struct api_schema *s = schema_of(k);
        const struct tree **values, **room;
        struct steps steps = { .left = UINT64_MAX };

        if (s->n_values == 0)
                return 0;
        values = take_memory(k, 2 * (size_t)s->n_values, sizeof(struct tree *));
        if (!values)
                return fail(k, -ENOMEM, NULL);
        room = values + s->n_values;
        for (uint32_t i = 0; i < s->n_values; i++)
                values[i] = &s->values[i];
        value_sort(values, room, s->n_values, &steps);
        compiled_of(k)->values = values;
        return 0;
}

/* ---- places ---- */

static int check_place(const struct compiler *k, uint32_t at)
{
        if (at != API_NONE && at >= k->c->schemas.n)
                return fail(k, -EINVAL, "refers to a schema that there is not");
        return 0;
}

static int check_list(const struct compiler *k, struct api_places list)
{
        for (uint32_t i = 0; i < list.n; i++)
                if (list.at[i] >= k->c->schemas.n)
                        return fail(k, -EINVAL, "refers to a schema that there is not");
        return 0;
}

static int check_properties(const struct compiler *k)
{
        const struct api_schema *s = schema_of(k);
        int rc = 0;

        for (uint32_t i = 0; rc == 0 && i < s->n_properties; i++) {
                if (i > 0 && span_cmp(s->properties[i - 1].name, s->properties[i].name) >= 0)
                        rc = fail(k, -EINVAL, "properties are not in order");
                else
                        rc = check_place(k, s->properties[i].schema);
        }
        for (uint32_t i = 0; rc == 0 && i < s->n_patterns; i++)
                rc = check_place(k, s->patterns[i].schema);
        for (uint32_t i = 0; rc == 0 && i < s->n_dependents; i++)
                rc = check_place(k, s->dependents[i].schema);
        return rc;
}

static int check_places(const struct compiler *k)
{
        const struct api_schema *s = schema_of(k);
        const uint32_t places[] = { s->ref,        s->items,
                                    s->contains,   s->unevaluated_items,
                                    s->additional, s->unevaluated_properties,
                                    s->names,      s->not_of,
                                    s->if_of,      s->then_of,
                                    s->else_of };
        const struct api_places lists[] = { s->prefix_items, s->all_of, s->any_of, s->one_of };
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < ARRAY_LEN(places); i++)
                rc = check_place(k, places[i]);
        for (size_t i = 0; rc == 0 && i < ARRAY_LEN(lists); i++)
                rc = check_list(k, lists[i]);
        return rc == 0 ? check_properties(k) : rc;
}

/* ---- nesting ---- */

/* How deep schemas about the same value lie in each: NEST_UNKNOWN, NEST_OPEN while that is being
 * found out, else from 1. */
enum { NEST_UNKNOWN = 0, NEST_OPEN = 255 };
STATIC_ASSERT((int)API_SCHEMA_NEST_MAX < (int)NEST_OPEN, "a depth is no mark");

static int nest(struct compiler *k, uint8_t *depths, uint32_t at, unsigned above);

static int nest_below(struct compiler *k, uint8_t *depths, uint32_t at, unsigned above,
                      unsigned *deepest)
{
        int rc;

        if (at == API_NONE)
                return 0;
        rc = nest(k, depths, at, above + 1);
        if (rc == 0)
                *deepest = MAX_OF(*deepest, (unsigned)depths[at]);
        return rc;
}

/* Recursion ends at API_SCHEMA_NEST_MAX. */
static int nest(struct compiler *k, uint8_t *depths, uint32_t at, unsigned above)
{
        const struct api_schema *s = &k->c->schemas.at[at];
        const uint32_t places[] = { s->ref, s->not_of, s->if_of, s->then_of, s->else_of };
        const struct api_places lists[] = { s->all_of, s->any_of, s->one_of };
        unsigned deepest = 0;
        int rc = 0;

        k->at = at;
        if (depths[at] == NEST_OPEN)
                return fail(k, -EINVAL, "comes back to itself about the same value, without end");
        if (depths[at] != NEST_UNKNOWN)
                return 0;
        if (above >= API_SCHEMA_NEST_MAX)
                return fail(k, -EINVAL, "refers to too many others about the same value");
        depths[at] = NEST_OPEN;
        for (size_t i = 0; rc == 0 && i < ARRAY_LEN(places); i++)
                rc = nest_below(k, depths, places[i], above, &deepest);
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
                for (uint32_t j = 0; rc == 0 && j < lists[i].n; j++)
                        rc = nest_below(k, depths, lists[i].at[j], above, &deepest);
        for (uint32_t i = 0; rc == 0 && i < s->n_dependents; i++)
                rc = nest_below(k, depths, s->dependents[i].schema, above, &deepest);
        k->at = at;
        if (rc == 0 && deepest >= API_SCHEMA_NEST_MAX)
                rc = fail(k, -EINVAL, "refers to too many others about the same value");
        if (rc == 0)
                depths[at] = (uint8_t)(deepest + 1);
        return rc;
}

static int check_nesting(struct compiler *k)
{
        uint32_t n = k->c->schemas.n;
        uint8_t *depths = calloc(n ? n : 1, 1);
        int rc = 0;

        if (!depths)
                return err_set(k->err, -ENOMEM, "no memory for schemas");
        for (uint32_t i = 0; rc == 0 && i < n; i++)
                rc = nest(k, depths, i, 0);
        free(depths);
        return rc;
}

/* ---- the whole ---- */

static int compile(struct compiler *k)
{
        int rc = 0;

        for (k->at = 0; rc == 0 && k->at < k->c->schemas.n; k->at += rc == 0) {
                rc = check_places(k);
                if (rc == 0)
                        rc = compile_limits(k);
                if (rc == 0)
                        rc = compile_values(k);
                if (rc == 0)
                        rc = compile_patterns(k);
        }
        return rc < 0 ? rc : check_nesting(k);
}

int api_checker_new(const struct api_schemas *s, struct api_checker **ret, struct err *err)
{
        CLEANUP(api_checker_freep) struct api_checker *c = calloc(1, sizeof *c);
        struct compiler k = { .c = c, .err = err };
        int rc;

        if (!c)
                return err_set(err, -ENOMEM, "no memory for schemas");
        if (s->n > API_SCHEMAS_MAX)
                return err_set(err, -EINVAL, "more than %d schemas", API_SCHEMAS_MAX);
        c->arena = ARENA_INIT(SIZE_MAX);
        c->space = calloc(1, sizeof *c->space);
        c->compiled = take_memory(&k, s->n, sizeof *c->compiled);
        if (!c->space || !c->compiled || regex_space_new(&c->space->regex) < 0)
                return err_set(err, -ENOMEM, "no memory for schemas");
        c->schemas = *s;
        rc = compile(&k);
        if (rc == 0 && checker_gather_names(c) < 0)
                rc = err_set(err, -ENOMEM, "no memory for schemas");
        if (rc < 0)
                return rc;
        *ret = c;
        c = NULL;
        return 0;
}

struct api_checker *api_checker_free(struct api_checker *c)
{
        if (!c)
                return NULL;
        for (uint32_t i = 0; c->compiled && i < c->schemas.n; i++) {
                struct checker_schema *s = &c->compiled[i];

                regex_free(s->pattern);
                for (uint32_t j = 0; s->patterns && j < c->schemas.at[i].n_patterns; j++)
                        regex_free(s->patterns[j]);
        }
        if (c->space) {
                regex_space_free(c->space->regex);
                free((void *)c->space->sort);
                free(c->space->marks);
                free(c->space);
        }
        arena_done(&c->arena);
        free(c);
        return NULL;
}
