/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - see access.h.  Floor 2, pure. */
#include "package/policies/access.h"

#include <stdio.h>

#include "package/call/caller.h"
#include "package/policies/access_priv.h"
#include "package/policies/question.h"

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

static void add_identity(struct ways *w, const struct config_identity *i)
{
        if (config_passes(i)) {
                w->unverified = true;
                w->users = w->users || i->kind == CONFIG_PASS_BASIC;
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

/* Is the caller by this id in all of these groups, whatever a token says? */
static bool is_in_all(const struct package *p, const struct access_who *who)
{
        const struct cedar_uid uid = cedar_uid(SPAN("Caller"), who->id);
        const struct cedar_entity *e = who->id.p ? cedar_entities_find(p->entities, &uid) : NULL;
        uint32_t n = 0;

        for (uint32_t i = 0; i < who->n_groups; i++) {
                const struct cedar_uid group = cedar_uid(SPAN("Group"), who->groups[i]);

                n += e && cedar_entity_descends(e, &group);
        }
        return n == who->n_groups;
}

/* May a token say these? */
static bool may_be_said(const struct access_who *who)
{
        for (uint32_t i = 0; i < who->n_groups; i++)
                if (span_eq_str(who->groups[i], CALLER_UNVERIFIED_GROUP))
                        return false;
        return true;
}

/* Of one in other groups than this there is none: access_find_who(). */
static bool user_comes(const struct ways *w, const struct access_who *who)
{
        return w->unverified && (w->users || who->id.n == strlen(CALLER_UNVERIFIED));
}

bool access_comes(const struct asking *a, const struct access_who *who)
{
        const struct ways *w = a->ways;

        if (access_is_user(who))
                return user_comes(w, who);
        switch (who->kind) {
        case ACCESS_NAMED:
                return w->verified && (w->groups || !who->any_groups);
        case ACCESS_MEMBER:
        case ACCESS_SEVERAL:
                return w->verified && w->groups;
        case ACCESS_UNVERIFIED:
                return w->unverified;
        case ACCESS_NOBODY:
                return w->nobody;
        case ACCESS_ASKED:
                return w->verified && ((w->groups && may_be_said(who)) || is_in_all(a->p, who));
        default:
                return w->verified;
        }
}

/* ---- the questions about one caller and operation ---- */

static const struct cedar_place_name whole; /* all of the context */

static const struct span something = SPAN_INIT("\001"); /* an object, which is not looked up */

static int ask(struct asking *a, const struct access_who *who, const struct cedar_uid *action,
               const struct cedar_uid *resource, bool object, struct cedar_partial_answer *ret)
{
        const bool brings = who->kind != ACCESS_NOBODY, stranger = brings && !who->id.p;
        const bool verified = brings && who->kind != ACCESS_UNVERIFIED && !access_is_user(who);
        const struct cedar_brings said = { .groups = who->any_groups && a->ways->groups,
                                           .no_group = a->unsaid,
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

int access_ask(struct asking *a, const struct access_who *who, const struct api_operation *o,
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
        if (!access_comes(a, who))
                return 0;
        arena_reset(&a->arena);
        rc = access_ask(a, who, o, class, &row);
        if (rc == 0 && who->kind == ACCESS_SEVERAL)
                rc = access_several_implied(a, &row);
        if (rc == 0 && who->kind == ACCESS_NAMED && who->any_groups)
                rc = access_named_implied(a, &row);
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

/* No token leads into the group of those whom nobody verified; a package of before that was seen to
 * when it was built may have another group in it, which one may say. */
static void find_unsaid(struct asking *a)
{
        a->unsaid_room = cedar_uid(SPAN("Group"), SPAN(CALLER_UNVERIFIED_GROUP));
        a->unsaid = &a->unsaid_room;
        for (uint32_t i = 0; i < cedar_entities_count(a->p->entities); i++) {
                const struct cedar_entity *e = cedar_entities_at(a->p->entities, i);

                if (span_eq_str(e->uid.type, "Group") && cedar_entity_descends(e, &a->unsaid_room))
                        a->unsaid = NULL;
        }
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
        find_unsaid(&a);
        a.at = &a.arena;
        a.ways = arena_alloc(&kept, sizeof *a.ways);
        if (!a.ways)
                return err_sys(err, -ENOMEM, "access");
        rc = api_questions(p->api, &kept, &a.questions);
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
