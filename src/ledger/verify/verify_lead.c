/* SPDX-License-Identifier: Apache-2.0 */
/* verify_lead.c - how far a checkpoint leads that no key given has signed.
 *
 * A directory and an archive end by themselves.  A web server need not: what it says that there is,
 * is read only for as long as somebody known vouches for it.  Either a key given has signed the
 * checkpoint, or it was signed after a change of key, which the entries have to tell soon. */
#include "ledger/verify/verify_priv.h"

#include "ledger/signing/signer.h"

#include <stdio.h>

static bool is_signed(struct verify *v, const struct note_vkey *key)
{
        struct checkpoint c;
        int r = verifier_open_checkpoint(key, buf_span(&v->note), &c, NULL);

        if (r == -ENOMEM)
                v->failed = err_set(v->err, r, "verify: out of memory");
        return r == 0;
}

/* Is there a signature that a later key of this log could have made? */
static bool may_be_of_later_key(const struct verify *v)
{
        struct note_sig sig;
        struct note note;

        if (note_parse(buf_span(&v->note), &note, NULL))
                return false;
        while (note_next_sig(&note.sigs, &sig))
                if (span_eq_str(sig.name, v->log_key->name) &&
                    memcmp(sig.keyid, v->log_key->keyid, NOTE_KEYID) != 0)
                        return true;
        return false;
}

bool verify_lead(struct verify *v)
{
        if (!v->unlisted || is_signed(v, v->log_key) || v->failed)
                return !v->failed;
        if (may_be_of_later_key(v)) {
                v->leading = true;
                v->lead = *v->log_key;
                return true;
        }
        verify_say(v, VERIFY_UNREADABLE, "tile", VERIFY_NOWHERE, VERIFY_NOWHERE,
                   "tile: not read: the key given has not signed the checkpoint, that there are "
                   "%llu entries is nobody's word",
                   (unsigned long long)v->checkpoint.size);
        return false;
}

/* The note of this change: of this root, signed by the key before and the one after. */
static bool holds(struct verify *v, const struct verify_rotation *r)
{
        struct buf file = BUF_INIT(NOTE_MAX);
        struct err err = { 0 };
        struct checkpoint c;
        char path[64];
        bool held;

        snprintf(path, sizeof path, "rotation/%llu", (unsigned long long)r->at.size);
        /* what is wrong with it verify_notes() says */
        held = v->o->source->read(v->o->source, path, &file, &err) == 0 &&
               verifier_open_checkpoint(&r->key, buf_span(&file), &c, &err) == 0 &&
               verifier_open_checkpoint(&v->lead, buf_span(&file), &c, &err) == 0 &&
               c.size == r->at.size && hash_eq(&c.root, &r->at.root);
        if (err.code == -ENOMEM)
                v->failed = err_set(v->err, -ENOMEM, "%s", err_text(&err));
        buf_done(&file);
        return held;
}

void verify_lead_on(struct verify *v, const struct verify_rotation *r)
{
        if (!v->leading || v->failed || !r->has_key || !r->at.has_root || !holds(v, r))
                return;
        v->lead = r->key;
        v->leading = !is_signed(v, &v->lead);
}

bool verify_lead_ends(struct verify *v, uint64_t entries)
{
        if (!v->leading || (entries < VERIFY_LEAD_ENTRIES && v->result->bytes < VERIFY_LEAD_BYTES))
                return false;
        v->astray = true;
        verify_say(
                v, VERIFY_KEY_NOT_FOUND, "checkpoint", VERIFY_NOWHERE, VERIFY_NOWHERE,
                "checkpoint: not signed by the key given, and its first %llu entries do not lead "
                "to a key that has signed it: not read on; give the key that is in force now",
                (unsigned long long)entries);
        return true;
}

bool verify_is_silent(struct verify *v, uint64_t index)
{
        if (v->silent < VERIFY_SILENT_MAX)
                return false;
        verify_say(v, VERIFY_UNREADABLE, "tile/entries", VERIFY_NOWHERE, index,
                   "tile/entries: the last %d files could not be read, stopped at entry %llu",
                   VERIFY_SILENT_MAX, (unsigned long long)index);
        return true;
}
