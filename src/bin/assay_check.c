/* SPDX-License-Identifier: Apache-2.0 */
/* assay_check.c - assay check: compare the host with its baseline, now, without the sensor. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "bin/assay_commands.h"
#include "command/places.h"
#include "command/progress.h"
#include "integrity/check.h"
#include "wire/json.h"

struct check_command_options {
        bool deep;
};

static const struct option_spec check_specs[] = {
        { "deep", 0, OPTION_FLAG, offsetof(struct check_command_options, deep), NULL,
          "read all content again, also where nothing else has changed" },
        { 0 },
};

enum { WORKERS_MAX = 8, LINE_BYTES = 64 * 1024, DIGEST_SHOWN = 8 };

struct checking {
        const struct invocation *in;
        struct progress progress;
        struct buf out;
        uint64_t unreadable;
        bool any; /* for the commas of JSON */
};

/* ---- one difference ---- */

static const char *change_of(const struct record *was, const struct record *is)
{
        return !was ? "created" : !is ? "deleted" : "changed";
}

static void put_digest(const struct screen *s, const struct record *r, struct buf *out)
{
        char hex[2 * RECORD_HASH + 1];

        if (r->hash != RECORD_HASH_KNOWN) {
                buf_printf(out, "(%s)", record_hash_name(r->hash));
                return;
        }
        text_hex(span_of(r->sha256, RECORD_HASH), hex);
        if (s->terminal)
                buf_printf(out, "%.*s…", DIGEST_SHOWN, hex);
        else
                buf_put_str(out, hex);
}

static void put_value(const struct screen *s, const struct record *r, unsigned field,
                      struct buf *out)
{
        switch (field) {
        case RECORD_F_TYPE:
                buf_put_str(out, record_type_name(r->type));
                break;
        case RECORD_F_MODE:
                buf_printf(out, "%04o", r->mode);
                break;
        case RECORD_F_UID:
                buf_printf(out, "%u", r->uid);
                break;
        case RECORD_F_GID:
                buf_printf(out, "%u", r->gid);
                break;
        case RECORD_F_SIZE:
                buf_printf(out, "%" PRIu64, r->size);
                break;
        case RECORD_F_MTIME:
                screen_put_time(s, out, r->mtime_ns);
                break;
        case RECORD_F_LINKS:
                buf_printf(out, "%u", r->nlink);
                break;
        case RECORD_F_LINK:
                text_put_safe(out, r->link);
                break;
        case RECORD_F_SHA256:
                put_digest(s, r, out);
                break;
        default:
                buf_put_byte(out, '?');
        }
}

/* Those whose value says nothing to a person are only named. */
static bool has_words(unsigned field)
{
        return !(field & (RECORD_F_INODE | RECORD_F_RDEV | RECORD_F_XATTRS | RECORD_F_FLAGS));
}

static void put_differs(const struct screen *s, const struct record *was, const struct record *is,
                        unsigned differs, struct buf *out)
{
        for (unsigned bit = 0; bit < RECORD_F_COUNT; bit++) {
                if (!(differs & 1u << bit))
                        continue;
                buf_printf(out, "  %s", record_field_name[bit]);
                if (!has_words(1u << bit))
                        continue;
                buf_put_byte(out, ' ');
                put_value(s, was, 1u << bit, out);
                buf_put_str(out, "→");
                put_value(s, is, 1u << bit, out);
        }
}

static void put_line(const struct checking *c, struct span path, const struct record *was,
                     const struct record *is, unsigned differs, struct buf *out)
{
        const struct screen *s = &c->in->out;
        CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_BYTES);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(LINE_BYTES);
        const char *change = change_of(was, is);

        screen_put(s, &line, is ? was ? STYLE_WARN : STYLE_GOOD : STYLE_BAD, change);
        buf_put_str(&line, "  ");
        text_put_safe(&safe, path);
        screen_put(s, &line, STYLE_BOLD, buf_cstr(&safe));
        if (was && is)
                put_differs(s, was, is, differs, &line);
        screen_put_wrapped(s, out, buf_cstr(&line), 0, strlen(change) + 2);
        buf_put_byte(out, '\n');
}

static void put_state_json(struct json_writer *w, const char *key, const struct record *r)
{
        char mode[8], hex[2 * RECORD_HASH + 1];

        if (!r)
                return;
        snprintf(mode, sizeof(mode), "%04o", r->mode);
        json_put_key(w, key);
        json_begin_object(w);
        json_member_int(w, "gid", r->gid);
        json_member_text(w, "mode", mode);
        if (r->hash == RECORD_HASH_KNOWN) {
                text_hex(span_of(r->sha256, RECORD_HASH), hex);
                json_member_text(w, "sha256", hex);
        }
        json_member_u64(w, "size", r->size);
        json_member_text(w, "type", record_type_name(r->type));
        json_member_int(w, "uid", r->uid);
        json_end_object(w);
}

static void put_item(struct checking *c, struct span path, const struct record *was,
                     const struct record *is, unsigned differs)
{
        struct json_writer w;

        buf_put_str(&c->out, c->any ? "," : "");
        c->any = true;
        json_writer_init(&w, &c->out);
        json_begin_object(&w);
        json_member_text(&w, "change", change_of(was, is));
        json_put_key(&w, "differs");
        json_begin_array(&w);
        for (unsigned bit = 0; was && is && bit < RECORD_F_COUNT; bit++)
                if (differs & 1u << bit)
                        json_put_string(&w, span_str(record_field_name[bit]));
        json_end_array(&w);
        put_state_json(&w, "is", is);
        json_put_bytes(&w, "path", path);
        put_state_json(&w, "was", was);
        json_end_object(&w);
}

static int on_report(void *ctx, struct span path, const struct record *was, const struct record *is,
                     unsigned differs)
{
        struct checking *c = ctx;

        if (c->in->json) {
                put_item(c, path, was, is, differs);
                return buf_status(&c->out);
        }
        progress_stop(&c->progress);
        put_line(c, path, was, is, differs, &c->out);
        return screen_flush(&c->in->out, &c->out);
}

static void on_unreadable(void *ctx, struct span path, int error)
{
        struct checking *c = ctx;
        CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_BYTES);

        progress_stop(&c->progress);
        buf_put(&text, path);
        complain(c->in, STATUS_UNSURE, "%s: %s", buf_cstr(&text),
                 strerror(error < 0 ? -error : error));
        c->unreadable++;
}

static void on_progress(void *ctx, uint64_t files, uint64_t total)
{
        struct checking *c = ctx;

        progress_set(&c->progress, files, total);
}

/* ---- the whole ---- */

static void put_summary(const struct checking *c, const struct check_result *r, int64_t took_ns,
                        struct buf *out)
{
        const struct screen *s = &c->in->out;

        if (r->verdict == VERDICT_PASS)
                screen_put(s, out, STYLE_GOOD, "GOOD");
        else
                screen_put(s, out, r->verdict == VERDICT_FAIL ? STYLE_BAD : STYLE_WARN,
                           r->verdict == VERDICT_FAIL ? "CHANGED" : "NOT SURE");
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
        buf_put_str(out, " files in ");
        screen_put_count(out, r->counts.directories);
        buf_put_str(out, " directories, ");
        screen_put_bytes(out, r->counts.bytes);
        buf_put_str(out, " read, ");
        screen_put_count(out, c->unreadable);
        buf_put_str(out, " not readable, in ");
        screen_put_duration(out, took_ns);
        buf_put_byte(out, '\n');
}

static void put_json(const struct checking *c, const struct check_result *r, struct buf *out)
{
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
        json_member_time(&w, "taken", r->baseline.taken_ns);
        json_member_u64(&w, "unreadable", c->unreadable);
        json_member_string(&w, "verdict",
                           r->verdict == VERDICT_PASS   ? SPAN("good")
                           : r->verdict == VERDICT_FAIL ? SPAN("changed")
                                                        : SPAN("unknown"));
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

        if (c->in->json)
                put_json(c, r, &out);
        else
                put_summary(c, r, took_ns, &out);
        return command_print(c->in, &out,
                             r->verdict == VERDICT_PASS   ? STATUS_GOOD
                             : r->verdict == VERDICT_FAIL ? STATUS_PROBLEM
                                                          : STATUS_UNSURE);
}

static enum status run(struct invocation *in)
{
        const struct check_command_options *o = in->options;
        struct checking c = { .in = in, .out = BUF_INIT(COMMAND_OUTPUT_MAX) };
        char dir[PLACES_PATH_MAX];
        struct check_options options = {
                .state_dir = dir,
                .deep = o->deep,
                .workers = workers(),
                .progress = on_progress,
                .report = on_report,
                .unreadable = on_unreadable,
                .ctx = &c,
        };
        int64_t started = clock_mono(in->clock);
        struct check_result r;
        struct err err = { 0 };
        enum status result;
        int status;

        status = places_join(in->state, "sensor", dir, &err);
        progress_start(&c.progress, in->clock, o->deep ? "reading files" : "looking at files");
        if (status == 0)
                status = check_run(&options, &r, &err);
        progress_stop(&c.progress);
        result = status < 0 ? complain_err(in, &err)
                            : conclude(&c, &r, clock_mono(in->clock) - started);
        buf_done(&c.out);
        return result;
}

const struct command command_check = {
        .name = "check",
        .operands = "",
        .about = "compare this host with its baseline, now",
        .help = "Walks everything that is watched and says what is not as the baseline has it.  The\n"
                "sensor need not run; nothing is changed and nothing recorded.  Content is read\n"
                "where anything else has changed, or all of it with --deep.  Run it as root, or not\n"
                "every file can be read.",
        .options = check_specs,
        .options_size = sizeof(struct check_command_options),
        .run = run,
};
