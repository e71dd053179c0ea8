/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/saying.h"

#include "base/clock.h"
#include "integrity/who/procs.h"
#include "integrity/who/procsource.h"

bool saying_is_over(const struct saying *s, int64_t now_ns)
{
        return now_ns >= s->since_ns + SAYING_S * NS_PER_S;
}

void saying_anew(struct saying *s, int64_t now_ns)
{
        *s = (struct saying){ .since_ns = now_ns };
}

bool saying_may(struct saying *s, uint32_t uid, int64_t now_ns)
{
        unsigned lane = uid ? 1 + uid % (SAYING_LANES - 1) : 0;

        if (saying_is_over(s, now_ns))
                saying_anew(s, now_ns);
        if (s->said[lane] >= (lane ? SAYING_USERS : SAYING_ROOT))
                return false;
        s->said[lane]++;
        return true;
}

uint32_t saying_user(struct procsource *processes, pid_t pid)
{
        const struct procs *procs = procsource_procs(processes);
        const struct procs_proc *p = procs_newest(procs, pid);

        if (!p || p->end_ns) { /* its number may be another's by now */
                procsource_pull(processes);
                p = procs_newest(procs, pid);
        }

        return p && p->state.has & PROCESS_HAS_UID ? p->state.uid : 0;
}
