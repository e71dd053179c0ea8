/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/why.h"

#include "base/pattern.h"
#include "base/text.h"
#include "integrity/trusted/change.h"
#include "integrity/who/who.h"
#include "integrity/why/package.h"

#include <stdio.h>

typedef bool explain_fn(const struct why_known *k, const struct change *c, struct why *ret);

/* ---- an approved change ---- */

static void copy_id(struct why *ret, const struct approval *a)
{
        memcpy(ret->change, a->id.p, a->id.n);
        ret->change[a->id.n] = '\0';
}

/* Did the change bring the content that is there now? */
static bool brought_content(const struct change *c)
{
        return c->is && !c->from.n &&
               (c->was ? (record_diff(c->was, c->is) & RECORD_F_SHA256) != 0 : !c->existed);
}

static bool by_change(const struct why_known *k, const struct change *c, struct why *ret)
{
        enum approval_fit fit;
        const struct approval *a = approvals_judge(k->approvals, c, &fit);

        if (!a)
                return false;
        if (fit != APPROVAL_FITS) {
                snprintf(ret->detail, sizeof ret->detail, "change %.*s names the path, but %s",
                         (int)a->id.n, (const char *)a->id.p, approval_fit_text(fit));
                return false;
        }
        copy_id(ret, a);
        ret->content = brought_content(c);
        snprintf(ret->detail, sizeof ret->detail, "approved by %.*s",
                 (int)MIN_OF(a->source.n, 200u), (const char *)a->source.p);
        return true;
}

/* ---- a package ---- */

static bool by_package(const struct why_known *k, const struct change *c, struct why *ret)
{
        return packages_explain(k->packages, c, ret);
}

/* ---- source control ---- */

static bool by_source(const struct why_known *k, const struct change *c, struct why *ret)
{
        struct source_change x;
        const struct source *list;

        STATIC_ASSERT((int)SOURCE_WHY_MAX <= (int)WHY_DETAIL_MAX, "a proof fits");
        if (!k->sources || k->sources->n == 0)
                return false;
        source_change_of(c, &x);
        ret->content = true; /* it is what the list says */
        return sources_judge(k->sources, &x, &list, ret->detail) == SOURCE_FITS;
}

/* ---- a declared owner ---- */

/* An owner with a slash in it is a pattern of executables, else a unit.
 *
 * A unit is the system manager's: one within another unit, or in a container, has the name that its
 * user or the container's root gave it.  An executable's path counts in the sensor's own mount
 * namespace: in another one, any file may lie there. */
static bool owner_is_exe(struct span owner)
{
        return owner.n && owner.p[0] == '/';
}

static bool exe_owns(struct span owner, struct span exe)
{
        struct pattern p;
        size_t at;

        return exe.n && pattern_parse(owner, &p, &at, NULL) == 0 && pattern_covers(&p, exe);
}

static bool runs(struct span owner, const struct who *w)
{
        if (w->has & WHO_EXE_NAMELESS)
                return false; /* its path is where it was, not what it is */
        if (exe_owns(owner, buf_span(&w->exe)))
                return true;
        for (size_t i = 0; i < w->n_parents; i++)
                if (w->parents[i].has_exe && exe_owns(owner, who_kin_name(w, &w->parents[i])))
                        return true;
        return false;
}

static bool owns(const struct why_known *k, struct span owner, const struct who *w)
{
        static const struct span any = SPAN_INIT(WATCH_OWNER_PACKAGES);
        static const struct span one = SPAN_INIT(WATCH_OWNER_PACKAGES ":");

        if (owner_is_exe(owner))
                return !(w->has & WHO_HAS_MOUNT_NS) && runs(owner, w);
        if (span_eq(owner, any))
                return packages_began(k->packages, w);
        if (span_starts(owner, one))
                return packages_began(k->packages, w) && runs(span_from(owner, one.n), w);
        return w->unit.n && !(w->has & WHO_UNIT_NESTED) && span_eq(owner, buf_span(&w->unit));
}

static const struct span *owner_of(const struct why_known *k, const struct watch_profile *p,
                                   const struct who *w)
{
        for (size_t i = 0; w && i < p->n_owners; i++)
                if (owns(k, p->owners[i], w))
                        return &p->owners[i];
        return NULL;
}

static bool by_service(const struct why_known *k, const struct change *c, struct why *ret)
{
        const struct span *owner;

        if (!c->profile || !(owner = owner_of(k, c->profile, c->who)))
                return false;
        for (size_t i = 0; c->also && i < CHANGE_ALSO_MAX && c->also[i]; i++)
                if (!owner_of(k, c->profile, c->also[i]))
                        return false; /* somebody else touched it too */
        ret->content = brought_content(c);
        snprintf(ret->detail, sizeof ret->detail, "profile %.*s declares %.*s its owner",
                 (int)c->profile->name.n, (const char *)c->profile->name.p,
                 (int)MIN_OF(owner->n, 300u), (const char *)owner->p);
        return true;
}

/* ---- volatile state ---- */

static bool by_volatile(const struct why_known *k, const struct change *c, struct why *ret)
{
        (void)k;
        if (!c->profile || !c->profile->is_volatile)
                return false;
        snprintf(ret->detail, sizeof ret->detail, "profile %.*s is volatile",
                 (int)c->profile->name.n, (const char *)c->profile->name.p);
        return true;
}

static const struct {
        const char *name;
        explain_fn *explain; /* NULL: nothing does */
} table[WHY_STATE_END] = {
        [WHY_UNEXPLAINED] = { "unexplained", NULL }, [WHY_CHANGE] = { "change", by_change },
        [WHY_PACKAGE] = { "package", by_package },   [WHY_SOURCE] = { "source", by_source },
        [WHY_SERVICE] = { "service", by_service },   [WHY_VOLATILE] = { "volatile", by_volatile },
};

const char *why_state_name(enum why_state s)
{
        return table[s].name;
}

void why_judge(const struct why_known *k, const struct change *c, struct why *ret)
{
        *ret = (struct why){ .state = WHY_UNEXPLAINED };
        for (size_t i = WHY_UNEXPLAINED + 1; i < WHY_STATE_END; i++) {
                struct why w = { .state = (enum why_state)i };

                if (table[i].explain(k, c, &w)) {
                        *ret = w;
                        break;
                }
                if (w.detail[0] && !ret->detail[0])
                        memcpy(ret->detail, w.detail, sizeof ret->detail);
        }
        /* A cut may have split a character. */
        for (size_t n = strlen(ret->detail); !text_is_utf8(span_of(ret->detail, n), NULL); n--)
                ret->detail[n - 1] = '\0';
}
