/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - see replay.h.  Floor 2, pure. */
#include "package/replay/replay_priv.h"

#include <stdio.h>

#include "package/policies/question.h"

const char *replay_known_text(enum replay_known k)
{
        static const char *const texts[] = {
                [REPLAY_KNOWN] = "is known",
                [REPLAY_UNRECORDED] = "was not recorded",
                [REPLAY_LEFT_OUT] = "was too long to be recorded",
                [REPLAY_SEALED] = "is sealed, and the vault is not to be read",
                [REPLAY_ERASED] = "is erased",
                [REPLAY_LOST] = "is missing from the vault",
                [REPLAY_ANOTHER] = "was recorded as something else",
                [REPLAY_ELSEWHERE] = "was named by another parameter",
                [REPLAY_UNJUDGED] = ("may have been named by another parameter: the package that "
                                     "judged the call is not at hand"),
        };

        STATIC_ASSERT(ARRAY_LEN(texts) == REPLAY_KNOWNS, "one text each");
        assert(k < REPLAY_KNOWNS);
        return texts[k];
}

/* ---- what it is about ---- */

/* The context of a question about data has the object as well. */
static int make_read_context(struct replay_request *r, struct cedar_value *ret)
{
        const struct span name = SPAN("object");
        struct cedar_field *fields =
                arena_alloc(r->arena, ((size_t)r->context.n + 1) * sizeof *fields);
        uint32_t n = 0;

        if (!fields)
                return -ENOMEM;
        for (uint32_t i = 0; i < r->context.n; i++)
                fields[n++] = r->context.fields[i];
        if (r->no_object) {
                int rc = replay_add_unknown(r, &name, 1, r->object_known);

                if (rc < 0)
                        return rc;
        } else {
                fields[n++] = (struct cedar_field){ name, cedar_entity_of(&r->object) };
        }
        return cedar_record_of(fields, n, ret) ? 0 : -EINVAL;
}

/* ---- questions ---- */

struct asking {
        struct replay_request *r;
        struct cedar_bench *bench;
};

struct question {
        struct cedar_uid action, resource;
        const struct cedar_value *context;
        bool about_object; /* the resource is the object */
};

struct replied {
        enum cedar_partial decision;
        struct replay_policies decide, err;
        const struct cedar_partial_policy *policies; /* of a partial answer; NULL */
        uint32_t n_policies;
};

static int add_policy(struct arena *arena, struct replay_policies *list, uint32_t most,
                      const struct cedar_policy *p)
{
        if (!list->at)
                list->at = arena_alloc(arena, most * sizeof(struct cedar_policy *));
        if (!list->at)
                return -ENOMEM;
        list->at[list->n++] = p;
        return 0;
}

/* All is known: what the gateway itself would come to. */
static int decide_whole(const struct asking *a, const struct cedar_request *q, struct replied *ret)
{
        struct arena *arena = a->r->arena;
        struct cedar_answer answer;
        bool forbidden = false;
        int rc = 0;

        cedar_decide(a->r->p->program, a->r->p->entities, q, a->bench, &answer);
        ret->decide.sure = ret->err.sure = true;
        for (uint32_t i = 0; i < answer.n_reasons && rc == 0; i++)
                rc = add_policy(arena, &ret->decide, answer.n_reasons, answer.reasons[i]);
        for (uint32_t i = 0; i < answer.n_faults && rc == 0; i++) {
                forbidden |= answer.faults[i].policy->effect == CEDAR_FORBID;
                rc = add_policy(arena, &ret->err, answer.n_faults, answer.faults[i].policy);
        }
        ret->decision =
                answer.decision == CEDAR_PERMIT && !forbidden ? PARTIAL_ALLOW : PARTIAL_DENY;
        return rc;
}

/* The policies that decide are forbids where one holds, else permits: cedar_decide() has them so,
 * also where a forbid that errs forbids.  Where a forbid may hold no permit decides for sure. */
static int take_policies(struct arena *arena, const struct cedar_partial_answer *answer,
                         struct replied *ret)
{
        bool holds[2] = { false, false }, open[2] = { false, false };
        enum cedar_effect effect;
        bool is_theirs;
        int rc = 0;

        for (uint32_t i = 0; i < answer->n_policies; i++) {
                const struct cedar_partial_policy *p = &answer->policies[i];

                holds[p->policy->effect] |= p->stand == STAND_HOLDS;
                open[p->policy->effect] |= p->stand == STAND_DEPENDS;
        }
        effect = holds[CEDAR_FORBID] ? CEDAR_FORBID : CEDAR_PERMIT;
        ret->decide.sure = !open[CEDAR_FORBID] && (effect == CEDAR_FORBID || !open[CEDAR_PERMIT]);
        ret->err.sure = !open[CEDAR_FORBID] && !open[CEDAR_PERMIT];
        is_theirs = effect == CEDAR_FORBID || !open[CEDAR_FORBID];
        for (uint32_t i = 0; i < answer->n_policies && rc == 0; i++) {
                const struct cedar_partial_policy *p = &answer->policies[i];

                if (p->stand == STAND_FAULT)
                        rc = add_policy(arena, &ret->err, answer->n_policies, p->policy);
                else if (is_theirs && p->stand == STAND_HOLDS && p->policy->effect == effect)
                        rc = add_policy(arena, &ret->decide, answer->n_policies, p->policy);
        }
        return rc;
}

static int ask(const struct asking *a, const struct question *q, struct replied *ret)
{
        const struct replay_request *r = a->r;
        const bool open = r->brings.groups || r->brings.n_attributes,
                   brings = r->no_caller ? r->is_stranger : open;
        const struct cedar_request request = { .principal = r->caller.uid,
                                               .action = q->action,
                                               .resource = q->resource,
                                               .context = *q->context,
                                               .extra = &r->caller,
                                               .n_extra = r->no_caller && !r->is_stranger ? 0 : 1 };
        const struct cedar_unknown unknown = { .principal = r->no_caller,
                                               .resource = r->no_object && q->about_object,
                                               .places = r->places,
                                               .n_places = r->n_places,
                                               .schema = r->p->schema,
                                               .brings = brings ? &r->brings : NULL };
        struct cedar_partial_answer answer;
        int rc;

        *ret = (struct replied){ 0 };
        if (!unknown.principal && !unknown.resource && !unknown.n_places && !brings)
                return decide_whole(a, &request, ret);
        rc = cedar_decide_partial(r->p->policies, r->p->entities, &request, &unknown, true,
                                  r->arena, &answer);
        if (rc < 0)
                return rc;
        ret->decision = answer.decision;
        ret->policies = answer.policies;
        ret->n_policies = answer.n_policies;
        return take_policies(r->arena, &answer, ret);
}

/* ---- on what it hangs ---- */

/* "context.body" of "context.body.amount", not of "context.bodyguard". */
static bool is_within(struct span text, struct span place)
{
        return span_starts(text, place) && (text.n == place.n || text.p[place.n] == '.' ||
                                            text.p[place.n] == '[' || text.p[place.n] == ' ');
}

/* Who asks for all of a record asks for what is in it. */
static bool hangs_on(struct span on, struct span place)
{
        return is_within(on, place) || (span_starts(on, SPAN("context")) && is_within(place, on));
}

/* Adds those of the unknown places that these policies hang on, each once. */
static int add_on(const struct replay_request *r, const struct replied *answer,
                  struct replay_unknown **list, uint32_t *n)
{
        for (uint32_t u = 0; u < r->n_unknown; u++) {
                const struct replay_unknown *unknown = &r->unknown[u];
                bool met = false, has = false;

                for (uint32_t i = 0; i < answer->n_policies && !met; i++)
                        for (uint32_t k = 0; k < answer->policies[i].n_on && !met; k++)
                                met = hangs_on(answer->policies[i].on[k], unknown->place);
                for (uint32_t i = 0; i < *n; i++)
                        has |= span_eq((*list)[i].place, unknown->place);
                if (!met || has)
                        continue;
                if (!*list)
                        *list = arena_alloc(r->arena, REPLAY_UNKNOWN_ALL * sizeof **list);
                if (!*list)
                        return -ENOMEM;
                (*list)[(*n)++] = *unknown;
        }
        return 0;
}

/* ---- data ---- */

static int ask_class(const struct asking *a, const struct cedar_uid actions[2], uint32_t class,
                     const struct cedar_value *context, struct replay_result *ret,
                     struct replay_unknown **on, enum replay_read *read)
{
        static const enum replay_read reads[] = { REPLAY_CLEAR, REPLAY_MASKED };
        struct question q = { .resource =
                                      cedar_uid(SPAN("DataClass"), a->r->p->api->classes[class]),
                              .context = context };

        *read = REPLAY_WITHHELD;
        for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
                struct replied answer;
                int rc;

                q.action = actions[i];
                rc = ask(a, &q, &answer);
                if (rc == 0 && answer.decision == PARTIAL_DEPENDS) {
                        *read = REPLAY_READ_OPEN;
                        return add_on(a->r, &answer, on, &ret->n_reads_on);
                }
                if (rc < 0)
                        return rc;
                if (answer.decision == PARTIAL_ALLOW) {
                        *read = reads[i];
                        return 0;
                }
        }
        return 0;
}

static int ask_classes(const struct asking *a, struct replay_result *ret)
{
        struct replay_request *r = a->r;
        const struct api_operation *o = r->o;
        struct replay_class *list = arena_alloc(r->arena, o->n_reads * sizeof *list);
        struct replay_unknown *on = NULL;
        struct cedar_value context;
        struct cedar_uid actions[2];
        int rc;

        if (o->n_reads == 0)
                return 0;
        if (!list || !api_question(r->arena, o->id, API_ASK_READ, &actions[0]) ||
            !api_question(r->arena, o->id, API_ASK_MASKED, &actions[1]))
                return -ENOMEM;
        rc = make_read_context(r, &context);
        for (uint32_t i = 0; rc == 0 && i < o->n_reads; i++) {
                list[i].class = o->reads[i];
                rc = ask_class(a, actions, o->reads[i], &context, ret, &on, &list[i].read);
        }
        ret->reads = list;
        ret->n_reads = o->n_reads;
        ret->reads_on = on;
        return rc;
}

/* ---- the whole ---- */

static int say(struct arena *arena, enum replay_decision decision, const char *why,
               struct replay_result *ret)
{
        const char *copy = arena_copy(arena, span_str(why));

        if (!copy)
                return -ENOMEM;
        *ret = (struct replay_result){ .decision = decision, .why = copy };
        return 0;
}

static int find_operation(struct replay_request *r, struct replay_result *ret)
{
        char text[160];

        r->o = api_operation(r->p->api, r->c->operation);
        if (!r->o)
                return say(r->arena, REPLAY_GONE, "the operation is not there any more", ret);
        if (!r->c->method.n || api_method_of(r->c->method) == r->o->method)
                return 0;
        snprintf(text, sizeof text, "the operation is %s now, not %.*s",
                 api_method_name(r->o->method), (int)MIN_OF(r->c->method.n, (size_t)60),
                 (const char *)r->c->method.p);
        r->o = NULL;
        return say(r->arena, REPLAY_GONE, text, ret);
}

static int decide(const struct asking *a, struct replay_result *ret)
{
        struct replay_request *r = a->r;
        const struct question q = { .action = cedar_uid(SPAN("Action"), r->o->id),
                                    .resource = r->object,
                                    .context = &r->context,
                                    .about_object = true };
        struct replay_unknown *on = NULL;
        struct replied answer;
        uint32_t n_on = 0;
        int rc = ask(a, &q, &answer);

        if (rc < 0)
                return rc;
        *ret = (struct replay_result){ .decision = answer.decision == PARTIAL_ALLOW ? REPLAY_ALLOWED
                                                   : answer.decision == PARTIAL_DENY ? REPLAY_DENIED
                                                                                     : REPLAY_OPEN,
                                       .decide = answer.decide,
                                       .err = answer.err };
        rc = add_on(r, &answer, &on, &n_on); /* nothing where all is sure */
        if (ret->decision == REPLAY_OPEN) {
                ret->on = on;
                ret->n_on = n_on;
        } else {
                ret->policies_on = on;
                ret->n_policies_on = n_on;
        }
        return rc == 0 && ret->decision == REPLAY_ALLOWED ? ask_classes(a, ret) : rc;
}

int replay_decide(const struct package *p, struct cedar_bench *bench, const struct replay_call *c,
                  struct arena *arena, struct replay_result *ret, struct err *err)
{
        struct replay_request r = { .p = p, .c = c, .arena = arena };
        const struct asking a = { &r, bench };
        struct replay_result result;
        int rc = find_operation(&r, &result);

        if (rc == 0 && r.o) {
                rc = replay_make_caller(&r);
                if (rc == 0)
                        rc = replay_make_object(&r);
                if (rc == 0)
                        rc = replay_make_context(&r);
                if (rc == 0)
                        rc = decide(&a, &result);
                else if (rc == -EINVAL || rc == -EAGAIN)
                        rc = say(arena, rc == -EINVAL ? REPLAY_REFUSED : REPLAY_OPEN,
                                 err_text(&r.err), &result);
        }
        if (rc < 0) {
                rc = err_sys(err, rc, "replaying a call");
                return arena_explain(arena, rc, "what a call is replayed in", err);
        }
        *ret = result;
        return 0;
}
