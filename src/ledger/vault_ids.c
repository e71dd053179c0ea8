/* SPDX-License-Identifier: Apache-2.0 */
/* vault_ids.c - keys/subjects by id: looked through once, or kept for who asks again and again.
 *
 * SECURITY: every subject's key passes through here. */
#include "base/le.h"
#include "ledger/vault_priv.h"

#include <stdlib.h>

enum { SLOTS_AT_ONCE = 4096 };

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

/* ---- kept ---- */

/* As many slots as there are from i on, at most SLOTS_AT_ONCE, into the table. */
static int take_slots(struct vault *v, uint32_t i, uint8_t *many, uint32_t *ret_n, struct err *err)
{
        ssize_t got = v->io.pread(v->io.ctx, v->subjects_fd, many, SLOTS_AT_ONCE * SLOT_BYTES,
                                  (off_t)i * SLOT_BYTES);

        if (got < 0)
                return err_sys(err, (int)got, "keys/subjects: slot %u", i);
        *ret_n = (uint32_t)((size_t)got / SLOT_BYTES);
        for (uint32_t k = 0; k < *ret_n; k++) {
                const uint8_t *s = many + (size_t)k * SLOT_BYTES;

                if (s[0] == SLOT_FREE)
                        continue;
                if (vault_part_add(&v->ids, le_get32(s + 8), i + k) < 0)
                        return err_sys(err, -ENOMEM, "keys/subjects");
                v->ids_end = i + k + 1;
        }
        return 0;
}

/* What was not there the last time; free slots behind the last one in use may be in use now. */
static int take_new(struct vault *v, struct err *err)
{
        uint8_t *many = malloc(SLOTS_AT_ONCE * SLOT_BYTES);
        uint32_t i = MAX_OF(v->ids_end, (uint32_t)1), n = SLOTS_AT_ONCE;
        int r = many ? 0 : err_sys(err, -ENOMEM, "keys/subjects");

        for (; r == 0 && n == SLOTS_AT_ONCE && i <= VAULT_SUBJECTS_MAX; i += n)
                r = take_slots(v, i, many, &n, err);
        if (many)
                wipe(many, SLOTS_AT_ONCE * SLOT_BYTES);
        free(many);
        return r;
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
