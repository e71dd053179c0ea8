/* SPDX-License-Identifier: Apache-2.0 */
/* access_implied.c - which rows say nothing that others do not say as well; see access.h.  Floor 2,
 * pure.
 *
 * Groups are unknown in a row about callers in several: a policy there hangs on `principal in X`
 * for each group that makes a difference.  Such a row may be left out where, for each set of
 * groups and each call, what the set sees one of its groups alone sees as well (or none of them
 * does).  That is so if
 *
 *   - no forbid that stands in the way of one in one group at most may be open once more groups
 *     are his (is_lifted()): who is let through in the set is then forbidden in no part of it;
 *   - each permit of the set is one for a part of it (is_alone());
 *   - that part is the same one for the call and for reading (belong_together()).
 *
 * All three are shown by asking once with the groups of one alone, and once with any others. */
#include "package/policies/access_priv.h"

/* ---- what policies hang on ---- */

/* One policy, as two answers have it; NULL: STAND_NOT. */
static const struct cedar_partial_policy *find(const struct cedar_partial_answer *a,
                                               const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < a->n_policies; i++)
                if (a->policies[i].policy == p)
                        return &a->policies[i];
        return NULL;
}

static bool is_group(struct span on)
{
        return span_starts(on, SPAN("principal in "));
}

static bool has(const struct cedar_partial_policy *p, struct span on)
{
        for (uint32_t i = 0; p && i < p->n_on; i++)
                if (span_eq(p->on[i], on))
                        return true;
        return false;
}

/* On groups, or on who it is where that comes with more groups: as in `Caller::"x" in Group::"y"`.
 */
static bool hangs_on_groups(const struct cedar_partial_policy *with,
                            const struct cedar_partial_policy *alone)
{
        for (uint32_t i = 0; i < with->n_on; i++)
                if (is_group(with->on[i]) ||
                    (span_eq_str(with->on[i], "principal") && !has(alone, with->on[i])))
                        return true;
        return false;
}

/* Are all groups open that are open in `several`?  Then one is in none of them. */
static bool is_in_none(const struct cedar_partial_policy *several,
                       const struct cedar_partial_policy *with)
{
        for (uint32_t i = 0; i < several->n_on; i++)
                if (is_group(several->on[i]) && !has(with, several->on[i]))
                        return false;
        return true;
}

static bool is_permit(const struct cedar_partial_policy *p)
{
        return p->policy->effect == CEDAR_PERMIT && p->stand != STAND_FAULT;
}

/* ---- one in one group at most, with these groups alone and with any others ---- */

static bool is_lifted(const struct cedar_partial_answer *alone,
                      const struct cedar_partial_answer *with)
{
        for (uint32_t i = 0; i < alone->n_policies; i++) {
                const struct cedar_partial_policy *p = &alone->policies[i],
                                                  *more = find(with, p->policy);

                if (p->policy->effect == CEDAR_FORBID &&
                    (!more || (more->stand == STAND_DEPENDS && hangs_on_groups(more, p))))
                        return true;
        }
        return false;
}

/* Does each permit of `several` let this one alone through whenever it lets him and others? */
static bool is_alone(const struct cedar_partial_answer *several,
                     const struct cedar_partial_answer *alone,
                     const struct cedar_partial_answer *with)
{
        for (uint32_t i = 0; i < several->n_policies; i++) {
                const struct cedar_partial_policy *p = &several->policies[i],
                                                  *one = find(alone, p->policy),
                                                  *more = find(with, p->policy);

                if (is_permit(p) && more && more->stand == STAND_DEPENDS &&
                    !(one && one->stand == STAND_HOLDS) && hangs_on_groups(more, one) &&
                    !is_in_none(p, more))
                        return false;
        }
        return true;
}

static bool may_permit(const struct cedar_partial_answer *a)
{
        for (uint32_t i = 0; i < a->n_policies; i++)
                if (is_permit(&a->policies[i]))
                        return true;
        return false;
}

/* No further group makes a permit of what is none. */
static bool is_own(const struct cedar_partial_answer *alone,
                   const struct cedar_partial_answer *with)
{
        bool groups = false;

        for (uint32_t i = 0; i < alone->n_policies; i++)
                if (is_permit(&alone->policies[i]) && alone->policies[i].stand == STAND_HOLDS)
                        return true;
        for (uint32_t i = 0; i < with->n_policies; i++)
                groups = groups || (is_permit(&with->policies[i]) &&
                                    hangs_on_groups(&with->policies[i],
                                                    find(alone, with->policies[i].policy)));
        return !groups;
}

/* What was found out of all of them so far. */
struct finding {
        bool apart;       /* one of the first two above is not so */
        uint32_t callers; /* whom groups let call, and further ones may let read more */
        uint32_t readers; /* the other way round */
        uint32_t both;
};

static void look(const struct access_row *several, const struct access_row *alone,
                 const struct access_row *with, struct finding *f)
{
        bool caller, reader;

        f->apart = f->apart || is_lifted(&alone->call, &with->call) ||
                   is_lifted(&alone->clear, &with->clear) ||
                   is_lifted(&alone->masked, &with->masked) ||
                   !is_alone(&several->call, &alone->call, &with->call) ||
                   !is_alone(&several->clear, &alone->clear, &with->clear) ||
                   !is_alone(&several->masked, &alone->masked, &with->masked);
        caller = may_permit(&alone->call) &&
                 (!is_own(&alone->clear, &with->clear) || !is_own(&alone->masked, &with->masked));
        reader = (may_permit(&alone->clear) || may_permit(&alone->masked)) &&
                 !is_own(&alone->call, &with->call);
        f->callers += caller;
        f->readers += reader;
        f->both += caller && reader;
}

/* Is there one who calls by one group, and reads by another one what neither of both does alone? */
static bool belong_together(const struct finding *f)
{
        const uint32_t all = f->callers + f->readers - f->both;

        return f->callers == 0 || f->readers == 0 || all == 1;
}

/* ---- rows ---- */

static int look_at(struct asking *a, const struct access_row *several, const struct access_who *who,
                   struct finding *f)
{
        struct access_who more = *who;
        struct access_row alone, with;
        int rc;

        more.any_groups = true;
        arena_reset(&a->scratch);
        a->at = &a->scratch;
        rc = access_ask(a, who, several->operation, several->class, &alone);
        if (rc == 0)
                rc = access_ask(a, &more, several->operation, several->class, &with);
        a->at = &a->arena;
        if (rc == 0)
                look(several, &alone, &with, f);
        return rc;
}

int access_several_implied(struct asking *a, struct access_row *several)
{
        struct finding f = { 0 };
        int rc = 0;

        several->implied = several->sees == ACCESS_WITHHELD;
        if (several->implied)
                return 0;
        for (uint32_t k = 0; rc == 0 && !f.apart && k < a->n_who; k++) {
                const struct access_who *who = &a->who[k];

                if ((who->kind == ACCESS_MEMBER || who->kind == ACCESS_OTHER) &&
                    access_comes(a, who))
                        rc = look_at(a, several, who, &f);
        }
        several->implied = !f.apart && belong_together(&f);
        return rc;
}

static bool is_same(const struct cedar_partial_answer *a, const struct cedar_partial_answer *b)
{
        if (a->decision != b->decision || a->n_policies != b->n_policies)
                return false;
        for (uint32_t i = 0; i < a->n_policies; i++) {
                const struct cedar_partial_policy *x = &a->policies[i], *y = &b->policies[i];

                if (x->policy != y->policy || x->stand != y->stand || x->n_on != y->n_on)
                        return false;
                for (uint32_t k = 0; k < x->n_on; k++)
                        if (!span_eq(x->on[k], y->on[k]))
                                return false;
        }
        return true;
}

int access_named_implied(struct asking *a, struct access_row *with)
{
        struct access_who who = *with->who;
        struct access_row alone;
        int rc;

        who.any_groups = false;
        arena_reset(&a->scratch);
        a->at = &a->scratch;
        rc = access_ask(a, &who, with->operation, with->class, &alone);
        a->at = &a->arena;
        with->implied = rc == 0 && is_same(&alone.call, &with->call) &&
                        is_same(&alone.clear, &with->clear) &&
                        is_same(&alone.masked, &with->masked);
        return rc;
}
