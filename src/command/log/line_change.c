/* SPDX-License-Identifier: Apache-2.0 */
/* line_change.c - what changed of a file, in words: each attribute with its old and new value. */
#include "command/log/line_priv.h"

#include <stdio.h>

#include "base/text.h"

enum { FIELD_MAX = LINE_FIELD_MAX, TEXT_MAX = LINE_TEXT_MAX };

enum sort {
        MAJOR,
        OWN,   /* not every file has it: said of one that came or went as well */
        MINOR, /* said when nothing else is */
};

/* What of a file's state is worth a word, in this order. */
static const struct attribute {
        const char *name;
        const char *label;
        const char *as;
        enum sort sort;
} attributes[] = {
        { "type", "type", "", MAJOR },
        { "sha256", "sha256", "digest", OWN },
        { "size", "size", "", MAJOR },
        { "target", "target", "", OWN },
        { "mode", "mode", "", MAJOR },
        { "uid", "owner", "", MAJOR },
        { "gid", "group", "", MAJOR },
        { "links", "links", "", MAJOR },
        { "flags", "flags", "list", MAJOR },
        { "acl", "acl", "", OWN },
        { "acl_default", "default acl", "", OWN },
        { "caps", "capabilities", "", OWN },
        { "label", "label", "", OWN },
        { "xattrs", "xattrs", "names", OWN },
        { "rdev", "device", "", MAJOR },
        { "fstype", "filesystem", "", MAJOR },
        { "mtime", "mtime", "time", MINOR },
        { "inode", "inode", "", MINOR },
};

/* One attribute in the state before or now. */
struct side {
        char path[FIELD_MAX], unknown[FIELD_MAX];
        struct buf raw; /* as it is in the entry */
        bool there;
};

static void side_open(struct side *e, const struct view *v, const char *which, const char *name)
{
        snprintf(e->path, sizeof(e->path), "what.%s_%s", which, name);
        snprintf(e->unknown, sizeof(e->unknown), "what.%s_unknown", which);
        e->raw = BUF_INIT(TEXT_MAX);
        e->there = line_is_readable(view_text(v, e->path, &e->raw));
}

static void side_done(struct side *e)
{
        buf_done(&e->raw);
}

/* The item itself, or the first member of one, ["name", ...]. */
static struct json_value name_of(struct json_value item)
{
        struct json_value first = item;
        struct json_iter it;

        if (item.type == JSON_ARRAY) {
                it = json_iter_of(item);
                if (!json_next(&it, NULL, &first))
                        return item;
        }
        return first;
}

/* The item of the list at path that has this name; false: none.  All of it is canonical: what is
 * equal is written in one way. */
static bool find_item(const struct view *v, const char *path, struct span quoted,
                      struct json_value *ret)
{
        struct json_value list;
        struct json_iter it;

        if (!line_is_readable(view_field(v, path, &list)) || list.type != JSON_ARRAY)
                return false;
        for (it = json_iter_of(list); json_next(&it, NULL, ret);)
                if (span_eq(name_of(*ret).raw, quoted))
                        return true;
        return false;
}

static bool find_word(const struct view *v, const char *path, const char *word,
                      struct json_value *ret)
{
        char quoted[FIELD_MAX];

        snprintf(quoted, sizeof(quoted), "\"%s\"", word);
        return find_item(v, path, span_str(quoted), ret);
}

/* Where a state has no value there is none, or it is not known for a reason: [name, reason]. */
static void put_absent(const struct view *v, const struct side *e, const struct attribute *a,
                       struct buf *out)
{
        CLEANUP(buf_done) struct buf reason = BUF_INIT(TEXT_MAX);
        struct json_value item, second;
        struct json_iter it;

        if (!find_word(v, e->unknown, a->name, &item)) {
                buf_put_str(out, strcmp(a->name, "sha256") == 0 ? "not known" : "none");
                return;
        }
        if (item.type == JSON_ARRAY) /* else it is the word alone */
                it = json_iter_of(item);
        if (item.type == JSON_ARRAY && json_next(&it, NULL, &second) &&
            json_next(&it, NULL, &second) && json_value_text(second, &reason))
                text_put_safe(out, buf_span(&reason));
        else
                buf_put_str(out, "not known");
}

static void put_side(const struct screen *s, const struct view *v, const struct side *e,
                     const struct attribute *a, struct buf *out)
{
        if (!e->there)
                put_absent(v, e, a, out);
        else if (span_eq_str(buf_span(&e->raw), "[]"))
                buf_put_str(out, "none");
        else
                line_put_value(s, v, e->path, a->as, out);
}

static void put_values(const struct screen *s, const struct view *v, const struct side *was,
                       const struct side *now, const struct attribute *a, struct buf *out)
{
        CLEANUP(buf_done) struct buf before = BUF_INIT(TEXT_MAX);
        CLEANUP(buf_done) struct buf after = BUF_INIT(TEXT_MAX);

        put_side(s, v, was, a, &before);
        put_side(s, v, now, a, &after);
        /* They differ in what their form leaves out: say all of it. */
        if (was->there && now->there && span_eq(buf_span(&before), buf_span(&after))) {
                buf_clear(&before);
                buf_clear(&after);
                text_put_safe(&before, buf_span(&was->raw));
                text_put_safe(&after, buf_span(&now->raw));
        }
        buf_put(out, buf_span(&before));
        buf_put_str(out, "→");
        buf_put(out, buf_span(&after));
}

/* The names of [name, digest] pairs, with a word for those that the other state has as well (NULL:
 * they are left out) and for the others. */
static void put_names(const struct view *v, const struct side *of, const struct side *other,
                      const char *both, const char *alone, const char **comma, struct buf *out)
{
        struct json_value list, item, twin;
        struct json_iter it;

        if (!of->there || !line_is_readable(view_field(v, of->path, &list)) ||
            list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &item);) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
                struct json_value name = name_of(item);
                const char *word = find_item(v, other->path, name.raw, &twin) ? both : alone;

                if (!word || !json_value_text(name, &text))
                        continue;
                buf_put_str(out, *comma);
                text_put_safe(out, buf_span(&text));
                buf_put_str(out, word);
                *comma = ", ";
        }
}

/* What came, went, or has another value, by name; of one state alone just the names. */
static void put_all_names(const struct view *v, const struct side *was, const struct side *now,
                          bool compared, struct buf *out)
{
        const char *comma = "";

        put_names(v, now, was, " changed", compared ? " added" : "", &comma, out);
        put_names(v, was, now, NULL, compared ? " removed" : "", &comma, out);
}

static bool put_attribute(const struct screen *s, const struct view *v, const struct attribute *a,
                          struct buf *out)
{
        CLEANUP(side_done) struct side was = { 0 };
        CLEANUP(side_done) struct side now = { 0 };
        struct json_value item;
        bool compared;

        side_open(&was, v, "old", a->name);
        side_open(&now, v, "new", a->name);
        compared = (was.there && now.there) || find_word(v, "what.differs", a->name, &item);
        if (!(was.there || now.there) || !(compared || a->sort == OWN) ||
            (was.there && now.there && span_eq(buf_span(&was.raw), buf_span(&now.raw))))
                return false;
        buf_printf(out, "  %s ", a->label);
        if (strcmp(a->as, "names") == 0)
                put_all_names(v, &was, &now, compared, out);
        else if (compared)
                put_values(s, v, &was, &now, a, out);
        else
                line_put_value(s, v, was.there ? was.path : now.path, a->as, out);
        if (!compared && was.there)
                buf_put_str(out, " before");
        return true;
}

static void put_attributes(const struct screen *s, const struct view *v, struct buf *out)
{
        bool major = false, minor = false;

        for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
                if (attributes[i].sort != MINOR)
                        major |= put_attribute(s, v, &attributes[i], out);
                else if (!major)
                        minor |= put_attribute(s, v, &attributes[i], out);
        if (!major && !minor)
                line_put_phrase(s, v, STYLE_NONE, "[  {differs:list} differ]", out);
}

static enum style state_style(const char *state)
{
        if (strcmp(state, "unexplained") == 0)
                return STYLE_BAD;
        return strcmp(state, "volatile") == 0 ? STYLE_DIM : STYLE_GOOD;
}

static void put_seen(const struct view *v, struct buf *out)
{
        static const struct {
                const char *seen, *words;
        } table[] = { { "rescan", "found by a rescan" },
                      { "start", "made while the sensor was down" },
                      { "deep", "found by the background scan: no event told of it" },
                      { "check", "found by a check" } };
        CLEANUP(buf_done) struct buf seen = BUF_INIT(FIELD_MAX);

        view_text(v, "what.seen", &seen);
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                if (span_eq_str(buf_span(&seen), table[i].seen))
                        buf_printf(out, "  (%s)", table[i].words);
}

void line_put_change(const struct screen *s, const struct view *v, struct buf *out)
{
        CLEANUP(buf_done) struct buf state = BUF_INIT(FIELD_MAX);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * FIELD_MAX);

        put_attributes(s, v, out);
        line_put_phrase(s, v, STYLE_WARN, "[  hash not known now: {new_hash_reason}]", out);
        line_put_author(s, v, out);
        put_seen(v, out);
        view_text(v, "why.state", &state);
        text_put_safe(&safe, buf_span(&state));
        buf_put_str(out, "  ");
        screen_put(s, out, state_style(buf_cstr(&state)), buf_cstr(&safe));
        line_put_phrase(s, v, STYLE_NONE, "[ {why.package}][ {why.change}][ ({why.detail})]", out);
        line_put_phrase(s, v, STYLE_NONE, "[  in {profile}[ ({mode})]]", out);
}
