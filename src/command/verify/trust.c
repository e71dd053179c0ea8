/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c - see trust.h. */
#include "command/verify/trust.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/running/admin.h"
#include "ledger/verify/verify.h"
#include "loop/presence.h"
#include "sys/io.h"
#include "wire/entry.h"
#include "wire/json.h"
#include "wire/note.h"
#include "wire/tlogproof.h"

enum { WAIT_MS = 300, WAITS = 10, NOTE_BYTES = 64 * 1024, LEDGERS_MAX = 1000 };

/* ---- the entry ---- */

static void take_text(struct json_value entry, const char *path, char *out, size_t max)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(256 * 1024);
        struct json_value v;

        if (json_get_path(entry, path, &v) && json_value_text(v, &text))
                text_put_safe(&safe, buf_span(&text));
        snprintf(out, max, "%s", buf_cstr(&safe));
}

/* Is it the entry of a baseline, written by the sensor? */
static bool take_entry(struct span bytes, uint64_t index, struct trust *t)
{
        struct json_value e, v;
        struct entry parsed;
        struct span text;

        if (!memmem(bytes.p, bytes.n, "\"integrity.baseline\"", 20) || /* most are told here */
            json_check(bytes, NULL) < 0 || entry_parse(bytes, &parsed, NULL) < 0 ||
            !span_eq_str(parsed.kind, "integrity.baseline"))
                return false;
        e = json_value_of(bytes);
        if (!json_get_path(e, "src.proc", &v) || !json_value_plain(v, &text) ||
            !span_eq_str(text, "sensor"))
                return false;
        if (!json_get_path(e, "what.root", &v) || !json_value_plain(v, &text) ||
            text.n != 2 * HASH_LEN)
                return false;
        memcpy(t->root, text.p, text.n);
        t->root[text.n] = '\0';
        take_text(e, "what.reason", t->reason, sizeof(t->reason));
        take_text(e, "what.comment", t->comment, sizeof(t->comment));
        if (!json_get(e, "t", &v) || !json_value_plain(v, &text) ||
            text_to_time(text, &t->wall_ns) < 0)
                t->wall_ns = 0;
        t->index = index;
        t->found = true;
        return true;
}

/* The first entry of a ledger: which one does it say was before? */
static void take_first(struct span bytes, struct trust *t)
{
        struct json_value v;
        struct entry parsed;
        struct span text;

        if (json_check(bytes, NULL) == 0 && entry_parse(bytes, &parsed, NULL) == 0 &&
            span_eq_str(parsed.kind, "ledger.opened") &&
            json_get_path(parsed.object, "what.previous_root", &v) && json_value_plain(v, &text) &&
            text.n == 2 * HASH_LEN)
                memcpy(t->before, text.p, text.n);
}

/* Backwards down to `from`.  0 when none is there. */
static int find_entry(const struct invocation *in, struct reader *r, uint64_t from, struct trust *t,
                      struct err *err)
{
        uint64_t size = reader_size(r);
        struct progress p;
        struct span bytes;
        int rc = 0;

        progress_start(&p, in->clock, "looking for the baseline's entry");
        for (uint64_t n = size; n > from && rc == 0; n--) {
                progress_set(&p, size - n, 0);
                rc = reader_entry(r, n - 1, &bytes, err);
                if (rc == 0 && take_entry(bytes, n - 1, t))
                        break;
                if (rc == 0 && n == 1)
                        take_first(bytes, t);
                if (rc == 0 && t->hear)
                        t->hear(t->hear_ctx, n - 1, bytes);
        }
        progress_stop(&p);
        if (rc == -ENODATA)
                return err_set(err, rc, "the entries that are left have none of a baseline");
        return rc;
}

/* ---- its proof ---- */

static int prove(const char *dir, struct reader *r, struct trust *t, struct err *err)
{
        CLEANUP(buf_done) struct buf proof = BUF_INIT(TLOG_PROOF_MAX);
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
        struct verify_proof_options o = { .n_keys = 1 };
        struct verify_proof_result result;
        struct note_vkey vkey;
        int rc = reader_prove(r, t->index, SPAN_NONE, &proof, err);

        if (rc < 0)
                return rc;
        t->included = true;
        rc = ledger_put_vkey(dir, &text, err);
        if (rc == 0)
                rc = note_vkey_parse(buf_span(&text), &vkey, err);
        if (rc == 0)
                rc = reader_entry(r, t->index, &o.entry, err);
        if (rc < 0) /* not ours to read: the signature is not judged */
                return 0;
        o.proof = buf_span(&proof);
        o.keys = &vkey;
        rc = verify_proof(&o, &result, err);
        t->is_signed = rc == 0;
        return rc;
}

/* ---- the judgement ---- */

bool trust_has_recorder(const struct invocation *in)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP_FD int fd = open(in->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool lives = false;

        return fd >= 0 && presence_read(fd, "recorder", &text, &lives, NULL) == 0 && lives;
}

static bool is_hex(const char *hex, const struct hash *root)
{
        char want[2 * HASH_LEN + 1];

        text_hex(span_of(root->b, HASH_LEN), want);
        return strcmp(hex, want) == 0;
}

static bool is_it(const struct trust *t, const struct hash *root)
{
        return t->found && is_hex(t->root, root);
}

/* What is durable may not be published yet, and an older baseline would look like the last one: the
 * recorder is asked for it, where it runs and hears us. */
static bool publish(const struct invocation *in)
{
        CLEANUP(buf_done) struct buf reply = BUF_INIT(64 * 1024);

        return trust_has_recorder(in) &&
               admin_command(in, "publish", SPAN("{}"), &reply, NULL) == 0;
}

/* The last entry; one that is not published yet is waited for. */
static int look(const struct invocation *in, const struct hash *root, struct reader *r,
                struct trust *t, struct err *err)
{
        const struct timespec nap = { .tv_nsec = WAIT_MS * NS_PER_MS };
        uint64_t seen = 0;
        int rc;

        for (unsigned i = 0;; i++) {
                uint64_t size = reader_size(r);

                rc = find_entry(in, r, seen, t, err);
                if (rc < 0 || !root || is_it(t, root) || i == WAITS ||
                    t->size || /* one that was succeeded gets no more */
                    !trust_has_recorder(in))
                        return rc;
                seen = size;
                nanosleep(&nap, NULL);
                rc = reader_refresh(r, err);
                if (rc < 0)
                        return rc;
        }
}

/* Does the sensor still have to tell of it?  Its note proves nothing: whoever can replace a
 * baseline can write a note as well. */
static bool is_noted(const struct invocation *in, const struct hash *root)
{
        char dir[PLACES_PATH_MAX], path[PLACES_PATH_MAX], hex[2 * HASH_LEN + 1];
        uint8_t *p = NULL;
        size_t n = 0;
        bool is;

        text_hex(span_of(root->b, HASH_LEN), hex);
        if (places_join(in->state, "sensor", dir, NULL) < 0 ||
            places_join(dir, "baseline.note", path, NULL) < 0 ||
            io_read_file(&io_kernel, AT_FDCWD, path, NOTE_BYTES, &p, &n, NULL) < 0)
                return false;
        is = memmem(p, n, hex, 2 * HASH_LEN) != NULL;
        free(p);
        return is;
}

static void judge(const struct invocation *in, struct trust *t, const struct hash *root)
{
        if (!root) {
                snprintf(t->why, sizeof(t->why), "there is no baseline");
        } else if (is_it(t, root)) {
                t->verdict = VERDICT_PASS;
        } else if (is_noted(in, root)) {
                snprintf(t->why, sizeof(t->why),
                         "its entry is not in the ledger yet: the sensor tells it when it runs");
        } else if (!t->found && t->before[0]) {
                snprintf(t->why, sizeof(t->why),
                         "the ledger has no entry of a baseline, and one that it succeeded is not "
                         "here to be asked");
        } else if (!t->found) {
                t->none = t->published && t->size > 0;
                snprintf(t->why, sizeof(t->why),
                         "the ledger has no entry of a baseline: nothing proves this one");
        } else {
                t->verdict = VERDICT_FAIL;
                snprintf(t->why, sizeof(t->why),
                         "the baseline was replaced: entry %" PRIu64
                         " of the ledger says that %s is trusted",
                         t->index, t->root);
        }
}

/* One ledger.  -ENOENT: it is not there.  One that the ledger read before did not succeed, as far
 * as that had an entry to say so, is not asked: it is another's, or there is one between. */
static int look_in(const struct invocation *in, const char *dir, const struct hash *root,
                   struct trust *t, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        int rc = reader_open(dir, &r, err);

        if (rc == 0 && t->size && !is_hex(t->before, &r.checkpoint.root))
                return 0;
        t->before[0] = '\0';
        if (rc == 0)
                rc = look(in, root, &r, t, err);
        if (rc < 0)
                return rc;
        t->size = reader_size(&r);
        return t->found ? prove(dir, &r, t, err) : 0;
}

/* The ledger, and where it has no such entry those it succeeded, the latest first. */
static int look_everywhere(const struct invocation *in, const struct hash *root, struct trust *t,
                           struct err *err)
{
        char dir[PLACES_PATH_MAX], old[PLACES_PATH_MAX + 16];
        unsigned n = 1;
        int rc = places_ledger(in, dir, err);

        t->published = publish(in);
        if (rc == 0)
                rc = look_in(in, dir, root, t, err);
        if (rc < 0 || t->found)
                return rc;
        do
                snprintf(old, sizeof(old), "%s.%u", dir, n);
        while (access(old, F_OK) == 0 && n++ < LEDGERS_MAX);
        while (rc == 0 && !t->found && --n > 0) {
                snprintf(old, sizeof(old), "%s.%u", dir, n);
                rc = look_in(in, old, root, t, err);
        }
        return rc;
}

void trust_check(const struct invocation *in, const struct hash *root, struct trust *ret)
{
        trust_check_hearing(in, root, NULL, NULL, ret);
}

void trust_check_hearing(const struct invocation *in, const struct hash *root, trust_entry_fn *hear,
                         void *ctx, struct trust *ret)
{
        struct err err = { 0 };
        int rc;

        *ret = (struct trust){ .verdict = VERDICT_UNKNOWN, .hear = hear, .hear_ctx = ctx };
        rc = look_everywhere(in, root, ret, &err);
        if (rc == 0) {
                judge(in, ret, root);
                return;
        }
        ret->verdict = rc == -EBADMSG ? VERDICT_FAIL : VERDICT_UNKNOWN;
        snprintf(ret->why, sizeof(ret->why), "%s", err_text(&err));
}

/* ---- digests ---- */

static void take_digest(struct span bytes, const char *kind, struct buf *ret)
{
        struct json_value e = json_value_of(bytes), v;
        struct entry parsed;
        struct span text;

        if (!memmem(bytes.p, bytes.n, kind, strlen(kind)) || /* most are told here */
            json_check(bytes, NULL) < 0 || entry_parse(bytes, &parsed, NULL) < 0 ||
            !span_eq_str(parsed.kind, kind))
                return;
        if (!json_get_path(e, "src.proc", &v) || !json_value_plain(v, &text) ||
            !span_eq_str(text, "sensor"))
                return;
        if (json_get_path(e, "what.digest", &v) && json_value_plain(v, &text) &&
            text.n == 2 * HASH_LEN)
                buf_put(ret, text);
}

int trust_digests(const struct invocation *in, const char *kind, struct buf *ret, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        char dir[PLACES_PATH_MAX];
        struct span bytes;
        int rc = places_ledger(in, dir, err);

        if (rc == 0)
                rc = reader_open(dir, &r, err);
        for (uint64_t n = rc == 0 ? reader_size(&r) : 0; n > 0 && rc == 0; n--) {
                rc = reader_entry(&r, n - 1, &bytes, err);
                if (rc == 0)
                        take_digest(bytes, kind, ret);
        }
        if (rc == -ENODATA) /* what was pruned is too old to hold */
                rc = 0;
        return rc < 0 ? rc : buf_status(ret);
}

/* ---- showing ---- */

void trust_put_text(const struct screen *s, const struct trust *t, struct buf *out)
{
        if (t->found) {
                buf_printf(out, "ledger   entry %" PRIu64 " of %" PRIu64 ", ", t->index, t->size);
                screen_put_time(s, out, t->wall_ns);
                buf_printf(out, " (%s", t->reason);
                buf_printf(out, t->comment[0] ? ": %s)\n" : "%s)\n", t->comment);
                buf_put_str(out, "proof    ");
                if (t->is_signed)
                        screen_put(s, out, STYLE_GOOD, "in the tree, the tree signed");
                else
                        screen_put(s, out, STYLE_WARN,
                                   t->included ? "in the tree; the signature was not checked, for "
                                                 "the key may not be read"
                                               : "none");
                buf_put_byte(out, '\n');
        }
        if (t->verdict == VERDICT_PASS)
                return;
        buf_put_str(out, t->verdict == VERDICT_FAIL ? "         " : "ledger   ");
        screen_put(s, out, t->verdict == VERDICT_FAIL ? STYLE_BAD : STYLE_WARN, t->why);
        buf_put_byte(out, '\n');
}

void trust_put_json(const struct trust *t, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        if (t->found && t->comment[0])
                json_member_text(&w, "comment", t->comment);
        if (t->found)
                json_member_u64(&w, "entry", t->index);
        json_member_bool(&w, "included", t->included);
        if (t->found) {
                json_member_text(&w, "reason", t->reason);
                json_member_text(&w, "root", t->root);
        }
        json_member_bool(&w, "signed", t->is_signed);
        if (t->found) {
                json_member_u64(&w, "size", t->size);
                json_member_time(&w, "t", t->wall_ns);
        }
        json_member_text(&w, "verdict",
                         t->verdict == VERDICT_PASS   ? "good"
                         : t->verdict == VERDICT_FAIL ? "replaced"
                                                      : "unknown");
        if (t->why[0])
                command_put_json_text(&w, "why", t->why);
        json_end_object(&w);
}
