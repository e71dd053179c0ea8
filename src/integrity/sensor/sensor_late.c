/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_late.c - alerts that wait for an explanation, over a restart of the sensor.
 *
 * Nothing of them is in a file of the sensor's own, which would prove nothing: the signed ledger
 * has every change that was counted, and the journal those that a crash kept from it. */
#include "integrity/sensor/sensor_priv.h"

#include "integrity/why/late_past.h"
#include "loop/log.h"

int late_init(struct sensor *s, struct err *err)
{
        struct late_past *past = s->o.late_past;
        int rc = late_new(&s->late, err);

        if (rc < 0 || !past)
                return rc;
        for (size_t i = 0; i < s->found.n_entries; i++)
                late_past_hear_waiting(past, s->found.run, s->found.entries[i].seq,
                                       buf_span(&s->found.entries[i].skeleton));
        rc = late_past_apply(past, s->late, err);
        if (past->unsure && s->found.source != STATE_NONE)
                log_event(LOG_LEVEL_WARNING, "sensor.late",
                          log_str("why", "not all of the ledger could be asked: alerts of before "
                                         "are not explained by what comes now"));
        else if (late_count(s->late))
                log_event(LOG_LEVEL_INFO, "sensor.late", log_u64("alerts", late_count(s->late)),
                          log_str("why", "nobody has explained them yet"));
        late_past_done(past);
        return rc;
}
