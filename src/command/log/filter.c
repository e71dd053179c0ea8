/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - see filter.h. */
#include "command/log/filter.h"

#include <fnmatch.h>
#include <stdio.h>

enum { FILTER_TEXT_MAX = 8192 };

/* Where an actor may stand in an entry. */
static const char *const actor_texts[] = { "who.user", "who.exe", "who.comm", "who.unit",
                                           "src.proc" };
static const char *const actor_numbers[] = { "who.uid", "who.euid", "who.auid", "who.pid" };

static bool any_glob(const struct option_texts *globs, const char *text)
{
        for (size_t i = 0; i < globs->n; i++)
                if (fnmatch(globs->at[i], text, 0) == 0)
                        return true;
        return false;
}

/* A family's name stands for all of it: "api" for "api.*". */
static bool match_kind(const struct filter *f, const struct view *v)
{
        CLEANUP(buf_done) struct buf kind = BUF_INIT(FILTER_TEXT_MAX);
        size_t family;

        buf_put(&kind, v->entry.kind);
        if (any_glob(&f->kinds, buf_cstr(&kind)))
                return true;
        family = strcspn(buf_cstr(&kind), ".");
        if (family == v->entry.kind.n)
                return false;
        buf_clear(&kind);
        buf_put(&kind, span_of(v->entry.kind.p, family));
        return any_glob(&f->kinds, buf_cstr(&kind));
}

static bool match_path(const struct filter *f, const struct view *v)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(FILTER_TEXT_MAX);

        view_text(v, "what.path", &text);
        if (text.n == 0)
                return false;
        if (any_glob(&f->paths, buf_cstr(&text)))
                return true;
        /* Only beside a path is "from" one too. */
        buf_clear(&text);
        view_text(v, "what.from", &text);
        return text.n > 0 && any_glob(&f->paths, buf_cstr(&text));
}

/* An executable is also known by its last name. */
static bool is_actor_text(const char *text, const char *actor)
{
        const char *slash = strrchr(text, '/');

        return strcmp(text, actor) == 0 || (slash && strcmp(slash + 1, actor) == 0);
}

static bool is_subject(const struct view *v, const char *actor)
{
        struct json_iter it;
        struct json_value item;
        struct span id;

        if (!v->entry.subj.raw.n)
                return false;
        for (it = json_iter_of(v->entry.subj); json_next(&it, NULL, &item);)
                if (json_value_plain(item, &id) && span_eq_str(id, actor))
                        return true;
        return false;
}

static bool is_actor(const struct view *v, const char *actor)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(FILTER_TEXT_MAX);
        char digits[24];
        int64_t n;

        for (size_t i = 0; i < ARRAY_LEN(actor_texts); i++) {
                buf_clear(&text);
                view_text(v, actor_texts[i], &text);
                if (text.n > 0 && is_actor_text(buf_cstr(&text), actor))
                        return true;
        }
        for (size_t i = 0; i < ARRAY_LEN(actor_numbers); i++) {
                if (!view_int(v, actor_numbers[i], &n))
                        continue;
                snprintf(digits, sizeof(digits), "%lld", (long long)n);
                if (strcmp(digits, actor) == 0)
                        return true;
        }
        return is_subject(v, actor);
}

static bool match_actor(const struct filter *f, const struct view *v)
{
        for (size_t i = 0; i < f->actors.n; i++)
                if (is_actor(v, f->actors.at[i]))
                        return true;
        return false;
}

static bool match_time(const struct filter *f, const struct view *v)
{
        if (!f->has_since && !f->has_until)
                return true;
        return v->has_time && (!f->has_since || v->wall_ns >= f->since_ns) &&
               (!f->has_until || v->wall_ns < f->until_ns);
}

bool filter_match(const struct filter *f, const struct view *v)
{
        return match_time(f, v) && (!f->kinds.n || match_kind(f, v)) &&
               (!f->paths.n || match_path(f, v)) && (!f->actors.n || match_actor(f, v));
}

bool filter_needs_values(const struct filter *f)
{
        return f->actors.n > 0 || f->paths.n > 0;
}
