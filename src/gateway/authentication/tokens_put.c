/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_put.c - one token as the file has it. */
#include "base/text.h"
#include "gateway/authentication/tokens.h"
#include "wire/json.h"

void token_put(struct json_writer *w, const struct token *t)
{
        char digest[2 * sizeof t->sha256 + 1];

        text_hex(span_of(t->sha256, sizeof t->sha256), digest);
        json_begin_object(w);
        json_member_string(w, "caller", t->caller);
        json_put_key(w, "groups");
        json_begin_array(w);
        for (uint32_t i = 0; i < t->n_groups; i++)
                json_put_string(w, t->groups[i]);
        json_end_array(w);
        json_member_string(w, "id", t->id);
        json_member_text(w, "sha256", digest);
        json_member_int(w, "until", t->until_s);
        json_end_object(w);
}
