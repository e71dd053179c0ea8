/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/fold.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "integrity/trusted/change.h"
#include "integrity/who/who.h"
#include "integrity/why/why.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdlib.h>

enum {
        PATH_ROOM = 2 << 20, /* behind FOLD_LIST_MAX: two paths of any length */
        PROGRAM_MAX = 1024,
};

static const char *const words[] = { "created",  "modified",   "deleted",   "renamed",
                                     "replaced", "attributes", "transient", "reverted" };

struct fold {
        struct fold_whose by;
        enum fold_sort sort;
        uint8_t profile[FOLD_PROFILE_MAX];
        size_t profile_n;
        bool used, folding, news_told;
        int64_t window_ns, long_ns; /* monotonic: when they began */
        int64_t last_ns, since_ns;  /* of the last change; of the first that is to be told */
        unsigned in_window, in_long;

        /* What is to be told. */
        uint64_t count;
        int64_t first_wall_ns, last_wall_ns;
        enum watch_mode mode;
        uint64_t by_word[ARRAY_LEN(words)], by_field[RECORD_F_COUNT], by_state[WHY_STATE_END];
        struct buf list;     /* paths, each with its NUL */
        struct buf trees;    /* those of them that a rename of a directory had, likewise */
        struct buf moves;    /* journal operations */
        struct buf programs; /* each with its NUL */
        unsigned n_programs;
        uint64_t more_programs;
        struct who *who;
};

struct folds {
        struct fold of[FOLDS_MAX];
        uint64_t all;
};

/* ---- all of them ---- */

int folds_new(struct folds **ret, struct err *err)
{
        struct folds *f = calloc(1, sizeof *f);

        if (!f)
                return err_set(err, -ENOMEM, "out of memory for what is folded");
        for (size_t i = 0; i < FOLDS_MAX; i++) {
                struct fold *x = &f->of[i];

                x->list = BUF_INIT(FOLD_LIST_MAX + PATH_ROOM);
                x->trees = BUF_INIT(FOLD_LIST_MAX + PATH_ROOM);
                x->moves = BUF_INIT(FOLD_OPS_MAX + PATH_ROOM);
                x->programs = BUF_INIT(FOLD_PROGRAMS * (PROGRAM_MAX + 1));
        }
        *ret = f;
        return 0;
}

static void clear(struct fold *x)
{
        x->count = x->more_programs = 0;
        memset(x->by_word, 0, sizeof x->by_word);
        memset(x->by_field, 0, sizeof x->by_field);
        memset(x->by_state, 0, sizeof x->by_state);
        x->n_programs = 0;
        buf_done(&x->list);
        buf_done(&x->trees);
        buf_done(&x->moves);
        buf_done(&x->programs);
        x->who = who_unref(x->who);
}

struct folds *folds_free(struct folds *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < FOLDS_MAX; i++)
                clear(&f->of[i]);
        free(f);
        return NULL;
}

bool folds_any(const struct folds *f)
{
        for (size_t i = 0; i < FOLDS_MAX; i++)
                if (f->of[i].count)
                        return true;
        return false;
}

uint64_t folds_count_all(const struct folds *f)
{
        return f->all;
}

size_t folds_folding(const struct folds *f)
{
        size_t n = 0;

        for (size_t i = 0; i < FOLDS_MAX; i++)
                n += f->of[i].used && f->of[i].folding;
        return n;
}

/* ---- counting ---- */

static struct fold *find(struct folds *f, const struct fold_whose *by, enum fold_sort sort,
                         struct span profile)
{
        for (size_t i = 0; i < FOLDS_MAX; i++) {
                struct fold *x = &f->of[i];

                if (x->used && x->by.uid == by->uid && x->by.euid == by->euid && x->sort == sort &&
                    span_eq(span_of(x->profile, x->profile_n), profile))
                        return x;
        }
        return NULL;
}

/* A free one, or the quietest. */
static struct fold *find_room(struct folds *f)
{
        struct fold *quiet = &f->of[0];

        for (size_t i = 0; i < FOLDS_MAX; i++) {
                if (!f->of[i].used)
                        return &f->of[i];
                if (f->of[i].last_ns < quiet->last_ns)
                        quiet = &f->of[i];
        }
        return quiet;
}

static void begin(struct fold *x, const struct fold_whose *by, enum fold_sort sort,
                  struct span profile, int64_t now_ns)
{
        x->used = true;
        x->folding = x->news_told = false;
        x->by = *by;
        x->sort = sort;
        memcpy(x->profile, profile.p, profile.n);
        x->profile_n = profile.n;
        x->window_ns = x->long_ns = now_ns;
        x->in_window = x->in_long = 0;
}

/* Windows that are over. */
static void roll(struct fold *x, int64_t now_ns)
{
        bool quiet;

        if (now_ns - x->long_ns >= FOLD_LONG_S * NS_PER_S) {
                x->long_ns = now_ns;
                x->in_long = 0;
        }
        if (now_ns - x->window_ns < FOLD_WINDOW_S * NS_PER_S)
                return;
        quiet = x->in_window <= FOLD_BURST || now_ns - x->window_ns >= 2 * FOLD_WINDOW_S * NS_PER_S;
        if (quiet && x->in_long < FOLD_LONG)
                x->folding = x->news_told = false;
        x->window_ns = now_ns;
        x->in_window = 0;
}

struct fold *folds_count(struct folds *f, const struct change *c, int64_t now_ns,
                         struct fold **ret_full)
{
        enum fold_sort sort = fold_sort_of(c);
        struct fold_whose by;
        struct fold *x;

        *ret_full = NULL;
        if (!fold_may(c, &by))
                return NULL;
        x = find(f, &by, sort, c->profile->name);
        if (!x) {
                x = find_room(f);
                if (x->count) {
                        *ret_full = x;
                        return NULL;
                }
                begin(x, &by, sort, c->profile->name, now_ns);
        }
        roll(x, now_ns);
        x->last_ns = now_ns;
        x->in_window++;
        x->folding = x->folding || x->in_window > FOLD_BURST || x->in_long >= FOLD_LONG;
        x->in_long += !x->folding;
        f->all += x->folding;
        return x->folding ? x : NULL;
}

bool fold_is_news(struct fold *x, const struct change *c)
{
        bool news =
                !x->news_told && c->why->state == WHY_UNEXPLAINED && c->profile->mode != WATCH_LOG;

        x->news_told = x->news_told || news;
        return news;
}

/* ---- putting ---- */

bool fold_has_room(const struct fold *x, const struct change *c, struct span ops)
{
        if (x->count == 0)
                return true;
        return x->list.n + c->path.n + c->from.n + 2 <= FOLD_LIST_MAX &&
               (!c->from.n || x->moves.n + ops.n <= FOLD_OPS_MAX);
}

static void put_name(struct buf *b, struct span name)
{
        buf_put(b, name);
        buf_put_byte(b, 0);
}

static void put_program(struct fold *x, const struct who *w)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * PROGRAM_MAX + 1);
        struct span exe = w->exe.n ? buf_span(&w->exe) : buf_span(&w->comm);
        struct span rest = buf_span(&x->programs);

        text_put_safe(&safe, span_of(exe.p, MIN_OF(exe.n, (size_t)PROGRAM_MAX / 4)));
        while (rest.n) {
                size_t n = strlen((const char *)rest.p);

                if (span_eq(span_of(rest.p, n), buf_span(&safe)))
                        return;
                rest = span_from(rest, n + 1);
        }
        if (x->n_programs == FOLD_PROGRAMS) {
                x->more_programs++;
                return;
        }
        put_name(&x->programs, buf_span(&safe));
        x->n_programs++;
}

static void count_words(struct fold *x, const struct change *c)
{
        const char *word = change_word(c);
        unsigned d = c->was && c->is ? change_differs(c) : 0;

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                x->by_word[i] += strcmp(words[i], word) == 0;
        for (unsigned i = 0; i < RECORD_F_COUNT; i++)
                x->by_field[i] += (d & 1u << i) != 0;
        x->by_state[c->why->state]++;
}

int fold_put(struct fold *x, const struct change *c, struct span ops, int64_t now_ns)
{
        size_t list_n = x->list.n, trees_n = x->trees.n, moves_n = x->moves.n;
        bool tree = c->from.n && c->is && c->is->type == RECORD_DIR;

        put_name(&x->list, c->path);
        if (c->from.n)
                put_name(&x->list, c->from);
        if (tree)
                put_name(&x->trees, c->path);
        if (c->from.n)
                buf_put(&x->moves, ops);
        if (buf_status(&x->list) < 0 || buf_status(&x->trees) < 0 || buf_status(&x->moves) < 0) {
                x->list.n = list_n;
                x->trees.n = trees_n;
                x->moves.n = moves_n;
                x->list.status = x->trees.status = x->moves.status = 0;
                return -ENOMEM;
        }
        if (x->count++ == 0) {
                x->first_wall_ns = x->last_wall_ns = c->wall_ns;
                x->since_ns = now_ns;
                x->who = who_ref((struct who *)c->who);
        }
        x->first_wall_ns = MIN_OF(x->first_wall_ns, c->wall_ns);
        x->last_wall_ns = MAX_OF(x->last_wall_ns, c->wall_ns);
        x->mode = c->profile->mode;
        put_program(x, c->who);
        count_words(x, c);
        return 0;
}

struct fold *folds_due(struct folds *f, int64_t now_ns, bool at_once)
{
        for (size_t i = 0; i < FOLDS_MAX; i++) {
                struct fold *x = &f->of[i];

                if (x->count && (at_once || now_ns - x->since_ns >= FOLD_WINDOW_S * NS_PER_S))
                        return x;
        }
        return NULL;
}

/* ---- telling ---- */

static int in_order(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static size_t names_in(struct span rest)
{
        size_t n = 0;

        for (; rest.n; rest = span_from(rest, strlen((const char *)rest.p) + 1))
                n++;
        return n;
}

int fold_close(struct fold *x, struct fold_facts *ret)
{
        CLEANUP(buf_done) struct buf sorted = BUF_INIT(FOLD_LIST_MAX + PATH_ROOM);
        size_t n = names_in(buf_span(&x->list)), k = 0;
        struct span *at = calloc(n + 1, sizeof *at), rest = buf_span(&x->list);
        struct fold_facts f = { .paths = 0 };
        struct buf was;

        if (!at)
                return -ENOMEM;
        for (; rest.n; rest = span_from(rest, at[k++].n + 1))
                at[k] = span_str((const char *)rest.p);
        qsort(at, n, sizeof *at, in_order);
        for (k = 0; k < n; k++) {
                if (k && span_eq(at[k], at[k - 1]))
                        continue;
                put_name(&sorted, at[k]);
                f.paths++;
        }
        free(at);
        if (buf_status(&sorted) < 0)
                return buf_status(&sorted);
        was = x->list;
        x->list = sorted;
        sorted = was;
        f.list = buf_span(&x->list);
        f.moves = buf_span(&x->moves);
        sha256(f.list, f.digest);
        *ret = f;
        return 0;
}

bool fold_moved_tree(const struct fold *x, struct span path)
{
        struct span rest = buf_span(&x->trees);

        while (rest.n) {
                struct span name = span_str((const char *)rest.p);

                if (span_eq(name, path))
                        return true;
                rest = span_from(rest, name.n + 1);
        }
        return false;
}

uint32_t fold_uid(const struct fold *x)
{
        return x->by.uid;
}

struct who *fold_who(const struct fold *x)
{
        return x->who;
}

/* [[name, count], ...] of those that are not none. */
static void put_counts(struct json_writer *w, const char *key, const char *const *names,
                       const uint64_t *counts, size_t n)
{
        json_put_key(w, key);
        json_begin_array(w);
        for (size_t i = 0; i < n; i++) {
                if (!counts[i])
                        continue;
                json_begin_array(w);
                json_put_string(w, span_str(names[i]));
                json_put_u64(w, counts[i]);
                json_end_array(w);
        }
        json_end_array(w);
}

static void put_states(struct json_writer *w, const struct fold *x)
{
        const char *names[WHY_STATE_END];

        for (int i = 0; i < WHY_STATE_END; i++)
                names[i] = why_state_name((enum why_state)i);
        put_counts(w, "states", names, x->by_state, WHY_STATE_END);
}

/* The first ones of the list. */
static void put_named(struct json_writer *w, struct span list)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * FOLD_NAME_MAX);

        json_put_key(w, "named");
        json_begin_array(w);
        for (unsigned i = 0; i < FOLD_NAMED && list.n; i++) {
                size_t n = strlen((const char *)list.p);

                buf_clear(&safe);
                text_put_safe(&safe, span_of(list.p, MIN_OF(n, (size_t)FOLD_NAME_MAX)));
                json_put_string(w, buf_span(&safe));
                list = span_from(list, n + 1);
        }
        json_end_array(w);
}

static void put_programs(struct json_writer *w, const struct fold *x)
{
        struct span rest = buf_span(&x->programs);

        json_put_key(w, "programs");
        json_begin_array(w);
        while (rest.n) {
                struct span name = span_str((const char *)rest.p);

                json_put_string(w, name);
                rest = span_from(rest, name.n + 1);
        }
        if (x->more_programs)
                json_put_string(w, SPAN("and others"));
        json_end_array(w);
}

void fold_write(const struct fold *x, const struct fold_facts *f, int64_t wall_ns, bool kept,
                bool brief, struct buf *out)
{
        static const char *const sorts[FOLD_SORTS] = { "new", "changed", "gone", "rights" };
        char hex[2 * SHA256_LEN + 1];
        struct json_writer w;

        text_hex(span_of(f->digest, sizeof f->digest), hex);
        entry_begin(&w, out, "integrity.folded", wall_ns);
        put_counts(&w, "changes", words, x->by_word, ARRAY_LEN(words));
        json_member_u64(&w, "count", x->count);
        put_counts(&w, "differs", record_field_name, x->by_field, RECORD_F_COUNT);
        json_member_text(&w, "digest", hex);
        if (x->by.euid != x->by.uid)
                json_member_u64(&w, "euid", x->by.euid);
        json_member_time(&w, "first", x->first_wall_ns);
        json_member_bool(&w, "kept", kept);
        json_member_time(&w, "last", x->last_wall_ns);
        json_member_text(&w, "mode", watch_mode_name(x->mode));
        if (!brief)
                put_named(&w, f->list);
        json_member_u64(&w, "paths", f->paths);
        json_member_string(&w, "profile", span_of(x->profile, x->profile_n));
        if (!brief)
                put_programs(&w, x);
        json_member_text(&w, "sort", sorts[x->sort]);
        put_states(&w, x);
        json_member_u64(&w, "uid", x->by.uid);
        json_end_object(&w);
        json_put_key(&w, "who");
        who_put(&w, brief ? NULL : x->who, NULL, 0,
                brief ? "left out, for the entry would be too long" : NULL);
        json_end_object(&w);
}

void fold_told(struct fold *x)
{
        clear(x);
}
