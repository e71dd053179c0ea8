/* SPDX-License-Identifier: Apache-2.0 */
/* vault_check.c - see vault_check.h. */
#include "command/vault_check.h"

#include <inttypes.h>

#include "command/progress.h"
#include "command/view.h"

/* Only what a recorder stamped has values in the vault: anybody may append a member _sd. */
static bool is_sealed(const struct view *v)
{
        return v->entry.sd.raw.n && v->entry.subj.raw.n && v->entry.run >= 0;
}

struct lost {
        uint64_t n, first;
};

static int check_entry(struct view *v, struct vault *vault, struct vault_check *c,
                       struct lost *lost, struct err *err)
{
        int status;

        if (!is_sealed(v))
                return 0;
        status = view_disclose(v, vault, err);
        if (status < 0)
                return status;
        c->entries++;
        c->values += v->n_disclosed;
        c->erased += v->erased;
        if (view_count_hidden(v) && !v->erased && lost->n++ == 0)
                lost->first = v->index;
        return 0;
}

/* What the public half lacks is told by who judges that. */
static bool is_public(int status)
{
        return status == -ENODATA || status == -ENOMSG || status == -EBADMSG;
}

static int check_all(struct reader *r, struct vault *vault, const struct clock *clock,
                     struct vault_check *c, struct err *err)
{
        static const char first_member[] = "{\"_sd\":";
        CLEANUP(view_done) struct view v;
        struct lost lost = { 0 };
        struct progress progress;
        struct err scrap = { 0 };
        struct span bytes;
        int status = 0;

        view_init(&v);
        progress_start(&progress, clock, "reading sealed values");
        for (uint64_t i = r->pruned; i < reader_size(r) && status == 0; i++) {
                progress_set(&progress, i, reader_size(r));
                status = reader_entry(r, i, &bytes, &scrap);
                if (status < 0 && is_public(status)) {
                        status = 0;
                        continue;
                }
                if (status < 0) {
                        *err = scrap;
                } else if (span_starts(bytes, span_str(first_member)) &&
                           view_open(&v, i, bytes, NULL) == 0) {
                        status = check_entry(&v, vault, c, &lost, err);
                }
        }
        progress_stop(&progress);
        if (status == 0 && lost.n)
                status = err_set(err, -EBADMSG,
                                 "vault: values of %" PRIu64 " entries are missing and nobody "
                                 "erased them; the first is entry %" PRIu64,
                                 lost.n, lost.first);
        return status;
}

int vault_check(const char *dir, struct reader *r, const struct clock *clock,
                struct vault_check *ret, struct err *err)
{
        struct vault_check c = { .checked = true };
        CLEANUP(secrets_done) struct secrets s = { 0 };
        int status = secrets_open(dir, &s, err);

        if (status == -ENOENT) {
                *ret = (struct vault_check){ 0 };
                return 0;
        }
        if (status == 0)
                status = check_all(r, s.vault, clock, &c, err);
        if (status == 0)
                *ret = c;
        return status;
}
