/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/cause.h"

#include "base/clock.h"
#include "base/text.h"
#include "ledger/read/reader.h"
#include "wire/entry.h"

#include <fnmatch.h>
#include <stdlib.h>

enum { CLOCK_SLACK_S = 5, TOLD_MAX = 16 };

static const char no_file[] = "what the kernel or a program tells has no author";
static const char no_entry[] =
        "no change of its files is in the ledger: none of them is watched, or "
        "the sensor did not see it";

/* ---- sources ---- */

static bool is_file(const struct state_source *s)
{
        return s->type == STATE_FILE || s->type == STATE_FILES || s->type == STATE_TREE ||
               s->type == STATE_HOMES || s->type == STATE_HOME_TREES;
}

static bool ends_with(struct span s, const char *tail)
{
        size_t n = strlen(tail);

        return s.n > n && s.p[s.n - n - 1] == '/' && memcmp(s.p + s.n - n, tail, n) == 0;
}

static bool is_in_tree(const char *path, const char *where)
{
        const char *at = strstr(path, where);
        size_t n = strlen(where);

        return at && at > path && at[-1] == '/' && at[n] == '/';
}

/* path: a string, without the root. */
static bool fits(const struct state_source *s, const char *path)
{
        size_t n = strlen(s->where);

        switch (s->type) {
        case STATE_FILE:
                return strcmp(path, s->where) == 0;
        case STATE_FILES:
                return fnmatch(s->where, path, FNM_PATHNAME | FNM_NOESCAPE) == 0;
        case STATE_TREE:
                return strncmp(path, s->where, n) == 0 && (path[n] == '/' || path[n] == 0);
        case STATE_HOMES:
                return ends_with(span_str(path), s->where);
        case STATE_HOME_TREES:
                return is_in_tree(path, s->where);
        default:
                return false;
        }
}

static bool names_path(const struct state_table *t)
{
        return state_column_by_name(t, SPAN("path")) || state_column_by_name(t, SPAN("file"));
}

bool causes_possible(const struct state_table *t, const struct state_source *sources, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (is_file(&sources[i]))
                        return true;
        return names_path(t);
}

/* ---- finding ---- */

static size_t keep(struct causes *c, struct span s)
{
        size_t at = c->text.n;

        buf_put(&c->text, s);
        buf_put_byte(&c->text, 0);
        return at;
}

struct search {
        const char *root;
        const struct state_source *sources;
        size_t n_sources;
        int64_t from_ns;
        struct causes *ret;
};

static void take(struct search *s, uint64_t index, const struct entry *e, struct span path)
{
        struct causes *c = s->ret;
        struct cause x = { .index = index,
                           .path_n = path.n,
                           .id_n = e->id.n,
                           .has_who = e->who.raw.n && e->who.raw.n <= CAUSE_WHO_MAX,
                           .who_n = e->who.raw.n };

        struct span state = SPAN_NONE, alert = SPAN_NONE;
        struct json_value v;

        if (json_get(e->why, "state", &v))
                (void)json_value_plain(v, &state);
        if (json_get(e->why, "alert", &v))
                (void)json_value_plain(v, &alert);
        x.explained = state.n && !span_eq_str(state, "unexplained");
        x.state_n = state.n;
        x.alert_n = alert.n;
        x.state = keep(c, state);
        x.alert = keep(c, alert);
        x.path = keep(c, path);
        x.id = keep(c, e->id);
        x.who = keep(c, x.has_who ? e->who.raw : SPAN_NONE);
        if (buf_status(&c->text) < 0) {
                c->text.status = 0; /* what fitted counts */
                return;
        }
        for (size_t i = 0; i < s->n_sources && !x.of_sources; i++)
                x.of_sources = fits(&s->sources[i], (const char *)c->text.p + x.path);
        c->at[c->n++] = x;
}

/* One entry; false: those before it are too old. */
static bool look(struct search *s, uint64_t index, struct span bytes)
{
        struct buf path = BUF_INIT(64 * 1024);
        size_t root_n = strlen(s->root);
        struct json_value v;
        struct entry e;
        int64_t when;
        bool fine;

        if (json_check(bytes, NULL) < 0 || entry_read(bytes, &e, &fine, NULL) < 0)
                return true;
        if (text_to_time(e.time, &when) == 0 && when < s->from_ns - CLOCK_SLACK_S * NS_PER_S)
                return false;
        if (!fine || when < s->from_ns || !span_eq_str(e.kind, "integrity.change") ||
            !span_eq_str(e.proc, "sensor") || !json_get(e.what, "path", &v) ||
            !json_value_text(v, &path) || memchr(path.p, 0, path.n)) {
                buf_done(&path);
                return true;
        }
        if (path.n > root_n && memcmp(path.p, s->root, root_n) == 0)
                take(s, index, &e, span_from(buf_span(&path), root_n));
        buf_done(&path);
        return true;
}

void causes_find(const char *ledger, const char *root, const struct state_source *sources, size_t n,
                 int64_t from_ns, struct causes *ret)
{
        struct search s = { root, sources, n, from_ns, ret };
        CLEANUP(reader_done) struct reader r = { 0 };
        struct span bytes;
        uint64_t size, last;

        causes_done(ret);
        ret->none = no_entry;
        if (reader_open(ledger, &r, NULL) < 0) {
                ret->none = "the ledger cannot be read";
                return;
        }
        size = reader_size(&r);
        last = size - MIN_OF(size, (uint64_t)CAUSES_SCAN_MAX);
        for (uint64_t i = size; i-- > last && ret->n < CAUSES_MAX;)
                if (reader_entry(&r, i, &bytes, NULL) < 0 || !look(&s, i, bytes))
                        break;
}

bool causes_has(const struct causes *c)
{
        for (size_t i = 0; i < c->n; i++)
                if (c->at[i].of_sources)
                        return true;
        return false;
}

void causes_done(struct causes *c)
{
        buf_done(&c->text);
        c->text = BUF_INIT(CAUSES_BYTES_MAX);
        c->n = 0;
        c->none = no_file;
}

/* ---- of a row ---- */

static struct span path_of(const struct causes *c, const struct cause *x)
{
        return span_of(c->text.p + x->path, x->path_n);
}

static const struct cause *of_path(const struct causes *c, struct json_value row,
                                   const char *column, bool *ret_named)
{
        struct json_value v;
        const struct cause *found = NULL;
        struct buf path = BUF_INIT(STATE_ROW_MAX);

        *ret_named = json_get(row, column, &v) && json_value_text(v, &path) && path.n &&
                     path.p[0] == '/';
        for (size_t i = 0; *ret_named && i < c->n && !found; i++)
                if (span_eq(path_of(c, &c->at[i]), buf_span(&path)))
                        found = &c->at[i];
        buf_done(&path);
        return found;
}

const struct cause *causes_of(const struct causes *c, struct json_value row)
{
        const struct cause *x;
        bool named;

        x = of_path(c, row, "file", &named);
        if (named) /* another file's author is not this one's */
                return x;
        x = of_path(c, row, "path", &named);
        for (size_t i = 0; i < c->n && !x; i++)
                if (c->at[i].of_sources)
                        x = &c->at[i];
        return x;
}

struct span cause_alert(const struct causes *c, const struct cause *x)
{
        return x ? span_of(c->text.p + x->alert, x->alert_n) : SPAN_NONE;
}

struct span cause_state(const struct causes *c, const struct cause *x)
{
        return x ? span_of(c->text.p + x->state, x->state_n) : SPAN_NONE;
}

/* ---- into an entry ---- */

/* Others that may have had a part in it: of the same file where the cause is the row's own. */
static void put_others(const struct causes *c, const struct cause *x, struct json_writer *w)
{
        size_t n = 0;

        for (size_t i = 0; i < c->n && n < TOLD_MAX; i++) {
                const struct cause *y = &c->at[i];

                if (y == x || !span_eq(path_of(c, y), path_of(c, x)))
                        continue;
                if (n++ == 0) {
                        json_put_key(w, "causes_before");
                        json_begin_array(w);
                }
                json_put_u64(w, y->index);
        }
        if (n)
                json_end_array(w);
}

void cause_put_what(const struct causes *c, const struct cause *x, struct json_writer *w)
{
        if (!x)
                return;
        json_member_string(w, "cause", span_of(c->text.p + x->id, x->id_n));
        json_member_u64(w, "cause_index", x->index);
        put_others(c, x, w);
}

void cause_put_who(const struct causes *c, const struct cause *x, struct json_writer *w)
{
        if (x && x->has_who) {
                json_member_raw(w, "who", span_of(c->text.p + x->who, x->who_n));
                return;
        }
        json_put_key(w, "who");
        json_begin_object(w);
        json_member_text(w, "unknown", x ? "told in the entry of the cause" : c->none);
        json_end_object(w);
}
