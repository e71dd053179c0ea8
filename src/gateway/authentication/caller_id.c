/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/caller_id.h"

#include "base/text.h"
#include "package/call/caller.h"

bool caller_text_fits(struct span text)
{
        enum { FIRST_PRINTABLE = 0x20, DELETE = 0x7f };

        if (text.n == 0 || text.n > CALLER_TEXT_MAX || !text_is_utf8(text, NULL))
                return false;
        for (size_t i = 0; i < text.n; i++)
                if (text.p[i] < FIRST_PRINTABLE || text.p[i] == DELETE)
                        return false;
        return true;
}

bool caller_id_fits(struct span id)
{
        return caller_text_fits(id) && !span_starts(id, SPAN(CALLER_UNVERIFIED));
}

bool caller_group_fits(struct span group)
{
        return caller_text_fits(group) && !span_eq(group, SPAN(CALLER_UNVERIFIED_GROUP));
}
