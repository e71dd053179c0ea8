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

/* ---- less than before ---- */

/* The strongest that watches this pattern; NULL: none does. */
static const struct watch_profile *profile_of(const struct watchset *w, const struct watch_rule *r)
{
        const struct watch_profile *best = NULL;

        for (size_t i = 0; i < w->n; i++) {
                const struct watch_profile *p =
                        w->rules[i].exclude ? NULL : w->profiles[w->rules[i].profile];

                if (p && span_eq(w->rules[i].text, r->text) && (!best || p->mode > best->mode))
                        best = p;
        }
        if (!best &&
            r->base_n == r->text.n) /* no wildcards: a path, perhaps below another pattern */
                best = watchset_profile(w, r->text);
        return best;
}

static bool has_owner(const struct watch_profile *p, struct span owner)
{
        for (size_t i = 0; i < p->n_owners; i++)
                if (span_eq(p->owners[i], owner))
                        return true;
        return false;
}

static const char *weaker_profile(const struct watch_profile *was, const struct watch_profile *is)
{
        if (!is)
                return "is not watched any more";
        if (is->mode < was->mode)
                return "has a weaker mode";
        if (is->execute < was->execute)
                return "is not held to known programs any more";
        if (was->attributes & ~is->attributes)
                return "is compared by fewer attributes";
        if (is->is_volatile && !was->is_volatile)
                return "may change without being explained";
        for (size_t i = 0; i < is->n_owners; i++)
                if (!has_owner(was, is->owners[i]))
                        return "has one more owner, whose changes are expected";
        return NULL;
}

const char *watchset_weaker(const struct watchset *was, const struct watchset *is,
                            struct span *ret_pattern)
{
        const char *what = NULL;

        for (size_t i = 0; i < was->n && !what; i++) {
                const struct watch_rule *r = &was->rules[i];

                if (!r->exclude)
                        what = weaker_profile(was->profiles[r->profile], profile_of(is, r));
                *ret_pattern = r->text;
        }
        for (size_t i = 0; i < is->n && !what; i++) {
                const struct watch_rule *r = &is->rules[i];

                if (r->exclude && !watchset_has_rule(was, is, r) &&
                    (r->profile == WATCH_PROFILES_MAX ||
                     watchset_same_name(was, is->profiles[r->profile]->name)))
                        what = "is left out";
                *ret_pattern = r->text;
        }
        return what;
}
