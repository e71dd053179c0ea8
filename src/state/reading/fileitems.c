/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/fileitems.h"

#include "base/clock.h"
#include "state/reading/fields.h"
#include "state/reading/settings.h"

#include <sys/stat.h>

/* False at the end. */
static bool next_item(struct state_in *in, struct file_item *ret)
{
        struct state_part p;

        while (state_next(in, &p)) {
                if (!state_is_given(&p))
                        continue;
                ret->name = state_given(p.bytes, "name");
                if (!field_number(state_given(p.bytes, "max_age"), &ret->max_age_s))
                        ret->max_age_s = 0;
                ret->now_ns = p.mtime_ns;
                ret->files = *in;
                return true;
        }
        return false;
}

bool file_item_file(struct file_item *it, struct state_part *ret)
{
        while (state_next(&it->files, ret)) {
                if (state_is_given(ret))
                        it->files.rest = SPAN_NONE; /* the next item's */
                else if (ret->status == 0 && S_ISREG(ret->mode))
                        return true;
        }
        return false;
}

uint64_t file_item_age_s(const struct file_item *it, const struct state_part *p)
{
        int64_t ns;

        if (p->mtime_ns >= it->now_ns || __builtin_sub_overflow(it->now_ns, p->mtime_ns, &ns))
                return 0;
        return (uint64_t)(ns / NS_PER_S);
}

int file_items_read(struct state_in *in, struct state_out *out, file_item_fn *put)
{
        struct file_item it;
        int rc = 0;

        while (rc == 0 && next_item(in, &it)) {
                state_begin(out);
                state_text(out, "name", it.name);
                if (it.max_age_s)
                        state_u64(out, "max_age_s", it.max_age_s);
                put(out, &it);
                rc = state_end(out);
        }
        return rc < 0 ? rc : out->failed;
}
