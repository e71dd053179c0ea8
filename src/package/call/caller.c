/* SPDX-License-Identifier: Apache-2.0 */
/* caller.c - who makes a request, as an entity.  Floor 2, pure.  SECURITY: texts are those of a
 * token. */
#include "package/call/caller.h"

#include "base/text.h"
#include "policy/entities/data.h"
#include "policy/entities/extra.h"

static const char caller_type[] = "Caller", group_type[] = "Group";

bool caller_named_by(const struct config_identity *a, const struct config_identity *b)
{
        static const int rank[] = {
                [CONFIG_JWT] = 0,        [CONFIG_OPAQUE] = 1,      [CONFIG_MUTUAL] = 2,
                [CONFIG_PASS_BASIC] = 3, [CONFIG_PASS_BEARER] = 3,
        };

        return !b || rank[a->kind] < rank[b->kind];
}

/* What it is of is for whoever asks to say. */
static int check_text(struct span text, struct err *err)
{
        size_t at;

        if (text.n > CALLER_TEXT_MAX)
                return err_set(err, -E2BIG, "%zu bytes, more than %d", text.n, CALLER_TEXT_MAX);
        if (!text_is_utf8(text, &at))
                return err_set(err, -EINVAL, "no UTF-8 at byte %zu", at);
        return 0;
}

static int no_memory(struct err *err)
{
        return err_set(err, -ENOMEM, "no memory");
}

static int take_groups(const struct package *p, const struct caller_proof *proof,
                       struct arena *arena, struct cedar_entity *e, struct err *err)
{
        const uint32_t n = proof->n_groups;
        const struct cedar_entity_type *type = cedar_schema_entity(p->schema, SPAN(group_type));
        struct cedar_uid *parents;

        if (n > CALLER_GROUPS_MAX)
                return err_set(err, -E2BIG, "%u groups, more than %d", n, CALLER_GROUPS_MAX);
        parents = arena_alloc(arena, n * sizeof *parents);
        if (!parents)
                return no_memory(err);
        e->parents = parents;
        for (uint32_t i = 0; i < n; i++) {
                int rc = check_text(proof->groups[i], err);

                if (rc < 0)
                        return err_wrap(err, "group %u", i + 1);
                if (cedar_entity_type_has(type, proof->groups[i]))
                        parents[e->n_parents++] = cedar_uid(SPAN(group_type), proof->groups[i]);
        }
        return 0;
}

static int take_claims(const struct caller_proof *proof, struct arena *arena,
                       struct cedar_entity *e, struct err *err)
{
        const struct config_identity *identity = proof->identity;
        const uint32_t max = identity ? identity->n_claims : 0;
        struct cedar_field *fields = arena_alloc(arena, max * sizeof *fields);
        uint32_t n = 0;

        if (!fields)
                return no_memory(err);
        for (uint32_t i = 0; i < max; i++) {
                int rc = check_text(proof->claims[i], err);

                if (rc < 0)
                        return err_wrap(err, "claim %.*s", (int)identity->claims[i].n,
                                        (const char *)identity->claims[i].p);
                if (proof->claims[i].p)
                        fields[n++] = (struct cedar_field){ identity->claims[i],
                                                            cedar_string(proof->claims[i]) };
        }
        if (!cedar_record_of(fields, n, &e->attrs))
                return err_set(err, -EINVAL, "a claim is passed on twice");
        return 0;
}

/* All but what claims would have to say. */
static int make(const struct package *p, const struct caller_proof *proof, struct arena *arena,
                struct cedar_entity *e, struct err *err)
{
        int rc = take_groups(p, proof, arena, e, err);

        if (rc == 0)
                rc = take_claims(proof, arena, e, err);
        return rc == 0 ? cedar_extra_complete(p->entities, e, 1, arena, err) : rc;
}

static int check(const struct package *p, const struct cedar_entity *e, struct err *err)
{
        const struct cedar_entity_type *type = cedar_schema_entity(p->schema, e->uid.type);
        int rc = cedar_schema_check_value(p->schema, type->attrs, &e->attrs, err);

        return rc < 0 ? err_wrap(err, "attribute") : 0;
}

static int finish(struct arena *arena, int rc, struct err *err)
{
        if (rc == 0)
                return 0;
        (void)!arena_explain(arena, err->code, "caller", err);
        return err_wrap(err, "caller");
}

int package_caller(const struct package *p, const struct caller_proof *proof, struct arena *arena,
                   struct cedar_entity *ret, struct err *err)
{
        static const struct caller_proof nobody = { 0 };
        struct cedar_entity e = { .tags = { .kind = CEDAR_RECORD } };
        struct err own = { 0 };
        int rc;

        if (!err)
                err = &own;
        if (!proof->identity)
                proof = &nobody;
        e.uid = cedar_uid(SPAN(caller_type), proof->id);
        rc = e.uid.id.n || !proof->identity ? check_text(e.uid.id, err)
                                            : err_set(err, -EINVAL, "empty");
        if (rc < 0)
                rc = err_wrap(err, "id");
        if (rc == 0)
                rc = make(p, proof, arena, &e, err);
        if (rc == 0)
                rc = check(p, &e, err);
        if (rc == 0)
                *ret = e;
        return finish(arena, rc, err);
}

int package_caller_known(const struct package *p, struct span id, const struct span *groups,
                         uint32_t n, struct arena *arena, struct cedar_entity *ret, struct err *err)
{
        const struct caller_proof proof = { .groups = groups, .n_groups = n };
        struct cedar_entity e = { .uid = cedar_uid(SPAN(caller_type), id),
                                  .tags = { .kind = CEDAR_RECORD } };
        int rc = make(p, &proof, arena, &e, err);

        if (rc == 0)
                *ret = e;
        return finish(arena, rc, err);
}
