/* SPDX-License-Identifier: Apache-2.0 */
/* How a process came into its unit.  init forks, moves the copy into the unit's control group, and
 * has it execute the service; whoever else is found in another group than who made him was moved
 * there, by himself or by somebody with the right to it, and so were those that he makes. */
#include "integrity/who/procs_priv.h"

enum { INIT = 1, DEPTH_MAX = 64 };

/* systemd's own, since its version 255: it is the one that moves itself into the group. */
static const char executor[] = "/usr/lib/systemd/systemd-executor";

bool procs_same_unit(const struct procs_place *a, const struct procs_place *b)
{
        if (a == b)
                return true;
        return a && b && a->nested == b->nested &&
               span_eq(span_of(a->text, (size_t)a->unit_n + a->container_n),
                       span_of(b->text, (size_t)b->unit_n + b->container_n)) &&
               a->unit_n == b->unit_n;
}

static enum procs_placed settled(enum procs_placed placed)
{
        return placed == PROCS_PLACED_FRESH ? PROCS_PLACED_BY_INIT : placed;
}

/* What began before it was looked at: by who made it, as far up as that is known. */
static enum procs_placed resolve(struct procs *p, struct procs_proc *x, unsigned depth)
{
        const struct procs_state *s = &x->state;
        struct procs_proc *parent;
        enum procs_placed above;

        if (x->placed || depth == DEPTH_MAX)
                return x->placed;
        if (x->pid == INIT || x->ppid == INIT) {
                bool login = s->has & PROCESS_HAS_AUID && s->auid != PROCESS_UNSET;

                x->placed = login ? PROCS_PLACED_ENTERED : PROCS_PLACED_BY_INIT;
                return x->placed;
        }
        parent = (struct procs_proc *)procs_parent(p, x); /* it is in our own table */
        if (!parent)
                return PROCS_PLACED_UNKNOWN;
        above = settled(resolve(p, parent, depth + 1));
        if (above != PROCS_PLACED_UNKNOWN)
                x->placed = procs_same_unit(s->place, parent->state.place) ? above
                                                                           : PROCS_PLACED_ENTERED;
        return x->placed;
}

void procs_unit_forked(struct procs *p, struct procs_proc *x, pid_t creator_pid,
                       struct procs_proc *creator)
{
        if (creator_pid == INIT) {
                x->placed = PROCS_PLACED_FRESH;
        } else if (creator) {
                enum procs_placed above = settled(resolve(p, creator, 0));

                x->placed = procs_same_unit(x->state.place, creator->state.place)
                                    ? above
                                    : PROCS_PLACED_ENTERED;
        }
}

void procs_unit_executed(struct procs_proc *x, bool same_unit)
{
        if (x->placed == PROCS_PLACED_FRESH && !span_eq_str(procs_exe(&x->state), executor))
                x->placed = PROCS_PLACED_BY_INIT;
        else if (x->placed == PROCS_PLACED_BY_INIT && !same_unit)
                x->placed = PROCS_PLACED_ENTERED;
}

bool procs_is_of_unit(struct procs *p, const struct procs_proc *x)
{
        return settled(resolve(p, (struct procs_proc *)x, 0)) == PROCS_PLACED_BY_INIT;
}
