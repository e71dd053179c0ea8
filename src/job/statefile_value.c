/* SPDX-License-Identifier: Apache-2.0 */
#include "job/statefile_priv.h"

static const struct yaml_unit times[] = {
        { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 }
};

void state_file_seconds(struct state_file *f, const struct yaml_node *n, uint64_t max_s,
                        const char *limits, uint64_t *ret_s)
{
        uint64_t s;

        if (!yaml_get_number(&f->faults, n, "a time, as 30s, 10m or 1d,", times, ARRAY_LEN(times),
                             &s))
                return;
        if (s < 1 || s > max_s)
                faults_add(&f->faults, n->mark, "a time is between %s", limits);
        else
                *ret_s = s;
}

void state_file_every(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;

        state_file_seconds(f, n, STATE_EVERY_MAX_S, "1s and 366d", &f->every_s);
}

bool state_file_text(struct state_file *f, const struct yaml_node *n, const char *wanted,
                     struct span *ret)
{
        if (!yaml_get_text(&f->faults, n, wanted, ret))
                return false;
        if (state_given_text_ok(*ret))
                return true;
        faults_add(&f->faults, n->mark, "%s of 1 to %d bytes without control characters", wanted,
                   STATE_SETTING_MAX);
        return false;
}

void state_file_tell(struct state_file *f)
{
        int rc = job_out_end(f->out);

        if (rc < 0 && f->rc == 0)
                f->rc = rc;
}
