/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of group(5): name:password:gid:member,member. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

enum { NAME, PASSWORD, GID, MEMBERS, FIELDS };

static const struct state_column columns[] = {
        { "gid", STATE_INT, 0, "number of the group" },
        { "members", STATE_LIST, 0,
          "accounts that are in it besides those whose first group it is" },
        { "name", STATE_TEXT, STATE_KEY, "name of the group" },
};

static const struct state_source sources[] = { { STATE_FILE, 0, "/etc/group" } };

static int put(struct state_out *out, const struct state_part *p, struct span line, uint32_t number)
{
        struct span f[FIELDS], member;
        uint64_t gid;

        if (!field_split(line, ':', f, FIELDS) || f[NAME].n == 0)
                return state_fault(out, p, number, "not four fields and a name");
        if (!field_number(f[GID], &gid) || gid > UINT32_MAX)
                return state_fault(out, p, number, "group is no number");
        state_begin(out);
        state_text(out, "name", f[NAME]);
        state_u64(out, "gid", gid);
        state_no_items(out, "members");
        while (field_cut(&f[MEMBERS], ',', &member))
                if (member.n)
                        state_item(out, "members", member);
        return state_end(out);
}

static int read_groups(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return state_each_line(in, out, STATE_MUST_BE, put);
}

const struct state_table state_groups = {
        .name = "groups",
        .alert = "yes",
        .about = "groups of this host and who is in them",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 2,
        .flags = STATE_PERSONAL,
        .read = read_groups,
};
