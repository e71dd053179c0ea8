/* SPDX-License-Identifier: Apache-2.0 */
/* fileitems.h - the lists of files that state.yaml(5) has for a table: item by item, each with the
 * regular files that fit.  Floor 2, pure. */
#ifndef STATE_FILEITEMS_H
#define STATE_FILEITEMS_H

#include "state/reading/bundle.h"
#include "state/rows/row.h"

struct file_item {
        struct span name;
        uint64_t max_age_s; /* 0: not given */
        int64_t now_ns;     /* when it was looked at */
        struct state_in files;
};

/* Its next regular file; what cannot be looked at is passed over. */
bool file_item_file(struct file_item *it, struct state_part *ret);
/* How old a file is; 0 for one of the future. */
uint64_t file_item_age_s(const struct file_item *it, const struct state_part *p);

/* A row for each item: its name and the age it may have, then what put adds. */
typedef void file_item_fn(struct state_out *out, struct file_item *it);
MUST_USE int file_items_read(struct state_in *in, struct state_out *out, file_item_fn *put);

#endif
