/* SPDX-License-Identifier: Apache-2.0 */
/* verify_meaning.c - the meaning pass: entries well formed, sequences whole, times plausible.
 *
 * Runs are remembered by SHA-256 of (host, process, run), so that no name can collide or be too
 * long; a source that goes on where the last entry was is not looked up. */
#include "ledger/verify/verify_priv.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "ledger/signing/signer.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        SLOTS = VERIFY_RUNS_MAX * 2, /* a power of two, at most half full */
        PROGRESS_EVERY = 64,
};

struct run {
        uint8_t key[SHA256_LEN];
        uint64_t last; /* 0: slot is free */
};

struct meaning {
        struct verify *v;
        struct run *slot;
        size_t n_runs;
        struct run *current; /* of the last entry; its names are in entry */
        struct entry entry;  /* valid while its bundle is */
        struct verify_times times;
        uint64_t may_be_gone; /* what the ledger's own entries say was pruned */
        struct buf file;
        struct buf reply;
        char path[TILE_PATH_MAX];
        uint64_t index;  /* of the entry at hand */
        uint64_t offset; /* in its bundle */
};

/* ---- sequences ---- */

static bool same_source(const struct entry *a, const struct entry *b)
{
        return a->run == b->run && span_eq(a->host, b->host) && span_eq(a->proc, b->proc);
}

static void run_key(const struct entry *e, uint8_t out[SHA256_LEN])
{
        uint8_t text[2 * SHA256_LEN + 8];

        /* hash of hashes: names of any length, no two sources with the same text */
        sha256(e->host, text);
        sha256(e->proc, text + SHA256_LEN);
        memcpy(text + 2 * SHA256_LEN, &e->run, 8);
        sha256(span_of(text, sizeof text), out);
}

/* Slot of this source, a free one for a new source; NULL when the table is full. */
static struct run *find_run(struct meaning *m, const struct entry *e)
{
        uint8_t key[SHA256_LEN];
        size_t at;
        struct run *r;

        if (m->current && same_source(e, &m->entry))
                return m->current;
        run_key(e, key);
        memcpy(&at, key, sizeof at);
        for (;; at++) {
                r = &m->slot[at % SLOTS];
                if (!r->last)
                        break;
                if (memcmp(r->key, key, sizeof key) == 0)
                        return r;
        }
        if (m->n_runs == VERIFY_RUNS_MAX)
                return NULL;
        m->n_runs++;
        memcpy(r->key, key, sizeof key);
        return r;
}

static void say_sequence(struct meaning *m, enum verify_issue issue, const struct entry *e,
                         uint64_t want, const char *what)
{
        verify_say(m->v, issue, m->path, m->offset, m->index,
                   "%s: entry %llu, byte %llu: %.*s on %.*s, run %lld: sequence %lld %s %llu",
                   m->path, (unsigned long long)m->index, (unsigned long long)m->offset,
                   (int)e->proc.n, (const char *)e->proc.p, (int)e->host.n, (const char *)e->host.p,
                   (long long)e->run, (long long)e->seq, what, (unsigned long long)want);
}

static void sequence(struct meaning *m, const struct entry *e)
{
        struct run *r = find_run(m, e);
        uint64_t seq = (uint64_t)e->seq;

        if (!r) {
                verify_say(m->v, VERIFY_RUNS_FULL, m->path, m->offset, m->index,
                           "%s: entry %llu: more than %d runs, the sequence of this one is not "
                           "followed",
                           m->path, (unsigned long long)m->index, VERIFY_RUNS_MAX);
                m->current = NULL;
                return;
        }
        if (!r->last && seq != 1)
                say_sequence(m, VERIFY_SEQUENCE_START, e, 1, "is its first here, not");
        else if (r->last && seq <= r->last)
                say_sequence(m, VERIFY_SEQUENCE, e, r->last, "repeats, the last was");
        else if (r->last && seq != r->last + 1)
                say_sequence(m, VERIFY_SEQUENCE, e, r->last, "leaves a gap after");
        r->last = MAX_OF(MAX_OF(r->last, seq), (uint64_t)1);
        m->current = r;
}

/* ---- times ---- */

/* A ledger takes any object; but who numbers his entries hardly meant this one to be like that. */
static void say_envelope(struct meaning *m, const char *what)
{
        verify_say(m->v, VERIFY_ENTRY_ENVELOPE, m->path, m->offset, m->index,
                   "%s: entry %llu, byte %llu: %s", m->path, (unsigned long long)m->index,
                   (unsigned long long)m->offset, what);
}

static void time_of(struct meaning *m, const struct entry *e)
{
        int64_t t;

        if (text_to_time(e->time, &t)) {
                if (e->run >= 0)
                        say_envelope(m, "t is not a time");
                return;
        }
        verify_time(m->v, &m->times, e, &(struct verify_place){ m->path, m->index, m->offset }, t);
}

/* ---- entries ---- */

/* A free entry of that name that names no key of this log has changed none. */
static bool is_rotation(const struct entry *e, const char *origin)
{
        struct json_value vkey;
        struct note_vkey key;
        struct span text;

        return e->what.raw.n && json_get(e->what, "vkey", &vkey) && json_value_plain(vkey, &text) &&
               verifier_parse(text, &key, NULL) == 0 && strcmp(key.name, origin) == 0;
}

/* rotation/ has a file for each change of key; the other way round is verify_notes.c's. */
static void key_rotated(struct meaning *m, const struct entry *e)
{
        const struct verify *v = m->v;

        if (!is_rotation(e, v->log_key->name))
                return;
        for (size_t i = 0; i < v->n_rotation; i++)
                if (v->rotation[i].at.size == m->index + 1)
                        return;
        if (v->result->listed)
                verify_say(m->v, VERIFY_FILE_MISSING, "rotation", VERIFY_NOWHERE, m->index,
                           "rotation/%llu: missing, entry %llu changes the key",
                           (unsigned long long)m->index + 1, (unsigned long long)m->index);
}

/* what.<name> as json_put_u64() writes it. */
static bool what_u64(const struct entry *e, const char *name, uint64_t *ret)
{
        struct json_value v;
        struct span text;
        int64_t n;

        if (!e->what.raw.n || e->what.type != JSON_OBJECT || !json_get(e->what, name, &v))
                return false;
        if (json_value_plain(v, &text))
                return text_to_u64(text, ret) == 0;
        if (!json_value_int(v, &n) || n < 0)
                return false;
        *ret = (uint64_t)n;
        return true;
}

/* A reply has bits that no signature covers; the entry that records it covers them all. */
static void stamped(struct meaning *m, const struct entry *e)
{
        char path[64], hex[2 * SHA256_LEN + 1];
        uint8_t digest[SHA256_LEN];
        struct json_value v;
        struct span want;
        uint64_t size;
        int r;

        if (!what_u64(e, "size", &size) || !json_get(e->what, "digest", &v) ||
            !json_value_plain(v, &want) || text_from_hex(want, digest, sizeof digest))
                return; /* kind_check()'s business, when it was recorded; else a free entry */
        snprintf(path, sizeof path, "stamp/%llu.tsr", (unsigned long long)size);
        r = verify_read(m->v, path, &m->reply);
        if (r == -ENOENT)
                verify_say(m->v, VERIFY_FILE_MISSING, path, VERIFY_NOWHERE, m->index,
                           "%s: missing, entry %llu records it", path,
                           (unsigned long long)m->index);
        if (r)
                return;
        sha256(buf_span(&m->reply), digest);
        text_hex(span_of(digest, sizeof digest), hex);
        if (!span_eq_str(want, hex))
                verify_say(m->v, VERIFY_STAMP, path, 0, m->index,
                           "%s: is not the reply that entry %llu records, whose SHA-256 is %.*s",
                           path, (unsigned long long)m->index, (int)want.n, (const char *)want.p);
}

/* A writer that goes on with its run: which one, and how far it is held. */
static bool resumes(const struct entry *e, struct entry *ret_run, uint64_t *ret_last)
{
        struct json_value v, name;
        uint64_t run;

        if (!what_u64(e, "run", &run) || run > INT64_MAX || !what_u64(e, "last_seq", ret_last))
                return false;
        if (!json_get(e->what, "resumed", &v) || v.type != JSON_TRUE ||
            !json_get(e->what, "proc", &name) || !json_value_plain(name, &ret_run->proc))
                return false;
        ret_run->host = e->host;
        ret_run->run = (int64_t)run;
        return *ret_last > 0;
}

/* One that the ledger before had begun is new here, and begins where that one held it: the recorder
 * says so before anything of it comes. */
static void peer(struct meaning *m, const struct entry *e)
{
        struct entry run = { 0 };
        uint64_t last;
        struct run *r;

        if (!m->v->result->previous.there || !span_eq_str(e->proc, "recorder") ||
            !resumes(e, &run, &last))
                return;
        r = find_run(m, &run);
        if (r && !r->last)
                r->last = last;
}

bool verify_is_rotation(const struct entry *e, const char *origin)
{
        return span_eq_str(e->kind, "ledger.key_rotated") && is_rotation(e, origin);
}

static void by_kind(struct meaning *m, const struct entry *e)
{
        uint64_t n;

        if (!span_starts(e->kind, SPAN("ledger.")))
                return;
        if (span_eq_str(e->kind, "ledger.key_rotated"))
                key_rotated(m, e);
        else if (span_eq_str(e->kind, "ledger.stamped"))
                stamped(m, e);
        else if (span_eq_str(e->kind, "ledger.pruned") && what_u64(e, "min_index", &n))
                m->may_be_gone = MAX_OF(m->may_be_gone, n);
        else if (span_eq_str(e->kind, "ledger.succeeded"))
                verify_note_succeeded(m->v, e);
        else if (span_eq_str(e->kind, "ledger.opened") && m->index == 0)
                verify_note_opened(m->v, e);
        else if (span_eq_str(e->kind, "ledger.peer"))
                peer(m, e);
}

static void one_entry(struct meaning *m, struct span s)
{
        struct err err = { 0 };
        struct entry e;
        bool fits;

        m->v->result->next.there = false; /* only the last entry's word counts */
        if (json_check(s, &err) || entry_read(s, &e, &fits, &err)) {
                verify_say(m->v, VERIFY_ENTRY_MALFORMED, m->path, m->offset, m->index,
                           "%s: entry %llu, byte %llu: %s", m->path, (unsigned long long)m->index,
                           (unsigned long long)m->offset, err_text(&err));
                return;
        }
        if (e.kind.n == 0 && e.run < 0) {
                m->v->result->entries_free++;
                return;
        }
        if (!fits && e.run >= 0)
                say_envelope(m, err_text(&err));
        if (e.run >= 0 && e.seq >= 0) {
                sequence(m, &e);
                m->entry = e;
        }
        if (e.time.n)
                time_of(m, &e);
        by_kind(m, &e);
}

static void one_bundle(struct meaning *m, uint64_t n, unsigned width)
{
        struct verify *v = m->v;
        struct bundle_iter it;
        struct span entry;
        int r;

        tile_path((struct tile){ TILE_LEVEL_ENTRIES, n, width }, m->path);
        r = width < TILE_WIDTH ? verify_read_partial(v, m->path, &m->file)
                               : verify_read(v, m->path, &m->file);
        if (r == -ENOENT && width < TILE_WIDTH) {
                tile_path((struct tile){ TILE_LEVEL_ENTRIES, n, TILE_WIDTH }, m->path);
                r = verify_read(v, m->path, &m->file);
        }
        if (r == -ENOENT && (n + 1) * TILE_WIDTH > v->pruned && !(v->o->passes & VERIFY_HASH))
                verify_say(v, VERIFY_FILE_MISSING, m->path, VERIFY_NOWHERE, n * TILE_WIDTH,
                           "%s: missing", m->path);
        if (r)
                return;
        it = bundle_iter_of(buf_span(&m->file));
        for (unsigned i = 0; i < width; i++) {
                m->offset = it.offset;
                m->index = n * TILE_WIDTH + i;
                if (bundle_next(&it, &entry) <= 0)
                        break; /* the hash pass told */
                one_entry(m, entry);
                v->result->entries_meant++;
        }
        m->current = NULL; /* its names lie in the buffer that is read over */
}

/* A recorder's ledger says itself what was pruned; plain logs have nobody who could. */
static void pruned_as_recorded(const struct meaning *m)
{
        struct verify *v = m->v;

        if (v->pruned > m->may_be_gone && v->result->entries_free < v->result->entries_meant)
                verify_say(v, VERIFY_PRUNED_MALFORMED, "pruned", 0, VERIFY_NOWHERE,
                           "pruned: says %llu, the ledger's entries ledger.pruned say %llu",
                           (unsigned long long)v->pruned, (unsigned long long)m->may_be_gone);
}

void verify_meaning(struct verify *v)
{
        struct meaning m = { .v = v,
                             .file = BUF_INIT(VERIFY_BUNDLE_MAX),
                             .reply = BUF_INIT(VERIFY_REPLY_MAX) };
        uint64_t size = v->checkpoint.size, missing = 0, bytes = v->result->bytes;
        uint64_t end = v->end;

        m.times.tolerance = v->o->time_tolerance_ns ? v->o->time_tolerance_ns : 900 * NS_PER_S;
        m.slot = calloc(SLOTS, sizeof *m.slot);
        if (!m.slot) {
                v->failed = err_set(v->err, -ENOMEM, "verify: no memory to follow runs");
                return;
        }
        for (uint64_t n = 0; n * TILE_WIDTH < end && !v->failed; n++) {
                one_bundle(&m, n, (unsigned)MIN_OF(size - n * TILE_WIDTH, (uint64_t)TILE_WIDTH));
                missing += m.file.n == 0 && (n + 1) * TILE_WIDTH > v->pruned;
                if (missing > VERIFY_MISSING_MAX || verify_is_silent(v, n * TILE_WIDTH))
                        break;
                if (v->o->on_progress && n % PROGRESS_EVERY == 0)
                        v->o->on_progress(v->o->ctx, VERIFY_MEANING, n * TILE_WIDTH, size);
        }
        if (v->o->on_progress)
                v->o->on_progress(v->o->ctx, VERIFY_MEANING, size, size);
        if (v->o->passes & VERIFY_HASH)
                v->result->bytes = bytes; /* the same ones again */
        v->result->runs = m.n_runs;
        if (!v->failed)
                pruned_as_recorded(&m);
        free(m.slot);
        buf_done(&m.file);
        buf_done(&m.reply);
}
