/* SPDX-License-Identifier: Apache-2.0 */
/* cosign NAME SECONDS <text >line - our cosigner on a fixed seed, for openssl to judge.  The vkey
 * goes to standard error. */
#include "ledger/signing/signer.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
        static const uint8_t seed[ED25519_SEED] = { 1, 2, 3 };
        CLEANUP(signer_freep) struct signer *s = NULL;
        CLEANUP(buf_done) struct buf line = BUF_INIT(NOTE_MAX), key = BUF_INIT(NOTE_MAX);
        static uint8_t text[NOTE_MAX];
        struct note_vkey vkey;
        struct err err = { 0 };
        uint64_t seconds;
        size_t n = fread(text, 1, sizeof text, stdin);

        if (argc != 3 || text_to_u64(span_str(argv[2]), &seconds) ||
            signer_new(span_str(argv[1]), NOTE_COSIGNATURE_V1, seed, &s, &err) ||
            signer_sign(s, span_of(text, n), seconds, &line, &err)) {
                fprintf(stderr, "cosign: %s\n", err_text(&err));
                return 1;
        }
        signer_vkey(s, &vkey);
        note_vkey_put(&key, &vkey);
        fputs(buf_cstr(&line), stdout);
        fputs(buf_cstr(&key), stderr);
        return 0;
}
