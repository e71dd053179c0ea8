/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - what an administrator may ask; the verbs are described in command.h.
 *
 * SECURITY: only peers admitted as ROLE_ADMIN get here. */
#include "recorder/command.h"

#include "base/text.h"
#include "ledger/keys.h"
#include "ledger/upkeep.h"
#include "loop/log.h"
#include "recorder/recorder_priv.h"
#include "wire/tile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MAX = 1024, REPLY_MAX = 16 * 1024, RANGES_PER_ENTRY = 2000 };

/* ---- arguments and replies ---- */

static int get_text(struct json_value args, const char *key, struct buf *ret, struct err *err)
{
        struct json_value v;

        if (!json_get(args, key, &v) || !json_value_text(v, ret) || ret->n == 0)
                return err_set(err, -EINVAL, "\"%s\" is missing", key);
        return buf_status(ret) < 0 ? err_set(err, -EINVAL, "\"%s\" is too long", key) : 0;
}

static void reply_error(struct peer *p, int code, const char *text)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &body);
        json_begin_object(&w);
        json_put_key(&w, "error");
        json_put_string(&w, text_is_utf8(span_str(text), NULL) ? span_str(text) : SPAN("failed"));
        json_end_object(&w);
        peer_reply(p, code, buf_span(&body));
}

/* The subject's id, given as such or as a label. */
static int find_subject(struct recorder *r, struct json_value args, char id[ENTRY_SUBJECT_LEN + 1],
                        struct err *err)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(TEXT_MAX);
        CLEANUP(buf_done) struct buf label = BUF_INIT(TEXT_MAX);
        int rc;

        rc = get_text(args, "subject", &name, err);
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

static void put_text(struct json_writer *w, const char *key, const char *v)
{
        json_put_key(w, key);
        json_put_string(w, span_str(v));
}

static void put_u64(struct json_writer *w, const char *key, uint64_t v)
{
        json_put_key(w, key);
        json_put_u64(w, v);
}

/* The entry that makes it so; by may be NULL: we go on with what was asked before a restart. */
static int end_and_commit(struct recorder *r, struct own_entry *e, const struct peer *by,
                          struct err *err)
{
        int rc = own_end_by(r, e, by, err);

        if (rc < 0)
                return rc;
        rc = recorder_commit(r);
        return rc < 0 ? err_set(err, rc, "the ledger takes no entry: %s", strerror(-rc)) : 0;
}

/* ---- status, publish ---- */

static int do_status(struct recorder *r, struct peer *p, struct json_value args,
                     struct json_writer *w, struct err *err)
{
        char hex[2 * HASH_LEN + 1];
        struct hash root;

        ledger_root(r->ledger, &root);
        text_hex(span_of(root.b, HASH_LEN), hex);
        put_u64(w, "appended", r->total.appended);
        put_u64(w, "batches", r->total.batches);
        json_put_key(w, "full");
        json_put_bool(w, r->full);
        put_u64(w, "peers", r->n_peers);
        put_u64(w, "published", r->published);
        put_u64(w, "refused", r->total.refused);
        put_u64(w, "resent", r->total.resent);
        put_text(w, "root", hex);
        put_u64(w, "size", ledger_size(r->ledger));
        return 0;
}

static int do_publish(struct recorder *r, struct peer *p, struct json_value args,
                      struct json_writer *w, struct err *err)
{
        put_u64(w, "size", r->published);
        return 0;
}

/* ---- hold ---- */

static int do_hold(struct recorder *r, struct peer *p, struct json_value args,
                   struct json_writer *w, struct err *err)
{
        CLEANUP(buf_done) struct buf reason = BUF_INIT(TEXT_MAX), state = BUF_INIT(TEXT_MAX);
        char id[ENTRY_SUBJECT_LEN + 1];
        struct own_entry e;
        bool on;
        int rc;

        rc = get_text(args, "reason", &reason, err);
        if (rc == 0)
                rc = get_text(args, "state", &state, err);
        if (rc == 0)
                rc = find_subject(r, args, id, err);
        if (rc < 0)
                return rc;
        on = span_eq_str(buf_span(&state), "set");
        if (!on && !span_eq_str(buf_span(&state), "lifted"))
                return err_set(err, -EINVAL, "\"state\" is \"set\" or \"lifted\"");
        own_begin(r, &e, "ledger.hold");
        put_text(&e.w, "reason", buf_cstr(&reason));
        put_text(&e.w, "state", on ? "set" : "lifted");
        put_text(&e.w, "subject", id);
        rc = end_and_commit(r, &e, p, err);
        if (rc < 0)
                return rc;
        rc = vault_hold(r->vault, span_str(id), on, err);
        if (rc == 0)
                put_text(w, "subject", id);
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
                put_text(&e.w, "basis", basis);
                json_put_key(&e.w, "indices");
                json_begin_array(&e.w);
                for (size_t i = from; i < to; i++) {
                        json_begin_array(&e.w);
                        json_put_u64(&e.w, t->r[i][0]);
                        json_put_u64(&e.w, t->r[i][1]);
                        json_end_array(&e.w);
                }
                json_end_array(&e.w);
                put_u64(&e.w, "part", part + 1);
                put_u64(&e.w, "parts", parts);
                put_text(&e.w, "policy", policy);
                put_u64(&e.w, "rows", t->rows);
                put_text(&e.w, "subject", id);
                rc = end_and_commit(r, &e, by, err);
        }
        return rc;
}

static int forget_note(struct recorder *r, struct err *err)
{
        if (unlinkat(r->private_fd, "pending/erase", 0) < 0 && errno != ENOENT)
                return err_sys(err, -errno, "pending/erase");
        return 0;
}

/* Record, then destroy.  The note in pending/erase has it begun again after a crash. */
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
        return rc == 0 ? forget_note(r, err) : rc;
}

static int write_note(struct recorder *r, const char *path, struct span note, struct err *err)
{
        CLEANUP_FD int dir = -1;
        int rc;

        rc = io_make_dirs(&io_kernel, r->private_fd, "pending", 0700, err);
        if (rc < 0)
                return rc;
        dir = io_kernel.open(NULL, r->private_fd, "pending", O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
                return err_sys(err, dir, "pending");
        return io_replace_file(&io_kernel, r->private_fd, path, dir, 0600, note, err);
}

static int leave_note(struct recorder *r, const char *id, const char *basis, const char *policy,
                      struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &note);
        json_begin_object(&w);
        put_text(&w, "basis", basis);
        put_text(&w, "policy", policy);
        put_text(&w, "subject", id);
        json_end_object(&w);
        return write_note(r, "pending/erase", buf_span(&note), err);
}

static int do_erase(struct recorder *r, struct peer *p, struct json_value args,
                    struct json_writer *w, struct err *err)
{
        CLEANUP(buf_done) struct buf basis = BUF_INIT(TEXT_MAX), policy = BUF_INIT(TEXT_MAX);
        char id[ENTRY_SUBJECT_LEN + 1];
        struct err second = { 0 };
        struct ranges t = { 0 };
        uint64_t size;
        int rc;

        rc = get_text(args, "basis", &basis, err);
        if (rc == 0)
                rc = get_text(args, "policy", &policy, err);
        if (rc == 0)
                rc = find_subject(r, args, id, err);
        if (rc == 0 && vault_is_held(r->vault, span_str(id)))
                rc = err_set(err, -EBUSY, "the subject is under a legal hold");
        if (rc == 0)
                rc = leave_note(r, id, buf_cstr(&basis), buf_cstr(&policy), err);
        size = ledger_size(r->ledger);
        if (rc == 0)
                rc = erase(r, p, id, buf_cstr(&basis), buf_cstr(&policy), &t, err);
        free(t.r);
        /* Who heard that it failed must not have it done by the next start. */
        if (rc < 0 && ledger_size(r->ledger) == size && forget_note(r, &second) < 0)
                err_wrap(err, "%s", err_text(&second));
        if (rc < 0)
                return rc;
        put_u64(w, "entries", t.entries);
        put_u64(w, "rows", t.rows);
        put_text(w, "subject", id);
        return 0;
}

/* ---- rotate ---- */

static int vkey_of(struct recorder *r, const char *file, struct note_vkey *vkey, struct buf *text,
                   struct err *err)
{
        CLEANUP(signer_freep) struct signer *key = NULL;
        int rc = keys_load(r->private_fd, &io_kernel, file, &key, err);

        if (rc < 0)
                return rc;
        signer_vkey(key, vkey);
        if (text)
                note_vkey_put(text, vkey);
        return 0;
}

/* The size of the ledger with the entry, while keys/log.next waits: the checkpoint of just that
 * size must carry both signatures, so after a crash nothing may be appended before it. */
static int note_rotation(struct recorder *r, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &note);
        json_begin_object(&w);
        put_u64(&w, "size", ledger_size(r->ledger) + 1);
        json_end_object(&w);
        return write_note(r, "pending/rotate", buf_span(&note), err);
}

static int take_next_key(struct recorder *r, struct err *err)
{
        struct ledger_position at;
        int rc;

        ledger_position(r->ledger, &at);
        rc = publisher_rotate(r->publisher, &at, err);
        if (rc < 0)
                r->publisher = publisher_free(r->publisher);
        else
                r->published = at.size;
        return rc;
}

static int rotate(struct recorder *r, const struct peer *by, const char *reason, struct buf *vkey,
                  struct err *err)
{
        struct note_vkey old, new;
        char hex[2 * NOTE_KEYID + 1];
        struct own_entry e;
        int rc;

        rc = keys_generate(r->private_fd, &io_kernel, "log.next",
                           span_str(ledger_origin(r->ledger)), err);
        if (rc == -EEXIST) /* left by a crash: the same key again */
                rc = 0;
        if (rc == 0)
                rc = vkey_of(r, "log", &old, NULL, err);
        if (rc == 0)
                rc = vkey_of(r, "log.next", &new, vkey, err);
        if (rc == 0)
                rc = note_rotation(r, err);
        if (rc < 0)
                return rc;
        text_hex(span_of(old.keyid, NOTE_KEYID), hex);
        own_begin(r, &e, "ledger.key_rotated");
        put_text(&e.w, "old_keyid", hex);
        put_text(&e.w, "reason", reason);
        put_text(&e.w, "vkey", buf_cstr(vkey));
        rc = end_and_commit(r, &e, by, err);
        return rc == 0 ? take_next_key(r, err) : rc;
}

static int do_rotate(struct recorder *r, struct peer *p, struct json_value args,
                     struct json_writer *w, struct err *err)
{
        CLEANUP(buf_done) struct buf reason = BUF_INIT(TEXT_MAX), vkey = BUF_INIT(4096);
        int rc;

        rc = get_text(args, "reason", &reason, err);
        if (rc == 0)
                rc = rotate(r, p, buf_cstr(&reason), &vkey, err);
        if (rc == 0)
                put_text(w, "vkey", buf_cstr(&vkey));
        return rc;
}

/* ---- prune, stamp, succeed ---- */

static int get_u64(struct json_value args, const char *key, uint64_t *ret, struct err *err)
{
        struct json_value v;
        int64_t i;

        if (!json_get(args, key, &v) || !json_value_int(v, &i) || i < 0)
                return err_set(err, -EINVAL, "\"%s\": a number is missing", key);
        *ret = (uint64_t)i;
        return 0;
}

/* Members of args, which the caller promises by name, into the entry as they are. */
static void copy_text(struct own_entry *e, struct json_value args, const char *key)
{
        struct json_value v;

        if (json_get(args, key, &v)) {
                json_put_key(&e->w, key);
                json_put_raw(&e->w, v.raw);
        }
}

static int do_prune(struct recorder *r, struct peer *p, struct json_value args,
                    struct json_writer *w, struct err *err)
{
        uint64_t min, old;
        struct own_entry e;
        bool held;
        int rc;

        rc = get_u64(args, "min_index", &min, err);
        if (rc == 0)
                rc = prune_read(r->public_fd, &io_kernel, &old, err);
        if (rc < 0)
                return rc;
        min = MIN_OF(min, publisher_covered(r->publisher)) / TILE_WIDTH * TILE_WIDTH;
        if (min < old)
                return err_set(err, -EINVAL, "entries below %llu are gone already",
                               (unsigned long long)old);
        rc = vault_held_below(r->vault, min, &held, err);
        if (rc == 0 && held)
                rc = err_set(err, -EBUSY,
                             "values of a subject under a legal hold would go with them");
        if (rc < 0)
                return rc;
        own_begin(r, &e, "ledger.pruned");
        put_u64(&e.w, "min_index", min);
        copy_text(&e, args, "policy");
        copy_text(&e, args, "policy_sha256");
        copy_text(&e, args, "until");
        rc = end_and_commit(r, &e, p, err);
        if (rc == 0)
                rc = prune_below(r->public_fd, r->private_fd, &io_kernel, min, err);
        if (rc == 0)
                put_u64(w, "min_index", min);
        return rc;
}

/* base64 of a member; bounded by the message it came in. */
static int get_bytes(struct json_value args, const char *key, struct buf *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(MSG_MAX);
        uint8_t *p;
        size_t n;
        int rc;

        if ((rc = get_text(args, key, &text, err)) < 0)
                return rc;
        p = buf_extend(ret, text.n);
        if (!p || text_from_base64(buf_span(&text), p, text.n, &n) < 0)
                return err_set(err, -EINVAL, "\"%s\" is no base64", key);
        ret->n = n;
        return 0;
}

static int do_stamp(struct recorder *r, struct peer *p, struct json_value args,
                    struct json_writer *w, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(MSG_MAX), reply = BUF_INIT(MSG_MAX);
        struct own_entry e;
        uint64_t size;
        int rc;

        rc = get_u64(args, "size", &size, err);
        if (rc == 0)
                rc = get_bytes(args, "note", &note, err);
        if (rc == 0)
                rc = get_bytes(args, "reply", &reply, err);
        if (rc == 0 && size > r->published)
                rc = err_set(err, -EINVAL, "size %llu was not published yet",
                             (unsigned long long)size);
        if (rc < 0)
                return rc;
        own_begin(r, &e, "ledger.stamped");
        copy_text(&e, args, "authority");
        copy_text(&e, args, "digest");
        copy_text(&e, args, "root");
        put_u64(&e.w, "size", size);
        copy_text(&e, args, "time");
        rc = end_and_commit(r, &e, NULL, err); /* its kind has no place for who brought it */
        if (rc == 0)
                rc = stamp_store(r->public_fd, &io_kernel, size, buf_span(&note), buf_span(&reply),
                                 err);
        if (rc == 0)
                put_u64(w, "size", size);
        return rc;
}

static int do_succeed(struct recorder *r, struct peer *p, struct json_value args,
                      struct json_writer *w, struct err *err)
{
        CLEANUP(buf_done) struct buf next = BUF_INIT(TEXT_MAX);
        struct ledger_position at;
        struct own_entry e;
        int rc;

        rc = get_text(args, "next_origin", &next, err);
        if (rc < 0)
                return rc;
        own_begin(r, &e, "ledger.succeeded");
        copy_text(&e, args, "next_origin");
        copy_text(&e, args, "next_vkey");
        copy_text(&e, args, "reason");
        rc = end_and_commit(r, &e, p, err);
        if (rc < 0)
                return rc;
        ledger_position(r->ledger, &at);
        rc = publisher_run(r->publisher, &at, err);
        if (rc < 0) {
                r->publisher = publisher_free(r->publisher);
                return rc;
        }
        r->published = at.size;
        rc = succession_close(r->private_fd, &io_kernel, buf_cstr(&next), err);
        if (rc < 0)
                return rc;
        put_u64(w, "size", at.size);
        r->succeeded = true;
        loop_stop(r->loop, 0);
        return 0;
}

/* ---- the table ---- */

static const struct verb {
        const char *name;
        bool waits; /* until everything is published and the worker rests */
        int (*run)(struct recorder *r, struct peer *p, struct json_value args,
                   struct json_writer *w, struct err *err);
} verbs[] = {
        { "status", false, do_status }, { "publish", true, do_publish },
        { "hold", true, do_hold },      { "erase", true, do_erase },
        { "rotate", true, do_rotate },  { "prune", true, do_prune },
        { "stamp", true, do_stamp },    { "succeed", true, do_succeed },
};

static void run_verb(struct recorder *r, struct peer *p, const struct verb *v, struct span args)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(REPLY_MAX);
        struct err err = { 0 };
        struct json_writer w;
        int rc;

        json_writer_init(&w, &body);
        json_begin_object(&w);
        rc = v->run(r, p, json_value_of(args), &w, &err);
        if (rc == 0) {
                json_end_object(&w);
                rc = buf_status(&body);
        }
        log_event(rc < 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "recorder.command",
                  log_str("verb", v->name), log_int("pid", p->cred.pid),
                  log_str("result", rc < 0 ? err_text(&err) : "done"));
        if (rc < 0)
                reply_error(p, rc, err_text(&err));
        else
                peer_reply(p, 0, buf_span(&body));
}

static const struct verb *find_verb(struct span name)
{
        for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
                if (span_eq_str(name, verbs[i].name))
                        return &verbs[i];
        return NULL;
}

void command_take(struct peer *p, struct msg_reader *m)
{
        struct span name = msg_get_bytes8(m), args = msg_get_bytes32(m);
        struct recorder *r = p->r;
        struct err err = { 0 };
        const struct verb *v = find_verb(name);

        if (msg_close(m) < 0) {
                peer_close(p, true, "malformed message: %s", err_text(m->err));
                return;
        }
        if (!v) {
                reply_error(p, -ENOTSUP, "the recorder knows no such command");
        } else if (json_check(args, &err) < 0) {
                reply_error(p, -EINVAL, err_text(&err));
        } else if (!v->waits) {
                run_verb(r, p, v, args);
        } else if (r->command.peer) {
                reply_error(p, -EBUSY, "another command is under way");
        } else {
                buf_clear(&r->command.args);
                buf_put(&r->command.args, args);
                snprintf(r->command.verb, sizeof r->command.verb, "%s", v->name);
                r->command.peer = p;
        }
}

void command_step(struct recorder *r)
{
        struct peer *p = r->command.peer;

        if (!p || r->publishing || !r->publisher || r->published != ledger_size(r->ledger) ||
            ledger_staged(r->ledger) != ledger_size(r->ledger))
                return;
        r->command.peer = NULL;
        run_verb(r, p, find_verb(span_str(r->command.verb)), buf_span(&r->command.args));
}

void command_fail(struct recorder *r, int code, const char *text)
{
        struct peer *p = r->command.peer;

        r->command.peer = NULL;
        if (p)
                reply_error(p, code, text);
}

/* ---- after a crash ---- */

static int resume_erase(struct recorder *r, struct span note, struct err *err)
{
        CLEANUP(buf_done) struct buf basis = BUF_INIT(TEXT_MAX), policy = BUF_INIT(TEXT_MAX);
        CLEANUP(buf_done) struct buf subject = BUF_INIT(TEXT_MAX);
        struct ranges t = { 0 };
        struct json_value args;
        int rc;

        rc = json_check(note, err);
        if (rc < 0)
                return rc;
        args = json_value_of(note);
        rc = get_text(args, "basis", &basis, err);
        if (rc == 0)
                rc = get_text(args, "policy", &policy, err);
        if (rc == 0)
                rc = get_text(args, "subject", &subject, err);
        if (rc == 0)
                rc = erase(r, NULL, buf_cstr(&subject), buf_cstr(&basis), buf_cstr(&policy), &t,
                           err);
        free(t.r);
        return rc;
}

bool command_is_rotating(const struct recorder *r)
{
        struct json_value v;
        uint8_t *note;
        int64_t size = -1;
        size_t n;

        if (faccessat(r->private_fd, "keys/log.next", F_OK, 0) < 0 ||
            io_read_file(&io_kernel, r->private_fd, "pending/rotate", REPLY_MAX, &note, &n, NULL) <
                    0)
                return false;
        if (json_check(span_of(note, n), NULL) < 0 ||
            !json_get(json_value_of(span_of(note, n)), "size", &v) || !json_value_int(v, &size))
                size = -1;
        free(note);
        return size > 0 && (uint64_t)size == ledger_size(r->ledger);
}

int command_finish_rotation(struct recorder *r, struct err *err)
{
        return take_next_key(r, err);
}

int command_resume(struct recorder *r, struct err *err)
{
        CLEANUP(buf_done) struct buf vkey = BUF_INIT(4096);
        bool note_read;
        uint8_t *note;
        size_t n;
        int rc;

        rc = io_read_file(&io_kernel, r->private_fd, "pending/erase", REPLY_MAX, &note, &n, err);
        note_read = rc == 0;
        if (note_read) {
                rc = resume_erase(r, span_of(note, n), err);
                free(note);
        }
        /* Gone before the crash, or held since: there is nothing left to do. */
        if (note_read && (rc == -ENOENT || rc == -EBUSY))
                rc = forget_note(r, err);
        if (note_read ? rc < 0 : rc != -ENOENT)
                return err_wrap(err, "pending/erase"), rc;
        if (faccessat(r->private_fd, "keys/log.next", F_OK, 0) == 0) {
                rc = rotate(r, NULL, "begun before a restart", &vkey, err);
                if (rc < 0)
                        return rc;
        }
        return 0;
}
