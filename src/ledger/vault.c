/* SPDX-License-Identifier: Apache-2.0 */
/* vault.c - subjects, their keys, sealing, erasing.  Files in vault_priv.h.
 *
 * SECURITY: holds every subject's key while it is in use; labels and values come from local
 * writers. */
#include "ledger/vault.h"

#include "base/le.h"
#include "base/text.h"
#include "ledger/missing.h"
#include "ledger/vault_priv.h"
#include "sys/crc32c.h"
#include "wire/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t header[8] = { 'A', 'S', 'Y', 'S', 'U', 'B', 'J', '1' };

enum { SALT_BYTES = 16, ERASED_BYTES = VAULT_SUBJECTS_MAX / 8 + 1, DISCLOSURE_MAX = 96 * 1024 };

/* ---- slots ---- */

static uint32_t slot_crc(const uint8_t s[SLOT_BYTES])
{
        uint8_t copy[SLOT_BYTES];

        memcpy(copy, s, sizeof copy);
        memset(copy + 4, 0, 4);
        return crc32c(0, span_of(copy, sizeof copy));
}

static void put_slot(uint8_t out[SLOT_BYTES], const struct slot *s)
{
        uint32_t crc;

        memset(out, 0, SLOT_BYTES);
        out[0] = (uint8_t)s->state;
        out[1] = s->label_n;
        memcpy(out + 8, s->id, SUBJECT_ID);
        memcpy(out + 24, s->key, SUBJECT_KEY);
        memcpy(out + 56, s->tag, SUBJECT_TAG);
        memcpy(out + 72, s->label, s->label_n);
        crc = slot_crc(out);
        le_put32(out + 4, crc);
}

static int get_slot(const uint8_t in[SLOT_BYTES], uint32_t n, struct slot *ret, struct err *err)
{
        static const uint8_t unused[SLOT_BYTES];
        uint32_t crc = slot_crc(in);

        /* A slot lies in one sector: after a crash it is there whole or still zero. */
        if (memcmp(in, unused, SLOT_BYTES) == 0) {
                memset(ret, 0, sizeof *ret);
                return 0;
        }
        if (le_get32(in + 4) != crc || in[0] > SLOT_ERASING || in[1] > sizeof ret->label)
                return err_set(err, -EBADMSG, "keys/subjects: slot %u is damaged", n);
        memset(ret, 0, sizeof *ret);
        ret->state = (enum slot_state)in[0];
        ret->label_n = in[1];
        memcpy(ret->id, in + 8, SUBJECT_ID);
        memcpy(ret->key, in + 24, SUBJECT_KEY);
        memcpy(ret->tag, in + 56, SUBJECT_TAG);
        memcpy(ret->label, in + 72, ret->label_n);
        return 0;
}

int vault_read_slot(struct vault *v, uint32_t n, struct slot *ret, struct err *err)
{
        uint8_t bytes[SLOT_BYTES];
        ssize_t got;
        int r;

        got = v->io.pread(v->io.ctx, v->subjects_fd, bytes, sizeof bytes, (off_t)n * SLOT_BYTES);
        if (got == 0)
                return err_set(err, -ENOENT, "there is no subject %u", n);
        if (got != sizeof bytes)
                return err_sys(err, got < 0 ? (int)got : -EBADMSG, "keys/subjects: slot %u", n);
        r = get_slot(bytes, n, ret, err);
        wipe(bytes, sizeof bytes);
        return r;
}

static int write_slot(struct vault *v, uint32_t n, const struct slot *s, struct err *err)
{
        uint8_t bytes[SLOT_BYTES];
        ssize_t w;

        assert(v->writable);
        if (v->broken)
                return err_set(err, -EIO, "keys/subjects: a sync failed earlier");
        put_slot(bytes, s);
        w = v->io.pwrite(v->io.ctx, v->subjects_fd, bytes, sizeof bytes, (off_t)n * SLOT_BYTES);
        wipe(bytes, sizeof bytes);
        if (w < 0)
                return err_sys(err, (int)w, "keys/subjects: write");
        v->unsynced = true;
        return 0;
}

bool vault_slot_is_erased(const struct vault *v, uint32_t n)
{
        return n > VAULT_SUBJECTS_MAX || v->erased[n / 8] & (1u << (n % 8));
}

static void mark_erased(struct vault *v, uint32_t n)
{
        v->erased[n / 8] |= (uint8_t)(1u << (n % 8));
}

/* ---- lookup by tag ---- */

static uint64_t short_tag(const uint8_t tag[SUBJECT_TAG])
{
        uint64_t t;

        memcpy(&t, tag, sizeof t); /* a MAC: every part of it is as good as any other */
        return t;
}

static int table_grow(struct vault *v)
{
        size_t cap = v->table_cap ? v->table_cap * 2 : 256;
        struct tag_entry *old = v->table, *t = calloc(cap, sizeof *t);

        if (!t)
                return -ENOMEM;
        for (size_t i = 0; i < v->table_cap; i++) {
                size_t at = old[i].tag & (cap - 1);

                if (old[i].slot == 0)
                        continue;
                while (t[at].slot)
                        at = (at + 1) & (cap - 1);
                t[at] = old[i];
        }
        free(old);
        v->table = t;
        v->table_cap = cap;
        return 0;
}

/* An erased subject's entry stays: its slot says so, and the chain behind it must hold. */
static int table_add(struct vault *v, const uint8_t tag[SUBJECT_TAG], uint32_t slot)
{
        uint64_t t = short_tag(tag);
        size_t at;
        int r;

        if (2 * (v->table_n + 1) > v->table_cap) {
                r = table_grow(v);
                if (r < 0)
                        return r;
        }
        at = t & (v->table_cap - 1);
        while (v->table[at].slot)
                at = (at + 1) & (v->table_cap - 1);
        v->table[at] = (struct tag_entry){ .tag = t, .slot = slot };
        v->table_n++;
        return 0;
}

/* The live slot of this tag: 1, or 0 when there is none. */
static int table_find(struct vault *v, const uint8_t tag[SUBJECT_TAG], uint32_t *ret_n,
                      struct slot *ret, struct err *err)
{
        uint64_t t = short_tag(tag);
        size_t at;
        int r;

        if (v->table_cap == 0)
                return 0;
        for (at = t & (v->table_cap - 1); v->table[at].slot; at = (at + 1) & (v->table_cap - 1)) {
                if (v->table[at].tag != t || vault_slot_is_erased(v, v->table[at].slot))
                        continue;
                r = vault_read_slot(v, v->table[at].slot, ret, err);
                if (r < 0)
                        return r;
                if (secret_eq(ret->tag, tag, SUBJECT_TAG)) {
                        *ret_n = v->table[at].slot;
                        return 1;
                }
        }
        return 0;
}

/* ---- subjects made ready ---- */

static void drop_subject(struct subject *s)
{
        s->salts = hmac_key_free(s->salts);
        s->seal = seal_free(s->seal);
        wipe(s, sizeof *s);
}

static struct subject *free_place(struct vault *v)
{
        struct subject *oldest = &v->cache[0];

        for (size_t i = 0; i < VAULT_CACHE; i++) {
                if (!v->cache[i].ready)
                        return &v->cache[i];
                if (v->cache[i].used < oldest->used)
                        oldest = &v->cache[i];
        }
        drop_subject(oldest);
        return oldest;
}

static int make_ready(struct vault *v, uint32_t n, const struct slot *slot, struct span label,
                      struct subject **ret, struct err *err)
{
        struct subject *s = free_place(v);

        s->salts = hmac_key_new(span_of(slot->key, SUBJECT_KEY));
        s->seal = seal_new(slot->key);
        if (!s->salts || !s->seal) {
                drop_subject(s);
                return err_sys(err, -ENOMEM, "subject");
        }
        s->ready = true;
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
        struct slot slot;
        int r;

        for (size_t i = 0; i < VAULT_CACHE; i++)
                if (v->cache[i].ready && v->cache[i].slot == n) {
                        *ret = &v->cache[i];
                        (*ret)->used = ++v->round;
                        return 0;
                }
        r = vault_read_slot(v, n, &slot, err);
        if (r < 0)
                return r;
        if (slot.state != SLOT_LIVE && slot.state != SLOT_HELD)
                return err_set(err, -ENOENT, "subject %u was erased", n);
        r = make_ready(v, n, &slot, SPAN_NONE, ret, err);
        wipe(&slot, sizeof slot);
        return r;
}

static void label_tag(struct vault *v, struct span label, uint8_t tag[SUBJECT_TAG])
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

        if (v->n_slots > VAULT_SUBJECTS_MAX)
                return err_set(err, -ENOSPC, "the vault has %d subjects, no more fit",
                               VAULT_SUBJECTS_MAX);
        memset(slot, 0, sizeof *slot);
        slot->state = SLOT_LIVE;
        random_bytes(slot->id, sizeof slot->id);
        random_bytes(slot->key, sizeof slot->key);
        memcpy(slot->tag, tag, SUBJECT_TAG);
        slot->label_n = (uint8_t)(label.n + SEAL_EXTRA);
        seal = seal_new(slot->key);
        if (!seal)
                return err_sys(err, -ENOMEM, "subject");
        r = seal_close(seal, label, span_of(slot->id, SUBJECT_ID), slot->label, err);
        if (r == 0)
                r = write_slot(v, v->n_slots, slot, err);
        if (r == 0 && table_add(v, tag, v->n_slots) < 0)
                r = err_sys(err, -ENOMEM, "subject");
        if (r < 0)
                return r;
        *ret_n = v->n_slots++;
        return 0;
}

static int subject_by_label(struct vault *v, struct span label, struct subject **ret,
                            struct err *err)
{
        uint8_t tag[SUBJECT_TAG];
        struct slot slot;
        uint32_t n = 0;
        int r;

        if (label.n == 0 || label.n > VAULT_LABEL_MAX)
                return err_set(err, -EINVAL, "a subject's label of %zu bytes: 1 to %d", label.n,
                               VAULT_LABEL_MAX);
        for (size_t i = 0; i < VAULT_CACHE && v->cache[i].ready; i++) {
                struct subject *s = &v->cache[i];

                if (span_eq(span_of(s->label, s->label_n), label)) {
                        s->used = ++v->round;
                        *ret = s;
                        return 0;
                }
        }
        label_tag(v, label, tag);
        r = table_find(v, tag, &n, &slot, err);
        if (r == 0)
                r = new_subject(v, label, tag, &slot, &n, err);
        if (r >= 0)
                r = make_ready(v, n, &slot, label, ret, err);
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
        struct buf text = BUF_INIT(ENTRY_DIGEST_LEN + 1);
        uint8_t salt[ENTRY_SUBJECT_LEN];
        int r;

        r = subject_by_label(v, f->subject, &s, err);
        if (r < 0)
                return r;
        buf_clear(scratch);
        put_salt(s, entry_id, f->name, scratch);
        assert(scratch->n == sizeof salt); /* as an id, 16 bytes in base64url */
        memcpy(salt, scratch->p, sizeof salt);
        buf_clear(scratch);
        disclosure_put(scratch, span_of(salt, sizeof salt), f->name, f->value);
        r = buf_status(scratch);
        if (r < 0)
                return err_set(err, r, "field %.*s: a value of %zu bytes", (int)f->name.n,
                               (const char *)f->name.p, f->value.n);
        sha256(buf_span(scratch), hash);
        text_put_base64url(&text, span_of(hash, sizeof hash));
        memcpy(digest, buf_cstr(&text), ENTRY_DIGEST_LEN + 1);
        buf_clear(&text);
        text_put_base64url(&text, span_of(s->id, SUBJECT_ID));
        memcpy(subject, buf_cstr(&text), ENTRY_SUBJECT_LEN + 1);
        buf_done(&text);
        return put_row(s, buf_span(scratch), rows, err);
}

static int compare_text(const void *a, const void *b)
{
        return strcmp(a, b);
}

int vault_seal(struct vault *v, struct span entry_id, const struct vault_field *fields, size_t n,
               struct vault_sealed *ret, struct buf *rows, struct err *err)
{
        CLEANUP(buf_done) struct buf scratch = BUF_INIT(DISCLOSURE_MAX);
        struct vault_sealed out = { .n_digests = n };
        size_t begun = rows->n;
        int r;

        if (v->broken)
                return err_set(err, -EIO, "keys/subjects: a sync failed earlier");
        if (n > VAULT_FIELDS_MAX)
                return err_set(err, -E2BIG, "%zu sensitive fields, at most %d", n,
                               VAULT_FIELDS_MAX);
        for (size_t i = 0; i < n; i++) {
                r = seal_field(v, entry_id, &fields[i], &scratch, out.digest[i], out.subject[i],
                               rows, err);
                if (r < 0) {
                        rows->n = begun;
                        return r;
                }
        }
        qsort(out.digest, n, sizeof out.digest[0], compare_text);
        qsort(out.subject, n, sizeof out.subject[0], compare_text);
        for (size_t i = 0; i < n; i++)
                if (out.n_subjects == 0 || strcmp(out.subject[out.n_subjects - 1], out.subject[i]))
                        memmove(out.subject[out.n_subjects++], out.subject[i],
                                sizeof out.subject[0]);
        *ret = out;
        return 0;
}

bool vault_is_dirty(const struct vault *v)
{
        return v->unsynced;
}

int vault_sync(struct vault *v, struct err *err)
{
        int r;

        if (v->broken)
                return err_set(err, -EIO, "keys/subjects: a sync failed earlier");
        if (!v->unsynced)
                return 0;
        r = v->io.fdatasync(v->io.ctx, v->subjects_fd);
        if (r < 0) {
                /* The kernel may have marked the pages clean: asking again would lie. */
                v->broken = true;
                return err_set(err, -EIO, "keys/subjects: sync failed (%s)", strerror(-r));
        }
        v->unsynced = false;
        return 0;
}

/* ---- names ---- */

static bool is_gone(const struct slot *s)
{
        return s->state == SLOT_ERASED || s->state == SLOT_ERASING;
}

static void put_id(const uint8_t id[SUBJECT_ID], char out[ENTRY_SUBJECT_LEN + 1])
{
        struct buf text = BUF_INIT(ENTRY_SUBJECT_LEN + 1);

        text_put_base64url(&text, span_of(id, SUBJECT_ID));
        memcpy(out, buf_cstr(&text), ENTRY_SUBJECT_LEN + 1);
        buf_done(&text);
}

int vault_subject_of(struct vault *v, struct span label, char ret_id[ENTRY_SUBJECT_LEN + 1],
                     struct err *err)
{
        uint8_t tag[SUBJECT_TAG];
        struct slot slot;
        uint32_t n;
        int r;

        label_tag(v, label, tag);
        r = table_find(v, tag, &n, &slot, err);
        if (r < 0)
                return r;
        if (r == 0)
                return err_set(err, -ENOENT, "the vault knows no subject of that name");
        put_id(slot.id, ret_id);
        wipe(&slot, sizeof slot);
        return 0;
}

/* Ids are looked up seldom and by people; the slots are read one by one. */
int vault_find_slot(struct vault *v, struct span id, uint32_t *ret_n, struct slot *ret,
                    struct err *err)
{
        uint8_t want[SUBJECT_ID];
        size_t n;
        int r;

        if (text_from_base64url(id, want, sizeof want, &n) < 0 || n != SUBJECT_ID)
                return err_set(err, -EINVAL, "\"%.*s\" is no subject id", (int)id.n,
                               (const char *)id.p);
        for (uint32_t i = 1; i < v->n_slots; i++) {
                r = vault_read_slot(v, i, ret, err);
                if (r < 0)
                        return r;
                if (ret->state != SLOT_FREE && memcmp(ret->id, want, SUBJECT_ID) == 0) {
                        *ret_n = i;
                        return 0;
                }
        }
        return err_set(err, -ENOENT, "the vault knows no subject %.*s", (int)id.n,
                       (const char *)id.p);
}

int vault_label_of(struct vault *v, struct span id, struct buf *ret, struct err *err)
{
        CLEANUP(seal_freep) struct seal *seal = NULL;
        struct slot slot;
        uint8_t *label;
        uint32_t n;
        int r;

        r = vault_find_slot(v, id, &n, &slot, err);
        if (r < 0)
                return r;
        if (is_gone(&slot) || slot.label_n < SEAL_EXTRA)
                return err_set(err, -ENOENT, "the subject was erased");
        seal = seal_new(slot.key);
        label = seal ? buf_extend(ret, slot.label_n - SEAL_EXTRA) : NULL;
        if (!label)
                return err_sys(err, -ENOMEM, "label");
        r = seal_open(seal, span_of(slot.label, slot.label_n), span_of(slot.id, SUBJECT_ID), label,
                      err);
        wipe(&slot, sizeof slot);
        return r;
}

/* ---- hold and erasure ---- */

int vault_hold(struct vault *v, struct span id, bool on, struct err *err)
{
        struct slot slot;
        uint32_t n;
        int r;

        r = vault_find_slot(v, id, &n, &slot, err);
        if (r < 0)
                return r;
        if (is_gone(&slot))
                return err_set(err, -ENOENT, "the subject was erased");
        slot.state = on ? SLOT_HELD : SLOT_LIVE;
        r = write_slot(v, n, &slot, err);
        wipe(&slot, sizeof slot);
        return r < 0 ? r : vault_sync(v, err);
}

bool vault_is_held(struct vault *v, struct span id)
{
        struct slot slot;
        uint32_t n;

        return vault_find_slot(v, id, &n, &slot, NULL) == 0 && slot.state == SLOT_HELD;
}

/* The second half of an erasure: the rows, and the note that it is done. */
static int finish_erasing(struct vault *v, uint32_t n, struct slot *empty, struct err *err)
{
        int r = vault_remove_rows(v, n, err);

        empty->state = SLOT_ERASED;
        if (r == 0)
                r = write_slot(v, n, empty, err);
        return r < 0 ? r : vault_sync(v, err);
}

int vault_erase(struct vault *v, struct span id, struct err *err)
{
        struct slot slot, empty = { .state = SLOT_ERASING };
        uint32_t n;
        int r;

        r = vault_find_slot(v, id, &n, &slot, err);
        if (r < 0)
                return r;
        if (slot.state == SLOT_HELD)
                r = err_set(err, -EBUSY, "the subject is under a legal hold");
        memcpy(empty.id, slot.id, SUBJECT_ID);
        wipe(&slot, sizeof slot);
        if (r == 0)
                r = write_slot(v, n, &empty, err);
        if (r == 0)
                r = vault_sync(v, err);
        if (r < 0)
                return r;
        mark_erased(v, n);
        for (size_t i = 0; i < VAULT_CACHE; i++)
                if (v->cache[i].ready && v->cache[i].slot == n)
                        drop_subject(&v->cache[i]);
        return finish_erasing(v, n, &empty, err);
}

/* ---- opening ---- */

int vault_create(int private_fd, const struct io *io, struct err *err)
{
        uint8_t first[SLOT_BYTES] = { 0 }, key[SUBJECT_KEY];
        CLEANUP_FD int dir = -1;
        int r;

        /* Written last: without it an earlier attempt got no further and nothing was sealed. */
        if (faccessat(private_fd, "keys/subjects", F_OK, 0) == 0)
                return err_set(err, -EEXIST, "keys/subjects: there is a vault already");
        r = io_make_dirs(io, private_fd, "keys", 0700, err);
        if (r == 0)
                r = io_make_dirs(io, private_fd, "vault", 0700, err);
        if (r < 0)
                return r;
        dir = io->open(io->ctx, private_fd, "keys", O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
                return err_sys(err, dir, "keys");
        memcpy(first, header, sizeof header);
        random_bytes(key, sizeof key);
        r = io_replace_file(io, private_fd, "keys/vault", dir, 0600, span_of(key, sizeof key), err);
        wipe(key, sizeof key);
        if (r == 0)
                r = io_replace_file(io, private_fd, "keys/subjects", dir, 0600,
                                    span_of(first, sizeof first), err);
        return r;
}

static int load_slots(struct vault *v, struct err *err)
{
        uint8_t first[SLOT_BYTES];
        struct stat st;
        int r;

        if (v->io.pread(v->io.ctx, v->subjects_fd, first, sizeof first, 0) != sizeof first ||
            memcmp(first, header, sizeof header) != 0)
                return err_set(err, -EBADMSG, "keys/subjects: not a table of subjects");
        if (fstat(v->subjects_fd, &st) < 0)
                return err_sys(err, -errno, "keys/subjects");
        if (st.st_size / SLOT_BYTES > VAULT_SUBJECTS_MAX + 1)
                return err_set(err, -EBADMSG, "keys/subjects: more than %d subjects",
                               VAULT_SUBJECTS_MAX);
        /* A last slot written in part belongs to no acknowledged entry. */
        v->n_slots = (uint32_t)(st.st_size / SLOT_BYTES);
        for (uint32_t i = 1; i < v->n_slots; i++) {
                struct slot slot;

                r = vault_read_slot(v, i, &slot, err);
                if (r == 0 && is_gone(&slot))
                        mark_erased(v, i);
                else if (r == 0 && slot.state != SLOT_FREE && table_add(v, slot.tag, i) < 0)
                        r = err_sys(err, -ENOMEM, "vault");
                wipe(&slot, sizeof slot);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Erasures that a crash or a full disk cut off.  Their keys are gone already; rows that cannot be
 * removed now do not keep the vault shut, the next start tries again. */
static void finish_erasures(struct vault *v)
{
        for (uint32_t i = 1; i < v->n_slots; i++) {
                struct slot slot;

                if (!vault_slot_is_erased(v, i) || vault_read_slot(v, i, &slot, NULL) < 0 ||
                    slot.state != SLOT_ERASING)
                        continue;
                if (finish_erasing(v, i, &slot, NULL) < 0)
                        return;
        }
}

static int load_tag_key(struct vault *v, struct err *err)
{
        uint8_t *key;
        size_t n;
        int r;

        r = io_read_file(&v->io, v->private_fd, "keys/vault", SUBJECT_KEY, &key, &n, err);
        if (r < 0)
                return r;
        if (n != SUBJECT_KEY)
                r = err_set(err, -EBADMSG, "keys/vault: %zu bytes are no key", n);
        else if (!(v->tags = hmac_key_new(span_of(key, n))))
                r = err_sys(err, -ENOMEM, "keys/vault");
        wipe(key, n);
        free(key);
        return r;
}

static int open_files(struct vault *v, struct err *err)
{
        v->rows_fd = v->io.open(v->io.ctx, v->private_fd, "vault", O_RDONLY | O_DIRECTORY, 0);
        if (v->rows_fd < 0)
                return err_sys(err, v->rows_fd, "vault");
        v->erased = calloc(ERASED_BYTES, 1);
        return v->erased ? 0 : err_sys(err, -ENOMEM, "vault");
}

int vault_open(int private_fd, const struct io *io, bool writable, struct vault **ret,
               struct err *err)
{
        CLEANUP(vault_freep) struct vault *v = calloc(1, sizeof *v);
        int r;

        if (!v)
                return err_sys(err, -ENOMEM, "vault");
        v->io = *io;
        v->writable = writable;
        v->private_fd = private_fd;
        v->rows_fd = -1;
        v->subjects_fd =
                io->open(io->ctx, private_fd, "keys/subjects", writable ? O_RDWR : O_RDONLY, 0);
        if (v->subjects_fd < 0)
                return err_sys(err, v->subjects_fd, "keys/subjects");
        r = open_files(v, err);
        if (r == 0)
                r = load_tag_key(v, err);
        if (r == 0)
                r = load_slots(v, err);
        if (r < 0)
                return missing(r, err);
        if (writable)
                finish_erasures(v);
        *ret = v;
        v = NULL;
        return 0;
}

struct vault *vault_free(struct vault *v)
{
        if (!v)
                return NULL;
        for (size_t i = 0; i < VAULT_CACHE; i++)
                if (v->cache[i].ready)
                        drop_subject(&v->cache[i]);
        hmac_key_free(v->tags);
        filewriter_free(v->writer);
        fd_close(&v->subjects_fd);
        fd_close(&v->rows_fd);
        free(v->table);
        free(v->erased);
        free(v);
        return NULL;
}
