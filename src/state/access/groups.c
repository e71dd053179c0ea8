/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of group(5): name:password:gid:member,member. */
#include "state/reading/account_line.h"
#include "state/rows/row.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "gid", STATE_INT, 0, "number of the group" },
        { "members", STATE_LIST, 0,
          "accounts that are in it besides those whose first group it is" },
        { "name", STATE_TEXT, STATE_KEY, "name of the group" },
};

static const struct state_source sources[] = { { STATE_FILE, 0, "/etc/group" } };

static int put(struct state_out *out, const struct state_part *p, struct span line, uint32_t number)
{
        struct account_group g;
        const char *why = account_group(line, &g);
        struct span member;

        if (why)
                return *why ? state_fault(out, p, number, "%s", why) : 0;
        state_begin(out);
        state_text(out, "name", g.name);
        state_u64(out, "gid", g.gid);
        state_no_items(out, "members");
        while (account_member(&g.members, &member))
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
