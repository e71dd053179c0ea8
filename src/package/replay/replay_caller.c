/* SPDX-License-Identifier: Apache-2.0 */
/* replay_caller.c - a recorded call as another package's policies see it: who calls, and what it is
 * about.  Floor 2, pure. */
#include "package/replay/replay_priv.h"

#include "package/call/caller.h"

/* ---- the scheme ---- */

static const struct config_identity *identity_of(const struct config *c, struct span scheme)
{
        for (uint32_t i = 0; i < c->n_identities; i++)
                if (span_eq(c->identities[i].scheme, scheme))
                        return &c->identities[i];
        return NULL;
}

/* Is this scheme by itself enough?  scheme empty: is nothing? */
static bool is_enough(const struct replay_request *r, struct span scheme)
{
        const struct api_operation *o = r->o;

        for (uint32_t i = 0; i < o->n_security; i++) {
                const struct api_security *s = &o->security[i];

                if (s->n == (scheme.n ? 1 : 0) &&
                    (s->n == 0 || span_eq(r->p->api->identities[s->schemes[0]].name, scheme)))
                        return true;
        }
        return o->n_security == 0 && scheme.n == 0;
}

/* Is it one of several that must be shown together, among them? */
static bool is_part(const struct replay_request *r, struct span scheme)
{
        for (uint32_t i = 0; i < r->o->n_security; i++)
                for (uint32_t k = 0; k < r->o->security[i].n; k++)
                        if (span_eq(r->p->api->identities[r->o->security[i].schemes[k]].name,
                                    scheme))
                                return true;
        return false;
}

static int open_scheme(struct replay_request *r, const struct config_identity **ret)
{
        const struct span scheme = r->c->scheme;

        *ret = NULL;
        if (r->o->n_security == 0) /* whoever it is, nobody asks */
                return 0;
        if (scheme.n == 0) {
                if (is_enough(r, scheme))
                        return 0;
                return err_set(&r->err, -EAGAIN,
                               "callers must show who they are now, and what this one could have "
                               "shown is not known");
        }
        if (!(r->c->same_package ? is_part(r, scheme) : is_enough(r, scheme)))
                return err_set(
                        &r->err, -EAGAIN,
                        "\"%.*s\" alone is not enough for the operation, and what else the caller "
                        "has shown is not known",
                        (int)MIN_OF(scheme.n, (size_t)60), (const char *)scheme.p);
        *ret = identity_of(&r->p->config, scheme);
        return 0;
}

/* ---- claims ---- */

/* NULL: it was not recorded. */
static const struct tree *find_claim(const struct tree *list, struct span name)
{
        for (uint32_t i = 0; list && list->kind == TREE_ARRAY && i < list->n; i++) {
                const struct tree *pair = &list->items[i];

                if (pair->kind == TREE_ARRAY && pair->n >= 1 && pair->n <= 2 &&
                    pair->items[0].kind == TREE_STRING && span_eq(pair->items[0].text, name) &&
                    (pair->n == 1 || pair->items[1].kind == TREE_STRING))
                        return pair;
        }
        return NULL;
}

/* principal.branch, principal["a-b"]: as Cedar spells it. */
static int spell_claim(struct replay_request *r, struct span name, struct span *ret)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
        const char *copy;
        int rc;

        buf_put_str(&text, "principal");
        replay_spell(&text, name);
        rc = buf_status(&text);
        if (rc < 0)
                return rc;
        copy = arena_copy(r->arena, buf_span(&text));
        *ret = span_of(copy, text.n);
        return copy ? 0 : -ENOMEM;
}

/* Claims that are not known are open, but for what entities.yaml says. */
static int take_claims(struct replay_request *r, struct caller_proof *proof)
{
        const struct config_identity *id = proof->identity;
        const bool known = r->c->known.claims == REPLAY_KNOWN;
        struct span *claims = arena_alloc(r->arena, id->n_claims * sizeof *claims),
                    *open = arena_alloc(r->arena, id->n_claims * sizeof *open), place;
        int rc = 0;

        if (!claims || !open)
                return -ENOMEM;
        for (uint32_t i = 0; i < id->n_claims && rc == 0; i++) {
                const struct tree *pair = known ? find_claim(r->c->claims, id->claims[i]) : NULL;

                if (pair && pair->n == 2)
                        claims[i] = pair->items[1].text;
                if (pair)
                        continue;
                open[r->brings.n_attributes++] = id->claims[i];
                rc = spell_claim(r, id->claims[i], &place);
                if (rc == 0)
                        rc = replay_add_spelled(r, place,
                                                known ? REPLAY_UNRECORDED : r->c->known.claims);
        }
        proof->claims = claims;
        r->brings.attributes = open;
        return rc;
}

/* ---- the caller ---- */

/* A name that nobody has. */
static const struct span nobodys = SPAN_INIT("assay api replay: the caller is not known");

/* Does entities.yaml say anything of any caller?  Then this one may be him. */
static bool knows_callers(const struct package *p)
{
        for (uint32_t i = 0; i < cedar_entities_count(p->entities); i++)
                if (span_eq(cedar_entities_at(p->entities, i)->uid.type, SPAN("Caller")))
                        return true;
        return false;
}

static int take_groups(struct replay_request *r)
{
        if (r->c->known.groups == REPLAY_KNOWN)
                return 0;
        r->brings.groups = true;
        return replay_add_spelled(r, SPAN("principal in"), r->c->known.groups);
}

static int take_caller(struct replay_request *r, struct caller_proof *proof)
{
        int rc;

        if (r->c->known.caller != REPLAY_KNOWN) {
                r->no_caller = true;
                r->is_stranger = !knows_callers(r->p);
                proof->id = nobodys;
                rc = replay_add_spelled(r, SPAN("principal"), r->c->known.caller);
                if (rc < 0 || !r->is_stranger)
                        return rc;
        }
        rc = take_groups(r);
        if (rc == 0 && proof->identity->n_claims)
                rc = take_claims(r, proof);
        return rc;
}

int replay_make_caller(struct replay_request *r)
{
        const bool groups = r->c->known.groups == REPLAY_KNOWN;
        struct caller_proof proof = { .id = r->c->caller,
                                      .groups = groups ? r->c->groups : NULL,
                                      .n_groups = groups ? r->c->n_groups : 0 };
        int rc = open_scheme(r, &proof.identity);

        if (rc == 0 && proof.identity)
                rc = take_caller(r, &proof);
        if (rc == 0 && r->no_caller && !r->is_stranger) {
                r->caller.uid = cedar_uid(SPAN("Caller"), nobodys);
                return 0;
        }
        if (rc == 0)
                rc = package_caller(r->p, &proof, r->arena, &r->caller, &r->err);
        if (rc == -ELOOP || (rc == -E2BIG && !r->arena->full))
                rc = -EINVAL;
        return rc;
}
