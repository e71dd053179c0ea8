/* SPDX-License-Identifier: Apache-2.0 */
/* command_log.c - what an administrator does with the log itself. */
#include "ledger/signing/keys.h"
#include "ledger/upkeep/upkeep.h"
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

/* ---- test ---- */

int command_test(struct recorder *r, struct peer *p, struct json_value args, struct json_writer *w,
                 struct err *err)
{
        CLEANUP(buf_done) struct buf test = BUF_INIT(COMMAND_TEXT_MAX);
        uint64_t index = ledger_size(r->ledger); /* nothing is staged: see command_step() */
        struct own_entry e;
        int rc = command_get_text(args, "test", &test, err);

        if (rc < 0)
                return rc;
        own_begin(r, &e, "alert.test");
        json_member_string(&e.w, "test", buf_span(&test));
        rc = command_commit(r, &e, p, err);
        if (rc == 0)
                json_member_u64(w, "index", index);
        return rc;
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
                rc = publisher_await_rotation(r->publisher, err);
        if (rc < 0)
                return rc;
        text_hex(span_of(old.keyid, NOTE_KEYID), hex);
        own_begin(r, &e, "ledger.key_rotated");
        json_member_text(&e.w, "old_keyid", hex);
        json_member_text(&e.w, "reason", reason);
        json_member_text(&e.w, "vkey", buf_cstr(vkey));
        rc = command_commit(r, &e, by, err);
        if (rc < 0)
                return rc;
        rc = publishing_here(r, err);
        if (rc < 0)
                err_wrap(err, "the entry is durable and the change will be finished");
        return rc;
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

/* Publishing has finished what had its entry; a key that no entry names gets one now. */
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
        int rc = command_commit(r, e, by, err);

        return rc < 0 ? rc : publishing_here(r, err);
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
        if (rc == 0) /* whoever checks this ledger finds what it tells of to its end */
                rc = calls_close_all(r, err);
        if (rc < 0)
                return rc;
        own_begin(r, &e, "ledger.succeeded");
        command_copy(&e, args, "next_origin");
        command_copy(&e, args, "next_vkey");
        command_copy(&e, args, "reason");
        rc = commit_and_publish(r, &e, p, err);
        if (rc == 0) /* what writers have not heard the answer of, they send to the next one */
                rc = ledger_leave_runs(r->ledger, err);
        if (rc == 0)
                rc = calls_leave(r, buf_cstr(&next), err);
        if (rc == 0)
                rc = succession_close(r->private_fd, &io_kernel, buf_cstr(&next), err);
        if (rc < 0)
                return rc;
        json_member_u64(w, "size", r->published);
        r->succeeded = true;
        loop_stop(r->loop, 0);
        return 0;
}
