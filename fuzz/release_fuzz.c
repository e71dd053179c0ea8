/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte is where the text is cut: the same answer as in one piece. */
#include "fuzz.h"
#include "job/release.h"

static int run(const uint8_t *data, size_t size, size_t first, struct release *r)
{
        int e;

        release_init(r, "main/Packages", ".xz");
        e = release_feed(r, span_of(data, MIN_OF(first, size)), NULL);
        e = e == 0 ? release_feed(r, span_from(span_of(data, size), first), NULL) : e;
        e = e == 0 ? release_finish(r, NULL) : e;
        release_done(r);
        return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct release a, b;

        assert(run(data, size, size, &a) == run(data, size, size ? data[0] : 0, &b));
        assert(a.n_plain == b.n_plain && a.n_packed == b.n_packed && a.fact.date == b.fact.date);
        return 0;
}
