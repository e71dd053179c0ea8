/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_append.c - assay ledger append: entries from standard input, one a line.
 *
 * Input is taken in pieces of PIECE_MAX bytes.  A piece is checked to its last line before any of
 * it is appended, so of an input no larger than one piece a bad line leaves nothing behind.
 *
 * SECURITY: reads hostile lines; json_check() judges them. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/progress.h"
#include "ledger/verify/verify.h"
#include "wire/entry.h"
#include "wire/json.h"

enum {
        PIECE_MAX = 64 * 1024 * 1024,
        READ_MAX = 1024 * 1024,
        PUBLISH_EVERY = 65536, /* entries: so that the WAL's segments can be used again */
};

struct appending {
        const struct invocation *in;
        struct writing writing;
        struct buf input;
        uint64_t lines; /* checked and appended before this piece */
        uint64_t first;
        uint64_t bad_line; /* 0: none is */
        bool unsure;       /* a batch was written, and its sync failed */
        struct progress progress;
};

/* One line without its newline; false at the end. */
static bool next_line(struct span *rest, struct span *ret)
{
        const uint8_t *end;

        if (rest->n == 0)
                return false;
        end = memchr(rest->p, '\n', rest->n);
        *ret = span_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);
        *rest = span_from(*rest, ret->n + 1);
        return true;
}

/* Such an entry says that the ledger has another key, which it has not: it would be damaged for
 * good. */
static int check_own(const struct appending *a, struct span entry, struct err *err)
{
        static const char mark[] = "\"k\":\"ledger.key_rotated\"";
        struct entry e;
        bool fits;
        int status;

        if (!memmem(entry.p, entry.n, mark, sizeof(mark) - 1))
                return 0;
        status = entry_read(entry, &e, &fits, err);
        if (status < 0 || !verify_is_rotation(&e, ledger_origin(a->writing.ledger)))
                return status;
        return err_set(err, -EACCES,
                       "%.*s is for the ledger itself to write, see \"assay ledger rotate\"",
                       (int)e.kind.n, (const char *)e.kind.p);
}

static int check_piece(struct appending *a, struct span piece, struct err *err)
{
        uint64_t line = a->lines;
        struct span entry;

        while (next_line(&piece, &entry)) {
                a->bad_line = ++line;
                if (entry.n > ENTRY_MAX)
                        return err_set(err, -E2BIG,
                                       "line %" PRIu64 ": %zu bytes; an entry has at most %d", line,
                                       entry.n, ENTRY_MAX);
                if (json_check(entry, err) < 0 || check_own(a, entry, err) < 0)
                        return err_wrap(err, "line %" PRIu64, line);
        }
        a->bad_line = 0;
        return 0;
}

static int publish(struct appending *a, struct err *err)
{
        int status = writing_publish(&a->writing, err);

        progress_set(&a->progress, a->lines, 0);
        return status < 0 ? err_wrap(err, "durable, but not published") : 0;
}

/* -EIO: the ledger stopped, and only who opens it again can tell what is in it. */
static int commit(struct appending *a, struct err *err)
{
        int status = ledger_commit(a->writing.ledger, err);

        a->unsure = status == -EIO;
        return status;
}

static int stage(struct appending *a, struct span entry, struct err *err)
{
        struct ledger *l = a->writing.ledger;
        uint64_t index;
        int status;

        status = ledger_stage(l, entry, SPAN_NONE, (struct ledger_writer_id){ 0 }, &index, err);
        if (status != -ENOBUFS && status != -EAGAIN)
                return status;
        status = commit(a, err);
        if (status < 0)
                return status;
        if (ledger_size(l) - publisher_size(a->writing.publisher) >= PUBLISH_EVERY)
                status = publish(a, err);
        if (status < 0)
                return status;
        ledger_tend(l);
        return ledger_stage(l, entry, SPAN_NONE, (struct ledger_writer_id){ 0 }, &index, err);
}

static int append_piece(struct appending *a, struct span piece, struct err *err)
{
        struct ledger *l = a->writing.ledger;
        struct span entry;
        int status = 0;

        while (status == 0 && next_line(&piece, &entry)) {
                status = stage(a, entry, err);
                if (status == 0)
                        a->lines++;
                progress_set(&a->progress, a->lines, 0);
        }
        if (status == 0)
                status = commit(a, err);
        if (status < 0) {
                ledger_abandon(l);
                return status;
        }
        return publish(a, err);
}

/* Fill the input up to a piece's size; *ret_end at the end of the file. */
static int fill(struct appending *a, bool *ret_end, struct err *err)
{
        while (a->input.n < PIECE_MAX) {
                size_t room = MIN_OF((size_t)READ_MAX, PIECE_MAX - a->input.n);
                uint8_t *p = buf_extend(&a->input, room);
                ssize_t n;

                if (!p)
                        return err_sys(err, buf_status(&a->input), "standard input");
                n = read(STDIN_FILENO, p, room);
                a->input.n -= room - (size_t)MAX_OF(n, (ssize_t)0);
                if (n < 0 && errno != EINTR)
                        return err_sys(err, -errno, "standard input");
                if (n == 0) {
                        *ret_end = true;
                        return 0;
                }
        }
        return 0;
}

/* Whole lines only, unless nothing follows. */
static struct span whole_lines(const struct buf *input, bool end)
{
        const uint8_t *last = end ? NULL : memrchr(input->p, '\n', input->n);

        return last ? span_of(input->p, (size_t)(last - input->p) + 1) : buf_span(input);
}

static void drop_front(struct buf *b, size_t n)
{
        memmove(b->p, b->p + n, b->n - n);
        b->n -= n;
}

static int append_all(struct appending *a, struct err *err)
{
        bool end = false;
        int status = 0;

        a->first = ledger_size(a->writing.ledger);
        while (status == 0 && !end) {
                struct span piece;

                status = fill(a, &end, err);
                if (status < 0)
                        break;
                piece = whole_lines(&a->input, end);
                status = check_piece(a, piece, err);
                if (status == 0)
                        status = append_piece(a, piece, err);
                if (status == 0 && piece.n > 0)
                        drop_front(&a->input, piece.n);
        }
        return status;
}

static enum status report(const struct appending *a)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(buf_done) struct buf root = BUF_INIT(64);
        uint64_t size = ledger_size(a->writing.ledger);
        struct json_writer w;
        struct hash hash;

        ledger_root(a->writing.ledger, &hash);
        text_put_base64(&root, span_of(hash.b, HASH_LEN));
        if (a->in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_u64(&w, "appended", size - a->first);
                json_member_u64(&w, "first", a->first);
                json_member_string(&w, "root", buf_span(&root));
                json_member_u64(&w, "size", size);
                json_end_object(&w);
                buf_put_byte(&out, '\n');
        } else {
                buf_printf(&out, "first %" PRIu64 " size %" PRIu64 " root %s\n", a->first, size,
                           buf_cstr(&root));
        }
        return command_print(a->in, &out, STATUS_GOOD);
}

static enum status put_failure(const struct appending *a, uint64_t appended, const struct err *err)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        json_writer_init(&w, &out);
        json_begin_object(&w);
        json_member_u64(&w, "appended", appended);
        command_put_json_text(&w, "error", err_text(err));
        if (appended)
                json_member_u64(&w, "first", a->first);
        if (a->bad_line)
                json_member_u64(&w, "line", a->bad_line);
        if (a->unsure)
                json_member_bool(&w, "unsure", true);
        json_end_object(&w);
        buf_put_byte(&out, '\n');
        return command_print(a->in, &out, a->unsure ? STATUS_UNSURE : STATUS_PROBLEM);
}

/* What is in the ledger although the command failed must be known to whoever sends again. */
static enum status fail(const struct appending *a, const struct err *err)
{
        struct ledger *l = a->writing.ledger;
        uint64_t appended = l ? ledger_size(l) - a->first : 0;
        enum status status = a->unsure ? STATUS_UNSURE : STATUS_PROBLEM;

        if (!l)
                complain(a->in, status, "%s", err_text(err));
        else if (a->unsure)
                complain(a->in, status,
                         "%s; %" PRIu64 " entries are in the ledger, from index %" PRIu64
                         " on, and whether those after them are is not known: look before you "
                         "send them again",
                         err_text(err), appended, a->first);
        else if (appended == 0)
                complain(a->in, status, "%s; nothing was appended", err_text(err));
        else
                complain(a->in, status,
                         "%s; the %" PRIu64 " entries before are in the ledger, from index %" PRIu64
                         " on",
                         err_text(err), appended, a->first);
        return a->in->json ? put_failure(a, appended, err) : status;
}

static enum status run(struct invocation *in)
{
        struct appending a = { .in = in, .input = BUF_INIT(PIECE_MAX) };
        struct err err = { 0 };
        enum status result;
        int status;

        progress_start(&a.progress, in->clock, "appending");
        status = writing_open(in->operands[0], in->clock, &a.writing, &err);
        if (status == 0)
                status = append_all(&a, &err);
        progress_stop(&a.progress);
        result = status < 0 ? fail(&a, &err) : report(&a);
        buf_done(&a.input);
        writing_done(&a.writing);
        return result;
}

const struct command command_ledger_append = {
        .name = "append",
        .operands = "DIR",
        .about = "append entries from standard input, one a line",
        .help = "Each line is one restricted-JCS object: keys sorted, no blanks, no fractions, no\n"
                "duplicate keys, at most 65,535 bytes.  When all of them are durable and the new\n"
                "checkpoint is published, prints\n"
                "\n"
                "  first INDEX size SIZE root BASE64\n"
                "\n"
                "or with --json an object of these members; of a failure it has \"error\", how many were\n"
                "\"appended\", for a bad \"line\" its number, and \"unsure\" where a disk failed while\n"
                "entries were written to it: these may be in the ledger, or not (exit status 3).\n"
                "\n"
                "A bad line is refused by its number and the byte in it, and so is an entry that would\n"
                "say that this ledger's key was changed (rotate does that).  Up to 64 MiB of input are\n"
                "checked to the last line before the first is appended, so nothing of it is then in\n"
                "the ledger.  Larger input is taken in pieces of 64 MiB: those before the one with\n"
                "the bad line stay, and the message says how many entries that is.",
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
