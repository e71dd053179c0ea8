/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a job that was taken over: of one sort at most, and refused with words by the rest. */
#include "fuzz.h"
#include "wire/commit_fact.h"
#include "wire/deb_fact.h"
#include "wire/release_fact.h"
#include "wire/retention_fact.h"
#include "wire/signature_fact.h"
#include "wire/timestamp_fact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct commit_fact c;
        static struct deb_fact d;
        struct span s = span_of(data, size);
        struct err e;
        int n = json_check(s, &e);

        if (n < 0)
                return 0;
        n = !commit_fact_parse(s, &c, &e) +
            !retention_fact_parse(s, &(struct retention_fact){ 0 }, &e);
        n += !deb_fact_parse(s, &d, &e) + !release_fact_parse(s, &(struct release_fact){ 0 }, &e);
        n += !timestamp_fact_parse(s, &(struct timestamp_fact){ 0 }, &e);
        assert(n <= 2 && e.text[0]);
        return signature_parse(s, &(bool){ 0 }, &(struct signature){ 0 }, &e) > 0;
}
