/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are kept for longer than they may be.  Which, and for how long, is in state.yaml(5):
 * a row for each item.  The age of a file is that of its content, by its time of modification. */
#include "state/reading/fileitems.h"
#include "state/rows/row.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "files", STATE_INT, STATE_LOOSE, "how many fit" },
        { "max_age_s", STATE_INT, 0, "how old they may become, in seconds" },
        { "name", STATE_TEXT, STATE_KEY, "of the item" },
        { "oldest", STATE_TIME, STATE_LOOSE, "time of the oldest one" },
        { "oldest_file", STATE_TEXT, STATE_LOOSE, "the oldest one" },
        { "over", STATE_INT, STATE_LOOSE, "how many are too old" },
        { "over_bytes", STATE_INT, STATE_LOOSE, "bytes of these" },
        { "overdue", STATE_BOOL, 0, "there are some that are too old" },
};

struct ages {
        uint64_t files, over, over_bytes;
        struct state_part oldest;
};

static void count(struct file_item *it, struct ages *a)
{
        struct state_part p;

        *a = (struct ages){ 0 };
        while (file_item_file(it, &p)) {
                if (a->files++ == 0 || p.mtime_ns < a->oldest.mtime_ns)
                        a->oldest = p;
                if (it->max_age_s && file_item_age_s(it, &p) > it->max_age_s) {
                        a->over++;
                        if (__builtin_add_overflow(a->over_bytes, p.size, &a->over_bytes))
                                a->over_bytes = UINT64_MAX;
                }
        }
}

static void put_item(struct state_out *out, struct file_item *it)
{
        struct ages a;

        count(it, &a);
        state_u64(out, "files", a.files);
        if (a.files) {
                state_time(out, "oldest", a.oldest.mtime_ns);
                state_text(out, "oldest_file", a.oldest.name);
        }
        if (it->max_age_s) {
                state_u64(out, "over", a.over);
                state_u64(out, "over_bytes", a.over_bytes);
                state_bool(out, "overdue", a.over > 0);
        }
}

static int read_file_age(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return file_items_read(in, out, put_item);
}

const struct state_table state_file_age = {
        .name = "file_age",
        .about = "files that are kept for longer than they may be",
        STATE_COLUMNS(columns),
        .every_s = 3600,
        .flags = STATE_TAKES_FILES,
        .read = read_file_age,
};
