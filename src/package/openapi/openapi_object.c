/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_object.c - x-object: what an operation is about.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include "policy/schema/decl.h"

static const struct oa_field object_fields[] = {
        { "type", oa_later, NULL },
        { "id", oa_later, NULL },
};

/* The first three are types of the gateway's own; of the others are subjects of the vault
 * ("caller:<id>", gateway/record/record.h), which an object's would be taken for. */
static void object_type(struct oa *r, const struct source_node *v, struct api_object *ret)
{
        static const char *const taken[] = { "Api", "DataClass", "Action", "address",
                                             "api", "caller",    "sha256" };
        struct span type;

        if (!oa_want_text(r, v, API_NAME_MAX, &type))
                return;
        for (size_t i = 0; i < ARRAY_LEN(taken); i++)
                if (span_eq_str(type, taken[i])) {
                        lint_error(r->l, &v->mark, "the type %s has a meaning of its own",
                                   taken[i]);
                        return;
                }
        if (!decl_is_path(type) || decl_is_reserved(type))
                lint_error(r->l, &v->mark, "\"%.*s\" is no name of an entity type in Cedar",
                           OA_NAME(type));
        else
                ret->type = oa_keep_text(r, type);
}

/* "path.accountId": of its parameters. */
static void object_id(struct oa *r, const struct source_node *v, const struct api_operation *o,
                      struct api_object *ret)
{
        struct span text, name;

        if (!oa_want_text(r, v, API_NAME_MAX + sizeof("header.") - 1, &text))
                return;
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                const struct api_parameter *p = &o->parameters[i];
                struct span place = span_str(api_place_name(p->in));

                name = span_from(text, place.n + 1);
                if (!span_starts(text, place) || text.n <= place.n || text.p[place.n] != '.' ||
                    !span_eq(name, p->name))
                        continue;
                if (!p->required)
                        lint_error(r->l, &v->mark,
                                   "\"%.*s\" is not required: a request without it would be about "
                                   "nothing",
                                   OA_NAME(text));
                ret->parameter = i;
                return;
        }
        lint_error(r->l, &v->mark,
                   "operation \"%.*s\" has no parameter \"%.*s\": it is written path.accountId, "
                   "query.account or header.x-account",
                   OA_NAME(o->id), OA_NAME(text));
}

void oa_object(struct oa *r, const struct oa_path *path, struct oa_operation *op)
{
        const struct source_node *own = source_get(op->node, "x-object");
        const struct source_node *v = own ? own : path->object, *type, *id;

        op->o.object.parameter = API_NONE;
        if (!v)
                return;
        op->object = v;
        oa_fields(r, v, "x-object", object_fields, ARRAY_LEN(object_fields), NULL);
        type = source_get(v, "type");
        id = source_get(v, "id");
        if (v->kind == SOURCE_MAP && (!type || !id))
                lint_error(r->l, &v->mark,
                           "x-object has a type and an id: {type: Account, id: path.accountId}");
        if (!type || !id)
                return;
        object_type(r, type, &op->o.object);
        object_id(r, id, &op->o, &op->o.object);
}

void oa_check_object(struct oa *r, const struct oa_operation *op)
{
        const struct api_object *object = &op->o.object;
        uint32_t types;

        if (object->parameter == API_NONE)
                return;
        types = oa_types(r, op->o.parameters[object->parameter].schema);
        if (types != API_STRING && types != API_INTEGER)
                lint_error(r->l, &op->object->mark,
                           "the id of an object is a string or an integer, not another parameter");
}
