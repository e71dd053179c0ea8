/* SPDX-License-Identifier: Apache-2.0 */
/* erase_now.h - a whole erasure at once, of a subject by its id: the steps that the recorder takes
 * one bundle at a time. */
#ifndef TESTS_LEDGER_ERASE_NOW_H
#define TESTS_LEDGER_ERASE_NOW_H

#include "ledger/vault/vault_priv.h"

MUST_USE static inline int erase_now(struct vault *v, struct span id, struct err *err)
{
        uint32_t slot;
        int r = vault_slot_of(v, id, &slot, err);

        if (r == 0)
                r = vault_erase_key(v, slot, err);
        if (r == 0)
                r = vault_remove_rows(v, slot, err);
        return r < 0 ? r : vault_erase_end(v, slot, err);
}

#endif
