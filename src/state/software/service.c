/* SPDX-License-Identifier: Apache-2.0 */
#include "state/software/service.h"

#include "state/reading/fields.h"

static bool is_its_group(struct span path, const char *service)
{
        struct span file = field_base(path);

        if (!span_starts(path, SPAN("/sys/fs/cgroup/")) || !span_eq_str(file, "cgroup.procs"))
                return false;
        return span_eq_str(field_base(span_of(path.p, path.n - file.n - 1)), service);
}

void unit_state_of(struct state_in in, const struct unit *u, struct unit_state *ret)
{
        struct state_part p;

        *ret = (struct unit_state){ 0 };
        state_again(&in);
        while (state_next(&in, &p)) {
                if (p.status)
                        continue;
                if (span_eq_str(p.name, u->program))
                        ret->installed = true;
                else if (span_eq_str(p.name, "/run/systemd/system"))
                        ret->can_tell = true;
                else if (span_starts(p.name, SPAN("/etc/systemd/system/")) &&
                         span_eq_str(field_base(p.name), u->service))
                        ret->enabled = true;
                else if (p.bytes.n && is_its_group(p.name, u->service))
                        ret->running = true;
        }
        ret->installed |= ret->running;
}

void unit_put(struct state_out *o, const struct unit_state *s)
{
        state_bool(o, "installed", s->installed);
        state_bool(o, "enabled", s->enabled);
        if (s->can_tell || s->running)
                state_bool(o, "running", s->running);
}
