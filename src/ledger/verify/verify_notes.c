/* SPDX-License-Identifier: Apache-2.0 */
/* verify_notes.c - everything signed: the checkpoint, the rotations that lead to its key, stamped
 * and kept checkpoints.
 *
 * The pinned log key is either the log's first one, or one that a rotation introduced.  Rotations
 * after that are followed: each is signed by the key before it and by the one its entry names.
 * Those before it lie under the signed root; their notes must carry the key their entry names. */
#include "ledger/verify/verify_priv.h"

#include "crypto/sha256.h"
#include "crypto/timestamp.h"
#include "ledger/signing/signer.h"

#include <stdio.h>
#include <stdlib.h>

/* One signed note under judgement. */
struct paper {
        struct verify *v;
        const char *path; /* or the name of an earlier checkpoint */
        struct note note;
        struct checkpoint cp;
};

static bool open_paper(struct paper *p, struct span bytes)
{
        struct err err = { 0 };

        if (note_parse(bytes, &p->note, &err) || checkpoint_parse(p->note.text, &p->cp, &err)) {
                verify_say(p->v, VERIFY_CHECKPOINT_MALFORMED, p->path, 0, VERIFY_NOWHERE, "%s: %s",
                           p->path, err_text(&err));
                return false;
        }
        if (strcmp(p->cp.origin, p->v->log_key->name) != 0)
                verify_say(p->v, VERIFY_ORIGIN, p->path, 0, VERIFY_NOWHERE,
                           "%s: origin is %s, the key is of %s", p->path, p->cp.origin,
                           p->v->log_key->name);
        return true;
}

static bool of_key(const struct note_sig *sig, const struct note_vkey *key)
{
        return span_eq_str(sig->name, key->name) && memcmp(sig->keyid, key->keyid, NOTE_KEYID) == 0;
}

/* Where the line of a signature begins. */
static uint64_t line_at(const struct paper *p, const struct note_sig *sig)
{
        return (uint64_t)(sig->name.p - p->note.text.p) - 4; /* em dash and blank */
}

static uint64_t line_of_key(const struct paper *p, const struct note_vkey *key)
{
        struct span rest = p->note.sigs;
        struct note_sig sig;

        while (note_next_sig(&rest, &sig))
                if (of_key(&sig, key))
                        return line_at(p, &sig);
        return p->note.text.n;
}

/* 0: signed.  -ENOENT is only reported when the signature is a must. */
static int check_key(struct paper *p, const struct note_vkey *key, bool must)
{
        struct err err = { 0 };
        int r = verifier_check(key, &p->note, NULL, &err);

        if (r == 0)
                p->v->result->signatures++;
        else if (r == -ENOMEM)
                p->v->failed = err_set(p->v->err, r, "%s", err_text(&err));
        else if (r != -ENOENT)
                verify_say(p->v, VERIFY_SIGNATURE_BAD, p->path, line_of_key(p, key), VERIFY_NOWHERE,
                           "%s: the signature of %s at byte %llu does not hold over bytes 0 to %zu",
                           p->path, key->name, (unsigned long long)line_of_key(p, key),
                           p->note.text.n - 1);
        else if (must)
                verify_say(p->v, VERIFY_SIGNATURE_MISSING, p->path, p->note.text.n, VERIFY_NOWHERE,
                           "%s: no signature of %s (key ID %02x%02x%02x%02x)", p->path, key->name,
                           key->keyid[0], key->keyid[1], key->keyid[2], key->keyid[3]);
        return r;
}

/* A signed size and root against the files: what a log can be caught with.  false also where the
 * root is not known. */
static bool check_place(struct paper *p, const struct verify_point *at)
{
        struct verify *v = p->v;
        struct hash empty;

        if (p->cp.size > v->checkpoint.size) {
                verify_say(v, VERIFY_ROLLBACK, p->path, strlen(p->cp.origin) + 1, VERIFY_NOWHERE,
                           "%s: was signed for %llu entries, the log has %llu: it went back",
                           p->path, (unsigned long long)p->cp.size,
                           (unsigned long long)v->checkpoint.size);
                return false;
        }
        if (p->cp.size > 0 && !at->has_root)
                return false;
        memcpy(empty.b, sha256_empty, HASH_LEN);
        if (hash_eq(&p->cp.root, p->cp.size ? &at->root : &empty))
                return true;
        verify_say(v, VERIFY_FORK, p->path, strlen(p->cp.origin) + 1, VERIFY_NOWHERE,
                   "%s: signed another root for %llu entries than the log has there: two "
                   "histories",
                   p->path, (unsigned long long)p->cp.size);
        return false;
}

/* Its root was wanted, and what it is made of is gone. */
static bool root_is_lost(const struct verify *v, const struct verify_point *at)
{
        return (v->o->passes & VERIFY_HASH) && at->size > 0 && at->size <= v->checkpoint.size &&
               !at->has_root;
}

/* ---- the chain of keys ---- */

/* Key in force after rotation i (counted from 1; 0: before the first); NULL: not known. */
static const struct note_vkey *key_after(const struct verify *v, size_t i, size_t pinned_at)
{
        if (i == pinned_at)
                return v->log_key;
        return i > 0 && v->rotation[i - 1].has_key ? &v->rotation[i - 1].key : NULL;
}

/* After which rotation the pinned key is in force. */
static size_t pinned_place(const struct verify *v)
{
        for (size_t i = v->n_rotation; i > 0; i--)
                if (v->rotation[i - 1].has_key &&
                    memcmp(v->rotation[i - 1].key.keyid, v->log_key->keyid, NOTE_KEYID) == 0 &&
                    v->rotation[i - 1].key.key_n == v->log_key->key_n &&
                    memcmp(v->rotation[i - 1].key.key, v->log_key->key, v->log_key->key_n) == 0)
                        return i;
        return 0;
}

static bool known_key(const struct verify *v, const struct note_sig *sig)
{
        for (size_t i = 0; i < v->o->n_keys; i++)
                if (of_key(sig, &v->o->keys[i]))
                        return true;
        for (size_t i = 0; i < v->n_rotation; i++)
                if (v->rotation[i].has_key && of_key(sig, &v->rotation[i].key))
                        return true;
        return false;
}

static void say_unknown(struct paper *p)
{
        struct span rest = p->note.sigs;
        struct note_sig sig;

        while (note_next_sig(&rest, &sig))
                if (!known_key(p->v, &sig))
                        verify_say(
                                p->v, VERIFY_SIGNATURE_UNKNOWN, p->path, line_at(p, &sig),
                                VERIFY_NOWHERE,
                                "%s: byte %llu: signature of %.*s, a key that is not pinned: not "
                                "judged",
                                p->path, (unsigned long long)line_at(p, &sig), (int)sig.name.n,
                                (const char *)sig.name.p);
}

/* The entry that names the key went with its bundle, and nothing kept it. */
static bool key_is_pruned(const struct verify *v, const struct verify_rotation *r)
{
        return !r->has_key && !r->kept.n && r->at.size <= v->pruned;
}

static bool rotation_has_key(struct verify *v, const struct verify_rotation *r, const char *path,
                             bool matters)
{
        if (r->has_key)
                return true;
        if (key_is_pruned(v, r))
                verify_say(v, matters ? VERIFY_ROTATION_PRUNED : VERIFY_PRUNED, path,
                           VERIFY_NOWHERE, r->at.size - 1,
                           "%s: entry %llu, which names the next key, is pruned and not in "
                           "rotation/pruned: the keys cannot be followed %s it",
                           path, (unsigned long long)r->at.size - 1, matters ? "past" : "before");
        else if (v->result->entries > 0)
                verify_say(v, VERIFY_ROTATION, path, VERIFY_NOWHERE, r->at.size - 1,
                           "%s: entry %llu is no ledger.key_rotated with a usable what.vkey", path,
                           (unsigned long long)r->at.size - 1);
        return false;
}

static void rotation(struct verify *v, size_t i, size_t pinned_at, struct buf *file)
{
        const struct note_vkey *before = key_after(v, i, pinned_at);
        const struct note_vkey *after = key_after(v, i + 1, pinned_at);
        struct verify_rotation *r = &v->rotation[i];
        char path[64];
        struct paper p = { .v = v, .path = path };
        bool held;
        int got;

        snprintf(path, sizeof path, "rotation/%llu", (unsigned long long)r->at.size);
        got = verify_read(v, path, file);
        if (got == -ENOENT)
                verify_say(v, VERIFY_FILE_MISSING, path, VERIFY_NOWHERE, r->at.size - 1,
                           "%s: missing, entry %llu changes the key", path,
                           (unsigned long long)r->at.size - 1);
        if (got || !open_paper(&p, buf_span(file)))
                return;
        if (p.cp.size != r->at.size)
                verify_say(v, VERIFY_ROTATION, path, strlen(p.cp.origin) + 1, VERIFY_NOWHERE,
                           "%s: is a checkpoint of size %llu", path, (unsigned long long)p.cp.size);
        held = p.cp.size == r->at.size && check_place(&p, &r->at);
        held &= rotation_has_key(v, r, path, i >= pinned_at);
        if (before)
                held &= check_key(&p, before, true) == 0;
        if (after)
                held &= check_key(&p, after, true) == 0;
        v->result->rotations += held && (before || after);
        say_unknown(&p);
}

/* ---- the checkpoint ---- */

static void checkpoint(struct verify *v, const struct note_vkey *key)
{
        struct paper p = { .v = v, .path = "checkpoint" };

        if (!open_paper(&p, buf_span(&v->note)))
                return;
        if (v->astray)
                (void)0; /* said already */
        else if (key)
                (void)check_key(&p, key, true);
        else if (key_is_pruned(v, &v->rotation[v->n_rotation - 1]))
                verify_say(v, VERIFY_ROTATION_PRUNED, "checkpoint", VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "checkpoint: the key in force is not known, the entry that names it is "
                           "pruned");
        else
                verify_say(
                        v, VERIFY_SIGNATURE_MISSING, "checkpoint", VERIFY_NOWHERE, VERIFY_NOWHERE,
                        "checkpoint: the key in force is not known, a rotation before it does not "
                        "hold");
        for (size_t i = 0; i < v->o->n_keys; i++)
                if (&v->o->keys[i] != v->log_key)
                        (void)check_key(&p, &v->o->keys[i], true);
        say_unknown(&p);
}

/* ---- stamps and kept checkpoints ---- */

/* Signed by any log key of the chain? */
static bool signed_by_chain(struct paper *p)
{
        struct verify *v = p->v;
        int r = check_key(p, v->log_key, false);

        for (size_t i = 0; r == -ENOENT && i < v->n_rotation; i++)
                if (v->rotation[i].has_key)
                        r = check_key(p, &v->rotation[i].key, false);
        if (r == -ENOENT)
                (void)check_key(p, v->log_key, true);
        return r == 0;
}

static void reply(struct verify *v, const char *path, struct span note, struct buf *file)
{
        struct err err = { 0 };
        int64_t when = 0;
        int r;

        if (verify_read(v, path, file))
                return;
        if (!v->o->authorities.n) {
                verify_say(v, VERIFY_STAMP_NOT_JUDGED, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: not judged, no authority's certificate was given", path);
                return;
        }
        r = timestamp_check(note, SPAN_NONE, buf_span(file), v->o->authorities, &when, &err);
        if (r == 0)
                v->result->stamps_judged++;
        else
                verify_say(v, r == -EBADMSG ? VERIFY_STAMP : VERIFY_UNREADABLE, path,
                           VERIFY_NOWHERE, VERIFY_NOWHERE, "%s: %s", path, err_text(&err));
}

static void stamp(struct verify *v, const struct verify_stamp *s, struct buf *note,
                  struct buf *file)
{
        char path[64], other[64];
        struct paper p = { .v = v, .path = path };

        snprintf(path, sizeof path, "stamp/%llu.note", (unsigned long long)s->at.size);
        snprintf(other, sizeof other, "stamp/%llu.tsr", (unsigned long long)s->at.size);
        if (!s->note)
                verify_say(v, VERIFY_FILE_MISSING, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: missing beside its stamp", path);
        else if (!s->reply) /* the note is stored first; a stamp that counts has an entry */
                verify_say(v, VERIFY_STAMP_NOT_JUDGED, other, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: not beside its note: a crash left that, if no entry records it",
                           other);
        if (!s->note || verify_read(v, path, note) || !open_paper(&p, buf_span(note)))
                return;
        v->result->stamps++;
        if (p.cp.size != s->at.size)
                verify_say(v, VERIFY_STAMP, path, strlen(p.cp.origin) + 1, VERIFY_NOWHERE,
                           "%s: is a checkpoint of size %llu", path, (unsigned long long)p.cp.size);
        else if (root_is_lost(v, &s->at))
                verify_say(v, VERIFY_STAMP_NOT_JUDGED, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: its root cannot be computed any more, hashes are gone", path);
        else
                (void)check_place(&p, &s->at);
        (void)signed_by_chain(&p);
        say_unknown(&p);
        if (s->reply)
                reply(v, other, buf_span(note), file);
}

static void earlier(struct verify *v, size_t i)
{
        struct paper p = { .v = v, .path = v->o->earlier[i].name };

        if (!open_paper(&p, v->o->earlier[i].bytes))
                return;
        if (!signed_by_chain(&p))
                return;
        if (root_is_lost(v, &v->earlier[i]))
                verify_say(v, VERIFY_EARLIER_NOT_JUDGED, p.path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: not judged, the root of the first %llu entries cannot be computed "
                           "any more: whether the ledger goes on from it is not known",
                           p.path, (unsigned long long)p.cp.size);
        else if (check_place(&p, &v->earlier[i]) && strcmp(p.cp.origin, v->log_key->name) == 0)
                v->result->earlier++;
}

void verify_notes(struct verify *v)
{
        size_t pinned_at = pinned_place(v), i;
        struct buf note = BUF_INIT(NOTE_MAX), file = BUF_INIT(VERIFY_REPLY_MAX);
        const struct note_vkey *key;
        struct buf text = BUF_INIT(sizeof v->result->vkey - 1);

        for (i = 0; i < v->n_rotation && !v->failed; i++)
                rotation(v, i, pinned_at, &file);
        key = key_after(v, v->n_rotation, pinned_at);
        checkpoint(v, key);
        for (i = 0; i < v->n_stamp && !v->failed; i++)
                stamp(v, &v->stamp[i], &note, &file);
        for (i = 0; i < v->o->n_earlier && !v->failed; i++)
                earlier(v, i);
        if (key)
                note_vkey_put(&text, key);
        snprintf(v->result->vkey, sizeof v->result->vkey, "%s", buf_cstr(&text));
        buf_done(&text);
        buf_done(&note);
        buf_done(&file);
}
