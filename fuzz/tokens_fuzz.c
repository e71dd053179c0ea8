/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is shown as a token, the rest is the file.  Who shows rubbish is nobody. */
#include "fuzz.h"
#include "gateway/authentication/caller_id.h"
#include "gateway/authentication/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(tokens_freep) struct tokens *t = NULL;
        struct span rest = span_of(data, size), shown;
        const struct token *found = NULL;
        struct err err = { 0 };

        (void)fuzz_cut_line(&rest, &shown);
        if (tokens_read(rest, &t, &err) < 0) {
                assert((err.code == -EBADMSG || err.code == -E2BIG) && err.text[0]);
                return 0;
        }
        if (tokens_find(t, shown, 1800000000, &found) != TOKEN_GOOD)
                return 0;
        assert(shown.n == TOKEN_TEXT && found->until_s > 1800000000);
        assert(caller_id_fits(found->caller) && found->n_groups <= 256);
        return 0;
}
