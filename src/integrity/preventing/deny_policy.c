/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_policy.h"

#include "base/hash.h"

static bool in_window(const struct approval *a, int64_t wall_ns)
{
        return wall_ns >= a->from_ns && wall_ns < a->until_ns;
}

static bool is_parent(struct span dir, struct span path)
{
        const uint8_t *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

        return slash && span_eq(dir, span_of(path.p, (size_t)(slash - path.p)));
}

/* The first that is not below path, in the order of paths. */
static size_t hash_from(const struct approval *a, struct span path)
{
        size_t low = 0, high = a->n_hashes;

        while (low < high) {
                size_t mid = low + (high - low) / 2;

                if (span_cmp(a->hashes[mid].path, path) < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

/* A name that sorts between the directory and what is in it ("/a-b" between "/a" and "/a/c") ends
 * nothing. */
static bool hashes_name(const struct approval *a, struct span path, bool is_dir)
{
        for (size_t i = hash_from(a, path); i < a->n_hashes; i++) {
                struct span named = a->hashes[i].path;

                if (span_eq(named, path) || (is_dir && is_parent(path, named)))
                        return true;
                if (!is_dir || !span_starts(named, path))
                        return false;
        }
        return false;
}

static bool patterns_lead(const struct approval *a, struct span dir)
{
        for (size_t i = 0; i < a->paths.n; i++) {
                const struct watch_rule *r = &a->paths.rules[i];
                struct span base = span_of(r->text.p, r->base_n);

                if (r->exclude)
                        continue;
                if (base.n == r->text.n ? is_parent(dir, r->text) : path_within(dir, base))
                        if (watchset_leads(&a->paths, dir))
                                return true;
        }
        return false;
}

static bool names(const struct approval *a, struct span path, bool is_dir)
{
        return watchset_covers(&a->paths, path) || hashes_name(a, path, is_dir) ||
               (is_dir && patterns_lead(a, path));
}

bool deny_is_open(const struct approvals *a, struct span path, bool is_dir, int64_t wall_ns)
{
        for (size_t i = 0; i < a->n; i++)
                if (in_window(a->of[i], wall_ns) && names(a->of[i], path, is_dir))
                        return true;
        return false;
}

uint64_t deny_open_set(const struct approvals *a, int64_t wall_ns)
{
        uint64_t h = HASH_BEGIN; /* over the ids, each with an end */

        for (size_t i = 0; i < a->n; i++) {
                if (!in_window(a->of[i], wall_ns))
                        continue;
                h = hash_add(hash_add(h, a->of[i]->id), span_of("", 1));
        }
        return h;
}
