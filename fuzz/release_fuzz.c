/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte is where the text is cut: the same answer as in one piece. */
#include "fuzz.h"
#include "job/release.h"

static int run(struct span s, size_t first, struct release *r)
{
        int e;

        release_init(r, "main/Packages", ".xz");
        e = release_feed(r, span_of(s.p, MIN_OF(first, s.n)), NULL);
        e = e == 0 ? release_feed(r, span_from(s, first), NULL) : e;
        e = e == 0 ? release_finish(r, NULL) : e;
        release_done(r);
        return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct release a, b;
        struct span s = span_of(data, size);

        assert(run(s, size, &a) == run(s, size ? data[0] : 0, &b));
        assert(a.n_plain == b.n_plain && a.n_packed == b.n_packed && a.fact.date == b.fact.date);
        return 0;
}
