/* SPDX-License-Identifier: Apache-2.0 */
/* assay_check.c - assay check: compare the host with its baseline, now, without the sensor. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "bin/assay_baseline.h"
#include "bin/assay_commands.h"
#include "bin/assay_files.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/rate.h"
#include "command/verify/trust.h"
#include "integrity/trusted/check.h"
#include "integrity/trusted/snapshot.h"
#include "wire/json.h"

struct check_command_options {
        bool deep, no_ledger;
        const char *rate;
};

static const struct option_spec check_specs[] = {
        { "deep", 0, OPTION_FLAG, offsetof(struct check_command_options, deep), NULL,
          "read all content again, also where nothing else has changed" },
        { "rate", 0, OPTION_TEXT, offsetof(struct check_command_options, rate), "RATE",
          "at most so many bytes (20M) or files (1000files) a second" },
        { "no-ledger", 0, OPTION_FLAG, offsetof(struct check_command_options, no_ledger), NULL,
          "do not ask the ledger whether the baseline is the one it has" },
        { 0 },
};

enum {
        WORKERS_MAX = 8,
        LINE_BYTES = 64 * 1024,
        FEW = 20,                       /* so many need no headings */
        FOUND_BYTES = 32 * 1024 * 1024, /* kept to be put in order */
};

/* One difference; its path and what is printed of it are bytes in checking.kept. */
struct found {
        size_t path, path_n, text, text_n;
        enum { FOUND_CHANGED, FOUND_CREATED, FOUND_DELETED } what;
};

struct checking {
        const struct invocation *in;
        struct progress progress;
        struct buf out; /* of JSON: all differences */
        struct buf kept;
        struct found *found;
        size_t n_found, max_found;
        struct trust trust;
        bool asked; /* the ledger */
        bool any;   /* for the commas of JSON */
};

/* ---- differences, in the order of their paths ---- */

static struct span path_at(const struct checking *c, const struct found *f)
{
        return span_of(c->kept.p + f->path, f->path_n);
}

static int by_path(const void *a, const void *b, void *ctx)
{
        return snapshot_path_cmp(path_at(ctx, a), path_at(ctx, b));
}

static struct span dir_of(struct span path)
{
        while (path.n > 1 && path.p[path.n - 1] != '/')
                path.n--;
        return path;
}

/* Where there are many: what is to come of this directory, in one line before it. */
static void put_heading(struct checking *c, size_t i)
{
        static const char *const words[] = { "changed", "created", "deleted" };
        struct span dir = dir_of(path_at(c, &c->found[i]));
        CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_BYTES);
        uint64_t n[ARRAY_LEN(words)] = { 0 };
        const char *comma = ": ";

        if (c->n_found <= FEW || (i > 0 && span_eq(dir, dir_of(path_at(c, &c->found[i - 1])))))
                return;
        for (size_t k = i; k < c->n_found && span_eq(dir, dir_of(path_at(c, &c->found[k]))); k++)
                n[c->found[k].what]++;
        text_put_safe(&text, dir);
        for (size_t k = 0; k < ARRAY_LEN(words); k++) {
                if (!n[k])
                        continue;
                buf_put_str(&text, comma);
                screen_put_count(&text, n[k]);
                buf_printf(&text, " %s", words[k]);
                comma = ", ";
        }
        screen_put(&c->in->out, &c->out, STYLE_DIM, buf_cstr(&text));
        buf_put_byte(&c->out, '\n');
}

/* What is kept goes out, in order. */
static int put_found(struct checking *c)
{
        int status = 0;

        if (c->n_found)
                qsort_r(c->found, c->n_found, sizeof(*c->found), by_path, c);
        for (size_t i = 0; i < c->n_found; i++) {
                const struct found *f = &c->found[i];

                if (c->in->json)
                        buf_put_str(&c->out, c->any ? "," : "");
                else
                        put_heading(c, i);
                c->any = true;
                buf_put(&c->out, span_of(c->kept.p + f->text, f->text_n));
        }
        c->n_found = 0;
        buf_clear(&c->kept);
        if (c->in->json || c->out.n == 0)
                return buf_status(&c->out);
        progress_stop(&c->progress);
        status = screen_flush(&c->in->out, &c->out);
        return status == -EPIPE ? 0 : status; /* the verdict does not hang on who reads it */
}

static int keep(struct checking *c, struct span path, struct span text, const struct record *was,
                const struct record *is)
{
        int status = 0;

        if (c->kept.n + path.n + text.n > FOUND_BYTES) /* then in order part by part */
                status = put_found(c);
        if (status == 0 && c->n_found == c->max_found) {
                size_t max = c->max_found ? 2 * c->max_found : 64;
                struct found *p = realloc(c->found, max * sizeof(*p));

                if (!p)
                        return -ENOMEM;
                c->found = p;
                c->max_found = max;
        }
        if (status < 0)
                return status;
        c->found[c->n_found++] = (struct found){ .path = c->kept.n,
                                                 .path_n = path.n,
                                                 .text = c->kept.n + path.n,
                                                 .text_n = text.n,
                                                 .what = !was  ? FOUND_CREATED
                                                         : !is ? FOUND_DELETED
                                                               : FOUND_CHANGED };
        buf_put(&c->kept, path);
        buf_put(&c->kept, text);
        return buf_status(&c->kept);
}

static int on_report(void *ctx, struct span path, const struct record *was, const struct record *is,
                     unsigned differs)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(FOUND_BYTES);
        struct checking *c = ctx;

        if (c->in->json)
                files_put_json(path, was, is, differs, &text);
        else
                files_put_line(&c->in->out, path, was, is, differs, &text);
        return buf_status(&text) < 0 ? buf_status(&text) : keep(c, path, buf_span(&text), was, is);
}

static void on_unreadable(void *ctx, struct span path, int error)
{
        struct checking *c = ctx;
        CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_BYTES);

        progress_stop(&c->progress);
        buf_put(&text, path);
        complain(c->in, STATUS_UNSURE, "%s: %s", buf_cstr(&text),
                 error == -EAGAIN ? "kept changing while it was read" : strerror(-error));
}

static void on_progress(void *ctx, uint64_t files, uint64_t total_files, uint64_t bytes,
                        uint64_t total_bytes)
{
        struct checking *c = ctx;

        progress_set_files(&c->progress, files, total_files, bytes, total_bytes);
}

/* ---- the whole ---- */

/* A replaced baseline outweighs whatever agrees with it. */
static enum verdict judge(const struct checking *c, const struct check_result *r)
{
        if (!c->asked)
                return r->verdict;
        if (c->trust.verdict == VERDICT_FAIL || r->verdict == VERDICT_FAIL)
                return VERDICT_FAIL;
        return c->trust.verdict == VERDICT_UNKNOWN ? VERDICT_UNKNOWN : r->verdict;
}

static void put_verdict(const struct checking *c, const struct check_result *r, struct buf *out)
{
        const struct screen *s = &c->in->out;

        if (c->asked && c->trust.verdict == VERDICT_FAIL)
                screen_put(s, out, STYLE_BAD, "REPLACED");
        else if (r->verdict == VERDICT_FAIL)
                screen_put(s, out, STYLE_BAD, "CHANGED");
        else if (judge(c, r) == VERDICT_UNKNOWN)
                screen_put(s, out, STYLE_WARN, "NOT SURE");
        else
                screen_put(s, out, STYLE_GOOD, "GOOD");
}

static void put_summary(const struct checking *c, const struct check_result *r, int64_t took_ns,
                        struct buf *out)
{
        const struct screen *s = &c->in->out;

        put_verdict(c, r, out);
        buf_put_str(out, "  ");
        screen_put_count(out, r->changed);
        buf_put_str(out, " changed, ");
        screen_put_count(out, r->added);
        buf_put_str(out, " created, ");
        screen_put_count(out, r->missing);
        buf_put_str(out, " deleted since ");
        screen_put_time(s, out, r->baseline.taken_ns);
        buf_put_str(out, "\nchecked  ");
        screen_put_count(out, r->counts.files);
        buf_put_str(out, r->counts.files == 1 ? " file in " : " files in ");
        screen_put_count(out, r->counts.directories);
        buf_put_str(out, r->counts.directories == 1 ? " directory, " : " directories, ");
        screen_put_bytes(out, r->counts.bytes);
        buf_put_str(out, " read, ");
        screen_put_count(out, r->unreadable);
        buf_put_str(out, " not readable, in ");
        screen_put_duration(out, took_ns);
        buf_put_byte(out, '\n');
        if (r->unhashed) {
                screen_put_count(out, r->unhashed);
                buf_put_str(out, " files were not read when the baseline was taken: their "
                                 "content is not known\n");
        }
        if (c->asked)
                trust_put_text(s, &c->trust, out);
}

static void put_json(const struct checking *c, const struct check_result *r, struct buf *out)
{
        enum verdict v = judge(c, r);
        char root[2 * HASH_LEN + 1];
        struct json_writer w;

        text_hex(span_of(r->baseline.root.b, HASH_LEN), root);
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "baseline", root);
        json_member_u64(&w, "bytes", r->counts.bytes);
        json_member_u64(&w, "changed", r->changed);
        json_member_u64(&w, "created", r->added);
        json_member_u64(&w, "deleted", r->missing);
        json_put_key(&w, "differences");
        json_begin_array(&w);
        if (c->out.n)
                json_put_raw(&w, buf_span(&c->out));
        json_end_array(&w);
        json_member_u64(&w, "files", r->counts.files);
        if (c->asked) {
                CLEANUP(buf_done) struct buf ledger = BUF_INIT(LINE_BYTES);

                trust_put_json(&c->trust, &ledger);
                json_member_raw(&w, "ledger", buf_span(&ledger));
        }
        json_member_time(&w, "taken", r->baseline.taken_ns);
        json_member_u64(&w, "unhashed", r->unhashed);
        json_member_u64(&w, "unreadable", r->unreadable);
        json_member_text(&w, "verdict",
                         c->asked && c->trust.verdict == VERDICT_FAIL ? "replaced"
                         : v == VERDICT_PASS                          ? "good"
                         : v == VERDICT_FAIL                          ? "changed"
                                                                      : "unknown");
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static unsigned workers(void)
{
        long n = sysconf(_SC_NPROCESSORS_ONLN);

        return n < 2 ? 0 : (unsigned)MIN_OF(n, (long)WORKERS_MAX);
}

static enum status conclude(struct checking *c, const struct check_result *r, int64_t took_ns)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(2 * COMMAND_OUTPUT_MAX);
        enum verdict v = judge(c, r);

        if (c->in->json)
                put_json(c, r, &out);
        else
                put_summary(c, r, took_ns, &out);
        return command_print(c->in, &out,
                             v == VERDICT_PASS   ? STATUS_GOOD
                             : v == VERDICT_FAIL ? STATUS_PROBLEM
                                                 : STATUS_UNSURE);
}

static enum status go(struct invocation *in, const struct check_command_options *o)
{
        struct checking c = { .in = in,
                              .out = BUF_INIT(COMMAND_OUTPUT_MAX),
                              .kept = BUF_INIT(2 * FOUND_BYTES) };
        char dir[PLACES_PATH_MAX];
        struct check_options options = {
                .state_dir = dir,
                .deep = o->deep,
                .workers = workers(),
                .clock = in->clock,
                .progress = on_progress,
                .report = on_report,
                .unreadable = on_unreadable,
                .ctx = &c,
        };
        int64_t started = clock_mono(in->clock);
        struct check_result r;
        struct err err = { 0 };
        struct rate rate = { 0 };
        enum status result;
        int status;

        if (o->rate && rate_parse(o->rate, &rate, &err) < 0)
                return complain(in, STATUS_USAGE, "--rate: %s", err_text(&err));
        options.pace = (struct pace_limits){ rate.bytes_per_s, rate.files_per_s };
        status = places_join(in->state, "sensor", dir, &err);
        progress_start(&c.progress, in->clock, o->deep ? "reading files" : "looking at files");
        if (status == 0)
                status = check_run(&options, &r, &err);
        progress_stop(&c.progress);
        if (status == 0)
                status = put_found(&c);
        if (status == 0 && !o->no_ledger) {
                trust_check(in, &r.baseline.root, &c.trust);
                c.asked = true;
        }
        result = status < 0 ? baseline_unreadable(in, &err)
                            : conclude(&c, &r, clock_mono(in->clock) - started);
        buf_done(&c.out);
        buf_done(&c.kept);
        free(c.found);
        return result;
}

static enum status run(struct invocation *in)
{
        return go(in, in->options);
}

enum status check_differences(struct invocation *in)
{
        const struct check_command_options quick = { .no_ledger = true };

        return go(in, &quick);
}

const struct command command_check = {
        .name = "check",
        .operands = "",
        .about = "compare this host with its baseline, now",
        .help = "Walks everything that is watched and says what is not as the baseline has it, and\n"
                "whether that baseline is the one the ledger says is trusted.  The sensor need not\n"
                "run; nothing is changed and nothing recorded.  Content is read where anything else\n"
                "has changed, or all of it with --deep.  Differences are in the order of their paths;\n"
                "where there are more than twenty, each directory has a line before its own.  Run it as root, or not every file can be\n"
                "read: what cannot is told, and makes the result unsure.",
        .options = check_specs,
        .options_size = sizeof(struct check_command_options),
        .run = run,
};
