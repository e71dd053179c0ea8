/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a job that was taken over: understood, or refused with words. */
#include "wire/deb_fact.h"
#include "wire/release_fact.h"
#include "wire/signature_fact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct deb_fact deb;
        struct release_fact release;
        struct signature signature;
        struct err err = { 0 };
        bool verdict;

        if (json_check(span_of(data, size), NULL) < 0)
                return 0;
        assert(deb_fact_parse(span_of(data, size), &deb, &err) == 0 || err.text[0]);
        assert(release_fact_parse(span_of(data, size), &release, &err) == 0 || err.text[0]);
        assert(signature_parse(span_of(data, size), &verdict, &signature, &err) == 0 ||
               err.text[0]);
        return 0;
}
