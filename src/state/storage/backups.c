/* SPDX-License-Identifier: Apache-2.0 */
/* Is there a backup, and is it new enough.  Where backups lie, and how old the newest may be, is in
 * state.yaml(5): a row for each item.  The marker that a test of restoring leaves is an item as any
 * other: it is overdue when nobody has tested for too long.
 *
 * A file that was written a moment ago may still grow: it counts when it has rested for a while.
 * One of the future is no backup, or a wrong clock would be a backup for ever. */
#include "state/reading/fileitems.h"
#include "state/rows/row.h"
#include "state/tables.h"

enum { RESTED_S = 600, MUCH_SMALLER = 2 };

static const struct state_column columns[] = {
        { "files", STATE_INT, STATE_LOOSE, "how many fit" },
        { "max_age_s", STATE_INT, 0, "how old the newest may be, in seconds" },
        { "name", STATE_TEXT, STATE_KEY, "of the item" },
        { "newest", STATE_TIME, 0, "time of the newest one; absent: there is none" },
        { "newest_file", STATE_TEXT, 0, "the newest one" },
        { "overdue", STATE_BOOL, 0, "there is none that is new enough" },
        { "previous_size", STATE_INT, STATE_LOOSE, "bytes of the one before" },
        { "size", STATE_INT, STATE_LOOSE, "bytes of the newest one" },
        { "suspicious", STATE_BOOL, 0,
          "the newest is empty, or not half as large as the one before" },
};

struct found {
        uint64_t files;
        struct state_part newest, before;
        size_t n; /* of newest and before that there are */
};

static void find(struct file_item *it, struct found *f)
{
        struct state_part p;

        *f = (struct found){ 0 };
        while (file_item_file(it, &p)) {
                f->files++;
                if (file_item_age_s(it, &p) < RESTED_S ||
                    (f->n && span_eq(p.name, f->newest.name))) /* it fits two patterns */
                        continue;
                if (f->n == 0 || p.mtime_ns > f->newest.mtime_ns) {
                        f->before = f->newest;
                        f->newest = p;
                        f->n = MIN_OF(f->n + 1, (size_t)2);
                } else if (f->n == 1 || p.mtime_ns > f->before.mtime_ns) {
                        f->before = p;
                        f->n = 2;
                }
        }
}

static bool is_suspicious(const struct found *f)
{
        return f->newest.size == 0 || (f->n == 2 && f->newest.size < f->before.size / MUCH_SMALLER);
}

static void put_item(struct state_out *out, struct file_item *it)
{
        struct found f;

        find(it, &f);
        state_u64(out, "files", f.files);
        if (f.n) {
                state_time(out, "newest", f.newest.mtime_ns);
                state_text(out, "newest_file", f.newest.name);
                state_u64(out, "size", f.newest.size);
                state_bool(out, "suspicious", is_suspicious(&f));
        }
        if (f.n == 2)
                state_u64(out, "previous_size", f.before.size);
        if (it->max_age_s)
                state_bool(out, "overdue",
                           f.n == 0 || file_item_age_s(it, &f.newest) > it->max_age_s);
}

static int read_backups(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return file_items_read(in, out, put_item);
}

const struct state_table state_backups = {
        .name = "backups",
        .about = "is there a backup, and is it new enough",
        STATE_COLUMNS(columns),
        .every_s = 15 * 60,
        .flags = STATE_TAKES_FILES,
        .read = read_backups,
};
