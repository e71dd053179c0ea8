/* SPDX-License-Identifier: Apache-2.0 */
/* assay_baseline_show.c - assay baseline show: what is trusted, since when, and on what proof. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "bin/assay_baseline.h"
#include "bin/assay_files.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/verify/trust.h"
#include "integrity/trusted/baseline.h"
#include "integrity/trusted/content.h"
#include "sys/io.h"
#include "wire/json.h"

struct show_options {
        bool diff, earlier;
};

static const struct option_spec show_specs[] = {
        { "diff", 0, OPTION_FLAG, offsetof(struct show_options, diff), NULL,
          "what is different now" },
        { "earlier", 0, OPTION_FLAG, offsetof(struct show_options, earlier), NULL,
          "the baselines before it that are still here" },
        { 0 },
};

/* What one walk over the records tells. */
struct shown {
        struct baseline_name all[BASELINE_EARLIER + 1];
        size_t n_all;
        struct watchset watch;
        struct baseline_sums sums;
        uint64_t of_profile[WATCH_PROFILES_MAX];
        struct trust trust;
        int dirfd;
};

static size_t profile_of(const struct watchset *w, struct span path)
{
        const struct watch_rule *r = watchset_rule(w, path);

        return r ? r->profile : WATCH_PROFILES_MAX;
}

static int count_records(struct shown *s, struct err *err)
{
        CLEANUP(snapshot_closep) struct snapshot_reader *r = NULL;
        struct span path, record;
        struct record rec;
        int rc = snapshot_open(&io_kernel, s->dirfd, "baseline", NULL, &r, err);

        if (rc < 0)
                return rc;
        while ((rc = snapshot_next(r, &path, &record, err)) > 0) {
                size_t i = profile_of(&s->watch, path);

                if (record_decode(record, &rec, err) < 0)
                        return -EBADMSG;
                baseline_count(&s->sums, &rec);
                if (i < WATCH_PROFILES_MAX)
                        s->of_profile[i]++;
        }
        return rc;
}

/* How much content is kept: by counting, without opening the store for writing. */
static void count_content(int dirfd, uint64_t *ret_files, uint64_t *ret_bytes)
{
        struct content_counts c = { 0 };

        if (content_count(dirfd, &c) < 0)
                c = (struct content_counts){ 0 };
        *ret_files = c.files;
        *ret_bytes = c.bytes;
}

/* ---- the whole ---- */

static void put_patterns_json(struct json_writer *j, const struct watchset *w)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(8 * WATCH_PATH_MAX);

        json_put_key(j, "rules");
        json_begin_array(j);
        for (size_t i = 0; i < w->n; i++) {
                buf_clear(&safe);
                if (w->rules[i].profile == WATCH_PROFILES_MAX)
                        continue; /* Assay's own */
                buf_put_str(&safe, w->rules[i].exclude ? "!" : "");
                text_put_safe(&safe, w->rules[i].text);
                json_put_string(j, buf_span(&safe));
        }
        json_end_array(j);
}

static void put_root_json(struct json_writer *j, const struct snapshot_head *h)
{
        char root[2 * HASH_LEN + 1];

        text_hex(span_of(h->root.b, HASH_LEN), root);
        json_member_text(j, "root", root);
}

static void put_earlier_json(struct json_writer *j, const struct shown *s)
{
        json_put_key(j, "earlier");
        json_begin_array(j);
        for (size_t i = 1; i < s->n_all; i++) {
                json_begin_object(j);
                json_member_u64(j, "files", s->all[i].head.count);
                put_root_json(j, &s->all[i].head);
                json_member_time(j, "taken", s->all[i].head.taken_ns);
                json_end_object(j);
        }
        json_end_array(j);
}

static void put_profiles_json(struct json_writer *j, const struct shown *s)
{
        json_put_key(j, "profiles");
        json_begin_array(j);
        for (size_t i = 0; i < s->watch.n_profiles; i++) {
                json_begin_array(j);
                json_put_string(j, s->watch.profiles[i]->name);
                json_put_u64(j, s->of_profile[i]);
                json_end_array(j);
        }
        json_end_array(j);
}

static void put_json(const struct shown *s, struct buf *out)
{
        CLEANUP(buf_done) struct buf ledger = BUF_INIT(64 * 1024);
        uint64_t kept, kept_bytes;
        struct json_writer j;

        count_content(s->dirfd, &kept, &kept_bytes);
        trust_put_json(&s->trust, &ledger);
        json_writer_init(&j, out);
        json_begin_object(&j);
        json_member_u64(&j, "bytes", s->sums.bytes);
        json_member_u64(&j, "content_bytes", kept_bytes);
        json_member_u64(&j, "content_files", kept);
        put_earlier_json(&j, s);
        json_member_u64(&j, "files", s->all[0].head.count);
        json_member_raw(&j, "ledger", buf_span(&ledger));
        put_profiles_json(&j, s);
        put_root_json(&j, &s->all[0].head);
        put_patterns_json(&j, &s->watch);
        json_member_u64(&j, "skipped", s->sums.skipped);
        json_member_time(&j, "taken", s->all[0].head.taken_ns);
        json_member_u64(&j, "unreadable", s->sums.unreadable);
        json_end_object(&j);
        buf_put_byte(out, '\n');
}

static void put_head(const struct screen *s, const struct snapshot_head *h, struct buf *out)
{
        char root[2 * HASH_LEN + 1];

        text_hex(span_of(h->root.b, HASH_LEN), root);
        buf_put_str(out, "taken    ");
        screen_put_time(s, out, h->taken_ns);
        buf_put_str(out, "\nfiles    ");
        screen_put_count(out, h->count);
        buf_printf(out, "\nroot     %s\n", root);
}

static void put_text(const struct screen *s, const struct shown *x, struct buf *out)
{
        uint64_t kept, kept_bytes;

        put_head(s, &x->all[0].head, out);
        trust_put_text(s, &x->trust, out);
        buf_put_str(out, "hashed   ");
        screen_put_bytes(out, x->sums.bytes);
        if (x->sums.unreadable) {
                buf_put_str(out, ", ");
                screen_put_count(out, x->sums.unreadable);
                buf_put_str(out, " could not be read");
        }
        count_content(x->dirfd, &kept, &kept_bytes);
        buf_put_str(out, "\ncontent  ");
        screen_put_count(out, kept);
        buf_put_str(out, " files kept, in ");
        screen_put_bytes(out, kept_bytes);
        buf_put_byte(out, '\n');
        for (size_t i = 0; i < x->watch.n_profiles; i++) {
                buf_put_str(out, i == 0 ? "profiles " : "         ");
                text_put_safe(out, x->watch.profiles[i]->name);
                buf_put_str(out, ": ");
                screen_put_count(out, x->of_profile[i]);
                buf_put_str(out, " files\n");
        }
        for (size_t i = 0; i < x->watch.n; i++) {
                if (x->watch.rules[i].profile == WATCH_PROFILES_MAX)
                        continue; /* Assay's own */
                buf_put_str(out, i == 0 ? "watches  " : "         ");
                buf_put_str(out, x->watch.rules[i].exclude ? "not " : "");
                text_put_safe(out, x->watch.rules[i].text);
                buf_put_byte(out, '\n');
        }
}

static void put_earlier(const struct screen *s, const struct shown *x, struct buf *out)
{
        if (x->n_all == 1)
                buf_put_str(out, "there is none before this one\n");
        for (size_t i = 1; i < x->n_all; i++) {
                char root[2 * HASH_LEN + 1];

                text_hex(span_of(x->all[i].head.root.b, HASH_LEN), root);
                screen_put_time(s, out, x->all[i].head.taken_ns);
                buf_put_str(out, "  ");
                screen_put_count(out, x->all[i].head.count);
                buf_printf(out, " files  %s\n", root);
        }
}

static enum status show_all(struct invocation *in, struct shown *s)
{
        const struct show_options *o = in->options;
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        enum status status = STATUS_GOOD;

        trust_check(in, &s->all[0].head.root, &s->trust);
        if (s->trust.verdict == VERDICT_FAIL)
                status = STATUS_PROBLEM;
        else if (s->trust.verdict == VERDICT_UNKNOWN)
                status = STATUS_UNSURE;
        if (in->json)
                put_json(s, &out);
        else if (o->earlier)
                put_earlier(&in->out, s, &out);
        else
                put_text(&in->out, s, &out);
        return command_print(in, &out, status);
}

/* ---- one path ---- */

static void put_path_json(const struct shown *s, struct span path, const struct record *r,
                          bool kept, struct buf *out)
{
        CLEANUP(buf_done) struct buf state = BUF_INIT(256 * 1024);
        size_t profile = profile_of(&s->watch, path);
        struct json_writer j;

        files_put_state_json(r, &state);
        json_writer_init(&j, out);
        json_begin_object(&j);
        json_member_bool(&j, "content_kept", kept);
        json_put_bytes(&j, "path", path);
        if (profile < s->watch.n_profiles)
                json_member_string(&j, "profile", s->watch.profiles[profile]->name);
        put_root_json(&j, &s->all[0].head);
        json_member_raw(&j, "state", buf_span(&state));
        json_end_object(&j);
        buf_put_byte(out, '\n');
}

static enum status show_record(struct invocation *in, struct shown *s, struct span path,
                               const struct record *r)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        size_t profile = profile_of(&s->watch, path);
        bool kept = r->hash == RECORD_HASH_KNOWN && content_is_kept(s->dirfd, r->sha256);

        if (in->json) {
                put_path_json(s, path, r, kept, &out);
                return command_print(in, &out, STATUS_GOOD);
        }
        files_put_state(&in->out, r, &out);
        if (profile < s->watch.n_profiles) {
                buf_put_str(&out, "profile       ");
                text_put_safe(&out, s->watch.profiles[profile]->name);
                buf_put_byte(&out, '\n');
        }
        if (r->type == RECORD_FILE)
                buf_printf(&out, "content       %s\n", kept ? "kept" : "not kept");
        return command_print(in, &out, STATUS_GOOD);
}

static enum status show_path(struct invocation *in, struct shown *s, const char *operand)
{
        CLEANUP(snapshot_closep) struct snapshot_reader *r = NULL;
        struct span want = span_str(operand), path, record;
        struct err err = { 0 };
        struct record rec;
        int rc;

        while (want.n > 1 && want.p[want.n - 1] == '/')
                want.n--;
        rc = snapshot_open(&io_kernel, s->dirfd, "baseline", NULL, &r, &err);
        while (rc >= 0 && (rc = snapshot_next(r, &path, &record, &err)) > 0)
                if (span_eq(path, want) && record_decode(record, &rec, &err) == 0)
                        return show_record(in, s, path, &rec);
        if (rc == 0)
                return complain(in, STATUS_PROBLEM, "%s: not in the baseline", operand);
        return complain_err(in, &err);
}

enum status baseline_unreadable(const struct invocation *in, const struct err *err)
{
        if (err->code == -ENOENT)
                return complain(in, status_of_error(err->code),
                                "%s; the sensor takes a baseline at its first start",
                                err_text(err));
        return complain_err(in, err);
}

static enum status run_show(struct invocation *in)
{
        const struct show_options *o = in->options;
        char dir[PLACES_PATH_MAX];
        struct shown *s;
        enum status result;
        struct err err = { 0 };
        int rc;

        if (o->diff)
                return check_differences(in);
        s = calloc(1, sizeof(*s));
        if (!s)
                return complain(in, STATUS_UNSURE, "out of memory");
        s->dirfd = -1;
        rc = places_join(in->state, "sensor", dir, &err);
        if (rc == 0)
                rc = places_open_dir(dir, &s->dirfd, &err);
        if (rc < 0) {
                free(s);
                return baseline_unreadable(in, &err);
        }
        rc = baseline_list(&io_kernel, s->dirfd, s->all, &s->n_all, &err);
        if (rc == 0)
                rc = snapshot_read_head(&io_kernel, s->dirfd, "baseline", &s->watch,
                                        &s->all[0].head, &err);
        if (rc == 0 && in->n_operands == 0 && !o->earlier)
                rc = count_records(s, &err);
        if (rc < 0) {
                err_wrap(&err, "%s", dir);
                result = baseline_unreadable(in, &err);
        } else if (in->n_operands) {
                result = show_path(in, s, in->operands[0]);
        } else {
                result = show_all(in, s);
        }
        fd_close(&s->dirfd);
        watchset_done(&s->watch);
        free(s);
        return result;
}

const struct command baseline_show = {
        .name = "show",
        .operands = "[PATH]",
        .about = "say what is trusted, since when, and on what proof",
        .help = "Without PATH: when the baseline was taken, of what, its root, and the entry of the\n"
                "ledger that says so, with its proof.  With PATH: the trusted state of that file.\n"
                "With --diff: what is different now, as assay check says it without reading what\n"
                "looks unchanged.",
        .options = show_specs,
        .options_size = sizeof(struct show_options),
        .max_operands = 1,
        .run = run_show,
};
