/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check.c - does a value fit a schema?  Floor 2.  SECURITY: values are hostile.
 *
 * Recursion is bounded: a value is at most TREE_DEPTH_MAX deep, and at each of its levels at most
 * API_SCHEMA_NEST_MAX schemas lie in each other (schema_checker.c).  Work is bounded by steps. */
#include "package/schema/schema_check_priv.h"

int schema_fits(struct check *k, uint32_t schema, const struct tree *v, const struct place *at)
{
        int rc;

        k->quiet++;
        rc = schema_check(k, schema, v, at);
        k->quiet--;
        return rc == 0 ? 1 : rc == -EINVAL ? 0 : rc;
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
                                     : schema_fault(k, o->at,
                                                    "is none of the things it may be (anyOf)");
        }
        if (o->s->one_of.n > 0) {
                n = count_fitting(k, o, o->s->one_of, 2);
                if (n != 1)
                        return n < 0    ? n
                               : n == 0 ? schema_fault(k, o->at,
                                                       "is none of the things it may be (oneOf)")
                                        : schema_fault(k, o->at,
                                                       "is more than one of the things it may be "
                                                       "(oneOf)");
        }
        if (o->s->not_of != API_NONE) {
                n = schema_fits(k, o->s->not_of, o->v, o->at);
                if (n != 0)
                        return n < 0 ? n : schema_fault(k, o->at, "is what it must not be (not)");
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
                return schema_check_number(k, o);
        case TREE_STRING:
                return schema_check_string(k, o);
        case TREE_ARRAY:
                return schema_check_array(k, o);
        case TREE_OBJECT:
                return schema_check_object(k, o);
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
                rc = schema_check_type(k, &o);
        if (rc == 0)
                rc = schema_check_values(k, &o);
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
