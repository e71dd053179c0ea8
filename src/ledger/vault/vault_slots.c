/* SPDX-License-Identifier: Apache-2.0 */
/* vault_slots.c - keys/subjects: its slots, and finding one by its tag.  Format in vault_priv.h.
 *
 * SECURITY: every subject's key passes through here. */
#include "base/le.h"
#include "ledger/vault/vault_priv.h"
#include "sys/crc32c.h"

#include <stdlib.h>

enum {
        SLOTS_AT_ONCE = 4096,
        AHEAD_LEAST = 16, /* slots of zeros behind those in use; as many as these, in between */
        AHEAD_MOST = 4096,
        FIRST_CAP = 16,
};

const uint8_t vault_header[8] = { 'A', 'S', 'Y', 'S', 'U', 'B', 'J', '1' };

/* ---- slots ---- */

static uint32_t slot_crc(const uint8_t s[SLOT_BYTES])
{
        static const uint8_t zeros[4];
        uint32_t crc = crc32c(crc32c(0, span_of(s, 4)), span_of(zeros, sizeof zeros));

        return crc32c(crc, span_of(s + 8, SLOT_BYTES - 8));
}

void vault_slot_put(uint8_t out[SLOT_BYTES], const struct slot *s)
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

int vault_slot_get(const uint8_t in[SLOT_BYTES], uint32_t n, struct slot *ret, struct err *err)
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
        r = vault_slot_get(bytes, n, ret, err);
        wipe(bytes, sizeof bytes);
        return r;
}

int vault_write_slot(struct vault *v, uint32_t n, const struct slot *s, struct err *err)
{
        uint8_t bytes[SLOT_BYTES];
        ssize_t w;

        assert(v->writable);
        if (v->broken)
                return err_set(err, -EIO, "keys/subjects: a sync failed earlier");
        vault_slot_put(bytes, s);
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

int vault_make_room(struct vault *v, struct err *err)
{
        const uint32_t ahead =
                MIN_OF(MAX_OF(v->n_slots, (uint32_t)AHEAD_LEAST), (uint32_t)AHEAD_MOST);
        /* Where zeros found no room there are slots in use behind room_slots. */
        const off_t end = (off_t)v->n_slots * SLOT_BYTES;
        uint8_t *zeros;
        ssize_t w;

        if (v->n_slots < v->room_slots)
                return 0;
        zeros = calloc(ahead, SLOT_BYTES);
        if (!zeros)
                return err_sys(err, -ENOMEM, "keys/subjects");
        w = v->io.pwrite(v->io.ctx, v->subjects_fd, zeros, (size_t)ahead * SLOT_BYTES, end);
        free(zeros);
        if (w == (ssize_t)ahead * SLOT_BYTES)
                v->room_slots = v->n_slots + ahead;
        return 0; /* or there may be room for this one all the same */
}

/* ---- lookup by tag ---- */

/* A MAC: every part of it is as good as any other. */
static struct tag_part *part_of(struct vault *v, const uint8_t tag[SUBJECT_TAG])
{
        return &v->part[tag[0]];
}

static uint32_t short_tag(const uint8_t tag[SUBJECT_TAG])
{
        return le_get32(tag + 1);
}

static void put_entry(struct tag_part *p, struct tag_entry e)
{
        size_t at = e.tag & (p->cap - 1);

        while (p->at[at].slot)
                at = (at + 1) & (p->cap - 1);
        p->at[at] = e;
}

static int grow(struct tag_part *p)
{
        struct tag_part more = { .n = p->n, .cap = p->cap ? 2 * p->cap : FIRST_CAP };

        more.at = calloc(more.cap, sizeof *more.at);
        if (!more.at)
                return -ENOMEM;
        for (size_t i = 0; i < p->cap; i++)
                if (p->at[i].slot)
                        put_entry(&more, p->at[i]);
        free(p->at);
        *p = more;
        return 0;
}

int vault_part_add(struct tag_part *p, uint32_t tag, uint32_t slot)
{
        if (8 * (p->n + 1) > 7 * p->cap && grow(p) < 0)
                return -ENOMEM;
        put_entry(p, (struct tag_entry){ .tag = tag, .slot = slot });
        p->n++;
        return 0;
}

int vault_add_tag(struct vault *v, const uint8_t tag[SUBJECT_TAG], uint32_t slot)
{
        return vault_part_add(part_of(v, tag), short_tag(tag), slot);
}

int vault_find_tag(struct vault *v, const uint8_t tag[SUBJECT_TAG], uint32_t *ret_n,
                   struct slot *ret, struct err *err)
{
        const struct tag_part *p = part_of(v, tag);
        const uint32_t t = short_tag(tag);
        size_t at;
        int r;

        if (p->cap == 0)
                return 0;
        for (at = t & (p->cap - 1); p->at[at].slot; at = (at + 1) & (p->cap - 1)) {
                if (p->at[at].tag != t || vault_slot_is_erased(v, p->at[at].slot))
                        continue;
                r = vault_read_slot(v, p->at[at].slot, ret, err);
                if (r < 0)
                        return r;
                if (secret_eq(ret->tag, tag, SUBJECT_TAG)) {
                        *ret_n = p->at[at].slot;
                        return 1;
                }
        }
        return 0;
}

/* ---- loading ---- */

static int take_slot(struct vault *v, uint32_t n, const uint8_t bytes[SLOT_BYTES], struct err *err)
{
        struct slot slot;
        int r = vault_slot_get(bytes, n, &slot, err);

        if (r == 0 && slot.state != SLOT_FREE && n > VAULT_SUBJECTS_MAX)
                r = err_set(err, -EBADMSG, "keys/subjects: more than %d subjects",
                            VAULT_SUBJECTS_MAX);
        if (r == 0 && slot_is_gone(&slot))
                vault_mark_erased(v, n);
        else if (r == 0 && slot.state != SLOT_FREE && vault_add_tag(v, slot.tag, n) < 0)
                r = err_sys(err, -ENOMEM, "vault");
        if (r == 0 && slot.state != SLOT_FREE)
                v->n_slots = n + 1;
        wipe(&slot, sizeof slot);
        return r;
}

/* A last slot written in part belongs to no acknowledged entry. */
static int count_slots(struct vault *v, struct err *err)
{
        uint8_t first[SLOT_BYTES];
        struct stat st;

        if (v->io.pread(v->io.ctx, v->subjects_fd, first, sizeof first, 0) != sizeof first ||
            memcmp(first, vault_header, sizeof vault_header) != 0)
                return err_set(err, -EBADMSG, "keys/subjects: not a table of subjects");
        if (fstat(v->subjects_fd, &st) < 0)
                return err_sys(err, -errno, "keys/subjects");
        if (st.st_size / SLOT_BYTES > VAULT_SUBJECTS_MAX + 1 + AHEAD_MOST)
                return err_set(err, -EBADMSG, "keys/subjects: more than %d subjects",
                               VAULT_SUBJECTS_MAX);
        v->room_slots = (uint32_t)(st.st_size / SLOT_BYTES);
        v->n_slots = 1;
        return 0;
}

int vault_load_slots(struct vault *v, struct err *err)
{
        uint8_t *many = malloc(SLOTS_AT_ONCE * SLOT_BYTES);
        int r = many ? count_slots(v, err) : err_sys(err, -ENOMEM, "keys/subjects");

        for (uint32_t i = 1; r == 0 && i < v->room_slots;) {
                size_t want = MIN_OF(v->room_slots - i, (uint32_t)SLOTS_AT_ONCE);
                ssize_t got = v->io.pread(v->io.ctx, v->subjects_fd, many, want * SLOT_BYTES,
                                          (off_t)i * SLOT_BYTES);

                if (got != (ssize_t)(want * SLOT_BYTES))
                        r = err_sys(err, got < 0 ? (int)got : -EBADMSG, "keys/subjects: slot %u",
                                    i);
                for (size_t k = 0; r == 0 && k < want; k++, i++)
                        r = take_slot(v, i, many + k * SLOT_BYTES, err);
        }
        if (many)
                wipe(many, SLOTS_AT_ONCE * SLOT_BYTES);
        free(many);
        return r;
}

/* ---- syncing ---- */

bool vault_sync_begin(struct vault *v)
{
        assert(!v->syncing);
        v->syncing = v->unsynced;
        v->unsynced = false; /* what is written from here on is for the next time */
        return v->syncing;
}

int vault_sync_flush(struct vault *v)
{
        return v->io.fdatasync(v->io.ctx, v->subjects_fd);
}

int vault_sync_end(struct vault *v, int flushed, struct err *err)
{
        assert(v->syncing);
        v->syncing = false;
        if (flushed == 0)
                return 0;
        /* The kernel may have marked the pages clean: asking again would lie. */
        v->broken = true;
        return err_set(err, -EIO, "keys/subjects: sync failed (%s)", strerror(-flushed));
}

int vault_sync(struct vault *v, struct err *err)
{
        if (v->broken)
                return err_set(err, -EIO, "keys/subjects: a sync failed earlier");
        if (!vault_sync_begin(v))
                return 0;
        return vault_sync_end(v, vault_sync_flush(v), err);
}
