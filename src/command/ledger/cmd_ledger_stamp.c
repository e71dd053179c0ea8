/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_stamp.c - assay ledger stamp: have a time-stamping authority certify the checkpoint.
 *
 * The question is written to a file, together with the checkpoint it is about; sending it is left
 * to whatever may talk to the network.  The answer is judged here before it is kept.
 *
 * SECURITY: the answer is a stranger's bytes, and we may hold the ledger's key: assay-job parses
 * them, and the authority's certificates. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "command/places.h"
#include "command/running/admin.h"
#include "crypto/sha256.h"
#include "crypto/timestamp.h"
#include "ledger/upkeep/upkeep.h"
#include "loop/jobrun.h"
#include "sys/io.h"
#include "wire/json.h"
#include "wire/timestamp_fact.h"

struct stamp_options {
        const char *request;
        const char *reply;
        const char *ca;
};

static const struct option_spec stamp_specs[] = {
        { "request", 'q', OPTION_TEXT, offsetof(struct stamp_options, request), "FILE",
          "the question (DER); FILE.note is the checkpoint it is about; required" },
        { "reply", 'a', OPTION_TEXT, offsetof(struct stamp_options, reply), "FILE",
          "the authority's answer (DER): check it and keep it beside the ledger" },
        { "ca", 0, OPTION_TEXT, offsetof(struct stamp_options, ca), "FILE",
          "the authority's certificates (PEM), to check the answer" },
        { 0 },
};

#define JOB_NS (60 * NS_PER_S)

/* ---- the question ---- */

static int write_file(const char *path, struct span content, struct err *err)
{
        CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        ssize_t n;

        if (fd < 0)
                return err_sys(err, -errno, "%s", path);
        n = io_kernel.pwrite(io_kernel.ctx, fd, content.p, content.n, 0);
        return n < 0 ? err_sys(err, (int)n, "%s", path) : 0;
}

static int note_path(const char *request, char out[PLACES_PATH_MAX], struct err *err)
{
        int n = snprintf(out, PLACES_PATH_MAX, "%s.note", request);

        return n >= PLACES_PATH_MAX ? err_set(err, -ENAMETOOLONG, "%.60s...: too long", request)
                                    : 0;
}

static enum status say_asked(const struct invocation *in, uint64_t size)
{
        const struct stamp_options *o = in->options;
        CLEANUP(buf_done) struct buf out = BUF_INIT(4 * PLACES_PATH_MAX);
        struct json_writer w;

        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                command_put_json_text(&w, "request", o->request);
                json_member_u64(&w, "size", size);
                json_end_object(&w);
                buf_put_byte(&out, '\n');
                return command_print(in, &out, STATUS_GOOD);
        }
        text_put_safe(&out, span_str(o->request));
        buf_put_str(&out, " asks about the checkpoint of ");
        screen_put_count(&out, size);
        buf_put_str(&out, size == 1 ? " entry" : " entries");
        buf_put_str(&out, "; send it to the authority, then --reply judges what comes\n");
        return command_print(in, &out, STATUS_GOOD);
}

static enum status ask(const struct invocation *in)
{
        const struct stamp_options *o = in->options;
        CLEANUP(reader_done) struct reader r = { 0 };
        CLEANUP(buf_done) struct buf question = BUF_INIT(TIMESTAMP_QUESTION_MAX);
        char dir[PLACES_PATH_MAX], note[PLACES_PATH_MAX];
        struct err err = { 0 };
        int status;

        status = places_ledger_or(in, 0, dir, &err);
        if (status == 0)
                status = reader_open(dir, &r, &err);
        if (status == 0)
                status = note_path(o->request, note, &err);
        if (status == 0)
                status = timestamp_request(buf_span(&r.note), &question, &err);
        if (status == 0)
                status = write_file(o->request, buf_span(&question), &err);
        if (status == 0)
                status = write_file(note, buf_span(&r.note), &err);
        return status < 0 ? complain_err(in, &err) : say_asked(in, reader_size(&r));
}

/* ---- the answer ---- */

struct stamp {
        uint8_t *question, *note, *reply, *authorities;
        size_t question_n, note_n, reply_n, authorities_n;
        struct checkpoint checkpoint;
        int64_t time_ns;
};

static void stamp_done(struct stamp *s)
{
        free(s->question);
        free(s->note);
        free(s->reply);
        free(s->authorities);
}

static int read_files(const struct stamp_options *o, struct stamp *s, struct err *err)
{
        char path[PLACES_PATH_MAX];
        struct note note;
        int status;

        status = note_path(o->request, path, err);
        if (status == 0)
                status = io_read_given(o->request, TIMESTAMP_QUESTION_MAX, &s->question,
                                       &s->question_n, err);
        if (status == 0)
                status = io_read_given(path, NOTE_MAX, &s->note, &s->note_n, err);
        if (status == 0)
                status = io_read_given(o->reply, TIMESTAMP_REPLY_MAX, &s->reply, &s->reply_n, err);
        if (status == 0)
                status = io_read_given(o->ca, TIMESTAMP_AUTHORITIES_MAX, &s->authorities,
                                       &s->authorities_n, err);
        if (status < 0)
                return status;
        status = note_parse(span_of(s->note, s->note_n), &note, err);
        if (status == 0)
                status = checkpoint_parse(note.text, &s->checkpoint, err);
        return status < 0 ? err_wrap(err, "%s", path) : 0;
}

static int on_fact(void *ctx, struct span json)
{
        return timestamp_fact_parse(json, ctx, NULL);
}

static int run_job(const struct invocation *in, const int fd[4], struct timestamp_fact *ret,
                   struct err *err)
{
        char program[PATH_MAX];
        struct job_spec spec = { .program = program,
                                 .job = "timestamp",
                                 .input = fd[0],
                                 .more = fd + 1,
                                 .n_more = 3,
                                 .timeout_ns = JOB_NS,
                                 .facts_max = 1,
                                 .clock = in->clock };
        int status = job_program(program, err);

        return status < 0 ? status : job_run_wait(&spec, on_fact, ret, err);
}

/* Said to hold by a process that has no key and has read nothing else. */
static int judge(const struct invocation *in, struct stamp *s, struct err *err)
{
        const struct span part[] = { span_of(s->reply, s->reply_n), span_of(s->note, s->note_n),
                                     span_of(s->question, s->question_n),
                                     span_of(s->authorities, s->authorities_n) };
        struct timestamp_fact f = { .why = "job timestamp: it told nothing" };
        int fd[] = { -1, -1, -1, -1 };
        int status = 0;

        for (size_t i = 0; i < ARRAY_LEN(part) && status >= 0; i++)
                status = fd[i] = job_input(part[i], err);
        if (status >= 0)
                status = run_job(in, fd, &f, err);
        for (size_t i = 0; i < ARRAY_LEN(fd); i++)
                if (fd[i] >= 0)
                        fd_close(&fd[i]);
        if (status < 0)
                return status;
        if (!f.holds)
                return err_set(err, -EBADMSG, "%s", f.why);
        s->time_ns = f.time_s * NS_PER_S;
        return 0;
}

/* Members of ledger.stamped, and of the recorder's verb with note and reply among them. */
static void put_members(const struct stamp *s, bool with_bytes, struct json_writer *w)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(2 * NOTE_MAX);
        CLEANUP(buf_done) struct buf reply = BUF_INIT(2 * TIMESTAMP_REPLY_MAX);
        char digest[2 * SHA256_LEN + 1], root[2 * HASH_LEN + 1];
        uint8_t hash[SHA256_LEN];

        sha256(span_of(s->reply, s->reply_n), hash);
        text_hex(span_of(hash, sizeof(hash)), digest);
        text_hex(span_of(s->checkpoint.root.b, HASH_LEN), root);
        command_put_json_text(w, "digest", digest);
        if (with_bytes) {
                text_put_base64(&note, span_of(s->note, s->note_n));
                text_put_base64(&reply, span_of(s->reply, s->reply_n));
                json_member_string(w, "note", buf_span(&note));
                json_member_string(w, "reply", buf_span(&reply));
        }
        command_put_json_text(w, "root", root);
        json_member_u64(w, "size", s->checkpoint.size);
        json_member_time(w, "time", s->time_ns);
}

static enum status keep_on_host(const struct invocation *in, const struct stamp *s)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        put_members(s, true, &w);
        json_end_object(&w);
        return admin_run(in, "stamp", buf_span(&args), "stamped");
}

static enum status keep_in_dir(const struct invocation *in, const struct stamp *s)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        struct own_entry e;
        struct err err = { 0 };
        int status;

        status = writing_open(in->operands[0], in->clock, &w, &err);
        if (status == 0 && strcmp(s->checkpoint.origin, ledger_origin(w.ledger)) != 0)
                status = err_set(&err, -EINVAL, "the stamp is of another ledger, %s",
                                 s->checkpoint.origin);
        if (status < 0)
                return complain_err(in, &err);
        own_entry_begin(&e, "ledger.stamped", in->clock);
        put_members(s, false, &e.w);
        status = own_entry_end(&e, &w, &err);
        if (status == 0)
                status = writing_publish(&w, &err);
        if (status == 0)
                status = stamp_store(w.public_fd, &io_kernel, s->checkpoint.size,
                                     span_of(s->note, s->note_n), span_of(s->reply, s->reply_n),
                                     &err);
        return status < 0 ? complain_err(in, &err) : STATUS_GOOD;
}

static enum status keep(const struct invocation *in)
{
        const struct stamp_options *o = in->options;
        CLEANUP(stamp_done) struct stamp s = { 0 };
        struct err err = { 0 };
        int status;

        status = read_files(o, &s, &err);
        if (status == 0)
                status = judge(in, &s, &err);
        if (status < 0)
                return complain_err(in, &err);
        return in->n_operands ? keep_in_dir(in, &s) : keep_on_host(in, &s);
}

static enum status run(struct invocation *in)
{
        const struct stamp_options *o = in->options;

        if (!o->request)
                return complain(in, STATUS_USAGE, "--request FILE is missing");
        if (!o->reply)
                return ask(in);
        if (!o->ca)
                return complain(in, STATUS_USAGE, "--reply wants --ca FILE to check it with");
        return keep(in);
}

const struct command command_ledger_stamp = {
        .name = "stamp",
        .operands = "[DIR]",
        .about = "have a time-stamping authority (RFC 3161) certify the checkpoint",
        .help = "In three steps, of which the middle one is yours:\n"
                "\n"
                "  assay ledger stamp --request q.tsq\n"
                "  curl -H 'Content-Type: application/timestamp-query' --data-binary @q.tsq \\\n"
                "       https://AUTHORITY >q.tsr\n"
                "  assay ledger stamp --request q.tsq --reply q.tsr --ca authority.pem\n"
                "\n"
                "The last one checks the answer, keeps it beside the ledger and records it as an\n"
                "entry.  assay verify --ca judges it again.  Without DIR, this host's ledger.",
        .options = stamp_specs,
        .options_size = sizeof(struct stamp_options),
        .max_operands = 1,
        .run = run,
};
