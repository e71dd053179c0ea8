/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_trusted_again.c - what a ledger that succeeded another is told of the baseline.
 *
 * A baseline is proven by an entry, and the ledger that has it goes to cold storage one day.  So
 * the one that follows gets another, as soon as the sensor meets it: of a baseline that the ledger
 * before proves, and of no other. */
#include "integrity/sensor/sensor_trusted_priv.h"

#include "base/text.h"
#include "integrity/trusted/trusted_entry.h"
#include "loop/log.h"

/* It may wait in the journal already. */
static bool waits(const struct sensor *s)
{
        char hex[2 * HASH_LEN + 1];

        text_hex(span_of(s->trusted->head.root.b, HASH_LEN), hex);
        return state_found_waits(&s->found, "integrity.baseline", "what.root", hex);
}

void trusted_recall(struct sensor *s)
{
        struct trusted *t = s->trusted;

        if (!t->has || s->o.past != PAST_AGREES)
                return;
        buf_put(&t->entry, s->o.past_entry);
        if (buf_status(&t->entry) < 0)
                buf_clear(&t->entry);
        t->again = s->o.past_before && !waits(s);
}

void trusted_met(struct sensor *s, bool resumed)
{
        struct trusted *t = s->trusted;
        struct stat now, was = t->ledger;

        if (stat(s->o.ledger_dir, &now) < 0)
                return;
        t->ledger = now;
        if (resumed && was.st_ino && (was.st_ino != now.st_ino || was.st_dev != now.st_dev))
                t->again = t->has;
}

int trusted_tell_again(struct trusted *t)
{
        struct sensor *s = t->sensor;

        t->again = false;
        if (!t->has || t->doubted || !t->entry.n)
                return 0; /* nothing proves it: it is not for the sensor to do so */
        baseline_put_again(buf_span(&t->entry), sensor_wall(s), &t->note);
        if (buf_status(&t->note) < 0) {
                buf_clear(&t->note);
                return 0;
        }
        log_event(LOG_LEVEL_INFO, "sensor.baseline", log_str("reason", "succeeded"),
                  log_u64("files", t->head.count));
        return tell_entry_of(s, buf_span(&t->note), NULL, true);
}

bool trusted_may_send(const struct sensor *s, struct span skeleton)
{
        static const char kind[] = "\"k\":\"integrity.baseline\"";

        return !s->trusted->doubted || !memmem(skeleton.p, skeleton.n, kind, sizeof kind - 1);
}
