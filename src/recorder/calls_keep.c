/* SPDX-License-Identifier: Apache-2.0 */
/* calls_keep.c - open calls survive the recorder.
 *
 * What is open follows from the ledger alone: from its beginning on each api.intent opens a call,
 * each api.outcome and api.unknown closes one, and each ledger.refused of a gateway, or of anybody
 * whom the vault had no room for, is one that was refused.  So that a start need not read all of it
 * there is a note, "calls" in the private directory, canonical JSON and a newline:
 *
 *   {"at":N,"open":[["<call>","<id of its intent>",INDEX,RUN],...],"origin":"...",
 *    "refused":[[RUN,SEQUENCE,CODE],...]}
 *
 * what is so of the entries below N; the start goes on from there.  The next ledger begins with
 * such a one: no call is open, and what was refused is refused there as well.  Any older note says
 * the same, only the way is longer, so it is written now and then and a failure is no harm. Without
 * a note the last SCAN_MAX entries are read, and calls that began before them stay without an end;
 * the log says how many entries were not looked at. */
#include "ledger/read/reader.h"
#include "loop/log.h"
#include "recorder/recorder_priv.h"
#include "wire/entry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        NOTE_BYTES_MAX = 24 * 1024 * 1024, /* CALLS_MAX of them, all as long as can be */
        EVERY = 1 << 16,                   /* entries */
        LEAST = 1 << 10,                   /* at the end */
        SCAN_MAX = 1 << 20,
};

static const char note_name[] = "calls";

/* ---- the note, written ---- */

static void put_open(const struct calls *c, struct json_writer *w)
{
        json_put_key(w, "open");
        json_begin_array(w);
        for (const struct calls_run *run = c->runs; run; run = run->next)
                for (const struct call *call = run->oldest; call; call = call->newer) {
                        json_begin_array(w);
                        json_put_string(w, span_str(call->id));
                        json_put_string(w, span_str(call->intent));
                        json_put_u64(w, call->index);
                        json_put_u64(w, run->run);
                        json_end_array(w);
                }
        json_end_array(w);
}

static void put_refused(const struct calls *c, struct json_writer *w)
{
        json_put_key(w, "refused");
        json_begin_array(w);
        for (const struct calls_run *run = c->runs; run; run = run->next)
                for (size_t i = 0; i < run->n_refused; i++) {
                        json_begin_array(w);
                        json_put_u64(w, run->run);
                        json_put_u64(w, run->refused[i].seq);
                        json_put_int(w, run->refused[i].code);
                        json_end_array(w);
                }
        json_end_array(w);
}

static void put_note(const struct recorder *r, uint64_t at, const char *origin, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "at", at);
        put_open(&r->calls, &w);
        json_member_text(&w, "origin", origin);
        put_refused(&r->calls, &w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void keep_run(struct pool_job *job)
{
        struct keep_job *j = (struct keep_job *)job;

        j->result = buf_status(&j->text);
        if (j->result < 0)
                j->result = err_sys(&j->err, j->result, "%s", note_name);
        else
                j->result = io_replace_file(&io_kernel, j->r->private_fd, note_name,
                                            j->r->private_fd, 0600, buf_span(&j->text), &j->err);
}

static void keep_done(struct pool_job *job)
{
        struct keep_job *j = (struct keep_job *)job;

        j->r->keeping = false;
        j->r->keep_not_before = j->at + EVERY;
        if (j->result < 0)
                log_event(LOG_LEVEL_WARNING, "recorder.calls", log_err(&j->err));
        else
                j->r->kept = j->at;
        buf_done(&j->text); /* it may have been large */
}

/* What is staged is not in the ledger yet: when nothing is.  Calls are of what was staged. */
static void prepare(struct recorder *r)
{
        r->keep = (struct keep_job){
                .job = { .run = keep_run, .done = keep_done },
                .r = r,
                .text = BUF_INIT(NOTE_BYTES_MAX),
                .at = ledger_size(r->ledger),
        };
        put_note(r, r->keep.at, ledger_origin(r->ledger), &r->keep.text);
}

void calls_keep(struct recorder *r)
{
        if (!r->calls_known || r->keeping || r->stop_code ||
            ledger_size(r->ledger) < r->keep_not_before || recorder_commit(r) < 0)
                return;
        prepare(r);
        r->keeping = pool_submit(r->pool, &r->keep.job) == 0;
        if (!r->keeping)
                buf_done(&r->keep.text); /* at the next turn */
}

void calls_keep_now(struct recorder *r)
{
        if (!r->calls_known || r->keeping || r->stop_code ||
            ledger_size(r->ledger) < r->kept + LEAST ||
            ledger_staged(r->ledger) != ledger_size(r->ledger))
                return;
        prepare(r);
        keep_run(&r->keep.job);
        keep_done(&r->keep.job);
}

int calls_leave(const struct recorder *r, const char *next_origin, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_BYTES_MAX);

        assert(!calls_any(&r->calls));
        put_note(r, 0, next_origin, &text);
        if (buf_status(&text) < 0)
                return err_sys(err, buf_status(&text), "calls_left");
        return io_replace_file(&io_kernel, r->private_fd, "calls_left", r->private_fd, 0600,
                               buf_span(&text), err);
}

/* ---- the note, read ---- */

static bool get_u64(struct json_value v, uint64_t *ret)
{
        int64_t n;

        if (!json_value_int(v, &n) || n < 0)
                return false;
        *ret = (uint64_t)n;
        return true;
}

static int read_open(struct recorder *r, struct json_value item, int64_t now)
{
        struct json_value part[4];
        struct span id, intent;
        uint64_t index, run;

        if (!json_value_items(item, part, ARRAY_LEN(part)) || !json_value_plain(part[0], &id) ||
            !json_value_plain(part[1], &intent) || !get_u64(part[2], &index) ||
            !get_u64(part[3], &run))
                return -EINVAL;
        return calls_open(&r->calls, run, id, intent, index, now);
}

static int read_refused(struct recorder *r, struct json_value item)
{
        struct json_value part[3];
        uint64_t run, seq;
        int64_t code;

        if (!json_value_items(item, part, ARRAY_LEN(part)) || !get_u64(part[0], &run) ||
            !get_u64(part[1], &seq) || !json_value_int(part[2], &code) || code >= 0 ||
            code <= -4096)
                return -EINVAL;
        return calls_refuse(&r->calls, run, seq, (int)code);
}

/* -EINVAL: it is none that we have written of this ledger; -EBUSY, -ENOMEM: as calls_open(). */
static int read_note(struct recorder *r, struct span text, uint64_t *ret_at)
{
        struct json_value note, v, item;
        int64_t now = clock_mono(r->clock);
        struct json_iter it;
        struct span origin;
        int rc = 0;

        if (text.n == 0 || text.p[--text.n] != '\n' || json_check(text, NULL) < 0)
                return -EINVAL;
        note = json_value_of(text);
        if (!json_get(note, "at", &v) || !get_u64(v, ret_at) || *ret_at > ledger_size(r->ledger) ||
            !json_get(note, "origin", &v) || !json_value_plain(v, &origin) ||
            !span_eq_str(origin, ledger_origin(r->ledger)))
                return -EINVAL;
        if (!json_get(note, "open", &v) || v.type != JSON_ARRAY)
                return -EINVAL;
        for (it = json_iter_of(v); rc == 0 && json_next(&it, NULL, &item);)
                rc = read_open(r, item, now);
        if (rc < 0 || !json_get(note, "refused", &v) || v.type != JSON_ARRAY)
                return rc < 0 ? rc : -EINVAL;
        for (it = json_iter_of(v); rc == 0 && json_next(&it, NULL, &item);)
                rc = read_refused(r, item);
        return rc;
}

/* Where to begin to read: behind the note, or as far back as that goes.  A note for which there is
 * no memory may tell of calls that lie farther back. */
static int begin_at(struct recorder *r, uint64_t *ret, struct err *err)
{
        uint64_t size = ledger_size(r->ledger), at = 0;
        uint8_t *text = NULL;
        size_t n = 0;
        int rc = io_read_file(&io_kernel, r->private_fd, note_name, NOTE_BYTES_MAX, &text, &n, err);

        if (rc == 0) {
                rc = read_note(r, span_of(text, n), &at);
                if (rc < 0)
                        err_set(err, rc, "%s: %s", note_name,
                                rc == -EINVAL ? "it is not of this ledger" : strerror(-rc));
        }
        free(text);
        if (rc == 0) {
                r->kept = *ret = at;
                return 0;
        }
        calls_done(&r->calls);
        if (rc == -ENOMEM)
                return rc;
        if (rc != -ENOENT)
                log_event(LOG_LEVEL_WARNING, "recorder.calls", log_err(err));
        *ret = size > SCAN_MAX ? size - SCAN_MAX : 0;
        return 0;
}

/* ---- the ledger ---- */

static bool names(struct span bytes, const char *kind)
{
        return memmem(bytes.p, bytes.n, kind, strlen(kind));
}

/* An entry that no recorder would have taken says nothing: -EINVAL is none of ours. */
static int take_intent(struct recorder *r, const struct entry *e, struct span call, uint64_t index,
                       int64_t now)
{
        int rc = calls_open(&r->calls, (uint64_t)e->run, call, e->id, index, now);

        return rc == -EINVAL ? 0 : rc;
}

/* -EBUSY: more are open than can be, which the recorder that wrote this did not allow. */
static int take_entry(struct recorder *r, uint64_t index, struct span bytes, int64_t now)
{
        struct json_value v;
        struct span call;
        struct entry e;
        int64_t code;

        if (!names(bytes, "\"k\":\"api.") && !names(bytes, "\"k\":\"ledger.refused\""))
                return 0;
        if (json_check(bytes, NULL) < 0 || entry_parse(bytes, &e, NULL) < 0 || e.run < 0 ||
            e.seq < 0 || !e.what.raw.n)
                return 0; /* not by a recorder */
        if (span_eq_str(e.kind, "ledger.refused"))
                return json_get(e.what, "code", &v) && json_value_int(v, &code) && code < 0 &&
                                       code > -4096 &&
                                       (code == -EBUSY || span_eq_str(e.proc, "gateway"))
                               ? calls_refuse(&r->calls, (uint64_t)e.run, (uint64_t)e.seq,
                                              (int)code)
                               : 0;
        if (!json_get(e.what, "call", &v) || !json_value_plain(v, &call))
                return 0;
        if (span_eq_str(e.kind, "api.intent"))
                return take_intent(r, &e, call, index, now);
        if (span_eq_str(e.kind, "api.outcome") || span_eq_str(e.kind, "api.unknown"))
                calls_close_id(&r->calls, call);
        return 0;
}

static int scan(struct recorder *r, uint64_t at, struct err *err)
{
        CLEANUP(reader_done) struct reader reader = { 0 };
        int64_t now = clock_mono(r->clock);
        char dir[PATH_MAX];
        struct span bytes;
        int rc = io_join(dir, r->o->state, "ledger", err);

        if (rc == 0)
                rc = reader_open(dir, &reader, err);
        if (rc < 0)
                return rc;
        for (at = MAX_OF(at, reader.pruned); at < reader_size(&reader) && rc == 0; at++) {
                rc = reader_entry(&reader, at, &bytes, err);
                if (rc < 0)
                        return rc;
                rc = take_entry(r, at, bytes, now);
        }
        return rc < 0 ? err_set(err, rc, "entry %llu: %s", (unsigned long long)at - 1,
                                strerror(-rc))
                      : 0;
}

void calls_restore(struct recorder *r)
{
        struct err err = { 0 };
        uint64_t at;
        int rc;

        if (r->calls_known || r->calls_why[0] || r->stop_code ||
            r->published < ledger_opened(r->ledger)->size)
                return;
        rc = begin_at(r, &at, &err);
        if (rc == 0)
                rc = scan(r, at, &err);
        if (rc < 0) {
                snprintf(r->calls_why, sizeof r->calls_why, "%s", err_text(&err));
                peer_clean_words(r->calls_why); /* it may have been cut within a character */
                log_event(LOG_LEVEL_ERROR, "recorder.calls", log_err(&err));
                return;
        }
        r->calls_known = true;
        r->keep_not_before = r->kept + EVERY;
        if (r->calls.n || at > r->kept)
                log_event(LOG_LEVEL_INFO, "recorder.calls", log_u64("open", r->calls.n),
                          log_u64("not_looked_at", at > r->kept ? at : 0));
}
