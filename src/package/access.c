/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - see access.h.  Floor 2, pure. */
#include "package/access.h"

#include <stdio.h>

#include "package/access_priv.h"
#include "package/caller.h"
#include "package/question.h"

const char *access_kind_name(enum access_kind k)
{
        static const char *const names[ACCESS_KINDS] = {
                [ACCESS_NAMED] = "named",   [ACCESS_MEMBER] = "member",
                [ACCESS_OTHER] = "other",   [ACCESS_SEVERAL] = "several",
                [ACCESS_NOBODY] = "nobody", [ACCESS_UNVERIFIED] = "unverified",
                [ACCESS_ASKED] = "asked",
        };

        return names[k];
}

/* ---- how an operation lets callers in ---- */

/* What its callers may be, and may say of themselves. */
struct ways {
        bool verified, groups, unverified, nobody;
        struct span claims[API_SECURITY_MAX * CONFIG_CLAIMS_MAX];
        uint32_t n_claims;
};

static void add_identity(struct ways *w, const struct config_identity *i)
{
        if (i->kind == CONFIG_PASS_BASIC || i->kind == CONFIG_PASS_BEARER) {
                w->unverified = true;
                return;
        }
        w->verified = true;
        w->groups = w->groups || i->kind == CONFIG_OPAQUE || i->groups.n > 0;
        for (uint32_t k = 0; k < i->n_claims; k++)
                w->claims[w->n_claims++] = i->claims[k];
}

static void find_ways(const struct package *p, const struct api_operation *o, struct ways *ret)
{
        *ret = (struct ways){ .nobody = o->n_security == 0 };
        for (uint32_t i = 0; i < o->n_security; i++) {
                const struct config_identity *by = NULL;

                for (uint32_t k = 0; k < o->security[i].n; k++) {
                        const uint32_t scheme = o->security[i].schemes[k];

                        if (caller_named_by(&p->config.identities[scheme], by))
                                by = &p->config.identities[scheme];
                }
                if (by)
                        add_identity(ret, by);
                else
                        ret->nobody = true;
        }
}

static bool comes(const struct ways *w, const struct access_who *who)
{
        switch (who->kind) {
        case ACCESS_MEMBER:
        case ACCESS_SEVERAL:
                return w->verified && w->groups;
        case ACCESS_UNVERIFIED:
                return w->unverified;
        case ACCESS_NOBODY:
                return w->nobody;
        case ACCESS_ASKED:
                return w->verified && (w->groups || !who->n_groups);
        default:
                return w->verified;
        }
}

/* ---- the questions about one caller and operation ---- */

struct asking {
        const struct package *p;
        const struct access_asked *asked;
        struct api_questions questions;
        struct access_who *who;
        uint32_t n_who;
        struct ways *ways;
        struct span stranger; /* an id that entities.yaml does not have */
        char stranger_text[16];
        struct arena arena, scratch; /* of one row; of another beside it */
        struct arena *at;            /* the one of these for answers */
        access_take_fn *take;
        void *ctx;
        struct err *err;
};

static const struct cedar_place_name whole; /* all of the context */

static const struct span something = SPAN_INIT("\001"); /* an object, which is not looked up */

static int ask(struct asking *a, const struct access_who *who, const struct cedar_uid *action,
               const struct cedar_uid *resource, bool object, struct cedar_partial_answer *ret)
{
        const bool brings = who->kind != ACCESS_NOBODY, stranger = brings && !who->id.p;
        const bool verified = brings && who->kind != ACCESS_UNVERIFIED;
        const struct cedar_brings said = { .groups = who->any_groups && a->ways->groups,
                                           .attributes = a->ways->claims,
                                           .n_attributes = verified ? a->ways->n_claims : 0 };
        const struct cedar_unknown unknown = { .principal = stranger,
                                               .resource = object,
                                               .places = &whole,
                                               .n_places = 1,
                                               .schema = a->p->schema,
                                               .brings = brings ? &said : NULL };
        struct cedar_entity caller;
        const struct cedar_value nothing = { .kind = CEDAR_RECORD };
        struct cedar_request q = { .action = *action, .resource = *resource, .context = nothing };
        int rc = package_caller_known(a->p, stranger ? a->stranger : who->id, who->groups,
                                      who->n_groups, a->at, &caller, a->err);

        if (rc < 0)
                return rc;
        q.principal = caller.uid;
        q.extra = &caller;
        q.n_extra = 1;
        rc = cedar_decide_partial(a->p->policies, a->p->entities, &q, &unknown, true, a->at, ret);
        return rc < 0 ? err_sys(a->err, rc, "access") : 0;
}

static int ask_call(struct asking *a, const struct access_who *who, const struct api_operation *o,
                    struct cedar_partial_answer *ret)
{
        const bool object = o->object.type.n > 0;
        const struct cedar_uid resource = object ? cedar_uid(o->object.type, something)
                                                 : cedar_uid(SPAN("Api"), a->p->config.name);

        return ask(a, who, &a->questions.actions[o - a->p->api->operations], &resource, object,
                   ret);
}

static unsigned seen(const struct access_row *r)
{
        unsigned sees = 0;

        if (r->call.decision == PARTIAL_DENY)
                return ACCESS_WITHHELD;
        if (r->call.decision == PARTIAL_DEPENDS)
                sees = ACCESS_WITHHELD;
        if (r->writes || r->clear.decision != PARTIAL_DENY)
                sees |= ACCESS_CLEAR;
        if (r->writes || r->clear.decision == PARTIAL_ALLOW)
                return sees;
        if (r->masked.decision != PARTIAL_DENY)
                sees |= ACCESS_MASKED;
        return r->masked.decision != PARTIAL_ALLOW ? sees | ACCESS_WITHHELD : sees;
}

static int ask_all(struct asking *a, const struct access_who *who, const struct api_operation *o,
                   uint32_t class, struct access_row *ret)
{
        const size_t at = (size_t)(o - a->p->api->operations);
        const struct cedar_uid *about = &a->questions.classes[class];
        int rc;

        *ret = (struct access_row){
                .who = who, .operation = o, .class = class, .writes = a->asked->writes
        };
        rc = ask_call(a, who, o, &ret->call);
        if (rc == 0 && !ret->writes)
                rc = ask(a, who, &a->questions.reads[at], about, false, &ret->clear);
        if (rc == 0 && !ret->writes)
                rc = ask(a, who, &a->questions.masked[at], about, false, &ret->masked);
        if (rc == 0)
                ret->sees = seen(ret);
        return rc;
}

/* ---- what no group alone opens ---- */

/* Permits that let a row through, one question after the other. */
static bool has_permit(const struct cedar_partial_answer *a, const struct cedar_policy *p)
{
        for (uint32_t i = 0; a->decision != PARTIAL_DENY && i < a->n_policies; i++)
                if (a->policies[i].policy == p && a->policies[i].stand != STAND_FAULT)
                        return true;
        return false;
}

/* Permits of `several` that have no mark yet get one, where `one` has them, too. */
static void mark(const struct cedar_partial_answer *several, const struct cedar_partial_answer *one,
                 bool *marks)
{
        for (uint32_t i = 0; i < several->n_policies; i++)
                marks[i] = marks[i] || several->policies[i].policy->effect == CEDAR_FORBID ||
                           several->policies[i].stand == STAND_FAULT ||
                           has_permit(one, several->policies[i].policy);
}

static bool all_marked(const struct cedar_partial_answer *several, const bool *marks)
{
        for (uint32_t i = 0; several->decision != PARTIAL_DENY && i < several->n_policies; i++)
                if (!marks[i])
                        return false;
        return true;
}

static bool forbids(const struct cedar_partial_policy *p)
{
        return p->policy->effect == CEDAR_FORBID &&
               (p->stand == STAND_HOLDS || p->stand == STAND_FAULT);
}

/* Does a forbid stand in a's way, but not in b's? */
static bool is_lifted(const struct cedar_partial_answer *a, const struct cedar_partial_answer *b)
{
        for (uint32_t i = 0; i < a->n_policies; i++) {
                bool still = !forbids(&a->policies[i]);

                for (uint32_t k = 0; !still && k < b->n_policies; k++)
                        still = b->policies[k].policy == a->policies[i].policy &&
                                forbids(&b->policies[k]);
                if (!still)
                        return true;
        }
        return false;
}

/* Would a further group lift a forbid for one who is in one group at most? */
static int find_lifted(struct asking *a, const struct access_row *one, bool *ret)
{
        struct access_who more = *one->who;
        struct access_row with;
        int rc;

        more.any_groups = true;
        rc = ask_all(a, &more, one->operation, one->class, &with);
        if (rc == 0)
                *ret = is_lifted(&one->call, &with.call) || is_lifted(&one->clear, &with.clear) ||
                       is_lifted(&one->masked, &with.masked);
        return rc;
}

/* Does each permit let through somebody who is in one group at most, and would no second group lift
 * a forbid? */
static int find_implied(struct asking *a, struct access_row *several)
{
        const struct cedar_partial_answer *of[] = { &several->call, &several->clear,
                                                    &several->masked };
        bool *marks[ARRAY_LEN(of)], lifted = false;

        several->implied = several->sees == ACCESS_WITHHELD;
        if (several->implied)
                return 0;
        for (size_t i = 0; i < ARRAY_LEN(of); i++) {
                marks[i] = arena_alloc(&a->arena, of[i]->n_policies + 1);
                if (!marks[i])
                        return err_sys(a->err, -ENOMEM, "access");
        }
        for (uint32_t k = 0; !lifted && k < a->n_who; k++) {
                const struct access_who *who = &a->who[k];
                struct access_row one;
                int rc;

                if ((who->kind != ACCESS_MEMBER && who->kind != ACCESS_OTHER) ||
                    !comes(a->ways, who))
                        continue;
                arena_reset(&a->scratch);
                a->at = &a->scratch;
                rc = ask_all(a, who, several->operation, several->class, &one);
                if (rc == 0)
                        rc = find_lifted(a, &one, &lifted);
                a->at = &a->arena;
                if (rc < 0)
                        return rc;
                mark(&several->call, &one.call, marks[0]);
                if (one.call.decision == PARTIAL_DENY)
                        continue;
                mark(&several->clear, &one.clear, marks[1]);
                mark(&several->masked, &one.masked, marks[2]);
        }
        several->implied = !lifted && all_marked(of[0], marks[0]) && all_marked(of[1], marks[1]) &&
                           all_marked(of[2], marks[2]);
        return 0;
}

/* ---- in order ---- */

static bool is_wanted(const struct span *list, uint32_t n, struct span name, bool below)
{
        for (uint32_t i = 0; i < n; i++)
                if (span_eq(list[i], name) ||
                    (below && span_starts(name, list[i]) && name.p[list[i].n] == '.'))
                        return true;
        return n == 0;
}

static bool has_class(const struct asking *a, const struct api_operation *o, uint32_t class)
{
        const uint32_t *list = a->asked->writes ? o->writes : o->reads;
        const uint32_t n = a->asked->writes ? o->n_writes : o->n_reads;

        for (uint32_t i = 0; i < n; i++)
                if (list[i] == class)
                        return is_wanted(a->asked->operations, a->asked->n_operations, o->id,
                                         false);
        return false;
}

static int take_row(struct asking *a, const struct access_who *who, const struct api_operation *o,
                    uint32_t class)
{
        struct access_row row;
        int rc = 0;

        find_ways(a->p, o, a->ways);
        if (!comes(a->ways, who))
                return 0;
        arena_reset(&a->arena);
        rc = ask_all(a, who, o, class, &row);
        if (rc == 0 && who->kind == ACCESS_SEVERAL)
                rc = find_implied(a, &row);
        if (rc < 0)
                return arena_explain(&a->arena, rc, "the questions about one caller", a->err);
        return a->take(a->ctx, &row, a->err);
}

static int take_class(struct asking *a, uint32_t class)
{
        const struct api *api = a->p->api;
        int rc = 0;

        for (uint32_t k = 0; rc == 0 && k < a->n_who; k++)
                for (uint32_t i = 0; rc == 0 && i < api->n_operations; i++)
                        if (has_class(a, &api->operations[i], class))
                                rc = take_row(a, &a->who[k], &api->operations[i], class);
        return rc;
}

/* Of one more than there are entities one is free. */
static void find_stranger(struct asking *a)
{
        struct cedar_uid uid;
        uint32_t i = 0;

        do {
                int n = snprintf(a->stranger_text, sizeof a->stranger_text, "\001%u", i++);

                a->stranger = span_of(a->stranger_text, (size_t)n);
                uid = cedar_uid(SPAN("Caller"), a->stranger);
        } while (cedar_entities_find(a->p->entities, &uid));
}

/* Names that lead to nothing are told. */
static int check_names(const struct package *p, const struct access_asked *asked, struct err *err)
{
        for (uint32_t i = 0; i < asked->n_operations; i++)
                if (!api_operation(p->api, asked->operations[i]))
                        return err_set(err, -EINVAL, "%.*s has no operation \"%.*s\"",
                                       SHOWN(p->config.name), SHOWN(asked->operations[i]));
        for (uint32_t i = 0; i < asked->n_classes; i++) {
                uint32_t k = 0;

                while (k < p->api->n_classes &&
                       !is_wanted(&asked->classes[i], 1, p->api->classes[k], true))
                        k++;
                if (k == p->api->n_classes)
                        return err_set(err, -EINVAL, "%.*s has no data class \"%.*s\"",
                                       SHOWN(p->config.name), SHOWN(asked->classes[i]));
        }
        return 0;
}

int package_access(const struct package *p, const struct access_asked *asked, access_take_fn *take,
                   void *ctx, struct err *err)
{
        CLEANUP(arena_done) struct arena kept = ARENA_INIT(ACCESS_MEMORY_MAX);
        struct asking a = { .p = p,
                            .asked = asked,
                            .arena = ARENA_INIT(ACCESS_MEMORY_MAX),
                            .scratch = ARENA_INIT(ACCESS_MEMORY_MAX),
                            .take = take,
                            .ctx = ctx,
                            .err = err };
        int rc = check_names(p, asked, err);

        if (rc < 0)
                return rc;
        find_stranger(&a);
        a.at = &a.arena;
        a.ways = arena_alloc(&kept, sizeof *a.ways);
        rc = a.ways ? api_questions(p->api, &kept, &a.questions) : -ENOMEM;
        if (rc == 0)
                rc = access_find_who(p, asked->who, &kept, &a.who, &a.n_who);
        if (rc < 0) {
                rc = arena_explain(&kept, rc, "the callers of a package",
                                   (err_sys(err, rc, "access"), err));
        } else {
                for (uint32_t i = 0; rc == 0 && i < p->api->n_classes; i++)
                        if (is_wanted(asked->classes, asked->n_classes, p->api->classes[i], true))
                                rc = take_class(&a, i);
        }
        arena_done(&a.arena);
        arena_done(&a.scratch);
        return rc;
}
