/* SPDX-License-Identifier: Apache-2.0 */
/* command_log.c - what an administrator does with the log itself. */
#include "ledger/keys.h"
#include "ledger/upkeep.h"
#include "recorder/command_priv.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- status, publish ---- */

int command_status(struct recorder *r, struct peer *p, struct json_value args,
                   struct json_writer *w, struct err *err)
{
        char hex[2 * HASH_LEN + 1];
        struct hash root;

        ledger_root(r->ledger, &root);
        text_hex(span_of(root.b, HASH_LEN), hex);
        json_member_u64(w, "appended", r->total.appended);
        json_member_u64(w, "backlog", ledger_backlog(r->ledger, r->published));
        json_member_u64(w, "batches", r->total.batches);
        json_member_bool(w, "full", r->full);
        json_member_bool(w, "held", r->held);
        json_member_u64(w, "peers", r->n_peers);
        json_member_u64(w, "published", r->published);
        json_member_u64(w, "refused", r->total.refused);
        json_member_u64(w, "resent", r->total.resent);
        json_member_text(w, "root", hex);
        json_member_u64(w, "size", ledger_size(r->ledger));
        return 0;
}

int command_publish(struct recorder *r, struct peer *p, struct json_value args,
                    struct json_writer *w, struct err *err)
{
        json_member_u64(w, "size", r->published);
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
        CLEANUP(buf_done) struct buf note = BUF_INIT(COMMAND_REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &note);
        json_begin_object(&w);
        json_member_u64(&w, "size", ledger_size(r->ledger) + 1);
        json_end_object(&w);
        return command_write_note(r, "pending/rotate", buf_span(&note), err);
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
        json_member_text(&e.w, "old_keyid", hex);
        json_member_text(&e.w, "reason", reason);
        json_member_text(&e.w, "vkey", buf_cstr(vkey));
        rc = command_commit(r, &e, by, err);
        return rc == 0 ? take_next_key(r, err) : rc;
}

int command_rotate(struct recorder *r, struct peer *p, struct json_value args,
                   struct json_writer *w, struct err *err)
{
        CLEANUP(buf_done) struct buf reason = BUF_INIT(COMMAND_TEXT_MAX), vkey = BUF_INIT(4096);
        int rc;

        rc = command_get_text(args, "reason", &reason, err);
        if (rc == 0)
                rc = rotate(r, p, buf_cstr(&reason), &vkey, err);
        if (rc == 0)
                json_member_text(w, "vkey", buf_cstr(&vkey));
        return rc;
}

bool command_is_rotating(const struct recorder *r)
{
        struct json_value v;
        uint8_t *note;
        int64_t size = -1;
        size_t n;

        if (faccessat(r->private_fd, "keys/log.next", F_OK, 0) < 0 ||
            io_read_file(&io_kernel, r->private_fd, "pending/rotate", COMMAND_REPLY_MAX, &note, &n,
                         NULL) < 0)
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

int command_resume_rotation(struct recorder *r, struct err *err)
{
        CLEANUP(buf_done) struct buf vkey = BUF_INIT(4096);

        if (faccessat(r->private_fd, "keys/log.next", F_OK, 0) < 0)
                return 0;
        return rotate(r, NULL, "begun before a restart", &vkey, err);
}

/* ---- stamp, succeed ---- */

/* The entry must be signed before what it speaks of can be seen: a reader in between would find a
 * stamp that no entry accounts for. */
static int commit_and_publish(struct recorder *r, struct own_entry *e, const struct peer *by,
                              struct err *err)
{
        struct ledger_position at;
        int rc = command_commit(r, e, by, err);

        if (rc < 0)
                return rc;
        ledger_position(r->ledger, &at);
        rc = publisher_run(r->publisher, &at, err);
        if (rc < 0)
                r->publisher = publisher_free(r->publisher);
        else
                r->published = at.size;
        return rc;
}

/* base64 of a member; bounded by the message it came in. */
static int get_bytes(struct json_value args, const char *key, struct buf *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(MSG_MAX);
        uint8_t *p;
        size_t n;
        int rc;

        if ((rc = command_get_text(args, key, &text, err)) < 0)
                return rc;
        p = buf_extend(ret, text.n);
        if (!p || text_from_base64(buf_span(&text), p, text.n, &n) < 0)
                return err_set(err, -EINVAL, "\"%s\" is no base64", key);
        ret->n = n;
        return 0;
}

int command_stamp(struct recorder *r, struct peer *p, struct json_value args, struct json_writer *w,
                  struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(MSG_MAX), reply = BUF_INIT(MSG_MAX);
        struct own_entry e;
        uint64_t size;
        int rc;

        rc = command_get_u64(args, "size", &size, err);
        if (rc == 0)
                rc = get_bytes(args, "note", &note, err);
        if (rc == 0)
                rc = get_bytes(args, "reply", &reply, err);
        if (rc == 0 && size > r->published)
                rc = err_set(err, -EINVAL, "size %llu was not published yet",
                             (unsigned long long)size);
        if (rc < 0)
                return rc;
        rc = command_promise(r, "stamp", args.raw, err);
        if (rc < 0)
                return rc;
        own_begin(r, &e, "ledger.stamped");
        command_copy(&e, args, "authority");
        command_copy(&e, args, "digest");
        command_copy(&e, args, "root");
        json_member_u64(&e.w, "size", size);
        command_copy(&e, args, "time");
        rc = commit_and_publish(r, &e, p, err);
        if (rc == 0)
                rc = stamp_store(r->public_fd, &io_kernel, size, buf_span(&note), buf_span(&reply),
                                 err);
        if (rc == 0)
                json_member_u64(w, "size", size);
        return rc;
}

int command_succeed(struct recorder *r, struct peer *p, struct json_value args,
                    struct json_writer *w, struct err *err)
{
        CLEANUP(buf_done) struct buf next = BUF_INIT(COMMAND_TEXT_MAX);
        struct own_entry e;
        int rc;

        rc = command_get_text(args, "next_origin", &next, err);
        if (rc < 0)
                return rc;
        rc = command_promise(r, "succeed", args.raw, err);
        if (rc < 0)
                return rc;
        own_begin(r, &e, "ledger.succeeded");
        command_copy(&e, args, "next_origin");
        command_copy(&e, args, "next_vkey");
        command_copy(&e, args, "reason");
        rc = commit_and_publish(r, &e, p, err);
        if (rc == 0)
                rc = succession_close(r->private_fd, &io_kernel, buf_cstr(&next), err);
        if (rc < 0)
                return rc;
        json_member_u64(w, "size", r->published);
        r->succeeded = true;
        loop_stop(r->loop, 0);
        return 0;
}
