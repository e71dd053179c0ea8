/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_change.c - assay change: tell the sensor which changes are approved. */
#include "command/change/change_list.h"
#include "command/commands.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/running/sensor_ask.h"
#include "command/when.h"
#include "crypto/sha256.h"
#include "sys/io.h"
#include "sys/users.h"
#include "wire/json.h"

enum { DOCUMENT_MAX = 128 * 1024, CONTENT_MAX = 256 << 20, ANSWER_MAX = 128 * 1024 };

/* Why it allows more than most changes need. */
static void put_wide(const struct invocation *in, struct span body, struct buf *out)
{
        struct json_value list, item;
        struct json_iter it;
        struct span text;

        if (!json_get(json_value_of(body), "wide", &list) || list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &item);) {
                if (!json_value_plain(item, &text))
                        continue;
                buf_put_byte(out, '\n');
                screen_put(&in->out, out, STYLE_WARN, "careful");
                buf_printf(out, "  %.*s", (int)text.n, text.p);
        }
}

/* Ask, and print what came: with --json as it is. */
static enum status ask_and_say(const struct invocation *in, const char *verb, struct span args,
                               const char *said)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(ANSWER_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };

        if (sensor_ask(in, verb, args, NULL, NULL, &body, &err) < 0)
                return complain_err(in, &err);
        if (in->json) {
                buf_put(&out, buf_span(&body));
        } else {
                text_put_safe(&out, span_str(in->operands[0]));
                buf_put_str(&out, said);
                put_wide(in, buf_span(&body), &out);
        }
        buf_put_byte(&out, '\n');
        return command_print(in, &out, STATUS_GOOD);
}

/* ---- open ---- */

struct open_options {
        struct option_texts paths, hashes;
        const char *file, *reason, *from, *until, *lasts, *exe, *unit, *uid, *login;
};

static const struct option_spec open_specs[] = {
        { "path", 'p', OPTION_TEXTS, offsetof(struct open_options, paths), "PATTERN",
          "what may change, as in watch.yaml; \"!\" before it leaves out; repeatable" },
        { "content", 'c', OPTION_TEXTS, offsetof(struct open_options, hashes), "PATH=SHA256",
          "this path, into this content only: its digest, @FILE that holds it, or \"gone\"; repeatable" },
        { "reason", 'r', OPTION_TEXT, offsetof(struct open_options, reason), "TEXT",
          "why; required" },
        { "for", 'f', OPTION_TEXT, offsetof(struct open_options, lasts), "DURATION",
          "how long from its beginning: 30m, 2h, 1d" },
        { "until", 'u', OPTION_TEXT, offsetof(struct open_options, until), "TIME",
          "or when it ends" },
        { "from", 's', OPTION_TEXT, offsetof(struct open_options, from), "TIME",
          "when it begins; now, unless said" },
        { "uid", 0, OPTION_TEXT, offsetof(struct open_options, uid), "USER",
          "only by processes of this user: a name or a number" },
        { "login", 'l', OPTION_TEXT, offsetof(struct open_options, login), "USER",
          "only by who logged in as this user, whatever became of him since" },
        { "exe", 'x', OPTION_TEXT, offsetof(struct open_options, exe), "PATTERN",
          "only by this executable, or what it has begun" },
        { "unit", 'n', OPTION_TEXT, offsetof(struct open_options, unit), "UNIT",
          "only by processes of this systemd unit" },
        { "file", 0, OPTION_TEXT, offsetof(struct open_options, file), "FILE",
          "all of this from a JSON document instead; see assay-change(1)" },
        { 0 },
};

static int read_whole(const char *path, size_t max, uint8_t **ret, size_t *ret_n, struct err *err)
{
        return io_read_given(path, max, ret, ret_n, err);
}

/* "2h" is a time ago: as long as that from its beginning on. */
static int parse_duration(const char *text, int64_t *ret_ns, struct err *err)
{
        static const int64_t now = 1000000 * 3600LL * NS_PER_S;
        int64_t then;

        if (strspn(text, "0123456789") + 1 != strlen(text) ||
            when_parse(text, now, &then, NULL) < 0 || then >= now)
                return err_set(err, -EINVAL, "--for \"%s\": 90s, 30m, 2h, 3d or 1w", text);
        *ret_ns = now - then;
        return 0;
}

static int window(const struct invocation *in, const struct open_options *o, int64_t *ret_from,
                  int64_t *ret_until, struct err *err)
{
        int64_t now = clock_wall(in->clock), lasts;
        int rc = 0;

        *ret_from = now;
        if (!o->until == !o->lasts)
                return err_set(err, -EINVAL, "one of --for DURATION and --until TIME is needed");
        if (o->from && (rc = when_parse(o->from, now, ret_from, err)) < 0)
                return err_wrap(err, "--from");
        if (o->until && (rc = when_parse(o->until, now, ret_until, err)) < 0)
                return err_wrap(err, "--until");
        if (o->lasts && (rc = parse_duration(o->lasts, &lasts, err)) == 0)
                *ret_until = *ret_from + lasts;
        return rc;
}

/* "PATH=VALUE" into ["PATH","<digest>"] */
static int put_content(struct json_writer *w, const char *text, struct err *err)
{
        const char *eq = strrchr(text, '=');
        char hex[2 * SHA256_LEN + 1];
        uint8_t digest[SHA256_LEN], *content = NULL;
        size_t n;
        int rc;

        if (!eq || eq == text || !text_is_utf8(span_str(text), NULL))
                return err_set(err, -EINVAL, "--content \"%s\": not PATH=SHA256", text);
        json_begin_array(w);
        json_put_string(w, span_of(text, (size_t)(eq - text)));
        if (strcmp(eq + 1, "gone") == 0) {
                json_put_null(w);
        } else if (eq[1] == '@') {
                rc = read_whole(eq + 2, CONTENT_MAX, &content, &n, err);
                if (rc < 0)
                        return rc;
                sha256(span_of(content, n), digest);
                free(content);
                text_hex(span_of(digest, sizeof(digest)), hex);
                json_put_string(w, span_str(hex));
        } else if (text_from_hex(span_str(eq + 1), digest, sizeof(digest)) < 0) {
                return err_set(err, -EINVAL, "--content \"%s\": no SHA-256, no @FILE, not \"gone\"",
                               text);
        } else {
                json_put_string(w, span_str(eq + 1));
        }
        json_end_array(w);
        return 0;
}

/* A number, or the name of a user of this host. */
static int put_user(struct json_writer *w, const char *key, const char *option, const char *text,
                    struct err *err)
{
        uint64_t number;
        uid_t uid;

        if (!text)
                return 0;
        if (text_to_u64(span_str(text), &number) < 0) {
                if (users_find(text, &uid, NULL) < 0)
                        return err_set(err, -EINVAL, "%s \"%s\": no such user here", option, text);
                number = uid;
        }
        json_member_u64(w, key, number);
        return 0;
}

static int put_actor(struct json_writer *w, const struct open_options *o, struct err *err)
{
        int rc = 0;

        json_put_key(w, "actors");
        json_begin_array(w);
        if (o->uid || o->login || o->exe || o->unit) {
                json_begin_object(w);
                rc = put_user(w, "auid", "--login", o->login, err);
                if (o->exe)
                        command_put_json_text(w, "exe", o->exe);
                if (rc == 0)
                        rc = put_user(w, "uid", "--uid", o->uid, err);
                if (o->unit)
                        command_put_json_text(w, "unit", o->unit);
                json_end_object(w);
        }
        json_end_array(w);
        return rc;
}

/* A directory is named with or without a slash behind it. */
static struct span without_slash(const char *path)
{
        struct span s = span_str(path);

        while (s.n > 1 && s.p[s.n - 1] == '/' && !(s.n == 2 && s.p[0] == '!'))
                s.n--;
        return s;
}

static int put_document(const struct invocation *in, const struct open_options *o,
                        struct json_writer *w, struct err *err)
{
        int64_t from = 0, until = 0;
        int rc = window(in, o, &from, &until, err);

        if (rc == 0 && !o->reason)
                rc = err_set(err, -EINVAL, "--reason TEXT is needed");
        if (rc < 0)
                return rc;
        json_begin_object(w);
        rc = put_actor(w, o, err);
        if (rc < 0)
                return rc;
        json_member_time(w, "from", from);
        json_put_key(w, "hashes");
        json_begin_array(w);
        for (size_t i = 0; i < o->hashes.n && rc == 0; i++)
                rc = put_content(w, o->hashes.at[i], err);
        if (rc < 0)
                return rc;
        json_end_array(w);
        command_put_json_text(w, "id", in->operands[0]);
        json_put_key(w, "paths");
        json_begin_array(w);
        for (size_t i = 0; i < o->paths.n; i++) {
                if (!text_is_utf8(span_str(o->paths.at[i]), NULL))
                        return err_set(err, -EINVAL, "--path \"%s\": not UTF-8", o->paths.at[i]);
                json_put_string(w, without_slash(o->paths.at[i]));
        }
        json_end_array(w);
        command_put_json_text(w, "reason", o->reason);
        json_member_text(w, "source", "local");
        json_member_time(w, "until", until);
        json_end_object(w);
        return 0;
}

/* The document as it is in a file, in whatever spelling of JSON. */
static int take_file(const char *path, struct buf *out, struct err *err)
{
        uint8_t *text = NULL;
        size_t n;
        int rc = read_whole(path, DOCUMENT_MAX, &text, &n, err);

        if (rc == 0) {
                rc = json_canonicalize(span_of(text, n), 0, out, err);
                if (rc < 0)
                        err_wrap(err, "%s", path);
        }
        free(text);
        return rc;
}

static bool says_more(const struct open_options *o)
{
        return o->paths.n || o->hashes.n || o->reason || o->from || o->until || o->lasts ||
               o->exe || o->unit || o->uid || o->login;
}

static enum status run_open(struct invocation *in)
{
        const struct open_options *o = in->options;
        CLEANUP(buf_done) struct buf document = BUF_INIT(DOCUMENT_MAX);
        CLEANUP(buf_done) struct buf args = BUF_INIT(DOCUMENT_MAX + 64);
        struct json_writer w;
        struct json_value id;
        struct span text;
        struct err err = { 0 };
        int rc;

        if (o->file && says_more(o))
                return complain(in, STATUS_USAGE,
                                "--file says everything: no other option beside it");
        json_writer_init(&w, &document);
        rc = o->file ? take_file(o->file, &document, &err) : put_document(in, o, &w, &err);
        if (rc == -EINVAL && !o->file)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        if (rc == 0 && buf_status(&document) < 0)
                rc = err_sys(&err, buf_status(&document), "the change");
        if (rc < 0)
                return complain_err(in, &err);
        if (!json_get(json_value_of(buf_span(&document)), "id", &id) ||
            !json_value_plain(id, &text) || !span_eq_str(text, in->operands[0]))
                return complain(in, STATUS_USAGE, "%s: its id is not %s", o->file ? o->file : "id",
                                in->operands[0]);
        json_writer_init(&w, &args);
        json_begin_object(&w);
        json_member_raw(&w, "change", buf_span(&document));
        json_end_object(&w);
        return ask_and_say(in, "change.open", buf_span(&args), " is open");
}

static const struct command change_open = {
        .name = "open",
        .operands = "ID",
        .about = "approve a change before it is made",
        .help = "What is changed in the window, below the paths, by whom it says and into what it\n"
                "says is explained by this and raises no alert.  Everything else does as before.\n"
                "Several of --uid, --login, --exe and --unit must all hold.",
        .options = open_specs,
        .options_size = sizeof(struct open_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_open,
};

/* ---- close ---- */

struct close_options {
        const char *reason;
};

static const struct option_spec close_specs[] = {
        { "reason", 'r', OPTION_TEXT, offsetof(struct close_options, reason), "TEXT",
          "why; \"done\", unless said" },
        { 0 },
};

static enum status run_close(struct invocation *in)
{
        const struct close_options *o = in->options;
        CLEANUP(buf_done) struct buf args = BUF_INIT(DOCUMENT_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        command_put_json_text(&w, "id", in->operands[0]);
        command_put_json_text(&w, "reason", o->reason ? o->reason : "done");
        json_end_object(&w);
        return ask_and_say(in, "change.close", buf_span(&args), " is closed");
}

static const struct command change_close = {
        .name = "close",
        .operands = "ID",
        .about = "end an approved change before its time",
        .options = close_specs,
        .options_size = sizeof(struct close_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_close,
};

/* ---- list ---- */

static void put_time(const struct screen *s, struct table *t, struct json_value o, const char *key)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(64);
        struct json_value v;
        struct span time;
        int64_t ns;

        if (json_get(o, key, &v) && json_value_plain(v, &time) && text_to_time(time, &ns) == 0)
                screen_put_time(s, &text, ns);
        table_put_safe(t, STYLE_NONE, buf_cstr(&text));
}

static void put_texts(struct table *t, struct json_value o, const char *key)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TABLE_CELL_MAX);
        struct json_value v, item;
        struct json_iter it;

        if (json_get(o, key, &v) && v.type == JSON_STRING)
                (void)json_value_text(v, &text);
        if (json_get(o, key, &v) && v.type == JSON_ARRAY)
                for (it = json_iter_of(v); json_next(&it, NULL, &item);) {
                        buf_put_str(&text, text.n ? ", " : "");
                        if (!json_value_text(item, &text)) { /* [path, digest] */
                                struct json_iter pair = json_iter_of(item);

                                if (json_next(&pair, NULL, &item))
                                        (void)json_value_text(item, &text);
                        }
                }
        if (buf_status(&text) < 0)
                buf_clear(&text);
        table_put(t, STYLE_NONE, buf_cstr(&text));
}

static bool has_left_out(struct span body)
{
        struct json_value v;
        int64_t n;

        return json_get(json_value_of(body), "left_out", &v) && json_value_int(v, &n) && n > 0;
}

/* Open ones that are too long for the sensor's answer. */
static void put_left_out(struct span body, struct buf *out)
{
        CLEANUP(buf_done) struct buf id = BUF_INIT(ANSWER_MAX);
        struct json_value list, v;
        struct json_iter it;

        if (!has_left_out(body) || !json_get(json_value_of(body), "left_out_ids", &list))
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &v);) {
                buf_clear(&id);
                if (json_value_text(v, &id))
                        text_put_safe(out, buf_span(&id));
                buf_put_str(
                        out,
                        "  open too, and too long to be shown: assay log --kind integrity.approval\n");
        }
}

static void put_list(const struct invocation *in, struct span body, struct buf *out)
{
        struct json_value list, o;
        struct json_iter it;
        struct table *t = calloc(1, sizeof(*t));

        if (!t || !json_get(json_value_of(body), "changes", &list)) {
                free(t);
                return;
        }
        table_init(t, 6);
        for (it = json_iter_of(list); json_next(&it, NULL, &o);) {
                put_texts(t, o, "id");
                put_time(&in->out, t, o, "from");
                put_time(&in->out, t, o, "until");
                put_texts(t, o, "paths");
                put_texts(t, o, "hashes");
                put_texts(t, o, "reason");
        }
        if (t->n_cells == 0 && !has_left_out(body))
                buf_put_str(out, "No change is open.\n");
        table_print(t, &in->out, 0, out);
        put_left_out(body, out);
        if (json_get(json_value_of(body), "lists", &list))
                for (it = json_iter_of(list); json_next(&it, NULL, &o);)
                        command_put_source(&in->out, o, out);
        table_done(t);
        free(t);
}

static enum status run_list(struct invocation *in)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(ANSWER_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };

        if (sensor_ask(in, "change.list", SPAN("{}"), NULL, NULL, &body, &err) < 0)
                return complain_err(in, &err);
        if (in->json) {
                buf_put(&out, buf_span(&body));
                buf_put_byte(&out, '\n');
        } else {
                put_list(in, buf_span(&body), &out);
        }
        return command_print(in, &out, STATUS_GOOD);
}

static const struct command change_list = {
        .name = "list",
        .operands = "",
        .about = "show the approved changes that are open or to come, and the lists believed",
        .run = run_list,
};

static const struct command *const change_commands[] = {
        &change_open,
        &change_close,
        &change_list,
        &command_change_apply,
        &command_change_resolve,
        &command_change_key,
        &command_change_package,
        NULL,
};

const struct command command_change = {
        .name = "change",
        .operands = "[OPTION]... [OPERAND]...",
        .about = "approve changes, so that they raise no alert",
        .sub = change_commands,
        .usual = &change_list,
};
