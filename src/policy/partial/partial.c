/* SPDX-License-Identifier: Apache-2.0 */
/* partial.c - decisions where not all is known; see partial.h.  Floor 2, pure. */
#include "policy/partial/partial.h"

#include <stdlib.h>

#include "policy/entities/extra.h"
#include "policy/partial/part.h"

enum { NAME_MAX_BYTES = CEDAR_SOURCE_MAX };

static int cmp_names(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* On what the policy at hand hangs. */
static int name_all(struct part_walk *w, struct cedar_partial_policy *p)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(NAME_MAX_BYTES);
        uint32_t kept = 0;

        p->on = part_alloc(w, ((size_t)w->n_on + 1) * sizeof *p->on);
        if (!p->on)
                return w->rc;
        for (uint32_t i = 0; i < w->n_on; i++) {
                const char *copy;

                buf_clear(&text);
                part_path_print(w->on[i], &text);
                if (buf_status(&text) < 0)
                        return buf_status(&text);
                copy = arena_copy(w->arena, buf_span(&text));
                if (!copy)
                        return -ENOMEM;
                p->on[i] = span_of(copy, text.n);
        }
        if (w->n_on > 1)
                qsort(p->on, w->n_on, sizeof *p->on, cmp_names);
        for (uint32_t i = 0; i < w->n_on; i++)
                if (kept == 0 || !span_eq(p->on[kept - 1], p->on[i]))
                        p->on[kept++] = p->on[i];
        p->n_on = kept;
        return 0;
}

static enum cedar_stand stand_of(const struct part *p)
{
        if (p->yes || p->no)
                return p->errs || (p->yes && p->no) ? STAND_DEPENDS
                       : p->yes                     ? STAND_HOLDS
                                                    : STAND_NOT;
        return STAND_FAULT;
}

/* What all policies come to so far. */
struct tally {
        bool may_permit, permits, may_forbid, forbids;
};

static void count(struct tally *v, const struct cedar_policy *policy, const struct part *p,
                  bool forbid_faults)
{
        const bool faults = policy->effect == CEDAR_FORBID && forbid_faults;
        const bool may = p->yes || (faults && p->errs);
        const bool does = may && !p->no && (faults || !p->errs);

        if (policy->effect == CEDAR_PERMIT) {
                v->may_permit = v->may_permit || may;
                v->permits = v->permits || does;
        } else {
                v->may_forbid = v->may_forbid || may;
                v->forbids = v->forbids || does;
        }
}

static enum cedar_partial decide(const struct tally *v)
{
        if (v->forbids || !v->may_permit)
                return PARTIAL_DENY;
        return v->permits && !v->may_forbid ? PARTIAL_ALLOW : PARTIAL_DEPENDS;
}

static const struct cedar_type *context_type(const struct cedar_unknown *unknown,
                                             const struct cedar_request *request)
{
        const struct cedar_action *a =
                unknown->schema ? cedar_schema_action(unknown->schema, &request->action) : NULL;

        return a ? a->context : NULL;
}

/* The request without what is said of a principal that is not known: that is nobody's by name. */
static struct cedar_request take_base(const struct cedar_request *request,
                                      struct cedar_entity *room, const struct cedar_entity **ret)
{
        struct cedar_request r = *request;

        *ret = cedar_extra_find(request, &request->principal);
        r.extra = room;
        r.n_extra = 0;
        for (uint32_t i = 0; i < request->n_extra; i++)
                if (&request->extra[i] != *ret)
                        room[r.n_extra++] = request->extra[i];
        return r;
}

int cedar_decide_partial(const struct cedar_policies *policies,
                         const struct cedar_entities *entities, const struct cedar_request *request,
                         const struct cedar_unknown *unknown, bool forbid_faults,
                         struct arena *arena, struct cedar_partial_answer *ret)
{
        struct part_walk w = { .unknown = unknown, .arena = arena };
        struct cedar_partial_answer answer = { 0 };
        struct cedar_request known = *request;
        struct cedar_entity extra[CEDAR_EXTRA_MAX];
        struct tally v = { 0 };
        int rc;

        assert(cedar_entities_sealed(entities) && request->context.kind == CEDAR_RECORD &&
               request->n_extra <= CEDAR_EXTRA_MAX);
        if (unknown->principal && unknown->brings)
                known = take_base(request, extra, &w.base);
        cedar_machine_meet(&w.machine, entities, &known);
        if (!unknown->principal && unknown->brings)
                w.base = w.machine.known[VAR_PRINCIPAL];
        rc = part_context(&w, &request->context, context_type(unknown, request));
        answer.policies = arena_alloc(arena, ((size_t)policies->n + 1) * sizeof *answer.policies);
        if (rc == 0 && !answer.policies)
                rc = -ENOMEM;
        for (uint32_t i = 0; rc == 0 && i < policies->n; i++) {
                const struct cedar_policy *policy = &policies->policies[i];
                struct cedar_partial_policy *one = &answer.policies[answer.n_policies];
                struct part p;

                if (policy->template)
                        continue;
                p = part_policy(&w, policy);
                count(&v, policy, &p, forbid_faults);
                *one = (struct cedar_partial_policy){ .policy = policy, .stand = stand_of(&p) };
                rc = w.rc;
                if (rc == 0 && one->stand == STAND_DEPENDS)
                        rc = name_all(&w, one);
                answer.n_policies += one->stand != STAND_NOT;
        }
        if (rc < 0)
                return rc;
        answer.decision = decide(&v);
        *ret = answer;
        return 0;
}
