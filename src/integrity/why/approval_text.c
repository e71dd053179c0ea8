/* SPDX-License-Identifier: Apache-2.0 */
/* Approved changes as text: read, and written. */
#include "integrity/why/approval.h"

#include "base/clock.h"
#include "base/pattern.h"
#include "base/text.h"
#include "wire/json.h"

#include <stdlib.h>

static int copy_span(struct approval *a, struct span s, struct span *ret)
{
        char *p = arena_copy(&a->arena, s);

        if (!p)
                return -ENOMEM;
        *ret = span_of(p, s.n);
        return 0;
}

/* ---- reading members ---- */

/* A text member that is not empty and at most max bytes. */
static int take_text(struct approval *a, struct json_value v, const char *key, size_t max,
                     struct span *ret, struct err *err)
{
        struct buf b = BUF_INIT(max);
        int rc;

        if (!json_value_text(v, &b))
                rc = err_set(err, -EINVAL, "%s is not a text", key);
        else if (buf_status(&b) == -E2BIG)
                rc = err_set(err, -E2BIG, "%s has more than %zu bytes", key, max);
        else if (b.n == 0)
                rc = err_set(err, -EINVAL, "%s is empty", key);
        else
                rc = buf_status(&b) == 0 ? copy_span(a, buf_span(&b), ret) : -ENOMEM;
        buf_done(&b);
        return rc;
}

static int take_member(struct approval *a, struct json_value o, const char *key, size_t max,
                       struct span *ret, struct err *err)
{
        struct json_value v;

        if (!json_get(o, key, &v))
                return err_set(err, -EINVAL, "%s is missing", key);
        return take_text(a, v, key, max, ret, err);
}

static int take_time(struct json_value o, const char *key, int64_t *ret, struct err *err)
{
        struct json_value v;
        struct span s;

        if (!json_get(o, key, &v) || !json_value_plain(v, &s) || text_to_time(s, ret) < 0)
                return err_set(err, -EINVAL, "%s is not a time", key);
        return 0;
}

static int take_array(struct json_value o, const char *key, struct json_iter *ret, struct err *err)
{
        struct json_value v;

        if (!json_get(o, key, &v) || v.type != JSON_ARRAY)
                return err_set(err, -EINVAL, "%s is not a list", key);
        *ret = json_iter_of(v);
        return 0;
}

static int take_id(struct json_value v, const char *key, bool *ret_has, uint32_t *ret,
                   struct err *err)
{
        int64_t n;

        if (!json_value_int(v, &n) || n < 0 || n > UINT32_MAX)
                return err_set(err, -EINVAL, "actors: %s is not a user id", key);
        *ret_has = true;
        *ret = (uint32_t)n;
        return 0;
}

static int check_exe(struct span exe, struct err *err)
{
        struct pattern p;
        size_t at;
        int rc = pattern_parse(exe, &p, &at, err);

        return rc < 0 ? err_wrap(err, "actors: exe") : 0;
}

static int take_actor(struct approval *a, struct json_value v, struct approval_actor *ret,
                      struct err *err)
{
        struct json_value m;
        struct json_iter it;
        struct span key;
        int rc = 0;

        if (v.type != JSON_OBJECT)
                return err_set(err, -EINVAL, "actors: one is not an object");
        it = json_iter_of(v);
        for (size_t n = 0; rc == 0; n++) {
                if (!json_next(&it, &key, &m))
                        return n ? 0 : err_set(err, -EINVAL, "actors: one is empty");
                if (span_eq_str(key, "uid"))
                        rc = take_id(m, "uid", &ret->has_uid, &ret->uid, err);
                else if (span_eq_str(key, "auid"))
                        rc = take_id(m, "auid", &ret->has_auid, &ret->auid, err);
                else if (span_eq_str(key, "exe"))
                        rc = take_text(a, m, "exe", PATTERN_MAX, &ret->exe, err);
                else if (span_eq_str(key, "unit"))
                        rc = take_text(a, m, "unit", WATCH_PATH_MAX, &ret->unit, err);
                else
                        rc = err_set(err, -EINVAL, "actors: no member %.*s", (int)key.n,
                                     (const char *)key.p);
                if (rc == 0 && span_eq_str(key, "exe"))
                        rc = check_exe(ret->exe, err);
        }
        return rc;
}

static int take_actors(struct approval *a, struct json_value o, struct err *err)
{
        struct json_iter it;
        struct json_value v;
        int rc = take_array(o, "actors", &it, err);

        while (rc == 0 && json_next(&it, NULL, &v)) {
                if (a->n_actors == APPROVAL_ACTORS_MAX)
                        return err_set(err, -E2BIG, "more than %d actors", APPROVAL_ACTORS_MAX);
                rc = take_actor(a, v, &a->actors[a->n_actors++], err);
        }
        return rc;
}

static int take_paths(struct approval *a, struct json_value o, struct err *err)
{
        struct json_iter it;
        struct json_value v;
        struct span s = SPAN_NONE;
        size_t n = 0;
        int rc = take_array(o, "paths", &it, err);

        while (rc == 0 && json_next(&it, NULL, &v)) {
                if (n++ == APPROVAL_PATHS_MAX)
                        return err_set(err, -E2BIG, "more than %d paths", APPROVAL_PATHS_MAX);
                rc = take_text(a, v, "paths", PATTERN_MAX + 1, &s, err);
                if (rc == 0 && s.p[0] == '!')
                        rc = watchset_add(&a->paths, span_from(s, 1), true, err);
                else if (rc == 0)
                        rc = watchset_add(&a->paths, s, false, err);
        }
        return rc;
}

/* [path, digest or null] */
static int take_hash(struct approval *a, struct json_value v, struct approval_hash *ret,
                     struct err *err)
{
        struct json_value part[2];
        struct span hex;
        int rc;

        if (v.type != JSON_ARRAY)
                return err_set(err, -EINVAL, "hashes: one is not a list");
        if (!json_value_items(v, part, ARRAY_LEN(part)))
                return err_set(err, -EINVAL, "hashes: one is not [path, digest]");
        rc = take_text(a, part[0], "hashes", WATCH_PATH_MAX, &ret->path, err);
        if (rc < 0)
                return rc;
        if (ret->path.p[0] != '/')
                return err_set(err, -EINVAL, "hashes: a path does not begin with /");
        ret->gone = part[1].type == JSON_NULL;
        if (!ret->gone && (!json_value_plain(part[1], &hex) ||
                           text_from_hex(hex, ret->sha256, sizeof ret->sha256) < 0))
                return err_set(err, -EINVAL, "hashes: no SHA-256 for %.*s", (int)ret->path.n,
                               (const char *)ret->path.p);
        return 0;
}

static int take_hashes(struct approval *a, struct json_value o, struct err *err)
{
        struct json_iter it, count;
        struct json_value v;
        size_t n = 0;
        int rc = take_array(o, "hashes", &it, err);

        if (rc < 0)
                return rc;
        for (count = it; json_next(&count, NULL, &v);)
                n++;
        if (n > APPROVAL_HASHES_MAX)
                return err_set(err, -E2BIG, "more than %d hashes", APPROVAL_HASHES_MAX);
        if (n == 0)
                return 0;
        a->hashes = calloc(n, sizeof *a->hashes);
        if (!a->hashes)
                return -ENOMEM;
        while (rc == 0 && json_next(&it, NULL, &v))
                rc = take_hash(a, v, &a->hashes[a->n_hashes++], err);
        if (rc < 0)
                return rc;
        qsort(a->hashes, a->n_hashes, sizeof *a->hashes, approval_hash_cmp);
        for (size_t i = 1; i < a->n_hashes; i++)
                if (span_eq(a->hashes[i - 1].path, a->hashes[i].path))
                        return err_set(err, -EINVAL, "hashes: %.*s stands there twice",
                                       (int)a->hashes[i].path.n, (const char *)a->hashes[i].path.p);
        return 0;
}

static bool id_ok(struct span id)
{
        for (size_t i = 0; i < id.n; i++)
                if (id.p[i] <= ' ' || id.p[i] > '~' || id.p[i] == '"' || id.p[i] == '\\')
                        return false;
        return true;
}

/* What is left out names nothing. */
static bool names_any(const struct approval *a)
{
        for (size_t i = 0; i < a->paths.n; i++)
                if (!a->paths.rules[i].exclude)
                        return true;
        return a->n_hashes > 0;
}

static int take_all(struct approval *a, struct json_value o, struct err *err)
{
        static const char *const known[] = { "actors", "from",   "hashes", "id",
                                             "paths",  "reason", "source", "until" };
        struct json_iter it = json_iter_of(o);
        struct json_value v;
        struct span key;
        int rc;

        for (size_t i = 0; json_next(&it, &key, &v); i++)
                if (i == ARRAY_LEN(known) || !span_eq_str(key, known[i]))
                        return err_set(err, -EINVAL,
                                       "member %.*s is unknown, or one before it is missing",
                                       (int)key.n, (const char *)key.p);
        rc = take_member(a, o, "id", APPROVAL_ID_MAX, &a->id, err);
        if (rc == 0 && !id_ok(a->id))
                rc = err_set(err, -EINVAL, "id has a character that is not printable ASCII");
        if (rc == 0)
                rc = take_member(a, o, "reason", APPROVAL_REASON_MAX, &a->reason, err);
        if (rc == 0)
                rc = take_member(a, o, "source", APPROVAL_REASON_MAX, &a->source, err);
        if (rc == 0)
                rc = take_time(o, "from", &a->from_ns, err);
        if (rc == 0)
                rc = take_time(o, "until", &a->until_ns, err);
        if (rc == 0 && a->until_ns <= a->from_ns)
                rc = err_set(err, -EINVAL, "until is not after from");
        if (rc == 0)
                rc = take_actors(a, o, err);
        if (rc == 0)
                rc = take_paths(a, o, err);
        if (rc == 0)
                rc = take_hashes(a, o, err);
        if (rc == 0 && !names_any(a))
                rc = err_set(err, -EINVAL, "neither paths nor hashes name a path");
        return rc;
}

int approval_parse(struct span json, struct approval **ret, struct err *err)
{
        CLEANUP(approval_freep) struct approval *a = calloc(1, sizeof *a);
        int rc;

        if (!a)
                return err_set(err, -ENOMEM, "out of memory for an approved change");
        a->arena = ARENA_INIT(2u * APPROVAL_BYTES_MAX);
        if (json.n > APPROVAL_BYTES_MAX)
                return err_set(err, -E2BIG, "more than %d bytes", APPROVAL_BYTES_MAX);
        rc = json_check(json, err);
        if (rc == 0)
                rc = take_all(a, json_value_of(json), err);
        if (rc == -ENOMEM)
                return err_set(err, -ENOMEM, "out of memory for an approved change");
        if (rc < 0)
                return rc;
        *ret = a;
        a = NULL;
        return 0;
}

/* ---- writing ---- */

static void put_actor(struct json_writer *w, const struct approval_actor *x)
{
        json_begin_object(w);
        if (x->has_auid)
                json_member_int(w, "auid", x->auid);
        if (x->exe.n)
                json_member_string(w, "exe", x->exe);
        if (x->has_uid)
                json_member_int(w, "uid", x->uid);
        if (x->unit.n)
                json_member_string(w, "unit", x->unit);
        json_end_object(w);
}

static void put_hash(struct json_writer *w, const struct approval_hash *h)
{
        char hex[2 * sizeof h->sha256 + 1];

        json_begin_array(w);
        json_put_string(w, h->path);
        if (h->gone) {
                json_put_null(w);
        } else {
                text_hex(span_of(h->sha256, sizeof h->sha256), hex);
                json_put_string(w, span_str(hex));
        }
        json_end_array(w);
}

static void put_paths(struct json_writer *w, const struct watchset *set)
{
        struct buf b = BUF_INIT(PATTERN_MAX + 1);

        json_put_key(w, "paths");
        json_begin_array(w);
        for (size_t i = 0; i < set->n; i++) {
                buf_clear(&b);
                if (set->rules[i].exclude)
                        buf_put_byte(&b, '!');
                buf_put(&b, set->rules[i].text);
                json_put_string(w, buf_span(&b));
        }
        json_end_array(w);
        buf_done(&b);
}

void approval_print(const struct approval *a, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "actors");
        json_begin_array(&w);
        for (size_t i = 0; i < a->n_actors; i++)
                put_actor(&w, &a->actors[i]);
        json_end_array(&w);
        json_member_time(&w, "from", a->from_ns);
        json_put_key(&w, "hashes");
        json_begin_array(&w);
        for (size_t i = 0; i < a->n_hashes; i++)
                put_hash(&w, &a->hashes[i]);
        json_end_array(&w);
        json_member_string(&w, "id", a->id);
        put_paths(&w, &a->paths);
        json_member_string(&w, "reason", a->reason);
        json_member_string(&w, "source", a->source);
        json_member_time(&w, "until", a->until_ns);
        json_end_object(&w);
}
