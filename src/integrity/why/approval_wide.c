/* SPDX-License-Identifier: Apache-2.0 */
/* What an approved change allows that most need not. */
#include "integrity/why/approval.h"

#include "base/clock.h"

#include <stdio.h>

/* Where a pattern begins to be one, or all of it. */
static struct span base_of(const struct watch_rule *r)
{
        bool wild = r->text.n &&
                    (memchr(r->text.p, '*', r->text.n) || memchr(r->text.p, '?', r->text.n) ||
                     memchr(r->text.p, '[', r->text.n));

        return wild ? span_of(r->text.p, MAX_OF(r->base_n, (size_t)1)) : r->text;
}

/* "/", "/etc", "/x*" */
static bool is_high(const struct watch_rule *r)
{
        struct span base = base_of(r);

        return !r->exclude && !memchr(base.p + 1, '/', base.n - 1);
}

static bool covers_profile(const struct approval *a, const struct watchset *watched, size_t profile)
{
        for (size_t i = 0; i < watched->n; i++)
                if (watched->rules[i].profile == profile && !watched->rules[i].exclude &&
                    watchset_covers(&a->paths, base_of(&watched->rules[i])))
                        return true;
        return false;
}

size_t approval_wide(const struct approval *a, const struct watchset *watched,
                     char ret[APPROVAL_WIDE_MAX][APPROVAL_WIDE_TEXT], size_t *ret_profiles)
{
        const struct watch_rule *high = NULL;
        size_t n = 0, profiles = 0;

        for (size_t i = 0; i < a->paths.n && !high; i++)
                if (is_high(&a->paths.rules[i]))
                        high = &a->paths.rules[i];
        for (size_t i = 0; i < watched->n_profiles; i++)
                profiles += covers_profile(a, watched, i);
        *ret_profiles = profiles;
        if (high)
                snprintf(ret[n++], APPROVAL_WIDE_TEXT, "it allows changes everywhere below %.*s",
                         (int)MIN_OF(base_of(high).n, (size_t)64), (const char *)base_of(high).p);
        if (profiles > APPROVAL_WIDE_PROFILES)
                snprintf(ret[n++], APPROVAL_WIDE_TEXT, "it covers %zu of the %zu profiles watched",
                         profiles, watched->n_profiles);
        if (a->paths.n && a->n_actors == 0)
                snprintf(ret[n++], APPROVAL_WIDE_TEXT,
                         "anybody may do it: --login, --uid, --exe or --unit would say who");
        if ((a->until_ns - a->from_ns) / NS_PER_S > APPROVAL_WIDE_S)
                snprintf(ret[n++], APPROVAL_WIDE_TEXT, "it lasts %lld days",
                         (long long)((a->until_ns - a->from_ns) / NS_PER_S / 86400));
        return n;
}
