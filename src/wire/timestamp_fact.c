/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/timestamp_fact.h"

#include "wire/fact.h"

#define TIME_MAX_S (INT64_MAX / 1000000000) /* in nanoseconds it has to fit, too */

enum { FACT_STAMP, FACT_REFUSED };
static const char *const kinds[] = { [FACT_STAMP] = "stamp", [FACT_REFUSED] = "refused" };

void timestamp_fact_put(struct json_writer *w, const struct timestamp_fact *f)
{
        json_member_text(w, "fact", kinds[f->holds ? FACT_STAMP : FACT_REFUSED]);
        if (f->holds)
                json_member_int(w, "time", f->time_s);
        else
                json_member_text(w, "why", f->why);
}

int timestamp_fact_parse(struct span fact, struct timestamp_fact *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct timestamp_fact t = { 0 };
        int r;

        t.holds = fact_enum(&f, "fact", kinds, ARRAY_LEN(kinds)) == FACT_STAMP;
        if (!f.missing && t.holds)
                t.time_s = (int64_t)fact_number(&f, "time", TIME_MAX_S);
        else if (!f.missing)
                fact_text(&f, "why", t.why, TIMESTAMP_WHY_MAX);
        r = fact_status(&f, err);
        if (r == 0)
                *ret = t;
        return r;
}
