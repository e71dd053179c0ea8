/* SPDX-License-Identifier: Apache-2.0 */
/* vault_slots.c - keys/subjects: its slots, and finding one by its tag.  Format in vault_priv.h.
 *
 * SECURITY: every subject's key passes through here. */
#include "base/le.h"
#include "ledger/vault_priv.h"
#include "sys/crc32c.h"

#include <stdlib.h>

enum { SLOTS_AT_ONCE = 256 };

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

/* A million of them are looked through while writers wait, so many at a time. */
int vault_find_id(struct vault *v, const uint8_t id[SUBJECT_ID], uint32_t *ret_n, struct slot *ret,
                  struct err *err)
{
        uint8_t *many = malloc(SLOTS_AT_ONCE * SLOT_BYTES);
        int r = many ? 0 : err_sys(err, -ENOMEM, "keys/subjects");

        for (uint32_t i = 1; i < v->n_slots && r == 0; i += SLOTS_AT_ONCE) {
                ssize_t got = v->io.pread(v->io.ctx, v->subjects_fd, many,
                                          SLOTS_AT_ONCE * SLOT_BYTES, (off_t)i * SLOT_BYTES);
                uint32_t n = got > 0 ? (uint32_t)got / SLOT_BYTES : 0;

                if (got < 0)
                        r = err_sys(err, (int)got, "keys/subjects: slot %u", i);
                for (uint32_t k = 0; k < n && r == 0; k++) {
                        const uint8_t *s = many + (size_t)k * SLOT_BYTES;

                        if (s[0] == SLOT_FREE || memcmp(s + 8, id, SUBJECT_ID) != 0)
                                continue;
                        r = vault_read_slot(v, i + k, ret, err);
                        if (r == 0) {
                                *ret_n = i + k;
                                r = 1;
                        }
                }
        }
        if (many)
                wipe(many, SLOTS_AT_ONCE * SLOT_BYTES);
        free(many);
        return r;
}

int vault_write_slot(struct vault *v, uint32_t n, const struct slot *s, struct err *err)
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

void vault_mark_erased(struct vault *v, uint32_t n)
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

int vault_add_tag(struct vault *v, const uint8_t tag[SUBJECT_TAG], uint32_t slot)
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

int vault_find_tag(struct vault *v, const uint8_t tag[SUBJECT_TAG], uint32_t *ret_n,
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

/* ---- syncing ---- */

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
