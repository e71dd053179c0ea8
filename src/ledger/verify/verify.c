/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/verify/verify_priv.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

/* The one log key among the pinned ones. */
static const struct note_vkey *the_log_key(const struct note_vkey *keys, size_t n, struct err *err)
{
        const struct note_vkey *found = NULL;

        for (size_t i = 0; i < n; i++) {
                if (keys[i].alg != NOTE_ED25519)
                        continue;
                if (found) {
                        err_set(err, -EINVAL,
                                "verify: two log keys, %s and %s; give the one to trust",
                                found->name, keys[i].name);
                        return NULL;
                }
                found = &keys[i];
        }
        if (!found)
                err_set(err, -EINVAL, "verify: none of the keys is a log's");
        return found;
}

enum { LOOKS_MAX = 65536 };

/* A file of a log ends the walk, and so do many that are none: a log is hardly anything else. */
static int look_for_log(void *ctx, const char *path)
{
        struct tile t;

        if (tile_parse(span_str(path), &t) == 0)
                return -EEXIST;
        return ++*(unsigned *)ctx == LOOKS_MAX ? -ENOENT : 0;
}

/* Without a checkpoint: a log that has lost it, or no log at all? */
static void no_checkpoint(struct verify *v)
{
        struct source *s = v->o->source;
        struct buf bundle = BUF_INIT(VERIFY_BUNDLE_MAX);
        struct err err = { 0 };
        unsigned seen = 0;
        int r;

        r = s->list(s, look_for_log, &seen, &err);
        if (r == -EOPNOTSUPP && verify_read(v, "tile/entries/000", &bundle) == 0)
                r = -EEXIST;
        buf_done(&bundle);
        if (r == -EEXIST || v->o->is_log || v->o->n_earlier > 0)
                verify_say(v, VERIFY_FILE_MISSING, "checkpoint", VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "checkpoint: missing, %s holds no published log", s->name);
        else
                verify_say(v, VERIFY_NOT_A_LOG, "", VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s is not a ledger: it has neither a checkpoint nor tiles", s->name);
}

/* What the checkpoint claims; its signatures come last, once the keys in force are known. */
static bool read_checkpoint(struct verify *v)
{
        struct err err = { 0 };
        struct note note;
        int r;

        r = verify_read(v, "checkpoint", &v->note);
        if (r == -ENOENT)
                no_checkpoint(v);
        if (r)
                return false;
        if (note_parse(buf_span(&v->note), &note, &err) ||
            checkpoint_parse(note.text, &v->checkpoint, &err)) {
                verify_say(v, VERIFY_CHECKPOINT_MALFORMED, "checkpoint", 0, VERIFY_NOWHERE,
                           "checkpoint: %s", err_text(&err));
                return false;
        }
        if (v->o->on_checkpoint)
                v->o->on_checkpoint(v->o->ctx, buf_span(&v->note));
        memcpy(v->result->origin, v->checkpoint.origin, sizeof v->result->origin);
        v->result->size = v->checkpoint.size;
        v->result->root = v->checkpoint.root;
        return true;
}

static void read_pruned(struct verify *v)
{
        struct buf file = BUF_INIT(64);
        struct span text;
        uint64_t n;
        int r;

        r = verify_read(v, "pruned", &file);
        text = buf_span(&file);
        if (r == 0) {
                if (text.n < 2 || text.p[text.n - 1] != '\n' ||
                    text_to_u64(span_of(text.p, text.n - 1), &n) || n % TILE_WIDTH ||
                    n > v->checkpoint.size)
                        verify_say(
                                v, VERIFY_PRUNED_MALFORMED, "pruned", 0, VERIFY_NOWHERE,
                                "pruned: not a multiple of %d below the log's size, and a newline",
                                TILE_WIDTH);
                else
                        v->pruned = n;
        }
        buf_done(&file);
}

/* Sizes of the auditor's own checkpoints, so that the hash pass notes the roots there. */
static void read_earlier(struct verify *v)
{
        struct checkpoint c;
        struct note n;

        if (v->o->n_earlier == 0)
                return;
        v->earlier = calloc(v->o->n_earlier, sizeof *v->earlier);
        if (!v->earlier) {
                v->failed = err_set(v->err, -ENOMEM, "verify: out of memory");
                return;
        }
        for (size_t i = 0; i < v->o->n_earlier; i++)
                if (note_parse(v->o->earlier[i].bytes, &n, NULL) == 0 &&
                    checkpoint_parse(n.text, &c, NULL) == 0)
                        v->earlier[i].size = c.size;
}

static enum verdict verdict(const struct verify_result *r)
{
        enum verdict v = VERDICT_PASS;

        for (unsigned i = 0; i < VERIFY_ISSUES; i++) {
                if (r->count[i] && verify_severity(i) == VERIFY_DAMAGE)
                        return VERDICT_FAIL;
                if (r->count[i] && verify_severity(i) == VERIFY_UNKNOWN)
                        v = VERDICT_UNKNOWN;
        }
        return v;
}

static void judge(struct verify *v)
{
        unsigned passes = v->o->passes;

        if (!read_checkpoint(v))
                return;
        v->end = v->checkpoint.size;
        read_pruned(v);
        read_earlier(v);
        if (!v->failed)
                verify_files(v);
        if (!v->failed && !verify_lead(v))
                passes = 0;
        if (!v->failed && (passes & VERIFY_HASH))
                verify_hashes(v);
        if (!v->failed)
                verify_notes(v);
        if (!v->failed && (passes & VERIFY_MEANING))
                verify_meaning(v);
        if (!v->failed && v->o->predecessor && (passes & VERIFY_MEANING))
                verify_succession(v);
}

int verify_log(const struct verify_options *o, struct verify_result *ret, struct err *err)
{
        struct verify_options options = *o;
        struct verify_result result = { 0 };
        struct verify v = { .o = &options, .result = &result, .err = err };

        if (!options.passes)
                options.passes = VERIFY_HASH | VERIFY_MEANING;
        v.log_key = the_log_key(o->keys, o->n_keys, err);
        if (!v.log_key)
                return -EINVAL;
        v.note = BUF_INIT(NOTE_MAX);
        v.kept = BUF_INIT(ROTATION_KEPT_FILE_MAX);
        judge(&v);
        result.verdict = verdict(&result);
        buf_done(&v.note);
        buf_done(&v.kept);
        free(v.stale);
        free(v.rotation);
        free(v.stamp);
        free(v.earlier);
        if (v.failed)
                return v.failed;
        *ret = result;
        return 0;
}
