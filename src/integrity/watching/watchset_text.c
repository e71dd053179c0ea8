/* SPDX-License-Identifier: Apache-2.0 */
/* The set's text form: see watchset.h.  Lines have one shape, so that what is read prints the same
 * again. */
#include "integrity/watching/watchset.h"

#include "base/text.h"
#include "integrity/trusted/record.h"
#include "wire/json.h"

/* ---- writing ---- */

static const char *const mode_names[WATCH_MODE_END] = { "log", "alert", "restore", "deny" };

static const char *const execute_names[WATCH_EXECUTES] = { "any", "known", "strict" };

const char *watch_execute_name(enum watch_execute x)
{
        return execute_names[x];
}

const char *watch_mode_name(enum watch_mode m)
{
        return mode_names[m];
}

static void put_attributes(struct json_writer *w, uint32_t attributes)
{
        json_put_key(w, "attributes");
        json_begin_array(w);
        for (unsigned i = 0; i < RECORD_F_COUNT; i++)
                if (attributes >> i & 1)
                        json_put_string(w, span_str(record_field_name[i]));
        json_end_array(w);
}

void watchset_print_profile(const struct watch_profile *p, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "about", p->about);
        put_attributes(&w, p->attributes);
        json_member_u64(&w, "deep", p->deep_s);
        if (p->execute != WATCH_EXECUTE_ANY)
                json_member_text(&w, "execute", watch_execute_name(p->execute));
        json_member_bool(&w, "keep", p->keep);
        json_member_u64(&w, "max_size", p->max_size);
        json_member_text(&w, "mode", watch_mode_name(p->mode));
        json_put_key(&w, "owners");
        json_begin_array(&w);
        for (size_t i = 0; i < p->n_owners; i++)
                json_put_string(&w, p->owners[i]);
        json_end_array(&w);
        json_member_string(&w, "profile", p->name);
        json_member_bool(&w, "volatile", p->is_volatile);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

void watchset_print_rule(const struct watchset *set, const struct watch_rule *r, struct buf *out)
{
        struct span profile =
                r->profile == WATCH_PROFILES_MAX ? SPAN("") : set->profiles[r->profile]->name;
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "column", r->column);
        json_member_bool(&w, "exclude", r->exclude);
        json_member_u64(&w, "line", r->line);
        json_put_bytes(&w, "pattern", r->text);
        json_member_string(&w, "profile", profile);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

void watchset_print(const struct watchset *w, struct buf *out)
{
        for (size_t p = 0; p <= w->n_profiles; p++) {
                size_t profile = p < w->n_profiles ? p : WATCH_PROFILES_MAX;

                if (p < w->n_profiles)
                        watchset_print_profile(w->profiles[p], out);
                for (size_t i = 0; i < w->n; i++)
                        if (w->rules[i].profile == profile)
                                watchset_print_rule(w, &w->rules[i], out);
        }
}

enum { PATTERNS_SHOWN = 24, PATTERNS_BYTES = 4096 };

void watchset_put_patterns(const struct watchset *w, struct json_writer *out, const char *key)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(4 * WATCH_PATH_MAX + 1);
        size_t n = 0, left = 0, room = PATTERNS_BYTES;

        json_put_key(out, key);
        json_begin_array(out);
        for (size_t i = 0; i < w->n; i++) {
                if (w->rules[i].profile == WATCH_PROFILES_MAX)
                        continue; /* Assay's own */
                buf_clear(&b);
                buf_put_str(&b, w->rules[i].exclude ? "!" : "");
                text_put_safe(&b, w->rules[i].text);
                if (left || n == PATTERNS_SHOWN || b.n > room) {
                        left++;
                        continue;
                }
                room -= b.n;
                n++;
                json_put_string(out, buf_span(&b));
        }
        buf_clear(&b);
        buf_printf(&b, "and %zu more", left);
        if (left)
                json_put_string(out, buf_span(&b));
        json_end_array(out);
}

/* ---- reading ---- */

/* Members of one line, which must come in this order and no others. */
struct line {
        struct json_iter members;
        struct err *err;
        int rc;
};

static int bad(struct line *l, const char *what)
{
        if (l->rc == 0)
                l->rc = err_set(l->err, -EBADMSG, "%s", what);
        return l->rc;
}

/* The next member, which must have this key; false when not, or after a failure. */
static bool next(struct line *l, const char *key, struct json_value *ret)
{
        struct span found;

        if (l->rc < 0)
                return false;
        if (json_next(&l->members, &found, ret) && span_eq_str(found, key))
                return true;
        if (l->rc == 0)
                l->rc = err_set(l->err, -EBADMSG, "no member \"%s\" where it should be", key);
        return false;
}

static bool next_bool(struct line *l, const char *key)
{
        struct json_value v;

        if (!next(l, key, &v))
                return false;
        if (v.type != JSON_TRUE && v.type != JSON_FALSE)
                bad(l, "a yes or no is something else");
        return v.type == JSON_TRUE;
}

static uint64_t next_number(struct line *l, const char *key, uint64_t max)
{
        struct json_value v;
        int64_t n = 0;

        if (next(l, key, &v) && (!json_value_int(v, &n) || n < 0 || (uint64_t)n > max))
                bad(l, "a number does not fit");
        return (uint64_t)n;
}

/* Appends the text to `text`, which the spans made from it must outlive. */
static bool get_text(struct line *l, struct json_value v, struct buf *text, size_t *ret_at)
{
        *ret_at = text->n;
        if (!json_value_text(v, text)) {
                bad(l, "a text is something else");
                return false;
        }
        if (buf_status(text) < 0) {
                l->rc = err_sys(l->err, buf_status(text), "a line of what is watched");
                return false;
        }
        return true;
}

static uint32_t next_attributes(struct line *l, struct buf *text)
{
        struct json_value list, item;
        uint32_t attributes = 0;
        struct json_iter it;
        unsigned last = 0;
        size_t at;

        if (!next(l, "attributes", &list))
                return 0;
        if (list.type != JSON_ARRAY) {
                bad(l, "attributes are no list");
                return 0;
        }
        for (it = json_iter_of(list); l->rc == 0 && json_next(&it, NULL, &item);) {
                unsigned i = last;

                if (!get_text(l, item, text, &at))
                        break;
                while (i < RECORD_F_COUNT &&
                       !span_eq_str(span_from(buf_span(text), at), record_field_name[i]))
                        i++;
                if (i == RECORD_F_COUNT)
                        bad(l, "an attribute is unknown or not in its order");
                else
                        attributes |= 1u << i;
                last = i + 1;
        }
        return attributes;
}

static enum watch_mode next_mode(struct line *l)
{
        struct json_value v;
        struct span name;
        unsigned m = 0;

        if (!next(l, "mode", &v))
                return WATCH_LOG;
        if (!json_value_plain(v, &name))
                name = SPAN_NONE;
        while (m < WATCH_MODE_END && !span_eq_str(name, mode_names[m]))
                m++;
        if (m == WATCH_MODE_END)
                bad(l, "the mode is unknown");
        return (enum watch_mode)m;
}

/* Absent: any, and "any" is never written. */
static enum watch_execute next_execute(struct line *l)
{
        struct json_iter ahead = l->members;
        struct span key, name;
        struct json_value v;
        unsigned x = 1;

        if (l->rc < 0 || !json_next(&ahead, &key, &v) || !span_eq_str(key, "execute"))
                return WATCH_EXECUTE_ANY;
        l->members = ahead;
        if (!json_value_plain(v, &name))
                name = SPAN_NONE;
        while (x < WATCH_EXECUTES && !span_eq_str(name, execute_names[x]))
                x++;
        if (x == WATCH_EXECUTES)
                bad(l, "which programs may run is unknown");
        return (enum watch_execute)x;
}

/* A text at which the buffer may still move. */
struct place {
        size_t at, n;
};

static struct place next_place(struct line *l, const char *key, struct buf *text)
{
        struct place p = { text->n, 0 };
        struct json_value v;

        if (next(l, key, &v) && get_text(l, v, text, &p.at))
                p.n = text->n - p.at;
        return p;
}

static struct span span_at(const struct buf *text, struct place p)
{
        return span_of(text->p + p.at, p.n);
}

static size_t next_owners(struct line *l, struct buf *text, struct place owners[WATCH_OWNERS_MAX])
{
        struct json_value list, item;
        struct json_iter it;
        size_t n = 0;

        if (!next(l, "owners", &list))
                return 0;
        if (list.type != JSON_ARRAY) {
                bad(l, "owners are no list");
                return 0;
        }
        for (it = json_iter_of(list); l->rc == 0 && json_next(&it, NULL, &item);) {
                if (n == WATCH_OWNERS_MAX) {
                        bad(l, "too many owners");
                } else if (get_text(l, item, text, &owners[n].at)) {
                        owners[n].n = text->n - owners[n].at;
                        n++;
                }
        }
        return n;
}

static void check_end(struct line *l)
{
        struct json_value v;
        struct span key;

        if (l->rc == 0 && json_next(&l->members, &key, &v))
                bad(l, "a member too many");
}

static int take_profile(struct watchset *w, struct line *l, struct buf *text)
{
        struct place owners[WATCH_OWNERS_MAX], about, name;
        struct watch_profile p = { 0 };
        int rc;

        buf_put_byte(text, ' '); /* never NULL: places point into it */
        about = next_place(l, "about", text);
        p.attributes = next_attributes(l, text);
        p.deep_s = next_number(l, "deep", INT32_MAX);
        p.execute = next_execute(l);
        p.keep = next_bool(l, "keep");
        p.max_size = next_number(l, "max_size", JSON_INT_MAX);
        p.mode = next_mode(l);
        p.n_owners = next_owners(l, text, owners);
        name = next_place(l, "profile", text);
        p.is_volatile = next_bool(l, "volatile");
        check_end(l);
        if (l->rc < 0)
                return l->rc;
        p.about = span_at(text, about);
        p.name = span_at(text, name);
        for (size_t i = 0; i < p.n_owners; i++)
                p.owners[i] = span_at(text, owners[i]);
        rc = watchset_add_profile(w, &p, l->err);
        return rc == -EINVAL || rc == -EEXIST ? -EBADMSG : rc;
}

/* "pattern", or "pattern_b64". */
static struct place next_pattern(struct line *l, struct buf *text)
{
        struct json_iter before = l->members;
        struct place p = { 0, 0 };
        struct json_value v;
        struct span key, coded;
        uint8_t *raw;

        if (l->rc < 0 || !json_next(&before, &key, &v) || !span_eq_str(key, "pattern_b64"))
                return next_place(l, "pattern", text);
        l->members = before;
        p.at = text->n;
        raw = buf_extend(text, WATCH_PATH_MAX);
        if (!raw)
                l->rc = err_sys(l->err, buf_status(text), "a line of what is watched");
        else if (!json_value_plain(v, &coded) ||
                 text_from_base64(coded, raw, WATCH_PATH_MAX, &p.n) < 0 ||
                 text_is_utf8(span_of(raw, p.n), NULL))
                bad(l, "a pattern in base64 is none, or needs none");
        return p;
}

static int take_rule(struct watchset *w, struct line *l, struct buf *text)
{
        size_t profile = WATCH_PROFILES_MAX;
        struct place pattern, name;
        uint32_t row, column;
        bool exclude;
        int rc;

        buf_put_byte(text, ' ');
        column = (uint32_t)next_number(l, "column", INT32_MAX);
        exclude = next_bool(l, "exclude");
        row = (uint32_t)next_number(l, "line", INT32_MAX);
        pattern = next_pattern(l, text);
        name = next_place(l, "profile", text);
        check_end(l);
        if (l->rc < 0)
                return l->rc;
        if (name.n) {
                for (profile = 0; profile < w->n_profiles; profile++)
                        if (span_eq(w->profiles[profile]->name, span_at(text, name)))
                                break;
                if (profile == w->n_profiles)
                        return bad(l, "a pattern of a profile that is not there");
        } else if (!exclude) {
                return bad(l, "a pattern without a profile");
        }
        rc = watchset_add_rule(w, profile, span_at(text, pattern), exclude, row, column, l->err);
        return rc == -EINVAL || rc == -EEXIST ? -EBADMSG : rc;
}

int watchset_take(struct watchset *w, struct span json, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * WATCH_LINE_MAX);
        struct line l = { .err = err };
        int rc;

        if (json.n > WATCH_LINE_MAX)
                return err_set(err, -E2BIG, "longer than %d bytes", WATCH_LINE_MAX);
        rc = json_check(json, err);
        if (rc < 0)
                return rc == -ENOMEM ? rc : -EBADMSG;
        l.members = json_iter_of(json_value_of(json));
        return span_starts(json, SPAN("{\"about\"")) ? take_profile(w, &l, &text)
                                                     : take_rule(w, &l, &text);
}

int watchset_parse(struct watchset *w, const char *name, struct span text, struct err *err)
{
        struct err why = { 0 };

        if (text.n > WATCH_TEXT_MAX)
                return err_set(err, -E2BIG, "%s: longer than %d bytes", name, WATCH_TEXT_MAX);
        for (unsigned line = 1; text.n; line++) {
                const uint8_t *nl = memchr(text.p, '\n', text.n);
                int rc;

                if (!nl)
                        return err_set(err, -EBADMSG, "%s: line %u does not end", name, line);
                rc = watchset_take(w, span_of(text.p, (size_t)(nl - text.p)), &why);
                if (rc < 0)
                        return err_set(err, rc, "%s: line %u: %s", name, line, err_text(&why));
                text = span_from(text, (size_t)(nl - text.p) + 1);
        }
        return 0;
}
