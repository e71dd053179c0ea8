/* SPDX-License-Identifier: Apache-2.0 */
/* Packages, line by line: which of the wanted ones it lists. */
#include "base/text.h"
#include "job/release.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, SHA256_LEN);
}

/* What does not fit is no name of a package that anybody wants. */
static void take(const struct deb822_line *l, char out[RELEASE_NAME_MAX + 1])
{
        size_t n = l->text.n <= RELEASE_NAME_MAX && !memchr(l->text.p, '\0', l->text.n) ? l->text.n
                                                                                        : 0;

        memcpy(out, l->text.p, n);
        out[n] = '\0';
}

static int on_line(void *ctx, const struct deb822_line *l, struct err *err)
{
        struct packages *p = ctx;

        if (l->more)
                return 0;
        if (deb822_is(l->field, "Package"))
                take(l, p->fact.package);
        else if (deb822_is(l->field, "Version"))
                take(l, p->fact.version);
        else if (deb822_is(l->field, "Architecture"))
                take(l, p->fact.architecture);
        else if (deb822_is(l->field, "SHA256"))
                p->has_hash = text_from_hex(l->text, p->fact.sha256, SHA256_LEN) == 0;
        return 0;
}

static int on_end(void *ctx, struct err *err)
{
        struct packages *p = ctx;
        int r = 0;

        if (p->has_hash && p->fact.package[0] && p->fact.version[0] && p->fact.architecture[0] &&
            bsearch(p->fact.sha256, p->wanted, p->n_wanted, SHA256_LEN, compare)) {
                release_fact_put(job_out_begin(p->out), &p->fact);
                r = job_out_end(p->out);
        }
        p->fact = (struct release_fact){ .kind = RELEASE_FACT_LISTED };
        p->has_hash = false;
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

void packages_init(struct packages *p, const release_hash *wanted, size_t n_wanted,
                   struct job_out *out)
{
        *p = (struct packages){ .wanted = wanted,
                                .n_wanted = n_wanted,
                                .out = out,
                                .fact = { .kind = RELEASE_FACT_LISTED } };
        deb822_init(&p->text, on_line, on_end, p);
}

void packages_done(struct packages *p)
{
        deb822_done(&p->text);
}

int packages_feed(struct packages *p, struct span bytes, struct err *err)
{
        return deb822_feed(&p->text, bytes, err);
}

int packages_finish(struct packages *p, struct err *err)
{
        return deb822_finish(&p->text, err);
}
