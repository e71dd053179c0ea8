/* SPDX-License-Identifier: Apache-2.0 */
/* command_vault.c - legal holds and erasure. */
#include "recorder/command_priv.h"
#include "recorder/ranges.h"
#include "wire/tile.h"

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

static int add_index(void *ctx, uint64_t index, size_t rows)
{
        return ranges_add(ctx, index, rows);
}

static void put_ranges(struct json_writer *w, const struct ranges *t, size_t from, size_t to)
{
        json_put_key(w, "indices");
        json_begin_array(w);
        for (size_t i = from; i < to; i++) {
                json_begin_array(w);
                json_put_u64(w, t->at[i][0]);
                json_put_u64(w, t->at[i][1]);
                json_end_array(w);
        }
        json_end_array(w);
}

/* All of it in as few commits as it fits. */
static int record_erasure(struct recorder *r, const struct peer *by, const char *id,
                          const char *basis, const char *policy, const struct ranges *t,
                          struct err *err)
{
        size_t parts = MAX_OF((t->n + RANGES_PER_ENTRY - 1) / RANGES_PER_ENTRY, (size_t)1);
        int rc = 0;

        for (size_t part = 0; part < parts && rc == 0; part++) {
                size_t from = part * RANGES_PER_ENTRY;
                struct own_entry e;

                own_begin(r, &e, "ledger.erasure");
                json_member_text(&e.w, "basis", basis);
                put_ranges(&e.w, t, from, MIN_OF(from + RANGES_PER_ENTRY, t->n));
                if (t->others)
                        json_member_u64(&e.w, "others", t->others);
                json_member_u64(&e.w, "part", part + 1);
                json_member_u64(&e.w, "parts", parts);
                json_member_text(&e.w, "policy", policy);
                json_member_u64(&e.w, "rows", t->rows);
                json_member_text(&e.w, "subject", id);
                rc = part + 1 < parts ? own_end_by(r, &e, by, err) : command_commit(r, &e, by, err);
        }
        return rc;
}

struct erasure {
        char id[ENTRY_SUBJECT_LEN + 1];
        uint32_t slot;
        struct buf basis, policy;
        struct ranges found;
};

static int begin_erasure(struct recorder *r, struct act *a, struct json_value args, struct err *err)
{
        struct erasure *e = calloc(1, sizeof *e);
        int rc;

        if (!e)
                return err_sys(err, -ENOMEM, "erasure");
        a->own = e;
        e->basis = BUF_INIT(COMMAND_TEXT_MAX);
        e->policy = BUF_INIT(COMMAND_TEXT_MAX);
        e->found = (struct ranges)RANGES_INIT(RANGES_MAX);
        rc = command_get_text(args, "basis", &e->basis, err);
        if (rc == 0)
                rc = command_get_text(args, "policy", &e->policy, err);
        if (rc == 0)
                rc = subject_of(r, args, e->id, err);
        if (rc == 0)
                rc = vault_slot_of(r->vault, span_str(e->id), &e->slot, err);
        if (rc == 0 && vault_is_held(r->vault, span_str(e->id)))
                rc = err_set(err, -EBUSY, "the subject is under a legal hold");
        a->limit = r->published / TILE_WIDTH;
        return rc;
}

static int look_for_rows(struct recorder *r, struct act *a, uint64_t bundle, struct err *err)
{
        struct erasure *e = a->own;

        return vault_bundle_indices(r->vault, e->slot, bundle, add_index, &e->found, err);
}

/* By its id: the label is gone half way through. */
static int promise_erasure(struct recorder *r, struct erasure *e, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(COMMAND_REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &note);
        json_begin_object(&w);
        json_member_text(&w, "basis", buf_cstr(&e->basis));
        json_member_text(&w, "policy", buf_cstr(&e->policy));
        json_member_text(&w, "subject", e->id);
        json_end_object(&w);
        return command_promise(r, "erase", buf_span(&note), err);
}

/* The few bundles since the last look, the open one with them; record; then destroy the key, before
 * anything else can be sealed under it. */
static int record_and_erase_key(struct recorder *r, struct act *a, const struct peer *by,
                                struct err *err)
{
        struct erasure *e = a->own;
        uint64_t end = r->published / TILE_WIDTH + 1;
        int rc = 0;

        for (uint64_t n = a->next; n < end && rc == 0; n++)
                rc = look_for_rows(r, a, n, err);
        if (rc == 0)
                rc = promise_erasure(r, e, err);
        if (rc == 0)
                rc = record_erasure(r, by, e->id, buf_cstr(&e->basis), buf_cstr(&e->policy),
                                    &e->found, err);
        if (rc == 0)
                rc = vault_erase_key(r->vault, e->slot, err);
        a->next = 0;
        a->limit = end;
        return rc;
}

/* First what waits since a disk without room, or it would bring rows back; then what was put. */
static int sync_rows(struct recorder *r, struct act *a, bool last, struct err *err)
{
        return vault_store_sync(r->vault, err);
}

static int erase_rows(struct recorder *r, struct act *a, uint64_t bundle, struct err *err)
{
        const struct erasure *e = a->own;

        return vault_erase_rows(r->vault, e->slot, bundle, err);
}

static int end_erasure(struct recorder *r, struct act *a, struct json_writer *w, struct err *err)
{
        const struct erasure *e = a->own;
        int rc = vault_erase_end(r->vault, e->slot, err);

        if (rc < 0)
                return rc;
        json_member_u64(w, "entries", e->found.entries);
        json_member_u64(w, "rows", e->found.rows);
        json_member_text(w, "subject", e->id);
        return 0;
}

static void erasure_done(struct act *a)
{
        struct erasure *e = a->own;

        if (!e)
                return;
        buf_done(&e->basis);
        buf_done(&e->policy);
        ranges_done(&e->found);
        free(e);
}

const struct act_ops command_erase_ops = {
        .verb = "erase",
        .alone = true,
        .begin = begin_erasure,
        .look = look_for_rows,
        .follows = true,
        .record = record_and_erase_key,
        .settle = sync_rows,
        .work = erase_rows,
        .end = end_erasure,
        .done = erasure_done,
};
