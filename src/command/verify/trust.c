/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c - see trust.h. */
#include "command/verify/trust.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "command/progress.h"
#include "command/running/admin.h"
#include "command/verify/trust_chain.h"
#include "loop/presence.h"
#include "sys/io.h"
#include "wire/entry.h"
#include "wire/json.h"
#include "wire/tlogproof.h"

enum { WAIT_MS = 300, WAITS = 10, NOTE_BYTES = 64 * 1024 };

/* ---- the entry ---- */

static const char again[] = "succeeded"; /* its reason: see integrity/trusted/trusted_entry.h */

static void take_text(struct json_value entry, const char *path, char *out, size_t max)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(256 * 1024);
        struct json_value v;

        if (json_get_path(entry, path, &v) && json_value_text(v, &text))
                text_put_safe(&safe, buf_span(&text));
        snprintf(out, max, "%s", buf_cstr(&safe));
}

/* Of this one, which is the last: what stands in it. */
static void take(struct json_value e, struct span root, uint64_t index, struct trust *t)
{
        struct json_value v;
        struct span text;

        memcpy(t->root, root.p, root.n);
        t->root[root.n] = '\0';
        take_text(e, "what.reason", t->reason, sizeof(t->reason));
        take_text(e, "what.comment", t->comment, sizeof(t->comment));
        if (!json_get(e, "t", &v) || !json_value_plain(v, &text) ||
            text_to_time(text, &t->wall_ns) < 0)
                t->wall_ns = 0;
        if (t->entry) {
                buf_clear(t->entry);
                buf_put(t->entry, e.raw);
        }
        t->index = index;
        t->found = true;
}

/* Is it the entry of a baseline, written by the sensor?  One that is told again in the next ledger
 * is as good as the first; but it was not taken then. */
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
        if (!t->found)
                take(e, text, index, t);
        t->taken = !json_get_path(e, "what.reason", &v) || !json_value_plain(v, &text) ||
                   !span_eq_str(text, again);
        return true;
}

/* May it be left at what was found? */
static bool is_enough(const struct trust *t)
{
        return t->taken || (t->found && !t->hear);
}

/* Backwards down to `from`.  0 when none is there. */
static int find_entry(const struct invocation *in, struct trust_chain *c, uint64_t from,
                      struct trust *t, struct err *err)
{
        uint64_t size = reader_size(&c->reader);
        struct progress p;
        struct span bytes;
        int rc = 0;

        progress_start(&p, in->clock, "looking for the baseline's entry");
        for (uint64_t n = size; n > from && rc == 0 && !is_enough(t); n--) {
                progress_set(&p, size - n, 0);
                rc = trust_chain_entry(c, n - 1, &bytes, err);
                if (rc == 0 && !take_entry(bytes, n - 1, t) && t->hear)
                        t->hear(t->hear_ctx, n - 1, bytes);
        }
        progress_stop(&p);
        if (rc == -ENODATA)
                return err_set(err, rc, "the entries that are left have none of a baseline");
        return rc;
}

/* In what came meanwhile, which is later than what was found. */
static int find_later(const struct invocation *in, struct trust_chain *c, uint64_t from,
                      struct trust *t, struct err *err)
{
        const struct trust was = *t;
        int rc;

        t->found = t->taken = false;
        rc = find_entry(in, c, from, t, err);
        if (!t->found)
                *t = was;
        t->taken |= was.taken;
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
static int look(const struct invocation *in, const struct hash *root, struct trust_chain *c,
                struct trust *t, struct err *err)
{
        const struct timespec nap = { .tv_nsec = WAIT_MS * NS_PER_MS };
        uint64_t seen = 0;
        int rc;

        for (unsigned i = 0;; i++) {
                uint64_t size = reader_size(&c->reader);

                rc = i == 0 ? find_entry(in, c, 0, t, err) : find_later(in, c, seen, t, err);
                if (rc < 0 || !root || is_it(t, root) || i == WAITS ||
                    c->depth || /* one that was succeeded gets no more */
                    !trust_has_recorder(in))
                        return rc;
                seen = size;
                nanosleep(&nap, NULL);
                rc = reader_refresh(&c->reader, err);
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
                t->noted = !t->found && t->published && t->size > 0 && !t->before[0];
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

static int prove(struct trust_chain *c, struct trust *t, struct err *err)
{
        CLEANUP(buf_done) struct buf proof = BUF_INIT(TLOG_PROOF_MAX);
        int rc = reader_prove(&c->reader, t->index, SPAN_NONE, &proof, err);

        if (rc < 0)
                return rc;
        t->included = true;
        t->is_signed = c->is_signed;
        t->before_this = c->depth > 0;
        t->size = reader_size(&c->reader);
        return 0;
}

/* One ledger.  What it was found in is proven; what is heard beyond that may end anywhere. */
static int look_in(const struct invocation *in, const struct hash *root, struct trust_chain *c,
                   struct trust *t, struct err *err)
{
        bool had = t->found;
        int rc = look(in, root, c, t, err);

        if (rc == -ENODATA && t->found)
                rc = 0;
        if (rc == 0 && !t->found)
                t->size = reader_size(&c->reader);
        return rc == 0 && t->found && !had ? prove(c, t, err) : rc;
}

/* The ledger, and where it has no such entry those it succeeded, the latest first. */
static int look_everywhere(const struct invocation *in, const struct hash *root, struct trust *t,
                           struct err *err)
{
        CLEANUP(trust_chain_done) struct trust_chain c = { 0 };
        int rc;

        t->published = publish(in);
        rc = trust_chain_open(in, false, &c, err);
        if (rc == 0)
                rc = look_in(in, root, &c, t, err);
        while (rc == 0 && !is_enough(t)) {
                rc = trust_chain_before(&c, err);
                if (rc <= 0)
                        break;
                rc = look_in(in, root, &c, t, err);
        }
        memcpy(t->before, c.before, sizeof(t->before));
        return rc;
}

void trust_check(const struct invocation *in, const struct hash *root, struct trust *ret)
{
        trust_check_hearing(in, root, &(struct trust_hearing){ 0 }, ret);
}

void trust_check_hearing(const struct invocation *in, const struct hash *root,
                         const struct trust_hearing *h, struct trust *ret)
{
        struct err err = { 0 };
        int rc;

        *ret = (struct trust){
                .verdict = VERDICT_UNKNOWN, .hear = h->fn, .hear_ctx = h->ctx, .entry = h->entry
        };
        rc = look_everywhere(in, root, ret, &err);
        if (rc == 0) {
                judge(in, ret, root);
                return;
        }
        ret->verdict = rc == -EBADMSG ? VERDICT_FAIL : VERDICT_UNKNOWN;
        snprintf(ret->why, sizeof(ret->why), "%s", err_text(&err));
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
