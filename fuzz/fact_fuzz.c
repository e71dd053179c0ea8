/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a job that was taken over: of one sort at most, and refused with words by the rest. */
#include "wire/commit_fact.h"
#include "wire/deb_fact.h"
#include "wire/release_fact.h"
#include "wire/signature_fact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct commit_fact c;
        static struct deb_fact d;
        struct span s = span_of(data, size);
        struct release_fact r;
        struct signature sig;
        struct err err = { 0 };
        bool b;

        if (json_check(s, NULL) == 0)
                assert((commit_fact_parse(s, &c, &err) == 0) + (deb_fact_parse(s, &d, &err) == 0) +
                                       (release_fact_parse(s, &r, &err) == 0) <=
                               2 &&
                       err.text[0]);
        return json_check(s, NULL) == 0 && signature_parse(s, &b, &sig, &err) > 0;
}
