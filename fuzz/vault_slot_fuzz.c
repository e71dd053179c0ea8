/* SPDX-License-Identifier: Apache-2.0 */
/* A slot of keys/subjects is refused by its number, or means the same when it is written again. */
#include "fuzz.h"
#include "ledger/vault/vault_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(buf_done) struct buf sealed = BUF_INIT(SLOT_BYTES);
        uint8_t in[SLOT_BYTES] = { 0 }, out[2][SLOT_BYTES];
        struct slot slot;
        struct err err = { 0 };

        memcpy(in, data, MIN_OF(size, sizeof in));
        if (size > sizeof in) { /* with the checksum it should have */
                fuzz_put_sealed(&sealed, span_of(in, sizeof in), 4);
                memcpy(in, sealed.p, sizeof in);
        }
        if (vault_slot_get(in, 7, &slot, &err) < 0)
                return assert(err.code == -EBADMSG && strstr(err.text, "slot 7")), 0;
        assert(slot.state <= SLOT_ERASING && slot.label_n <= sizeof slot.label);
        vault_slot_put(out[0], &slot);
        assert(vault_slot_get(out[0], 7, &slot, NULL) == 0);
        vault_slot_put(out[1], &slot);
        return assert(memcmp(out[0], out[1], SLOT_BYTES) == 0), 0;
}
