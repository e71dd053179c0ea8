/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: skeletons come from other processes; json_check() has passed them. */
#include "wire/kind.h"

#include "base/text.h"

enum { DIGEST_DIGITS = 64 };

/* ---- the table ---- */

static int compare_kind(const struct kind *k, struct span name, int64_t v)
{
        int c = span_cmp(span_str(k->name), name);

        return c ? c : (k->v > v) - (k->v < v);
}

const struct kind *kind_find(struct span name, int64_t v)
{
        size_t lo = 0, hi = kind_count;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                int c = compare_kind(&kind_table[mid], name, v);

                if (c == 0)
                        return &kind_table[mid];
                if (c < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return NULL;
}

/* ---- one value ---- */

static bool is_u64(struct json_value v, struct span text)
{
        uint64_t u;

        if (v.type == JSON_INT)
                return v.raw.p[0] != '-';
        return v.type == JSON_STRING && text_to_u64(text, &u) == 0;
}

static bool is_digest(struct span text)
{
        uint8_t bytes[DIGEST_DIGITS / 2];

        return text_from_hex(text, bytes, sizeof bytes) == 0;
}

static bool is_base64(struct span text)
{
        /* A skeleton is smaller than this; what is decoded is not looked at. */
        uint8_t bytes[48];
        size_t n;

        while (text.n > 64) {
                if (text_from_base64(span_of(text.p, 64), bytes, sizeof bytes, &n) < 0 ||
                    n != sizeof bytes)
                        return false;
                text = span_from(text, 64);
        }
        return text_from_base64(text, bytes, sizeof bytes, &n) == 0;
}

static bool type_fits(enum kind_type type, struct json_value v)
{
        struct span text = SPAN_NONE;
        int64_t ns;

        if (v.type == JSON_STRING)
                text = span_of(v.raw.p + 1, v.raw.n - 2);
        switch (type) {
        case KIND_TEXT:
                return v.type == JSON_STRING;
        case KIND_INT:
                return v.type == JSON_INT;
        case KIND_BOOL:
                return v.type == JSON_TRUE || v.type == JSON_FALSE;
        case KIND_TIME:
                return v.type == JSON_STRING && text_to_time(text, &ns) == 0;
        case KIND_DIGEST:
                return v.type == JSON_STRING && is_digest(text);
        case KIND_U64:
                return is_u64(v, text);
        case KIND_LIST:
                return v.type == JSON_ARRAY;
        case KIND_OBJECT:
                return v.type == JSON_OBJECT;
        }
        return false;
}

static const char *must_be(enum kind_type type)
{
        static const char *const text[] = {
                [KIND_TEXT] = "must be a string",
                [KIND_INT] = "must be an integer",
                [KIND_BOOL] = "must be true or false",
                [KIND_TIME] = "must be a time (RFC 3339, UTC, nine decimals)",
                [KIND_DIGEST] = "must be 64 lower-case hexadecimal digits",
                [KIND_U64] = "must be an unsigned integer or its decimal string",
                [KIND_LIST] = "must be an array",
                [KIND_OBJECT] = "must be an object",
        };

        return text[type];
}

/* ---- members against fields ---- */

struct walk {
        const struct kind *kind;
        uint64_t given[KIND_FIELDS_MAX / 64]; /* a bit a field */
        const struct span *sensitive;
        size_t n_sensitive;
        struct err *err;
};

enum { NAME_SHOWN = 64 };

static const struct span b64 = SPAN_INIT("_b64");

static int refuse(const struct walk *w, struct span parent, struct span key, const char *what)
{
        return err_set(w->err, -EINVAL, "%s v%d: %.*s%s%.*s %s", w->kind->name, w->kind->v,
                       (int)parent.n, parent.n ? (const char *)parent.p : "", parent.n ? "." : "",
                       (int)MIN_OF(key.n, (size_t)NAME_SHOWN), (const char *)key.p, what);
}

/* The writer's own words; see kind_check(). */
static int refuse_unknown(const struct walk *w, struct span parent, struct span key)
{
        return err_set(w->err, -EINVAL, "%s v%d: \"%.*s%s%.*s\" is not a field of it",
                       w->kind->name, w->kind->v, (int)parent.n,
                       parent.n ? (const char *)parent.p : "", parent.n ? "." : "",
                       (int)MIN_OF(key.n, (size_t)NAME_SHOWN), (const char *)key.p);
}

/* Order of a string's first bytes and b; one that ends within b comes first, whatever b has there:
 * a peer's name may have a NUL.  strncmp() costs more than so few bytes are worth. */
static inline int compare_text(const char *a, struct span b)
{
        for (size_t i = 0; i < b.n; i++) {
                if ((uint8_t)a[i] != b.p[i])
                        return (uint8_t)a[i] - b.p[i];
                if (a[i] == '\0')
                        return -1;
        }
        return 0;
}

/* Order of a field's path and parent.key, by byte. */
static inline int compare_path(const char *path, struct span parent, struct span key)
{
        int c = 0;

        if (parent.n > 0) {
                c = compare_text(path, parent);
                if (c == 0)
                        c = (uint8_t)path[parent.n] - '.';
                path += parent.n + 1;
        }
        if (c == 0)
                c = compare_text(path, key);
        return c ? c : (uint8_t)path[key.n];
}

/* The first field not before parent.key; n_fields when there is none.  *ret_found: it is the one.
 */
static size_t search_field(const struct kind *k, struct span parent, struct span key,
                           bool *ret_found)
{
        size_t lo = 0, hi = k->n_fields;

        *ret_found = false;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                int c = compare_path(k->fields[mid].path, parent, key);

                if (c == 0) {
                        *ret_found = true;
                        return mid;
                }
                if (c < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

/* The field of this name, or of which this is the base64 form; NULL when there is none.  *ret_next
 * is the first one not before the name, or what ends the table. */
static const struct kind_field *find_field(const struct kind *k, struct span parent,
                                           struct span key, bool *ret_b64,
                                           const struct kind_field **ret_next)
{
        bool found;
        size_t at;

        *ret_b64 = false;
        *ret_next = &k->fields[search_field(k, parent, key, &found)];
        if (found)
                return *ret_next;
        if (key.n <= b64.n || !span_eq(span_from(key, key.n - b64.n), b64))
                return NULL;
        at = search_field(k, parent, span_of(key.p, key.n - b64.n), &found);
        if (!found || !(k->fields[at].flags & KIND_BYTES))
                return NULL;
        *ret_b64 = true;
        return &k->fields[at];
}

const struct kind_field *kind_field_find(const struct kind *k, struct span parent, struct span key,
                                         bool *ret_b64)
{
        const struct kind_field *next;

        return find_field(k, parent, key, ret_b64, &next);
}

bool kind_field_fits(const struct kind_field *f, struct json_value v, bool in_b64)
{
        if (in_b64)
                return v.type == JSON_STRING && is_base64(span_of(v.raw.p + 1, v.raw.n - 2));
        return type_fits(f->type, v);
}

static int check_field(struct walk *w, const struct kind_field *f, struct span parent,
                       struct span key, struct json_value v, bool in_b64)
{
        size_t at = (size_t)(f - w->kind->fields);

        if (f->flags & KIND_SENSITIVE)
                return refuse(w, parent, key, "is sensitive and may not stand in the entry");
        if (w->given[at / 64] & 1ULL << at % 64)
                return refuse(w, SPAN_NONE, span_str(f->path), "is given twice, plain and as _b64");
        w->given[at / 64] |= 1ULL << at % 64;
        if (!kind_field_fits(f, v, in_b64))
                return refuse(w, parent, key, in_b64 ? "must be base64" : must_be(f->type));
        return 0;
}

static int check_members(struct walk *w, struct span parent, struct json_value object);

static int check_member(struct walk *w, struct span parent, struct span key, struct json_value v)
{
        const struct kind_field *f, *next;
        bool in_b64;

        f = find_field(w->kind, parent, key, &in_b64, &next);
        if (f)
                return check_field(w, f, parent, key, v, in_b64);
        /* Fields inside the key are the next ones behind it. */
        assert(next);
        if (parent.n == 0 && v.type == JSON_OBJECT && next->path &&
            compare_text(next->path, key) == 0 && next->path[key.n] == '.')
                return check_members(w, key, v);
        return refuse_unknown(w, parent, key);
}

static int check_members(struct walk *w, struct span parent, struct json_value object)
{
        struct json_iter it = json_iter_of(object);
        struct json_value v;
        struct span key;
        int r;

        while (json_next(&it, &key, &v)) {
                if (parent.n == 0 && key.n == 1 && memchr("ktv", key.p[0], 3))
                        continue;
                r = check_member(w, parent, key, v);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Names of the values that travel beside the skeleton; they count as given. */
static int check_sensitive(struct walk *w)
{
        for (size_t i = 0; i < w->n_sensitive; i++) {
                const struct kind_field *f, *next;
                bool in_b64;
                size_t at;

                f = find_field(w->kind, SPAN_NONE, w->sensitive[i], &in_b64, &next);
                if (!f)
                        return refuse_unknown(w, SPAN_NONE, w->sensitive[i]);
                if (!(f->flags & KIND_SENSITIVE))
                        return refuse(w, SPAN_NONE, w->sensitive[i],
                                      "is not a sensitive field of it");
                at = (size_t)(f - w->kind->fields);
                if (w->given[at / 64] & 1ULL << at % 64)
                        return refuse(w, SPAN_NONE, span_str(f->path), "is given twice");
                w->given[at / 64] |= 1ULL << at % 64;
        }
        return 0;
}

static int check_required(const struct walk *w)
{
        for (size_t i = 0; i < w->kind->n_fields; i++)
                if ((w->kind->fields[i].flags & KIND_REQUIRED) &&
                    !(w->given[i / 64] & 1ULL << i % 64))
                        return refuse(w, SPAN_NONE, span_str(w->kind->fields[i].path),
                                      "is missing");
        return 0;
}

/* ---- the whole ---- */

static int read_kind(struct span skeleton, const struct kind **ret, struct err *err)
{
        struct json_value object = json_value_of(skeleton), v;
        struct span name, time;
        int64_t version, ns;

        if (!json_get(object, "k", &v) || !json_value_plain(v, &name))
                return err_set(err, -EINVAL, "k is missing or no plain string");
        if (!json_get(object, "t", &v) || !json_value_plain(v, &time) ||
            text_to_time(time, &ns) < 0)
                return err_set(err, -EINVAL,
                               "t is missing or no time (RFC 3339, UTC, nine decimals)");
        if (!json_get(object, "v", &v) || !json_value_int(v, &version))
                return err_set(err, -EINVAL, "v is missing or no integer");
        *ret = kind_find(name, version);
        if (!*ret)
                return err_set(err, -EINVAL, "k: unknown kind \"%.*s\" v%lld",
                               (int)MIN_OF(name.n, (size_t)NAME_SHOWN), (const char *)name.p,
                               (long long)version);
        return 0;
}

int kind_check(struct span skeleton, const char *proc, const struct span *sensitive,
               size_t n_sensitive, struct err *err)
{
        struct walk w = { .sensitive = sensitive, .n_sensitive = n_sensitive, .err = err };
        int r;

        if (skeleton.n == 0 || skeleton.p[0] != '{')
                return err_set(err, -EINVAL, "an entry must be an object");
        r = read_kind(skeleton, &w.kind, err);
        if (r < 0)
                return r;
        if (strcmp(w.kind->owner, proc) != 0)
                return err_set(err, -EACCES, "%s belongs to %s, not to %s", w.kind->name,
                               w.kind->owner, proc);
        r = check_sensitive(&w);
        if (r == 0)
                r = check_members(&w, SPAN_NONE, json_value_of(skeleton));
        return r < 0 ? r : check_required(&w);
}
