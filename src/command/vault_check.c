/* SPDX-License-Identifier: Apache-2.0 */
/* vault_check.c - see vault_check.h. */
#include "command/vault_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "command/progress.h"
#include "command/view.h"

enum {
        IDS_MAX = 1 << 20,
        SIGN_TRIES = 30,
};

/* Only what a recorder stamped has values in the vault: anybody may append a member _sd. */
static bool is_sealed(const struct view *v)
{
        return v->entry.sd.raw.n && v->entry.subj.raw.n && v->entry.run >= 0;
}

struct id {
        char text[ENTRY_SUBJECT_LEN];
        uint64_t index; /* of the entry that speaks of it */
};

/* Sorted when it is searched. */
struct ids {
        struct id *at;
        size_t n, cap;
};

struct scan {
        struct reader *reader;
        struct vault *vault;
        struct view view;
        struct vault_check result;
        uint64_t lost, first_lost; /* entries of which values are missing */
        struct ids gone;           /* subjects that the vault has erased */
        struct ids told;           /* subjects that an entry ledger.erasure says were */
        struct err *err;
};

static int add_id(struct scan *s, struct ids *ids, struct json_value v, uint64_t index)
{
        size_t want = ids->cap ? 2 * ids->cap : 64;
        struct span text;
        struct id *more;

        if (!json_value_plain(v, &text) || text.n != ENTRY_SUBJECT_LEN ||
            (ids->n && memcmp(ids->at[ids->n - 1].text, text.p, text.n) == 0))
                return 0;
        if (ids->n == IDS_MAX)
                return err_set(s->err, -E2BIG,
                               "vault: more than %d erased values: not held against the entries "
                               "that say who erased them",
                               IDS_MAX);
        if (ids->n == ids->cap) {
                more = realloc(ids->at, want * sizeof *more);
                if (!more)
                        return err_sys(s->err, -ENOMEM, "vault");
                ids->at = more;
                ids->cap = want;
        }
        memcpy(ids->at[ids->n].text, text.p, text.n);
        ids->at[ids->n++].index = index;
        return 0;
}

static int by_text(const void *a, const void *b)
{
        const struct id *x = a, *y = b;

        return memcmp(x->text, y->text, sizeof x->text);
}

/* The first that the vault has erased and no entry tells of; NULL: there is none. */
static const struct id *untold(struct scan *s)
{
        if (s->told.n)
                qsort(s->told.at, s->told.n, sizeof *s->told.at, by_text);
        for (size_t i = 0; i < s->gone.n; i++)
                if (!s->told.n ||
                    !bsearch(&s->gone.at[i], s->told.at, s->told.n, sizeof *s->told.at, by_text))
                        return &s->gone.at[i];
        return NULL;
}

static int check_sealed(struct scan *s)
{
        struct view *v = &s->view;
        struct json_iter it = json_iter_of(v->entry.subj);
        struct json_value id;
        struct span text;
        int status = view_disclose(v, s->vault, s->err);

        if (status < 0)
                return status;
        s->result.entries++;
        s->result.values += v->n_disclosed;
        s->result.erased += v->erased;
        if (view_count_hidden(v) && !v->erased && s->lost++ == 0)
                s->first_lost = v->index;
        while (status == 0 && v->erased && json_next(&it, NULL, &id))
                if (json_value_plain(id, &text) && vault_is_erased(s->vault, text))
                        status = add_id(s, &s->gone, id, v->index);
        return status;
}

static int check_entry(struct scan *s, uint64_t index, struct span bytes)
{
        static const char first_member[] = "{\"_sd\":", erasure[] = "\"ledger.erasure\"";
        bool tells = memmem(bytes.p, bytes.n, erasure, sizeof erasure - 1) != NULL;
        struct view *v = &s->view;
        struct json_value id;
        int status = 0;

        if ((!tells && !span_starts(bytes, span_str(first_member))) ||
            view_open(v, index, bytes, NULL) < 0)
                return 0;
        if (tells && span_eq_str(v->entry.kind, "ledger.erasure") && v->entry.run >= 0 &&
            json_get_path(v->entry.object, "what.subject", &id))
                status = add_id(s, &s->told, id, index);
        return status == 0 && is_sealed(v) ? check_sealed(s) : status;
}

static int check_from(struct scan *s, uint64_t from, struct progress *progress)
{
        struct err scrap = { 0 };
        struct span bytes;
        int status = 0;

        for (uint64_t i = from; i < reader_size(s->reader) && status == 0; i++) {
                progress_set(progress, i, reader_size(s->reader));
                status = reader_entry(s->reader, i, &bytes, &scrap);
                if (status == 0)
                        status = check_entry(s, i, bytes);
                else if (status == -ENODATA || status == -ENOMSG || status == -EBADMSG)
                        status = 0; /* what the public half lacks is told by who judges that */
                else
                        *s->err = scrap;
        }
        return status;
}

/* An erasure's entry is durable before the key is destroyed, and signed a little later. */
static int wait_for_erasure(struct scan *s, struct progress *progress)
{
        const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
        int status = 0;

        for (int i = 0; i < SIGN_TRIES && status == 0 && untold(s); i++) {
                uint64_t size = reader_size(s->reader);

                nanosleep(&pause, NULL);
                status = reader_refresh(s->reader, s->err);
                if (status == 0)
                        status = check_from(s, size, progress);
        }
        return status;
}

static int judge(struct scan *s, uint64_t waiting)
{
        const struct id *id = untold(s);

        if (s->lost)
                return err_set(s->err, -EBADMSG,
                               "vault: values of %" PRIu64 " entries are missing and nobody erased "
                               "them; the first is entry %" PRIu64,
                               s->lost, s->first_lost);
        if (id)
                return err_set(s->err, waiting ? -EAGAIN : -EBADMSG,
                               "vault: the subject %.*s of entry %" PRIu64
                               " is erased, and no entry "
                               "ledger.erasure%s says so",
                               (int)sizeof id->text, id->text, id->index,
                               waiting ? " that is signed yet" : "");
        return 0;
}

int vault_check(const char *dir, struct reader *r, const struct clock *clock, uint64_t waiting,
                struct vault_check *ret, struct err *err)
{
        CLEANUP(secrets_done) struct secrets secrets = { 0 };
        struct scan s = { .reader = r, .result.checked = true, .err = err };
        struct progress progress;
        int status = secrets_open(dir, &secrets, err);

        if (status == -ENOENT) {
                *ret = (struct vault_check){ 0 };
                return 0;
        }
        if (status < 0)
                return status;
        s.vault = secrets.vault;
        view_init(&s.view);
        progress_start(&progress, clock, "reading sealed values");
        status = check_from(&s, r->pruned, &progress);
        if (status == 0)
                status = wait_for_erasure(&s, &progress);
        progress_stop(&progress);
        if (status == 0)
                status = judge(&s, waiting);
        view_done(&s.view);
        free(s.gone.at);
        free(s.told.at);
        if (status == 0)
                *ret = s.result;
        return status;
}
