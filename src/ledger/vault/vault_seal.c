/* SPDX-License-Identifier: Apache-2.0 */
/* vault_seal.c - subjects made ready, and sealing under their keys.
 *
 * SECURITY: holds every subject's key while it is in use; labels and values come from local
 * writers. */
#include "base/le.h"
#include "base/text.h"
#include "ledger/vault/vault_priv.h"
#include "wire/json.h"

#include <stdlib.h>

enum { SALT_BYTES = 16, BASE64URL_DASH = 62 };

/* ---- subjects made ready ---- */

void vault_drop_subject(struct subject *s)
{
        s->salts = hmac_key_free(s->salts);
        s->seal = seal_free(s->seal);
        wipe(s, sizeof *s);
}

static struct subject *row_of(struct vault *v, uint64_t hash)
{
        return &v->cache[hash % VAULT_SETS * VAULT_WAYS];
}

static struct subject *free_place(struct vault *v, uint64_t hash)
{
        struct subject *row = row_of(v, hash), *oldest = row;

        for (size_t i = 0; i < VAULT_WAYS; i++) {
                if (!row[i].ready)
                        return &row[i];
                if (row[i].used < oldest->used)
                        oldest = &row[i];
        }
        vault_drop_subject(oldest);
        return oldest;
}

/* With this label, or without one in this slot; NULL: not made ready. */
static struct subject *find_ready(struct vault *v, uint64_t hash, struct span label, uint32_t slot)
{
        struct subject *row = row_of(v, hash);

        for (size_t i = 0; i < VAULT_WAYS; i++)
                if (row[i].ready && row[i].hash == hash &&
                    span_eq(span_of(row[i].label, row[i].label_n), label) &&
                    (label.n > 0 || row[i].slot == slot)) {
                        row[i].used = ++v->round;
                        return &row[i];
                }
        return NULL;
}

static uint64_t hash_slot(const struct vault *v, uint32_t n)
{
        uint8_t bytes[4];

        le_put32(bytes, n);
        return siphash(v->cache_key, span_of(bytes, sizeof bytes));
}

static int make_ready(struct vault *v, uint32_t n, const struct slot *slot, struct span label,
                      uint64_t hash, struct subject **ret, struct err *err)
{
        struct subject *s = free_place(v, hash);

        s->salts = hmac_key_new(span_of(slot->key, SUBJECT_KEY));
        s->seal = seal_new(slot->key);
        if (!s->salts || !s->seal) {
                vault_drop_subject(s);
                return err_sys(err, -ENOMEM, "subject");
        }
        s->ready = true;
        s->hash = hash;
        s->slot = n;
        s->used = ++v->round;
        memcpy(s->id, slot->id, SUBJECT_ID);
        s->label_n = label.n;
        if (label.n)
                memcpy(s->label, label.p, label.n);
        *ret = s;
        return 0;
}

int vault_subject_by_slot(struct vault *v, uint32_t n, struct subject **ret, struct err *err)
{
        uint64_t hash = hash_slot(v, n);
        struct subject *found = find_ready(v, hash, SPAN_NONE, n);
        struct slot slot;
        int r;

        if (found) {
                *ret = found;
                return 0;
        }
        r = vault_read_slot(v, n, &slot, err);
        if (r < 0)
                return r;
        if (slot.state != SLOT_LIVE && slot.state != SLOT_HELD)
                return err_set(err, -ENOENT, "subject %u was erased", n);
        r = make_ready(v, n, &slot, SPAN_NONE, hash, ret, err);
        wipe(&slot, sizeof slot);
        return r;
}

void vault_label_tag(struct vault *v, struct span label, uint8_t tag[SUBJECT_TAG])
{
        uint8_t mac[SHA256_LEN];

        hmac_sha256(v->tags, &label, 1, mac);
        memcpy(tag, mac, SUBJECT_TAG);
}

static int new_subject(struct vault *v, struct span label, const uint8_t tag[SUBJECT_TAG],
                       struct slot *slot, uint32_t *ret_n, struct err *err)
{
        CLEANUP(seal_freep) struct seal *seal = NULL;
        int r;

        if (v->n_slots > v->most)
                return err_set(err, -EBUSY, "the vault knows %u subjects: no more may be new",
                               vault_subjects(v));
        r = vault_make_room(v, err);
        if (r < 0)
                return r;
        memset(slot, 0, sizeof *slot);
        slot->state = SLOT_LIVE;
        do {
                random_bytes(slot->id, sizeof slot->id);
        } while (slot->id[0] >> 2 == BASE64URL_DASH); /* who types it would give an option */
        random_bytes(slot->key, sizeof slot->key);
        memcpy(slot->tag, tag, SUBJECT_TAG);
        slot->label_n = (uint8_t)(label.n + SEAL_EXTRA);
        seal = seal_new(slot->key);
        if (!seal)
                return err_sys(err, -ENOMEM, "subject");
        r = seal_close(seal, label, span_of(slot->id, SUBJECT_ID), slot->label, err);
        if (r == 0)
                r = vault_write_slot(v, v->n_slots, slot, err);
        if (r == 0 && vault_add_tag(v, tag, v->n_slots) < 0)
                r = err_sys(err, -ENOMEM, "subject");
        if (r < 0)
                return r;
        *ret_n = v->n_slots++;
        return 0;
}

static int subject_by_label(struct vault *v, struct span label, struct subject **ret,
                            struct err *err)
{
        uint64_t hash = siphash(v->cache_key, label);
        struct subject *found;
        uint8_t tag[SUBJECT_TAG];
        struct slot slot;
        uint32_t n = 0;
        int r;

        if (label.n == 0 || label.n > VAULT_LABEL_MAX)
                return err_set(err, -EINVAL, "a subject's label of %zu bytes: 1 to %d", label.n,
                               VAULT_LABEL_MAX);
        found = find_ready(v, hash, label, 0);
        if (found) {
                *ret = found;
                return 0;
        }
        vault_label_tag(v, label, tag);
        r = vault_find_tag(v, tag, &n, &slot, err);
        if (r == 0)
                r = new_subject(v, label, tag, &slot, &n, err);
        if (r >= 0)
                r = make_ready(v, n, &slot, label, hash, ret, err);
        wipe(&slot, sizeof slot);
        return r;
}

/* ---- sealing ---- */

static void put_salt(const struct subject *s, struct span entry_id, struct span name,
                     struct buf *out)
{
        uint8_t mac[SHA256_LEN];
        uint8_t id_n[2] = { (uint8_t)(entry_id.n >> 8), (uint8_t)entry_id.n };
        uint8_t name_n[2] = { (uint8_t)(name.n >> 8), (uint8_t)name.n };
        struct span parts[] = { span_of(id_n, 2), entry_id, span_of(name_n, 2), name };

        hmac_sha256(s->salts, parts, ARRAY_LEN(parts), mac);
        text_put_base64url(out, span_of(mac, SALT_BYTES));
}

static int put_row(struct subject *s, struct span disclosure, struct buf *rows, struct err *err)
{
        size_t n = disclosure.n + SEAL_EXTRA;
        uint8_t *p;

        if (n > UINT16_MAX)
                return err_set(err, -E2BIG, "a sensitive value of %zu bytes", disclosure.n);
        p = buf_extend(rows, ROW_HEADER + n);
        if (!p)
                return err_sys(err, buf_status(rows), "sealed rows");
        le_put32(p, s->slot);
        le_put(p + 4, n, 2);
        return seal_close(s->seal, disclosure, span_of(s->id, SUBJECT_ID), p + ROW_HEADER, err);
}

static int seal_field(struct vault *v, struct span entry_id, const struct vault_field *f,
                      struct buf *scratch, char digest[ENTRY_DIGEST_LEN + 1],
                      char subject[ENTRY_SUBJECT_LEN + 1], struct buf *rows, struct err *err)
{
        uint8_t hash[SHA256_LEN];
        struct subject *s;
        struct buf digest_text = BUF_OVER(digest, ENTRY_DIGEST_LEN + 1);
        struct buf subject_text = BUF_OVER(subject, ENTRY_SUBJECT_LEN + 1);
        uint8_t salt[ENTRY_SUBJECT_LEN];
        int r;

        r = subject_by_label(v, f->subject, &s, err);
        if (r < 0)
                return r;
        buf_clear(scratch);
        put_salt(s, entry_id, f->name, scratch);
        r = buf_status(scratch);
        if (r < 0)
                return err_sys(err, r, "field %.*s", (int)f->name.n, (const char *)f->name.p);
        assert(scratch->n == sizeof salt); /* as an id, 16 bytes in base64url */
        memcpy(salt, scratch->p, sizeof salt);
        buf_clear(scratch);
        disclosure_put(scratch, span_of(salt, sizeof salt), f->name, f->value);
        r = buf_status(scratch);
        if (r < 0)
                return err_set(err, r, "field %.*s: a value of %zu bytes", (int)f->name.n,
                               (const char *)f->name.p, f->value.n);
        sha256(buf_span(scratch), hash);
        text_put_base64url(&digest_text, span_of(hash, sizeof hash));
        text_put_base64url(&subject_text, span_of(s->id, SUBJECT_ID));
        (void)buf_cstr(&digest_text); /* the terminator */
        (void)buf_cstr(&subject_text);
        return put_row(s, buf_span(scratch), rows, err);
}

static int compare_text(const void *a, const void *b)
{
        return strcmp(a, b);
}

int vault_seal(struct vault *v, struct span entry_id, const struct vault_field *fields, size_t n,
               struct vault_sealed *ret, struct buf *rows, struct err *err)
{
        struct vault_sealed out; /* large, and mostly not used: neither cleared nor copied whole */
        size_t begun = rows->n, n_subjects = 0;
        int r;

        if (v->broken)
                return err_set(err, -EIO, "keys/subjects: a sync failed earlier");
        if (n > VAULT_FIELDS_MAX)
                return err_set(err, -E2BIG, "%zu sensitive fields, at most %d", n,
                               VAULT_FIELDS_MAX);
        for (size_t i = 0; i < n; i++) {
                r = seal_field(v, entry_id, &fields[i], &v->scratch, out.digest[i], out.subject[i],
                               rows, err);
                if (r < 0) {
                        rows->n = begun;
                        return r;
                }
        }
        qsort(out.digest, n, sizeof out.digest[0], compare_text);
        qsort(out.subject, n, sizeof out.subject[0], compare_text);
        for (size_t i = 0; i < n; i++)
                if (n_subjects == 0 || strcmp(out.subject[n_subjects - 1], out.subject[i]))
                        memmove(out.subject[n_subjects++], out.subject[i], sizeof out.subject[0]);
        ret->n_digests = n;
        memcpy(ret->digest, out.digest, n * sizeof out.digest[0]);
        ret->n_subjects = n_subjects;
        memcpy(ret->subject, out.subject, n_subjects * sizeof out.subject[0]);
        return 0;
}
