/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that were accepted are verifier keys, and are found again. */
#include "integrity/why/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct source_keys keys;
        char text[SOURCE_KEY_TEXT];

        if (source_keys_parse("keys", span_of(data, size), &keys, NULL) < 0)
                return 0;
        assert(keys.n <= SOURCE_KEYS_MAX);
        for (size_t i = 0; i < keys.n; i++) {
                assert(source_keys_have(&keys, &keys.key[i]));
                source_key_text(&keys.key[i], text);
                assert(strlen(text) > 9);
        }
        return 0;
}
