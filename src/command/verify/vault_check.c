/* SPDX-License-Identifier: Apache-2.0 */
/* vault_check.c - see vault_check.h. */
#include "command/verify/vault_check.h"

#include <inttypes.h>
#include <time.h>

#include "command/log/view.h"
#include "command/progress.h"
#include "command/verify/erasures.h"

enum { SIGN_TRIES = 30 };

/* Only what a recorder stamped has values in the vault: anybody may append a member _sd. */
static bool is_sealed(const struct view *v)
{
        return v->entry.sd.raw.n && v->entry.subj.raw.n && v->entry.run >= 0;
}

struct scan {
        struct reader *reader;
        struct vault *vault;
        struct view view;
        struct vault_check result;
        uint64_t lost, first_lost; /* entries of which values are missing */
        struct erasures erasures;
        struct err *err;
};

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
        while (status == 0 && v->erased && json_next(&it, NULL, &id)) {
                if (!json_value_plain(id, &text) || erasures_is_gone(&s->erasures, text))
                        continue;
                status = vault_is_erased(s->vault, text, s->err);
                if (status == 1)
                        status = erasures_gone(&s->erasures, text, v->index, s->err);
        }
        return status;
}

static int check_entry(struct scan *s, uint64_t index, struct span bytes)
{
        static const char first_member[] = "{\"_sd\":", erasure[] = "\"ledger.erasure\"";
        bool tells = memmem(bytes.p, bytes.n, erasure, sizeof erasure - 1) != NULL;
        struct view *v = &s->view;
        struct json_value id;
        struct span text;
        int status = 0;

        if ((!tells && !span_starts(bytes, span_str(first_member))) ||
            view_open(v, index, bytes, NULL) < 0)
                return 0;
        if (tells && span_eq_str(v->entry.kind, "ledger.erasure") && v->entry.run >= 0 &&
            json_get_path(v->entry.object, "what.subject", &id) && json_value_plain(id, &text))
                status = erasures_told(&s->erasures, text, s->err);
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

        for (int i = 0; i < SIGN_TRIES && status == 0 && s->erasures.untold; i++) {
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
        char id[ENTRY_SUBJECT_LEN + 1];
        uint64_t index;

        if (s->lost)
                return err_set(s->err, -EBADMSG,
                               "vault: values of %" PRIu64 " entries are missing and nobody erased "
                               "them; the first is entry %" PRIu64,
                               s->lost, s->first_lost);
        if (erasures_untold(&s->erasures, &index, id))
                return err_set(s->err, waiting ? -EAGAIN : -EBADMSG,
                               "vault: the subject %s of entry %" PRIu64 " is erased, and no entry "
                               "ledger.erasure%s says so",
                               id, index, waiting ? " that is signed yet" : "");
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
        erasures_init(&s.erasures, VAULT_SUBJECTS_MAX);
        progress_start(&progress, clock, "reading sealed values");
        status = check_from(&s, r->pruned, &progress);
        if (status == 0)
                status = wait_for_erasure(&s, &progress);
        progress_stop(&progress);
        if (status == 0)
                status = judge(&s, waiting);
        view_done(&s.view);
        erasures_done(&s.erasures);
        if (status == 0)
                *ret = s.result;
        return status;
}
