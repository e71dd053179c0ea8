/* SPDX-License-Identifier: Apache-2.0 */
/* command_vault.c - legal holds and erasure. */
#include "recorder/command_priv.h"

#include <stdlib.h>

enum { RANGES_PER_ENTRY = 2000 };

/* The subject's id, given as such or as a label. */
static int subject_of(struct recorder *r, struct json_value args, char id[ENTRY_SUBJECT_LEN + 1],
                      struct err *err)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(COMMAND_TEXT_MAX);
        CLEANUP(buf_done) struct buf label = BUF_INIT(COMMAND_TEXT_MAX);
        int rc;

        rc = command_get_text(args, "subject", &name, err);
        if (rc < 0)
                return rc;
        rc = vault_subject_of(r->vault, buf_span(&name), id, err);
        if (rc != -ENOENT || name.n != ENTRY_SUBJECT_LEN)
                return rc;
        rc = vault_label_of(r->vault, buf_span(&name), &label, err);
        if (rc == 0)
                memcpy(id, buf_cstr(&name), ENTRY_SUBJECT_LEN + 1);
        return rc;
}

/* ---- hold ---- */

int command_hold(struct recorder *r, struct peer *p, struct json_value args, struct json_writer *w,
                 struct err *err)
{
        CLEANUP(buf_done)
        struct buf reason = BUF_INIT(COMMAND_TEXT_MAX), state = BUF_INIT(COMMAND_TEXT_MAX);
        char id[ENTRY_SUBJECT_LEN + 1];
        struct own_entry e;
        bool on;
        int rc;

        rc = command_get_text(args, "reason", &reason, err);
        if (rc == 0)
                rc = command_get_text(args, "state", &state, err);
        if (rc == 0)
                rc = subject_of(r, args, id, err);
        if (rc < 0)
                return rc;
        on = span_eq_str(buf_span(&state), "set");
        if (!on && !span_eq_str(buf_span(&state), "lifted"))
                return err_set(err, -EINVAL, "\"state\" is \"set\" or \"lifted\"");
        rc = command_promise(r, "hold", args.raw, err);
        if (rc < 0)
                return rc;
        own_begin(r, &e, "ledger.hold");
        json_member_text(&e.w, "reason", buf_cstr(&reason));
        json_member_text(&e.w, "state", on ? "set" : "lifted");
        json_member_text(&e.w, "subject", id);
        rc = command_commit(r, &e, p, err);
        if (rc < 0)
                return rc;
        rc = vault_hold(r->vault, span_str(id), on, err);
        if (rc == 0)
                json_member_text(w, "subject", id);
        return rc;
}

/* ---- erase ---- */

/* Entries with rows of a subject, as ranges. */
struct ranges {
        uint64_t (*r)[2];
        size_t n, cap;
        uint64_t rows, entries;
};

static int add_index(void *ctx, uint64_t index, size_t rows)
{
        struct ranges *t = ctx;

        t->rows += rows;
        t->entries++;
        if (t->n && t->r[t->n - 1][1] + 1 == index) {
                t->r[t->n - 1][1] = index;
                return 0;
        }
        if (t->n == t->cap) {
                size_t cap = t->cap ? 2 * t->cap : 64;
                void *more = realloc(t->r, cap * sizeof *t->r);

                if (!more)
                        return -ENOMEM;
                t->r = more;
                t->cap = cap;
        }
        t->r[t->n][0] = t->r[t->n][1] = index;
        t->n++;
        return 0;
}

static int record_erasure(struct recorder *r, const struct peer *by, const char *id,
                          const char *basis, const char *policy, const struct ranges *t,
                          struct err *err)
{
        size_t parts = MAX_OF((t->n + RANGES_PER_ENTRY - 1) / RANGES_PER_ENTRY, (size_t)1);
        int rc = 0;

        for (size_t part = 0; part < parts && rc == 0; part++) {
                size_t from = part * RANGES_PER_ENTRY;
                size_t to = MIN_OF(from + RANGES_PER_ENTRY, t->n);
                struct own_entry e;

                own_begin(r, &e, "ledger.erasure");
                json_member_text(&e.w, "basis", basis);
                json_put_key(&e.w, "indices");
                json_begin_array(&e.w);
                for (size_t i = from; i < to; i++) {
                        json_begin_array(&e.w);
                        json_put_u64(&e.w, t->r[i][0]);
                        json_put_u64(&e.w, t->r[i][1]);
                        json_end_array(&e.w);
                }
                json_end_array(&e.w);
                json_member_u64(&e.w, "part", part + 1);
                json_member_u64(&e.w, "parts", parts);
                json_member_text(&e.w, "policy", policy);
                json_member_u64(&e.w, "rows", t->rows);
                json_member_text(&e.w, "subject", id);
                rc = command_commit(r, &e, by, err);
        }
        return rc;
}

/* Record, then destroy. */
static int erase(struct recorder *r, const struct peer *by, const char *id, const char *basis,
                 const char *policy, struct ranges *t, struct err *err)
{
        int rc;

        if (vault_is_held(r->vault, span_str(id)))
                return err_set(err, -EBUSY, "the subject is under a legal hold");
        rc = vault_indices(r->vault, span_str(id), add_index, t, err);
        if (rc == 0)
                rc = record_erasure(r, by, id, basis, policy, t, err);
        if (rc == 0)
                rc = vault_erase(r->vault, span_str(id), err);
        return rc;
}

/* By its id: the label is gone half way through. */
static int promise_erasure(struct recorder *r, const char *id, const char *basis,
                           const char *policy, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(COMMAND_REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &note);
        json_begin_object(&w);
        json_member_text(&w, "basis", basis);
        json_member_text(&w, "policy", policy);
        json_member_text(&w, "subject", id);
        json_end_object(&w);
        return command_promise(r, "erase", buf_span(&note), err);
}

int command_erase(struct recorder *r, struct peer *p, struct json_value args, struct json_writer *w,
                  struct err *err)
{
        CLEANUP(buf_done)
        struct buf basis = BUF_INIT(COMMAND_TEXT_MAX), policy = BUF_INIT(COMMAND_TEXT_MAX);
        char id[ENTRY_SUBJECT_LEN + 1];
        struct ranges t = { 0 };
        int rc;

        rc = command_get_text(args, "basis", &basis, err);
        if (rc == 0)
                rc = command_get_text(args, "policy", &policy, err);
        if (rc == 0)
                rc = subject_of(r, args, id, err);
        if (rc == 0 && vault_is_held(r->vault, span_str(id)))
                rc = err_set(err, -EBUSY, "the subject is under a legal hold");
        if (rc == 0)
                rc = promise_erasure(r, id, buf_cstr(&basis), buf_cstr(&policy), err);
        if (rc == 0)
                rc = erase(r, p, id, buf_cstr(&basis), buf_cstr(&policy), &t, err);
        free(t.r);
        if (rc < 0)
                return rc;
        json_member_u64(w, "entries", t.entries);
        json_member_u64(w, "rows", t.rows);
        json_member_text(w, "subject", id);
        return 0;
}
