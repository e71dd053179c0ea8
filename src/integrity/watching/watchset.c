/* SPDX-License-Identifier: Apache-2.0 */
/* The set as a tree, and questions to it.  watchset_text.c has the text form. */
#include "integrity/watching/watchset.h"

#include "base/text.h"
#include "integrity/trusted/record.h"

#include <stdlib.h>

enum {
        ARENA_BYTES = 64 << 20,
        NODES_MAX = UINT16_MAX,
        SHOWN = 200, /* bytes of a pattern in an error */
        ALL = WATCH_PROFILES_MAX,
};

STATIC_ASSERT(WATCH_PROFILES_MAX < 64, "a profile is a bit");
STATIC_ASSERT(WATCH_RULES_MAX < UINT16_MAX, "a rule is a short");

/* One part of one or more patterns.  Children lie sorted: literal ones by their text, then the
 * others. */
struct watch_node {
        struct pattern_part part;
        uint16_t *child;
        uint16_t n_child, max_child, n_literal;
        uint16_t deep; /* the child that is "**"; 0: none */
        bool wild;     /* this part or one above it has wildcards */
        size_t leads;  /* a rule that watches and ends below: index + 1; 0: none does */
        size_t rule;   /* the first that ends here: index + 1 */
};

void watchset_done(struct watchset *w)
{
        free(w->rules);
        free(w->nodes);
        arena_done(&w->arena);
        *w = (struct watchset){ 0 };
}

bool path_within(struct span path, struct span top)
{
        if (top.n == 1)
                return path.n > 0 && path.p[0] == '/';
        return span_starts(path, top) && (path.n == top.n || path.p[top.n] == '/');
}

/* ---- profiles ---- */

static bool name_ok(struct span name)
{
        if (name.n == 0 || name.n > WATCH_NAME_MAX)
                return false;
        for (size_t i = 0; i < name.n; i++) {
                uint8_t c = name.p[i];

                if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
                        return false;
        }
        return true;
}

static int no_memory(struct err *err)
{
        return err_set(err, -ENOMEM, "out of memory for what is watched");
}

static int copy_span(struct watchset *w, struct span *s)
{
        char *copy = arena_copy(&w->arena, *s);

        if (!copy)
                return -ENOMEM;
        *s = span_of(copy, s->n);
        return 0;
}

static size_t find_profile(const struct watchset *w, struct span name)
{
        size_t i = 0;

        while (i < w->n_profiles && !span_eq(w->profiles[i]->name, name))
                i++;
        return i;
}

int watchset_add_profile(struct watchset *w, const struct watch_profile *p, struct err *err)
{
        struct watch_profile *copy;
        int rc;

        if (!name_ok(p->name))
                return err_set(err, -EINVAL, "a profile's name is up to %d of a-z, 0-9, - and _",
                               WATCH_NAME_MAX);
        if (p->about.n > WATCH_ABOUT_MAX || !text_is_utf8(p->about, NULL) ||
            p->n_owners > WATCH_OWNERS_MAX)
                return err_set(err, -EINVAL, "profile %.*s does not fit", (int)p->name.n,
                               (const char *)p->name.p);
        if (find_profile(w, p->name) < w->n_profiles)
                return err_set(err, -EEXIST, "profile %.*s is there twice", (int)p->name.n,
                               (const char *)p->name.p);
        if (w->n_profiles == WATCH_PROFILES_MAX)
                return err_set(err, -E2BIG, "more than %d profiles", WATCH_PROFILES_MAX);
        w->arena.max = ARENA_BYTES;
        copy = arena_alloc(&w->arena, sizeof *copy);
        if (!copy)
                return no_memory(err);
        *copy = *p;
        rc = copy_span(w, &copy->name);
        if (rc == 0)
                rc = copy_span(w, &copy->about);
        for (size_t i = 0; i < p->n_owners && rc == 0; i++)
                rc = copy_span(w, &copy->owners[i]);
        if (rc < 0)
                return no_memory(err);
        w->profiles[w->n_profiles++] = copy;
        return 0;
}

/* ---- the tree ---- */

/* Order of children: what is literal first. */
static int part_cmp(const struct pattern_part *a, const struct pattern_part *b)
{
        bool a_wild = a->kind != PATTERN_LITERAL, b_wild = b->kind != PATTERN_LITERAL;

        return a_wild != b_wild ? (int)a_wild - (int)b_wild : span_cmp(a->text, b->text);
}

/* Where part is, or would be, among the children from lo to hi. */
static size_t child_at(const struct watchset *w, const struct watch_node *n,
                       const struct pattern_part *part, size_t lo, size_t hi)
{
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (part_cmp(&w->nodes[n->child[mid]].part, part) < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

static int grow_nodes(struct watchset *w)
{
        size_t max = w->max_nodes ? 2 * w->max_nodes : 64;
        struct watch_node *p;

        if (w->n_nodes < w->max_nodes)
                return 0;
        if (w->n_nodes == NODES_MAX)
                return -E2BIG;
        p = realloc(w->nodes, max * sizeof *p);
        if (!p)
                return -ENOMEM;
        w->nodes = p;
        w->max_nodes = max;
        return 0;
}

static int grow_children(struct watchset *w, struct watch_node *n)
{
        uint16_t max = n->max_child ? (uint16_t)MIN_OF(2 * n->max_child, NODES_MAX) : 4;
        uint16_t *p;

        if (n->n_child < n->max_child)
                return 0;
        p = arena_alloc(&w->arena, max * sizeof *p); /* the old one stays until the set goes */
        if (!p)
                return -ENOMEM;
        if (n->n_child)
                memcpy(p, n->child, n->n_child * sizeof *p);
        n->child = p;
        n->max_child = max;
        return 0;
}

/* The child of node `up` that is part, made when missing. */
static int make_child(struct watchset *w, size_t up, const struct pattern_part *part, size_t *ret)
{
        struct watch_node *n = &w->nodes[up];
        size_t at = child_at(w, n, part, 0, n->n_child);
        bool wild = n->wild || part->kind != PATTERN_LITERAL;
        int rc;

        if (at < n->n_child && part_cmp(&w->nodes[n->child[at]].part, part) == 0) {
                *ret = n->child[at];
                return 0;
        }
        if (wild && w->n_wild == WATCH_WILD_MAX)
                return -E2BIG;
        rc = grow_nodes(w);
        n = &w->nodes[up];
        if (rc == 0)
                rc = grow_children(w, n);
        if (rc < 0)
                return rc;
        w->nodes[w->n_nodes] = (struct watch_node){ .part = *part, .wild = wild };
        memmove(n->child + at + 1, n->child + at, (n->n_child - at) * sizeof *n->child);
        n->child[at] = (uint16_t)w->n_nodes;
        n->n_child++;
        n->n_literal += part->kind == PATTERN_LITERAL;
        if (part->kind == PATTERN_DEEP)
                n->deep = (uint16_t)w->n_nodes;
        w->n_wild += wild;
        *ret = w->n_nodes++;
        return 0;
}

static int make_top(struct watchset *w)
{
        w->arena.max = ARENA_BYTES;
        if (w->n_nodes)
                return 0;
        if (grow_nodes(w) < 0)
                return -ENOMEM;
        w->nodes[w->n_nodes++] = (struct watch_node){ 0 };
        return 0;
}

/* The node at which the pattern ends. */
static int make_path(struct watchset *w, const struct pattern *p, size_t *ret)
{
        size_t at = 0;
        int rc = make_top(w);

        for (size_t i = 0; i < p->n && rc == 0; i++)
                rc = make_child(w, at, &p->part[i], &at);
        *ret = at;
        return rc;
}

/* All of p's nodes are there. */
static void mark_way(struct watchset *w, const struct pattern *p, size_t rule)
{
        size_t at = 0;

        for (size_t i = 0; i < p->n; i++) {
                if (!w->nodes[at].leads)
                        w->nodes[at].leads = rule + 1;
                if (make_child(w, at, &p->part[i], &at) < 0)
                        return;
        }
}

/* ---- rules ---- */

/* 1: it is there already. */
static int check_same(const struct watchset *w, size_t node, size_t profile, bool exclude,
                      struct span text, struct err *err)
{
        for (size_t i = w->nodes[node].rule; i; i = w->rules[i - 1].next) {
                const struct watch_rule *r = &w->rules[i - 1];

                if (r->profile == profile && r->exclude == exclude)
                        return 1;
                if (r->profile == profile)
                        return err_set(err, -EEXIST, "%.*s: both watched and left out",
                                       (int)MIN_OF(text.n, (size_t)SHOWN), (const char *)text.p);
        }
        return 0;
}

static int grow_rules(struct watchset *w)
{
        size_t max = w->max ? 2 * w->max : 16;
        struct watch_rule *p;

        if (w->n < w->max)
                return 0;
        p = realloc(w->rules, max * sizeof *p);
        if (!p)
                return -ENOMEM;
        w->rules = p;
        w->max = max;
        return 0;
}

/* Bytes before the slash of the first part with wildcards; 1 for "/". */
static size_t base_of(const struct pattern *p)
{
        size_t n = 0;

        for (size_t i = 0; i < p->n && p->part[i].kind == PATTERN_LITERAL; i++)
                n += 1 + p->part[i].text.n;
        return MAX_OF(n, (size_t)1);
}

/* r->text is the set's own copy. */
static int insert(struct watchset *w, struct watch_rule *r, struct err *err)
{
        struct pattern p;
        size_t at, node = 0;
        int rc = pattern_parse(r->text, &p, &at, NULL);

        if (rc == 0)
                rc = make_path(w, &p, &node);
        if (rc == -E2BIG)
                return err_set(err, rc, "more than %d parts behind wildcards", WATCH_WILD_MAX);
        if (rc < 0)
                return no_memory(err);
        rc = check_same(w, node, r->profile, r->exclude, r->text, err);
        if (rc != 0)
                return MIN_OF(rc, 0);
        if (w->n == WATCH_RULES_MAX)
                return err_set(err, -E2BIG, "more than %d patterns", WATCH_RULES_MAX);
        if (grow_rules(w) < 0)
                return no_memory(err);
        r->rank = p.rank;
        r->base_n = base_of(&p);
        r->next = w->nodes[node].rule;
        w->rules[w->n++] = *r;
        w->nodes[node].rule = w->n;
        if (!r->exclude)
                mark_way(w, &p, w->n - 1);
        return 0;
}

int watchset_add_rule(struct watchset *w, size_t profile, struct span pattern, bool exclude,
                      uint32_t line, uint32_t column, struct err *err)
{
        struct watch_rule r = { .text = pattern,
                                .profile = profile,
                                .exclude = exclude,
                                .line = line,
                                .column = column };
        struct pattern p;
        struct err why;
        size_t at;

        assert(profile < w->n_profiles || (profile == ALL && exclude));
        if (pattern_parse(pattern, &p, &at, &why) < 0)
                return err_set(err, -EINVAL, "%.*s: %s", (int)MIN_OF(pattern.n, (size_t)SHOWN),
                               (const char *)pattern.p, err_text(&why));
        if (make_top(w) < 0 || copy_span(w, &r.text) < 0)
                return no_memory(err);
        return insert(w, &r, err);
}

int watchset_add(struct watchset *w, struct span pattern, bool exclude, struct err *err)
{
        struct watch_profile p = { .name = SPAN(WATCH_COMMAND_LINE),
                                   .mode = WATCH_ALERT,
                                   .attributes = (1u << RECORD_F_COUNT) - 1 };
        size_t i = find_profile(w, p.name);
        int rc = i < w->n_profiles ? 0 : watchset_add_profile(w, &p, err);

        return rc < 0 ? rc : watchset_add_rule(w, i, pattern, exclude, 0, 0, err);
}

/* ---- asking ---- */

static uint64_t bit(size_t profile)
{
        return profile == ALL ? UINT64_MAX : UINT64_C(1) << profile;
}

static bool is_active(const struct watch_at *at, size_t node)
{
        for (size_t i = 0; i < at->n; i++)
                if (at->node[i] == node)
                        return true;
        return false;
}

static void apply_rules(const struct watchset *w, size_t first, struct watch_at *at)
{
        for (size_t i = first; i; i = w->rules[i - 1].next) {
                const struct watch_rule *r = &w->rules[i - 1];

                if (r->exclude) {
                        at->left_out |= bit(r->profile);
                } else if (!(at->has & bit(r->profile)) ||
                           pattern_rank_cmp(&r->rank, &w->rules[at->best[r->profile]].rank) > 0) {
                        at->has |= bit(r->profile);
                        at->best[r->profile] = (uint16_t)(i - 1);
                }
        }
}

/* The path has come to this node: what ends here counts, what goes on from here is kept.
 *
 * Each node is active once: others than "**" are reached from their parent alone.  Of those without
 * a wildcard on their way one at most is active, so node[] has room. */
static void enter(const struct watchset *w, size_t node, struct watch_at *at)
{
        const struct watch_node *n = &w->nodes[node];

        apply_rules(w, n->rule, at);
        if (n->n_child == 0)
                return;
        at->node[at->n++] = (uint16_t)node;
        if (n->deep && !is_active(at, n->deep))
                at->node[at->n++] = n->deep;
}

static void begin_at(const struct watchset *w, struct watch_at *at)
{
        at->has = at->left_out = 0;
        at->n = 0;
        if (w->n_nodes)
                enter(w, 0, at);
}

static void step_from(const struct watchset *w, size_t node, struct span name, struct watch_at *ret)
{
        const struct watch_node *n = &w->nodes[node];
        struct pattern_part literal = { PATTERN_LITERAL, name };
        size_t i = child_at(w, n, &literal, 0, n->n_literal);

        if (i < n->n_literal && span_eq(w->nodes[n->child[i]].part.text, name))
                enter(w, n->child[i], ret);
        for (i = n->n_literal; i < n->n_child; i++)
                if (n->child[i] != n->deep && pattern_part_fits(&w->nodes[n->child[i]].part, name))
                        enter(w, n->child[i], ret);
}

void watch_at_name(const struct watchset *w, const struct watch_at *dir, struct span name,
                   struct watch_at *ret)
{
        ret->has = dir->has;
        ret->left_out = dir->left_out;
        for (size_t i = 0; dir->has >> i; i++)
                ret->best[i] = dir->best[i];
        ret->n = 0;
        for (size_t i = 0; i < dir->n; i++) /* "**" takes any name and stays */
                if (w->nodes[dir->node[i]].part.kind == PATTERN_DEEP)
                        ret->node[ret->n++] = dir->node[i];
        for (size_t i = 0; i < dir->n; i++)
                step_from(w, dir->node[i], name, ret);
}

static void copy_at(const struct watch_at *from, struct watch_at *ret)
{
        ret->has = from->has;
        ret->left_out = from->left_out;
        for (size_t i = 0; from->has >> i; i++)
                ret->best[i] = from->best[i];
        ret->n = from->n;
        memcpy(ret->node, from->node, from->n * sizeof *from->node);
}

void watch_at_path(const struct watchset *w, struct span path, struct watch_at *ret)
{
        struct watch_at a, *now = ret, *next = &a;

        begin_at(w, now);
        for (size_t at = 1; at < path.n;) {
                const uint8_t *slash = memchr(path.p + at, '/', path.n - at);
                size_t end = slash ? (size_t)(slash - path.p) : path.n;
                struct watch_at *swap = now;

                watch_at_name(w, now, span_of(path.p + at, end - at), next);
                now = next;
                next = swap;
                at = end + 1;
                if (now->n == 0)
                        break; /* nothing below changes the answer */
        }
        if (now != ret)
                copy_at(now, ret);
}

const struct watch_rule *watch_at_rule(const struct watchset *w, const struct watch_at *at)
{
        uint64_t left = at->has & ~at->left_out;
        const struct watch_rule *best = NULL;

        for (size_t i = 0; left >> i; i++) {
                const struct watch_rule *r = &w->rules[at->best[i]];

                if (left >> i & 1 && (!best || pattern_rank_cmp(&r->rank, &best->rank) > 0))
                        best = r;
        }
        return best;
}

bool watch_at_leads(const struct watchset *w, const struct watch_at *at)
{
        if (at->left_out == UINT64_MAX)
                return false;
        for (size_t i = 0; i < at->n; i++)
                if (w->nodes[at->node[i]].leads)
                        return true;
        return false;
}

bool watch_at_divides(const struct watchset *w, const struct watch_at *at)
{
        (void)w;
        return at->left_out != UINT64_MAX && at->n > 0;
}

const struct watch_rule *watchset_rule(const struct watchset *w, struct span path)
{
        struct watch_at at;

        watch_at_path(w, path, &at);
        return watch_at_rule(w, &at);
}

const struct watch_profile *watchset_way_profile(const struct watchset *w, struct span path)
{
        const struct watch_rule *r;
        struct watch_at at;

        watch_at_path(w, path, &at);
        r = watch_at_rule(w, &at);
        if (r || at.left_out == UINT64_MAX)
                return r ? w->profiles[r->profile] : NULL;
        for (size_t i = 0; i < at.n; i++)
                if (w->nodes[at.node[i]].leads)
                        return w->profiles[w->rules[w->nodes[at.node[i]].leads - 1].profile];
        return NULL;
}

bool watchset_knows(const struct watchset *w, struct span path, struct span record)
{
        if (record.n > 1 && record.p[1] == RECORD_LINK)
                return watchset_way_profile(w, path) != NULL;
        return watchset_covers(w, path);
}

const struct watch_profile *watchset_profile(const struct watchset *w, struct span path)
{
        const struct watch_rule *r = watchset_rule(w, path);

        return r ? w->profiles[r->profile] : NULL;
}

bool watchset_leads(const struct watchset *w, struct span dir)
{
        struct watch_at at;

        watch_at_path(w, dir, &at);
        return watch_at_leads(w, &at);
}

bool watchset_divides(const struct watchset *w, struct span dir)
{
        struct watch_at at;

        watch_at_path(w, dir, &at);
        return watch_at_divides(w, &at);
}

bool watchset_begins(const struct watchset *w, size_t i, struct span *ret_base)
{
        struct span base = span_of(w->rules[i].text.p, w->rules[i].base_n);

        if (w->rules[i].exclude)
                return false;
        for (size_t k = 0; k < w->n; k++) {
                struct span other = span_of(w->rules[k].text.p, w->rules[k].base_n);

                if (!w->rules[k].exclude && k != i && path_within(base, other) &&
                    (other.n < base.n || k < i))
                        return false;
        }
        *ret_base = base;
        return true;
}
