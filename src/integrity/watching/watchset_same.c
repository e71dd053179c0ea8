/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/watchset_same.h"

static struct span profile_name(const struct watchset *w, const struct watch_rule *r)
{
        return r->profile == WATCH_PROFILES_MAX ? SPAN("") : w->profiles[r->profile]->name;
}

bool watchset_has_rule(const struct watchset *w, const struct watchset *of,
                       const struct watch_rule *r)
{
        for (size_t i = 0; i < w->n; i++)
                if (w->rules[i].exclude == r->exclude && span_eq(w->rules[i].text, r->text) &&
                    span_eq(profile_name(w, &w->rules[i]), profile_name(of, r)))
                        return true;
        return false;
}

const struct watch_profile *watchset_same_name(const struct watchset *w, struct span name)
{
        for (size_t i = 0; i < w->n_profiles; i++)
                if (span_eq(w->profiles[i]->name, name))
                        return w->profiles[i];
        return NULL;
}

bool watchset_same_owners(const struct watch_profile *a, const struct watch_profile *b)
{
        if (a->n_owners != b->n_owners)
                return false;
        for (size_t i = 0; i < a->n_owners; i++)
                if (!span_eq(a->owners[i], b->owners[i]))
                        return false;
        return true;
}

bool watchset_same_profile(const struct watch_profile *a, const struct watch_profile *b)
{
        return b && a->mode == b->mode && a->attributes == b->attributes && a->keep == b->keep &&
               a->is_volatile == b->is_volatile && a->max_size == b->max_size &&
               a->deep_s == b->deep_s && a->execute == b->execute && span_eq(a->about, b->about) &&
               watchset_same_owners(a, b);
}

static bool in_reach(const struct watch_rule *r, struct span base)
{
        struct span own = span_of(r->text.p, r->base_n);

        return path_within(own, base) || path_within(base, own);
}

static bool has_all(const struct watchset *w, const struct watchset *of, struct span base)
{
        for (size_t i = 0; i < of->n; i++)
                if (in_reach(&of->rules[i], base) && !watchset_has_rule(w, of, &of->rules[i]))
                        return false;
        return true;
}

bool watchset_same_below(const struct watchset *a, const struct watchset *b, struct span base)
{
        return has_all(a, b, base) && has_all(b, a, base);
}

bool watchset_same(const struct watchset *a, const struct watchset *b)
{
        if (a->n_profiles != b->n_profiles)
                return false;
        for (size_t i = 0; i < a->n_profiles; i++)
                if (!watchset_same_profile(a->profiles[i],
                                           watchset_same_name(b, a->profiles[i]->name)))
                        return false;
        return watchset_same_below(a, b, SPAN("/"));
}
