/* SPDX-License-Identifier: Apache-2.0 */
/* vault_ids.c - keys/subjects by id: looked through once, or kept for who asks again and again.
 *
 * SECURITY: every subject's key passes through here. */
#include "base/le.h"
#include "ledger/vault/vault_priv.h"

#include <stdlib.h>

enum { SLOTS_AT_ONCE = 4096 };

/* A slot in use, its bytes as they are in the file; not 0: no more are wanted. */
typedef int slot_fn(struct vault *v, uint32_t n, const uint8_t bytes[SLOT_BYTES], void *ctx,
                    struct err *err);

static int each_of(struct vault *v, uint32_t first, const uint8_t *many, size_t n, slot_fn *fn,
                   void *ctx, struct err *err)
{
        int r = 0;

        for (size_t k = 0; k < n && r == 0; k++)
                if (many[k * SLOT_BYTES] != SLOT_FREE)
                        r = fn(v, first + (uint32_t)k, many + k * SLOT_BYTES, ctx, err);
        return r;
}

/* From slot `from` on, to `end` at least where there are so many.  A million of them are looked
 * through while writers wait, so many at a time. */
static int each_slot(struct vault *v, uint32_t from, uint32_t end, slot_fn *fn, void *ctx,
                     struct err *err)
{
        uint8_t *many = malloc(SLOTS_AT_ONCE * SLOT_BYTES);
        size_t n = SLOTS_AT_ONCE;
        int r = many ? 0 : err_sys(err, -ENOMEM, "keys/subjects");

        for (uint32_t i = from; r == 0 && n == SLOTS_AT_ONCE && i < end; i += SLOTS_AT_ONCE) {
                ssize_t got = v->io.pread(v->io.ctx, v->subjects_fd, many,
                                          SLOTS_AT_ONCE * SLOT_BYTES, (off_t)i * SLOT_BYTES);

                if (got < 0)
                        r = err_sys(err, (int)got, "keys/subjects: slot %u", i);
                n = got > 0 ? (size_t)got / SLOT_BYTES : 0;
                if (r == 0)
                        r = each_of(v, i, many, n, fn, ctx, err);
        }
        if (many)
                wipe(many, SLOTS_AT_ONCE * SLOT_BYTES);
        free(many);
        return r;
}

/* ---- once ---- */

struct search {
        const uint8_t *id;
        uint32_t *n;
        struct slot *slot;
};

static int is_it(struct vault *v, uint32_t n, const uint8_t bytes[SLOT_BYTES], void *ctx,
                 struct err *err)
{
        const struct search *s = ctx;
        int r;

        if (memcmp(bytes + 8, s->id, SUBJECT_ID) != 0)
                return 0;
        r = vault_read_slot(v, n, s->slot, err);
        if (r < 0)
                return r;
        *s->n = n;
        return 1;
}

int vault_find_id(struct vault *v, const uint8_t id[SUBJECT_ID], uint32_t *ret_n, struct slot *ret,
                  struct err *err)
{
        return each_slot(v, 1, v->n_slots, is_it, &(struct search){ id, ret_n, ret }, err);
}

/* ---- kept ---- */

static int take(struct vault *v, uint32_t n, const uint8_t bytes[SLOT_BYTES], void *ctx,
                struct err *err)
{
        if (vault_part_add(&v->ids, le_get32(bytes + 8), n) < 0)
                return err_sys(err, -ENOMEM, "keys/subjects");
        v->ids_end = n + 1;
        return 0;
}

/* What was not there the last time; free slots behind the last one in use may be in use now. */
static int take_new(struct vault *v, struct err *err)
{
        return each_slot(v, MAX_OF(v->ids_end, (uint32_t)1), VAULT_SUBJECTS_MAX + 1, take, NULL,
                         err);
}

static int find_kept(struct vault *v, const uint8_t id[SUBJECT_ID], uint32_t *ret_n,
                     struct slot *ret, struct err *err)
{
        const struct tag_part *p = &v->ids;
        const uint32_t t = le_get32(id);

        for (size_t at = t & (p->cap - 1); p->cap && p->at[at].slot; at = (at + 1) & (p->cap - 1)) {
                int r;

                if (p->at[at].tag != t)
                        continue;
                r = vault_read_slot(v, p->at[at].slot, ret, err);
                if (r < 0)
                        return r;
                if (memcmp(ret->id, id, SUBJECT_ID) == 0) {
                        *ret_n = p->at[at].slot;
                        return 1;
                }
        }
        return 0;
}

int vault_look_up_id(struct vault *v, const uint8_t id[SUBJECT_ID], uint32_t *ret_n,
                     struct slot *ret, struct err *err)
{
        int r = find_kept(v, id, ret_n, ret, err);

        if (r == 0)
                r = take_new(v, err);
        return r == 0 ? find_kept(v, id, ret_n, ret, err) : r;
}
