/* SPDX-License-Identifier: Apache-2.0 */
/* own.c - what the recorder writes about itself, the host's clock and its peers. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "ledger/signing/keys.h"
#include "recorder/recorder_priv.h"
#include "wire/entry.h"
#include "wire/kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Differences of times can be more than JSON holds: a clock set back by a year. */
static void put_ns(struct json_writer *w, const char *key, int64_t v)
{
        json_member_int(w, key, MAX_OF(MIN_OF(v, JSON_INT_MAX), -JSON_INT_MAX));
}

void own_begin(struct recorder *r, struct own_entry *e, const char *kind)
{
        buf_clear(&r->skeleton);
        e->kind = kind;
        entry_begin(&e->w, &r->skeleton, kind, clock_wall(r->clock));
}

/* Sensitive fields of an entry of ours; their values go to the vault. */
struct sealing {
        const struct vault_field *field;
        size_t n;
        struct vault_sealed sealed;
        struct span digest[VAULT_FIELDS_MAX], subject[VAULT_FIELDS_MAX];
};

static int seal(struct recorder *r, struct entry_stamp *s, struct sealing *v, struct err *err)
{
        char id[ENTRY_ID_MAX + 1];
        int rc;

        entry_id(s, id);
        vault_limit(r->vault, room_for_subjects(r, ROLE_RECORDER));
        rc = vault_seal(r->vault, span_str(id), v->field, v->n, &v->sealed, &r->rows, err);
        if (rc < 0)
                return rc;
        for (size_t i = 0; i < v->sealed.n_digests; i++)
                v->digest[i] = span_of(v->sealed.digest[i], ENTRY_DIGEST_LEN);
        for (size_t i = 0; i < v->sealed.n_subjects; i++)
                v->subject[i] = span_of(v->sealed.subject[i], ENTRY_SUBJECT_LEN);
        s->digests = v->digest;
        s->n_digests = v->sealed.n_digests;
        s->subjects = v->subject;
        s->n_subjects = v->sealed.n_subjects;
        return 0;
}

/* r->skeleton becomes r->entry, with rows for the vault in r->rows; our own entries keep to the
 * table of kinds like everybody's.  v may be NULL. */
static int compose(struct recorder *r, struct entry_stamp *s, struct sealing *v, struct err *err)
{
        struct span names[VAULT_FIELDS_MAX];
        size_t n = v ? v->n : 0;
        int rc = buf_status(&r->skeleton);

        if (rc < 0)
                return err_sys(err, rc, "entry");
        for (size_t i = 0; i < n; i++)
                names[i] = v->field[i].name;
        rc = kind_check(buf_span(&r->skeleton), role_of(ROLE_RECORDER)->name, names, n, err);
        if (rc < 0)
                return rc;
        buf_clear(&r->rows);
        buf_clear(&r->entry);
        rc = n ? seal(r, s, v, err) : 0;
        return rc < 0 ? rc : entry_compose(buf_span(&r->skeleton), s, &r->entry, err);
}

/* Compose under an identity and stage; the entry's index is nobody's concern. */
static int stage_as(struct recorder *r, enum role_id role, uint64_t run, uint64_t seq,
                    struct sealing *v, struct err *err)
{
        struct entry_stamp s = {
                .host = span_str(r->host),
                .proc = span_str(role_of(role)->name),
                .run = run,
                .seq = seq,
                .wall_ns = clock_wall(r->clock),
        };
        uint64_t index;
        int rc;

        rc = compose(r, &s, v, err);
        if (rc < 0)
                return rc;
        return recorder_stage(r, buf_span(&r->entry), buf_span(&r->rows),
                              recorder_wal_run(run, role), seq, &index, err);
}

static int end_entry(struct recorder *r, struct own_entry *e, const struct sock_cred *by,
                     struct sealing *v, struct err *err)
{
        int rc;

        json_end_object(&e->w); /* what */
        if (by) {
                json_put_key(&e->w, "who");
                json_begin_object(&e->w);
                json_member_int(&e->w, "pid", by->pid);
                json_member_int(&e->w, "uid", by->uid);
                json_end_object(&e->w);
        }
        json_end_object(&e->w);
        rc = stage_as(r, ROLE_RECORDER, r->run, r->seq + 1, v, err);
        if (rc == 0)
                r->seq++;
        return rc;
}

static int end_of(struct recorder *r, struct own_entry *e, const struct sock_cred *by)
{
        struct err err = { 0 };
        int rc = end_entry(r, e, by, NULL, &err);

        if (rc < 0 && rc != -ENOSPC)
                recorder_stop(r, rc, e->kind, &err);
        return rc;
}

int own_end(struct recorder *r, struct own_entry *e)
{
        return end_of(r, e, NULL);
}

static int end_by(struct recorder *r, struct own_entry *e, const struct peer *by, struct sealing *v,
                  struct err *err)
{
        int rc = end_entry(r, e, by ? &by->cred : NULL, v, err);

        if (rc == -ENOSPC)
                return err_set(err, rc, "the ledger takes no entry: %s", strerror(-rc));
        /* -EBUSY: a new subject beyond the last one that the vault may know. */
        if (rc < 0 && rc != -EINVAL && rc != -E2BIG && rc != -EBUSY)
                recorder_stop(r, rc, e->kind, err);
        return rc;
}

int own_end_by(struct recorder *r, struct own_entry *e, const struct peer *by, struct err *err)
{
        return end_by(r, e, by, NULL, err);
}

int own_end_sealed(struct recorder *r, struct own_entry *e, const struct peer *by,
                   const struct vault_field *fields, size_t n, struct err *err)
{
        struct sealing v = { .field = fields, .n = n };

        return end_by(r, e, by, &v, err);
}

/* For entries without which life goes on: a full disk is recorded by itself. */
static void end_lightly(struct recorder *r, struct own_entry *e)
{
        int rc = own_end(r, e);

        (void)rc;
}

static void put_vkey(struct recorder *r, struct own_entry *e)
{
        CLEANUP(signer_freep) struct signer *key = NULL;
        CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
        struct note_vkey vkey;

        if (keys_load(r->private_fd, &io_kernel, "log", &key, NULL) < 0)
                return; /* opening has just used it; the entry is then refused for want of it */
        signer_vkey(key, &vkey);
        note_vkey_put(&text, &vkey);
        json_member_text(&e->w, "vkey", buf_cstr(&text));
}

/* A new ledger's first entry cites the last checkpoint of the one before: members of the object
 * that succession left in "previous". */
static void put_previous(struct recorder *r, struct own_entry *e)
{
        static const char *const keys[] = { "previous_origin", "previous_root", "previous_size",
                                            "previous_vkey" };
        struct json_value v;
        uint8_t *bytes;
        size_t n;

        if (ledger_size(r->ledger) > 0 ||
            io_read_file(&io_kernel, r->private_fd, "previous", ENTRY_MAX, &bytes, &n, NULL) < 0)
                return;
        for (size_t i = 0; i < ARRAY_LEN(keys) && json_check(span_of(bytes, n), NULL) == 0; i++)
                if (json_get(json_value_of(span_of(bytes, n)), keys[i], &v))
                        json_member_raw(&e->w, keys[i], v.raw);
        free(bytes);
}

void own_opened(struct recorder *r)
{
        const struct ledger_opened *o = ledger_opened(r->ledger);
        struct own_entry e;

        if (o->torn_bytes) {
                own_begin(r, &e, "ledger.recovered");
                json_member_u64(&e.w, "segment", o->segment);
                json_member_u64(&e.w, "size", ledger_staged(r->ledger));
                json_member_u64(&e.w, "torn_at", o->torn_at);
                json_member_u64(&e.w, "torn_bytes", o->torn_bytes);
                end_lightly(r, &e);
        }
        own_begin(r, &e, "ledger.opened");
        json_member_text(&e.w, "origin", ledger_origin(r->ledger));
        json_member_int(&e.w, "pid", getpid());
        put_previous(r, &e);
        json_member_u64(&e.w, "size", ledger_staged(r->ledger));
        json_member_text(&e.w, "version", ASSAY_VERSION);
        put_vkey(r, &e);
        end_lightly(r, &e);
}

void own_peer(struct recorder *r, const struct peer *p, const char *event, bool resumed)
{
        int64_t away = strcmp(event, "connected") == 0 ? signs_away_ns(r, p->role) : -1;
        char reason[ERR_TEXT_MAX];
        struct own_entry e;

        own_begin(r, &e, "ledger.peer");
        if (away >= 0)
                put_ns(&e.w, "away_ns", away);
        json_member_text(&e.w, "event", event);
        if (p->run)
                json_member_u64(&e.w, "last_seq", p->last);
        json_member_int(&e.w, "pid", p->cred.pid);
        if (p->run)
                json_member_text(&e.w, "proc", role_of(p->role)->name);
        peer_hide_words(p->why, reason);
        if (reason[0])
                json_member_text(&e.w, "reason", reason);
        if (resumed)
                json_member_bool(&e.w, "resumed", true);
        if (p->run)
                json_member_u64(&e.w, "run", p->run);
        json_member_int(&e.w, "uid", p->cred.uid);
        end_lightly(r, &e);
}

int own_unknown(struct recorder *r, const struct call *call, const char *reason)
{
        struct own_entry e;

        own_begin(r, &e, "api.unknown");
        json_member_text(&e.w, "call", call->id);
        json_member_u64(&e.w, "index", call->index);
        json_member_text(&e.w, "intent", call->intent);
        json_member_text(&e.w, "reason", reason);
        json_member_u64(&e.w, "run", call->run->run);
        return own_end(r, &e);
}

int own_turned_away(struct recorder *r)
{
        char reason[96];
        struct own_entry e;

        snprintf(reason, sizeof reason, "%llu connections were turned away or said nothing",
                 (unsigned long long)r->turned_away);
        own_begin(r, &e, "ledger.peer");
        json_member_text(&e.w, "event", "violation");
        json_member_text(&e.w, "reason", reason);
        json_member_int(&e.w, "uid", r->turned_away_uid);
        return own_end(r, &e);
}

int own_silent(struct recorder *r, enum role_id role, const struct absence *a, const char *severity)
{
        struct sock_cred asked = { .pid = a->farewell.pid, .uid = a->farewell.uid };
        struct own_entry e;

        own_begin(r, &e, "alert.silent");
        json_member_text(&e.w, "cause", a->cause);
        if (a->ended > 1)
                json_member_u64(&e.w, "count", a->ended);
        json_member_text(&e.w, "id", a->id);
        if (a->pid)
                json_member_int(&e.w, "pid", a->pid);
        json_member_text(&e.w, "proc", role_of(role)->name);
        if (a->run)
                json_member_u64(&e.w, "run", a->run);
        json_member_text(&e.w, "severity", severity);
        json_member_time(&e.w, "since", a->since_wall_ns);
        return end_of(r, &e, a->farewell.pid ? &asked : NULL);
}

void own_heard(struct recorder *r, enum role_id role, const struct absence *a, const struct peer *p)
{
        struct own_entry e;

        own_begin(r, &e, "alert.heard");
        json_member_text(&e.w, "id", a->id);
        json_member_int(&e.w, "pid", p->cred.pid);
        json_member_text(&e.w, "proc", role_of(role)->name);
        json_member_u64(&e.w, "run", p->run);
        put_ns(&e.w, "silent_ns", clock_mono(r->clock) - a->since_ns);
        json_member_time(&e.w, "since", a->since_wall_ns);
        end_lightly(r, &e);
}

/* In the peer's place: its run and sequence, our words. */
int own_refused(struct recorder *r, struct span refused, const struct peer *p, uint64_t seq,
                int code, const char *reason)
{
        uint8_t digest[SHA256_LEN];
        char hex[2 * SHA256_LEN + 1], shown[ERR_TEXT_MAX];
        struct err err = { 0 };
        struct own_entry e;
        int rc;

        peer_hide_words(reason, shown);
        sha256(refused, digest);
        text_hex(span_of(digest, sizeof digest), hex);
        own_begin(r, &e, "ledger.refused");
        json_member_u64(&e.w, "bytes", refused.n);
        json_member_int(&e.w, "code", code);
        json_member_text(&e.w, "digest", hex);
        json_member_text(&e.w, "proc", role_of(p->role)->name);
        json_member_text(&e.w, "reason", shown);
        json_member_u64(&e.w, "run", p->run);
        json_member_u64(&e.w, "seq", seq);
        json_end_object(&e.w);
        json_end_object(&e.w);
        rc = stage_as(r, p->role, p->run, seq, NULL, &err);
        if (rc < 0 && rc != -ENOSPC && rc != -ENOBUFS)
                recorder_stop(r, rc, "ledger.refused", &err);
        return rc;
}

uint64_t own_disk_free(const struct recorder *r)
{
        struct statvfs s;

        return fstatvfs(r->private_fd, &s) == 0 ? (uint64_t)s.f_bavail * s.f_frsize : 0;
}

/* The one entry that may use the reserve. */
void own_full(struct recorder *r)
{
        struct entry_stamp s = {
                .host = span_str(r->host),
                .proc = span_str(role_of(ROLE_RECORDER)->name),
                .run = r->run,
                .seq = r->seq + 1,
                .wall_ns = clock_wall(r->clock),
        };
        struct err err = { 0 };
        struct own_entry e;
        int rc;

        own_begin(r, &e, "ledger.full");
        json_member_u64(&e.w, "free", own_disk_free(r));
        json_member_u64(&e.w, "size", ledger_staged(r->ledger));
        json_end_object(&e.w);
        json_end_object(&e.w);
        rc = compose(r, &s, NULL, &err);
        if (rc == 0)
                rc = recorder_stage_reserved(r, buf_span(&r->entry), r->seq + 1, &err);
        if (rc == 0)
                r->seq++;
        else if (rc != -ENOSPC) /* the reserve went before a restart, which said so then */
                recorder_stop(r, rc, "ledger.full", &err);
}

void own_resumed(struct recorder *r)
{
        struct own_entry e;

        own_begin(r, &e, "ledger.resumed");
        json_member_u64(&e.w, "free", own_disk_free(r));
        put_ns(&e.w, "full_ns", clock_mono(r->clock) - r->full_since_ns);
        json_member_u64(&e.w, "refused", r->full_refused);
        json_member_u64(&e.w, "size", ledger_staged(r->ledger));
        end_lightly(r, &e);
}

/* Second number of /proc/self/statm, which was opened before the sandbox hid it.  getrusage() would
 * tell the peak, and that of whoever started us if it was higher. */
static uint64_t resident_bytes(const struct recorder *r)
{
        struct span second;
        uint64_t pages;
        char text[128];
        ssize_t n = r->statm_fd < 0 ? -1 : pread(r->statm_fd, text, sizeof text, 0);
        const char *from = n > 0 ? memchr(text, ' ', (size_t)n) : NULL, *to;

        if (!from)
                return 0;
        from++;
        to = memchr(from, ' ', (size_t)(text + n - from));
        second = span_of(from, to ? (size_t)(to - from) : 0);
        return text_to_u64(second, &pages) == 0 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void put_peers(struct recorder *r, struct own_entry *e)
{
        json_put_key(&e->w, "peers");
        json_begin_array(&e->w);
        for (const struct peer *p = r->peers; p; p = p->next) {
                if (p->state != PEER_OPEN)
                        continue;
                json_begin_array(&e->w);
                json_put_string(&e->w, span_str(role_of(p->role)->name));
                json_put_u64(&e->w, p->run);
                json_put_u64(&e->w, p->last);
                json_end_array(&e->w);
        }
        json_end_array(&e->w);
}

void own_heartbeat(struct recorder *r)
{
        int64_t now = clock_mono(r->clock);
        struct own_entry e;

        own_begin(r, &e, "host.heartbeat");
        json_member_u64(&e.w, "appended", r->total.appended - r->beat.appended);
        json_member_u64(&e.w, "batches", r->total.batches - r->beat.batches);
        json_member_u64(&e.w, "bytes", r->total.bytes - r->beat.bytes);
        json_member_u64(&e.w, "disk_free", own_disk_free(r));
        put_ns(&e.w, "interval_ns", now - r->beat_ns);
        json_member_u64(&e.w, "memory", resident_bytes(r));
        put_peers(r, &e);
        json_member_u64(&e.w, "published", r->published);
        json_member_u64(&e.w, "refused", r->total.refused - r->beat.refused);
        json_member_u64(&e.w, "resent", r->total.resent - r->beat.resent);
        json_member_u64(&e.w, "size", ledger_staged(r->ledger));
        put_ns(&e.w, "uptime_ns", now - r->started_ns);
        if (own_end(r, &e) < 0)
                return; /* the next one has these, too */
        r->beat = r->total;
        r->beat_ns = now;
}

int own_clock(struct recorder *r, int64_t jump_ns, int64_t now_ns)
{
        struct own_entry e;

        own_begin(r, &e, "host.clock");
        json_member_time(&e.w, "after", now_ns);
        json_member_time(&e.w, "before", now_ns - jump_ns);
        put_ns(&e.w, "jump_ns", jump_ns);
        return own_end(r, &e);
}

void own_stopped(struct recorder *r, const char *reason)
{
        struct own_entry e;

        own_begin(r, &e, "ledger.stopped");
        json_member_text(&e.w, "reason", reason);
        json_member_u64(&e.w, "size", ledger_staged(r->ledger));
        end_lightly(r, &e);
}
