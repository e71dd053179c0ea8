/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/brought.h"

#include "base/text.h"
#include "wire/json.h"

/* false when it is absent, too. */
static bool get_plain(struct json_value entry, const char *path, struct span *ret)
{
        struct json_value v;

        return json_get_path(entry, path, &v) && json_value_plain(v, ret);
}

bool brought_content(struct span entry, uint8_t ret_sha256[BROUGHT_SHA256])
{
        struct json_value e, content;
        struct span kind, state, hex;

        if (json_check(entry, NULL) < 0)
                return false;
        e = json_value_of(entry);
        return get_plain(e, "k", &kind) && span_eq_str(kind, "integrity.change") &&
               json_get_path(e, "why.content", &content) && content.type == JSON_TRUE &&
               get_plain(e, "why.state", &state) && !span_eq_str(state, "unexplained") &&
               get_plain(e, "what.new_sha256", &hex) && hex.n == 2 * (size_t)BROUGHT_SHA256 &&
               text_from_hex(hex, ret_sha256, BROUGHT_SHA256) == 0;
}
