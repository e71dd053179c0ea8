/* SPDX-License-Identifier: Apache-2.0 */
/* Only what is wanted is told. */
#include "fuzz.h"
#include "job/release.h"

static int check(void *ctx, struct span json)
{
        struct release_fact f;

        assert(release_fact_parse(json, &f, NULL) == 0 && memcmp(f.sha256, ctx, SHA256_LEN) == 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static release_hash wanted = { 0xca, 0x97 };
        struct job_out out;
        struct packages p;

        job_out_init(&out, check, wanted);
        packages_init(&p, &wanted, 1, &out);
        if (packages_feed(&p, span_of(data, size), NULL) == 0)
                assert(packages_finish(&p, NULL) <= 0);
        return packages_done(&p), job_out_done(&out), 0;
}
