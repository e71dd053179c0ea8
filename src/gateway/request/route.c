/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/route.h"

#include <stdlib.h>

enum {
        MEMORY_MAX = 256 << 20,
        BASE_WORDS_MAX = CONFIG_PATH_MAX / 2, /* "/a/b/c" */
};

STATIC_ASSERT((int)TARGET_SEGMENTS_MAX <= (int)API_SEGMENTS_MAX, "each segment may be a value");

/* What a tree is made of: a base and its API, a path and an operation of it. */
struct entry {
        const struct api_segment *segments;
        uint32_t n;
        const void *what; /* struct place, struct api_operation */
};

struct branch {
        struct span word;
        struct node *node;
};

struct node {
        struct branch *words; /* ascending */
        uint32_t n_words;
        struct node *parameter;   /* NULL: none */
        const struct entry *ends; /* those with no further segment */
        uint32_t n_ends;
};

/* One API. */
struct place {
        struct package *package;
        struct api_segment *base;
        uint32_t n_base;
        struct node tree;
};

struct router {
        struct arena arena;
        struct node bases;
};

/* ---- made ---- */

/* Shorter first, words before parameters: entries with the same first segments are neighbours. */
static int compare(const void *x, const void *y)
{
        const struct entry *a = x, *b = y;

        return api_segments_compare(a->segments, a->n, b->segments, b->n);
}

/* How many of the first ones have the same segment there. */
static uint32_t same(const struct entry *e, uint32_t n, uint32_t depth)
{
        const struct api_segment *first = &e[0].segments[depth];
        uint32_t i = 1;

        while (i < n && e[i].segments[depth].parameter == first->parameter &&
               (first->parameter || span_eq(e[i].segments[depth].text, first->text)))
                i++;
        return i;
}

static uint32_t count_words(const struct entry *e, uint32_t n, uint32_t depth)
{
        uint32_t words = 0;

        for (uint32_t i = 0; i < n && !e[i].segments[depth].parameter; words++)
                i += same(&e[i], n - i, depth);
        return words;
}

/* Of entries in order whose first `depth` segments are the same.  As deep as paths are long. */
static int grow(struct arena *arena, const struct entry *e, uint32_t n, uint32_t depth,
                struct node *ret)
{
        int rc = 0;

        ret->ends = e;
        while (ret->n_ends < n && e[ret->n_ends].n == depth)
                ret->n_ends++;
        e += ret->n_ends;
        n -= ret->n_ends;
        ret->words = arena_alloc(arena, count_words(e, n, depth) * sizeof *ret->words);
        if (!ret->words)
                return -ENOMEM;
        for (uint32_t i = 0, some; rc == 0 && i < n; i += some) {
                const struct api_segment *s = &e[i].segments[depth];
                struct node *node = arena_alloc(arena, sizeof *node);

                if (!node)
                        return -ENOMEM;
                some = same(&e[i], n - i, depth);
                if (s->parameter)
                        ret->parameter = node;
                else
                        ret->words[ret->n_words++] = (struct branch){ s->text, node };
                rc = grow(arena, &e[i], some, depth + 1, node);
        }
        return rc;
}

static int plant(struct arena *arena, struct entry *e, uint32_t n, struct node *ret)
{
        if (n > 0)
                qsort(e, n, sizeof *e, compare);
        return grow(arena, e, n, 0, ret);
}

/* What stands between its slashes: "" has nothing, "/a/b" two words. */
static int read_base(struct arena *arena, struct span base, struct place *ret)
{
        uint32_t n = 0;

        for (size_t i = 0; i < base.n; i++)
                n += base.p[i] == '/';
        ret->base = arena_alloc(arena, n * sizeof *ret->base);
        if (!ret->base)
                return -ENOMEM;
        while (base.n > 0) {
                struct span word = span_from(base, 1);
                const uint8_t *end = word.n ? memchr(word.p, '/', word.n) : NULL;

                word.n = end ? (size_t)(end - word.p) : word.n;
                ret->base[ret->n_base++].text = word;
                base = span_from(base, word.n + 1);
        }
        return 0;
}

static int plant_api(struct arena *arena, const struct api *api, struct place *ret)
{
        struct entry *e = arena_alloc(arena, api->n_operations * sizeof *e);

        if (!e)
                return -ENOMEM;
        for (uint32_t i = 0; i < api->n_operations; i++) {
                const struct api_operation *o = &api->operations[i];

                e[i] = (struct entry){ o->segments, o->n_segments, o };
        }
        return plant(arena, e, api->n_operations, &ret->tree);
}

static int plant_apis(struct router *r, const struct generation *g, struct place *places)
{
        struct entry *e = arena_alloc(&r->arena, g->n * sizeof *e);
        int rc = 0;

        if (!e)
                return -ENOMEM;
        for (uint32_t i = 0; rc == 0 && i < g->n; i++) {
                places[i].package = g->package[i];
                rc = read_base(&r->arena, g->package[i]->config.base, &places[i]);
                if (rc == 0)
                        rc = plant_api(&r->arena, g->package[i]->api, &places[i]);
                e[i] = (struct entry){ places[i].base, places[i].n_base, &places[i] };
        }
        return rc < 0 ? rc : plant(&r->arena, e, g->n, &r->bases);
}

/* ---- looked for ---- */

static const struct node *find_word(const struct node *at, struct span word)
{
        uint32_t low = 0, high = at->n_words;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                int c = span_cmp(word, at->words[middle].word);

                if (c == 0)
                        return at->words[middle].node;
                if (c < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

/* The longest base among the first words; NULL: none. */
static const struct place *find_base(const struct node *bases, const struct span *words, uint32_t n)
{
        const struct place *found = NULL;

        for (uint32_t i = 0; bases; i++) {
                if (bases->n_ends > 0)
                        found = bases->ends[0].what;
                bases = i < n ? find_word(bases, words[i]) : NULL;
        }
        return found;
}

struct search {
        const struct target *target;
        uint32_t n; /* segments, an empty one at the end counted */
        struct span *values;
        uint32_t n_values;
};

static struct span segment_of(const struct search *s, uint32_t depth)
{
        return depth < s->target->n_segments ? s->target->segments[depth] : SPAN_NONE;
}

/* By the rule of package/model/model.h: the word first, and when that leads to no path, the
 * parameter. */
static const struct node *find_path(struct search *s, const struct node *at, uint32_t depth)
{
        struct span segment = segment_of(s, depth);
        const struct node *next, *found;
        uint32_t n_values = s->n_values;

        if (depth == s->n)
                return at->n_ends > 0 ? at : NULL;
        next = find_word(at, segment);
        found = next ? find_path(s, next, depth + 1) : NULL;
        if (found || !at->parameter || segment.n == 0)
                return found;
        s->n_values = n_values;
        s->values[s->n_values++] = segment;
        return find_path(s, at->parameter, depth + 1);
}

/* ---- letters of another case ---- */

static uint8_t lower(uint8_t c)
{
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_alike(struct span a, struct span b)
{
        if (a.n != b.n)
                return false;
        for (size_t i = 0; i < a.n; i++)
                if (lower(a.p[i]) != lower(b.p[i]))
                        return false;
        return true;
}

static bool has_alike(const struct search *s, const struct node *at, uint32_t depth);

static bool has_word_alike(const struct search *s, const struct node *at, uint32_t depth)
{
        struct span segment = segment_of(s, depth);

        for (uint32_t i = 0; i < at->n_words; i++)
                if (is_alike(at->words[i].word, segment) &&
                    has_alike(s, at->words[i].node, depth + 1))
                        return true;
        return false;
}

/* Does any path fit from here on, to who does not look at the case? */
static bool has_alike(const struct search *s, const struct node *at, uint32_t depth)
{
        if (depth == s->n)
                return at->n_ends > 0;
        return has_word_alike(s, at, depth) || (at->parameter && segment_of(s, depth).n > 0 &&
                                                has_alike(s, at->parameter, depth + 1));
}

/* Has another path a word, in whatever case, where the one that was found has a parameter? */
static bool is_unclear(const struct search *s, const struct node *at, uint32_t depth,
                       const struct api_operation *found)
{
        for (uint32_t i = 0; i < found->n_segments; i++, depth++) {
                if (!found->segments[i].parameter) {
                        at = find_word(at, found->segments[i].text);
                        continue;
                }
                if (has_word_alike(s, at, depth))
                        return true;
                at = at->parameter;
        }
        return false;
}

/* ---- the whole ---- */

static const struct api_operation *find_method(const struct node *at, enum api_method method)
{
        for (uint32_t i = 0; i < at->n_ends; i++) {
                const struct api_operation *o = at->ends[i].what;

                if (o->method == method)
                        return o;
        }
        return method == API_HEAD ? find_method(at, API_GET) : NULL;
}

static unsigned methods_of(const struct node *at)
{
        unsigned out = 0;

        for (uint32_t i = 0; i < at->n_ends; i++)
                out |= 1u << ((const struct api_operation *)at->ends[i].what)->method;
        return out & 1u << API_GET ? out | 1u << API_HEAD : out;
}

/* Sets *why when there is none. */
static const struct node *find_clear_path(struct search *s, const struct place *place,
                                          const char **why)
{
        const struct node *at = find_path(s, &place->tree, place->n_base);

        *why = "the path is none of the document";
        if (!at || !is_unclear(s, &place->tree, place->n_base, at->ends[0].what))
                return at;
        *why = "the path is another one of the document but for the case of letters";
        return NULL;
}

int router_find(const struct router *r, enum api_method method, const struct target *t,
                struct route *ret, struct refusal *refusal)
{
        struct search s = { t, t->n_segments + t->slash, ret->values, 0 };
        const struct place *place = find_base(&r->bases, t->segments, s.n - 1);
        const char *why = "the path is below no API's base";
        const struct node *at = place ? find_clear_path(&s, place, &why) : NULL;

        ret->package = place ? place->package : NULL;
        ret->operation = at ? find_method(at, method) : NULL;
        ret->n_values = at ? s.n_values : 0;
        ret->allowed = at ? methods_of(at) : 0;
        if (!at)
                return refuse(refusal, REFUSED_PATH, "%s", why);
        if (!ret->operation)
                return refuse(refusal, REFUSED_METHOD, "the path has no %s",
                              api_method_name(method));
        return 0;
}

/* ---- checked ---- */

/* The words that a request for this operation begins with, but for its last segment, in room. Those
 * that are more than any base has are left out. */
static uint32_t first_words(const struct place *p, const struct api_operation *o, struct span *room)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < p->n_base; i++)
                room[n++] = p->base[i].text;
        for (uint32_t i = 0; i + 1 < o->n_segments && !o->segments[i].parameter; i++)
                if (n < BASE_WORDS_MAX)
                        room[n++] = o->segments[i].text;
        return n;
}

static int check_reach(const struct router *r, const struct place *p, struct err *err)
{
        struct span words[BASE_WORDS_MAX];

        for (uint32_t i = 0; i < p->package->api->n_operations; i++) {
                const struct api_operation *o = &p->package->api->operations[i];
                const struct place *found = find_base(&r->bases, words, first_words(p, o, words));

                if (found != p)
                        return err_set(err, -EEXIST,
                                       "%.*s: no request reaches %.*s: %.*s has the base \"%.*s\"",
                                       (int)p->package->config.name.n,
                                       (const char *)p->package->config.name.p, (int)o->id.n,
                                       (const char *)o->id.p, (int)found->package->config.name.n,
                                       (const char *)found->package->config.name.p,
                                       (int)found->package->config.base.n,
                                       (const char *)found->package->config.base.p);
        }
        return 0;
}

static int check_bases(const struct node *at, struct err *err)
{
        const struct config *one, *other;
        int rc = 0;

        if (at->n_ends > 1) {
                one = &((const struct place *)at->ends[0].what)->package->config;
                other = &((const struct place *)at->ends[1].what)->package->config;
                return err_set(err, -EEXIST, "%.*s and %.*s have the same base \"%.*s\"",
                               (int)one->name.n, (const char *)one->name.p, (int)other->name.n,
                               (const char *)other->name.p, (int)one->base.n,
                               one->base.n ? (const char *)one->base.p : "");
        }
        for (uint32_t i = 0; rc == 0 && i < at->n_words; i++)
                rc = check_bases(at->words[i].node, err);
        return rc;
}

int router_new(const struct generation *g, struct router **ret, struct err *err)
{
        CLEANUP(router_freep) struct router *r = calloc(1, sizeof *r);
        struct place *places;
        int rc;

        if (!r)
                return err_set(err, -ENOMEM, "no memory for a router");
        r->arena = ARENA_INIT(MEMORY_MAX);
        places = arena_alloc(&r->arena, g->n * sizeof *places);
        rc = places ? plant_apis(r, g, places) : -ENOMEM;
        if (rc < 0)
                return arena_explain(&r->arena, err_set(err, rc, "no memory for a router"),
                                     "the paths of all APIs", err);
        rc = check_bases(&r->bases, err);
        for (uint32_t i = 0; rc == 0 && i < g->n; i++)
                rc = check_reach(r, &places[i], err);
        if (rc < 0)
                return rc;
        *ret = r;
        r = NULL;
        return 0;
}

struct router *router_free(struct router *r)
{
        if (r)
                arena_done(&r->arena);
        free(r);
        return NULL;
}
