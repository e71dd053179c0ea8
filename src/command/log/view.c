/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - see view.h. */
#include "command/log/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/sha256.h"

enum {
        PARTS = 3,
        MEMBERS_MAX = 128, /* of a part; one with more is searched each time */
        DISCLOSURES_MAX = 512 * 1024,
        FIELD_PATH_MAX = 128,
};

/* A line asks for a hundred members of one entry: each part is taken apart once. */
struct view_members {
        struct {
                bool known, fits;
                size_t n;
                struct {
                        struct span key;
                        struct json_value value;
                } at[MEMBERS_MAX];
        } part[PARTS];
};

void view_init(struct view *v)
{
        memset(v, 0, sizeof(*v));
        v->text = BUF_INIT(DISCLOSURES_MAX);
        v->members = calloc(1, sizeof(*v->members)); /* without, it is only slower */
        for (size_t i = 0; i < VAULT_FIELDS_MAX; i++)
                v->disclosed[i].scratch = BUF_INIT(DISCLOSURES_MAX);
}

void view_done(struct view *v)
{
        buf_done(&v->text);
        free(v->members);
        v->members = NULL;
        for (size_t i = 0; i < VAULT_FIELDS_MAX; i++)
                buf_done(&v->disclosed[i].scratch);
}

int view_open(struct view *v, uint64_t index, struct span bytes, struct err *err)
{
        struct entry entry;
        bool fits;
        int status;

        status = json_check(bytes, err);
        if (status < 0)
                return status;
        status = entry_read(bytes, &entry, &fits, err);
        if (status < 0)
                return status;
        v->index = index;
        v->bytes = bytes;
        v->entry = entry;
        v->kind = kind_find(entry.kind, entry.v);
        v->has_time = text_to_time_of_any(entry.time, &v->wall_ns) == 0;
        v->n_disclosed = 0;
        v->asked_vault = v->erased = false;
        buf_clear(&v->text);
        for (size_t i = 0; v->members && i < PARTS; i++)
                v->members->part[i].known = false;
        return 0;
}

/* ---- disclosures ---- */

static bool leaf_has_digest(const struct view *v, struct span disclosure)
{
        uint8_t hash[SHA256_LEN];
        struct buf text = BUF_INIT(ENTRY_DIGEST_LEN);
        struct json_iter it;
        struct json_value item;
        struct span digest;
        bool found = false;

        if (!v->entry.sd.raw.n)
                return false;
        sha256(disclosure, hash);
        text_put_base64url(&text, span_of(hash, sizeof(hash)));
        it = json_iter_of(v->entry.sd);
        while (!found && json_next(&it, NULL, &item))
                found = json_value_plain(item, &digest) && span_eq(digest, buf_span(&text));
        buf_done(&text);
        return found;
}

/* text may have moved. */
static void settle(struct view *v)
{
        size_t at = 0;

        for (size_t i = 0; i < v->n_disclosed; i++) {
                v->disclosed[i].raw = span_of(v->text.p + at, v->disclosed[i].raw.n);
                at += v->disclosed[i].raw.n;
        }
}

int view_take(struct view *v, struct span disclosure, struct err *err)
{
        size_t i = v->n_disclosed;
        int status;

        if (i == VAULT_FIELDS_MAX)
                return err_set(err, -EBADMSG, "entry %llu: more than %d disclosures",
                               (unsigned long long)v->index, VAULT_FIELDS_MAX);
        if (!leaf_has_digest(v, disclosure))
                return err_set(err, -EBADMSG,
                               "entry %llu: a disclosure does not belong to it (no such digest)",
                               (unsigned long long)v->index);
        status = disclosure_parse(disclosure, &v->disclosed[i].scratch, &v->disclosed[i].parsed,
                                  err);
        if (status < 0)
                return err_wrap(err, "entry %llu: a disclosure", (unsigned long long)v->index);
        v->disclosed[i].raw = span_of(NULL, disclosure.n);
        buf_put(&v->text, disclosure);
        v->n_disclosed++;
        settle(v);
        return 0;
}

struct taking {
        struct view *view;
        struct err *err;
        int status; /* the first failure; the rest is taken nevertheless */
};

static int on_disclosure(void *ctx, struct span subject_id, struct span disclosure)
{
        struct taking *t = ctx;
        struct err scrap;
        int status = view_take(t->view, disclosure, t->status ? &scrap : t->err);

        if (status < 0 && t->status == 0)
                t->status = status;
        return 0;
}

/* Anybody of whom it speaks: as vault_is_erased(). */
static int is_erased(const struct view *v, struct vault *vault, struct err *err)
{
        struct json_iter it = json_iter_of(v->entry.subj);
        struct json_value item;
        struct span id;
        int r = 0;

        while (r == 0 && v->entry.subj.raw.n && json_next(&it, NULL, &item))
                if (json_value_plain(item, &id))
                        r = vault_is_erased(vault, id, err);
        return r;
}

int view_disclose(struct view *v, struct vault *vault, struct err *err)
{
        struct taking t = { .view = v, .err = err };
        int status;

        status = vault_disclose(vault, v->index, on_disclosure, &t, NULL, err);
        if (status == 0 && buf_status(&v->text) < 0)
                return err_sys(err, buf_status(&v->text), "disclosures");
        v->asked_vault = status == 0;
        if (status == 0 && view_count_hidden(v))
                status = is_erased(v, vault, err);
        v->erased = status == 1;
        return status < 0 ? status : t.status;
}

/* ---- fields ---- */

static bool is_sensitive(const struct kind *k, const char *path)
{
        const struct kind_field *f = NULL;
        bool b64 = false;

        if (k)
                f = kind_field_find(k, SPAN_NONE, span_str(path), &b64);
        return f && !b64 && (f->flags & KIND_SENSITIVE);
}

static void take_apart(struct json_value object, struct view_members *m, size_t part)
{
        struct json_value value;
        struct json_iter it;
        struct span key;

        m->part[part].known = m->part[part].fits = true;
        m->part[part].n = 0;
        if (!object.raw.n || object.type != JSON_OBJECT)
                return;
        for (it = json_iter_of(object); json_next(&it, &key, &value);) {
                size_t n = m->part[part].n;

                if (n == MEMBERS_MAX) {
                        m->part[part].fits = false;
                        return;
                }
                m->part[part].at[n].key = key;
                m->part[part].at[n].value = value;
                m->part[part].n++;
        }
}

/* Keys ascend. */
static bool find_member(const struct view_members *m, size_t part, struct span key,
                        struct json_value *ret)
{
        size_t lo = 0, hi = m->part[part].n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                int c = span_cmp(m->part[part].at[mid].key, key);

                if (c == 0) {
                        *ret = m->part[part].at[mid].value;
                        return true;
                }
                if (c < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return false;
}

static bool get_clear(const struct view *v, const char *path, struct json_value *ret)
{
        static const char *const names[PARTS] = { "what.", "who.", "why." };
        const struct json_value *const parts[PARTS] = { &v->entry.what, &v->entry.who,
                                                        &v->entry.why };

        for (size_t i = 0; v->members && i < PARTS; i++) {
                size_t n = strlen(names[i]);

                if (strncmp(path, names[i], n) != 0 || strchr(path + n, '.'))
                        continue;
                if (!v->members->part[i].known)
                        take_apart(*parts[i], v->members, i);
                if (v->members->part[i].fits)
                        return find_member(v->members, i, span_str(path + n), ret);
        }
        return json_get_path(v->entry.object, path, ret);
}

static size_t count_digests(const struct view *v)
{
        struct json_iter it;
        struct json_value item;
        size_t n = 0;

        if (!v->entry.sd.raw.n)
                return 0;
        for (it = json_iter_of(v->entry.sd); json_next(&it, NULL, &item);)
                n++;
        return n;
}

size_t view_count_hidden(const struct view *v)
{
        return count_digests(v) - MIN_OF(count_digests(v), v->n_disclosed);
}

enum field_state view_field(const struct view *v, const char *path, struct json_value *ret)
{
        if (get_clear(v, path, ret))
                return FIELD_CLEAR;
        for (size_t i = 0; i < v->n_disclosed; i++) {
                if (span_eq_str(v->disclosed[i].parsed.name, path)) {
                        *ret = v->disclosed[i].parsed.value;
                        return FIELD_DISCLOSED;
                }
        }
        if (count_digests(v) <= v->n_disclosed || !is_sensitive(v->kind, path))
                return FIELD_ABSENT;
        if (!v->asked_vault)
                return FIELD_SEALED;
        return v->erased ? FIELD_ERASED : FIELD_MISSING;
}

static bool put_base64_text(struct json_value value, struct buf *out)
{
        struct span text;
        uint8_t *p;
        size_t n;

        if (!json_value_plain(value, &text))
                return false;
        p = buf_extend(out, text.n);
        if (!p)
                return false;
        out->n -= text.n;
        if (text_from_base64(text, p, text.n, &n) < 0)
                return false;
        out->n += n;
        return true;
}

enum field_state view_text(const struct view *v, const char *path, struct buf *out)
{
        char b64[FIELD_PATH_MAX];
        struct json_value value;
        enum field_state state = view_field(v, path, &value), b64_state;

        if (state == FIELD_CLEAR || state == FIELD_DISCLOSED) {
                if (!json_value_text(value, out))
                        buf_put(out, value.raw);
                return state;
        }
        snprintf(b64, sizeof(b64), "%s_b64", path);
        b64_state = view_field(v, b64, &value);
        if ((b64_state == FIELD_CLEAR || b64_state == FIELD_DISCLOSED) &&
            put_base64_text(value, out))
                return b64_state;
        return state;
}

bool view_int(const struct view *v, const char *path, int64_t *ret)
{
        struct json_value value;
        enum field_state state = view_field(v, path, &value);

        return (state == FIELD_CLEAR || state == FIELD_DISCLOSED) && json_value_int(value, ret);
}
