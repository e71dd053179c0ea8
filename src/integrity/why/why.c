/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/why.h"

#include "base/text.h"
#include "integrity/trusted/change.h"
#include "integrity/who/who.h"
#include "integrity/why/actor.h"
#include "integrity/why/package.h"

#include <stdio.h>
#include <sys/stat.h>

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
        const struct approval *a = approvals_judge(k->approvals, c, &k->files, &fit);

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

/* An owner with a slash in it is a pattern of executables, else a unit. */
static bool owner_is_exe(struct span owner)
{
        return owner.n && owner.p[0] == '/';
}

static enum actor_fit owns(const struct why_known *k, struct span owner, const struct who *w,
                           int64_t ctime_ns)
{
        static const struct span any = SPAN_INIT(WATCH_OWNER_PACKAGES);
        static const struct span one = SPAN_INIT(WATCH_OWNER_PACKAGES ":");

        if (owner_is_exe(owner))
                return actor_runs(owner, w, ctime_ns, &k->files);
        if (span_eq(owner, any))
                return packages_began(k->packages, w);
        if (span_starts(owner, one)) {
                enum actor_fit script = packages_began(k->packages, w);
                enum actor_fit exe = actor_runs(span_from(owner, one.n), w, ctime_ns, &k->files);

                return MIN_OF(script, exe);
        }
        return actor_is_of_unit(owner, w);
}

/* The owner that comes nearest, and how near; NULL: none does. */
static const struct span *owner_of(const struct why_known *k, const struct change *c,
                                   const struct who *w, enum actor_fit *ret)
{
        const struct watch_profile *p = c->profile;
        const struct span *nearest = NULL;

        *ret = ACTOR_OTHER;
        for (size_t i = 0; w && i < p->n_owners && *ret != ACTOR_FITS; i++) {
                enum actor_fit f = owns(k, p->owners[i], w, c->is ? c->is->ctime_ns : 0);

                if (f > *ret) {
                        *ret = f;
                        nearest = &p->owners[i];
                }
        }
        return nearest;
}

static bool by_service(const struct why_known *k, const struct change *c, struct why *ret)
{
        const struct span *owner;
        enum actor_fit fit, also;
        int n;

        if (!c->profile || !(owner = owner_of(k, c, c->who, &fit)))
                return false;
        for (size_t i = 0; c->also && i < CHANGE_ALSO_MAX && c->also[i]; i++) {
                owner_of(k, c, c->also[i], &also);
                if (also == ACTOR_OTHER)
                        return false; /* somebody else touched it too */
                fit = MIN_OF(fit, also);
        }
        ret->content = brought_content(c);
        n = snprintf(ret->detail, sizeof ret->detail, "profile %.*s declares %.*s its owner",
                     (int)c->profile->name.n, (const char *)c->profile->name.p,
                     (int)MIN_OF(owner->n, 300u), (const char *)owner->p);
        if (fit != ACTOR_FITS && n > 0 && (size_t)n < sizeof ret->detail)
                snprintf(ret->detail + n, sizeof ret->detail - (size_t)n, ", but %s",
                         actor_fit_text(fit));
        return fit == ACTOR_FITS;
}

/* ---- volatile state ---- */

/* What no program leaves behind as it runs, and an intruder does: a file that gives its caller
 * another's rights, a door to a device, another thing where a directory was, behind which nobody
 * looks.  NULL: none of these. */
static const char *more_than_volatile(const struct change *c)
{
        const struct record *is = c->is;
        struct record_attr caps;

        if (!is)
                return NULL;
        if (is->type == RECORD_FILE && is->mode & (S_ISUID | S_ISGID))
                return "it is a set-uid or set-gid file";
        if (is->type == RECORD_FILE && record_attr(is, RECORD_CAPS, &caps))
                return "it is a file with capabilities";
        if (is->type == RECORD_CHAR || is->type == RECORD_BLOCK)
                return "it is a device";
        return c->was && c->was->type == RECORD_DIR && is->type != RECORD_DIR
                       ? "a directory was there"
                       : NULL;
}

static bool by_volatile(const struct why_known *k, const struct change *c, struct why *ret)
{
        const char *more;

        (void)k;
        if (!c->profile || !c->profile->is_volatile)
                return false;
        more = more_than_volatile(c);
        if (more) {
                snprintf(ret->detail, sizeof ret->detail, "profile %.*s is volatile, but %s",
                         (int)c->profile->name.n, (const char *)c->profile->name.p, more);
                return false;
        }
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
        struct change by_nobody;

        if (c->by_way) {
                by_nobody = *c;
                by_nobody.who = NULL;
                by_nobody.also = NULL;
                c = &by_nobody;
        }
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
