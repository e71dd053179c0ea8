/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_inspect.c - assay api inspect: what is in a package, and who has signed it. */
#include "base/text.h"
#include "command/api/api_build.h"
#include "command/api/api_group.h"
#include "command/api/api_package.h"
#include "command/api/api_show.h"
#include "package/config/config_text.h"
#include "package/model/model_file.h"

struct inspect_options {
        struct option_texts keys;
        bool schema, policy, rebuild;
        const char *source;
};

static const struct option_spec inspect_specs[] = {
        { "key", 'k', OPTION_TEXTS, offsetof(struct inspect_options, keys), "VKEY",
          "judge signatures of this key, as assay change key printed it; repeatable" },
        { "schema", 0, OPTION_FLAG, offsetof(struct inspect_options, schema), NULL,
          "print its Cedar schema instead, as it was derived" },
        { "policy", 0, OPTION_FLAG, offsetof(struct inspect_options, policy), NULL,
          "print its policies instead" },
        { "source", 0, OPTION_TEXT, offsetof(struct inspect_options, source), "PATH",
          "print this one of its sources instead" },
        { "rebuild", 0, OPTION_FLAG, offsetof(struct inspect_options, rebuild), NULL,
          "build it again from its sources: do the same bytes come out?" },
        { 0 },
};

struct inspected {
        const struct invocation *in;
        struct api_package package;
        struct api_signature signatures[NOTE_SIGS_MAX];
        size_t n_signatures;
        bool trusted, bad; /* by a key that was given; a signature that does not hold */
        struct api *api;
        struct config config;
};

static const char *state_word(enum api_signature_state state)
{
        return state == API_SIGNATURE_GOOD  ? "good"
               : state == API_SIGNATURE_BAD ? "bad"
                                            : "not judged";
}

/* ---- one part of it ---- */

static const struct package_source *find_source(const struct package_file *f, const char *path)
{
        for (uint32_t i = 0; i < f->n_sources; i++)
                if (span_eq_str(f->sources[i].path, path))
                        return &f->sources[i];
        return NULL;
}

/* As it is: for programs, and for comparing. */
static enum status print_part(const struct invocation *in, const struct inspect_options *o,
                              const struct package_file *f)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(PACKAGE_FILE_MAX);
        const struct package_source *source = o->source ? find_source(f, o->source) : NULL;

        if (o->schema + o->policy + (o->source != NULL) + in->json > 1)
                return complain(in, STATUS_USAGE,
                                "one of --schema, --policy, --source and --json at a time");
        if (o->source && !source)
                return complain(in, STATUS_PROBLEM, "%s: it has no source \"%s\"", in->operands[0],
                                o->source);
        buf_put(&out, source      ? source->text
                      : o->schema ? f->section[PACKAGE_SCHEMA]
                                  : f->section[PACKAGE_POLICY]);
        return command_print(in, &out, STATUS_GOOD);
}

/* ---- all of it ---- */

static void put_hex(const uint8_t *p, size_t n, struct buf *out)
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(p, n), hex);
        buf_put_str(out, hex);
}

static void put_json(const struct inspected *x, struct buf *out)
{
        const struct package_file *f = &x->package.file;
        CLEANUP(buf_done) struct buf hex = BUF_INIT(2 * PACKAGE_HASH + 1);
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "api", f->api);
        api_show_json(x->api, &x->config, &w);
        json_member_text(&w, "replay", x->config.replay ? "digest" : "none");
        put_hex(f->sha256, PACKAGE_HASH, &hex);
        json_member_text(&w, "sha256", buf_cstr(&hex));
        json_put_key(&w, "signatures");
        json_begin_array(&w);
        for (size_t i = 0; i < x->n_signatures; i++) {
                buf_clear(&hex);
                put_hex(x->signatures[i].keyid, NOTE_KEYID, &hex);
                json_begin_object(&w);
                json_member_text(&w, "id", buf_cstr(&hex));
                json_member_string(&w, "name", x->signatures[i].name);
                json_member_text(&w, "state", state_word(x->signatures[i].state));
                json_end_object(&w);
        }
        json_end_array(&w);
        json_member_u64(&w, "size", f->body.n + f->note.n);
        json_put_key(&w, "sources");
        json_begin_array(&w);
        for (uint32_t i = 0; i < f->n_sources; i++)
                json_put_string(&w, f->sources[i].path);
        json_end_array(&w);
        json_member_string(&w, "title", x->api->title);
        json_member_string(&w, "version", f->version);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* A row of the head; text is not safe yet. */
static void put_row(struct table *t, const char *name, struct buf *text)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(64 * 1024);

        text_put_safe(&safe, buf_span(text));
        table_put(t, STYLE_DIM, name);
        table_put_safe(t, STYLE_NONE, buf_cstr(&safe));
        buf_clear(text);
}

static void put_signatures(const struct inspected *x, struct table *t)
{
        static const enum style styles[] = {
                [API_SIGNATURE_GOOD] = STYLE_GOOD,
                [API_SIGNATURE_BAD] = STYLE_BAD,
                [API_SIGNATURE_UNJUDGED] = STYLE_NONE,
        };
        CLEANUP(buf_done) struct buf name = BUF_INIT(NOTE_MAX);

        if (x->n_signatures == 0) {
                table_put(t, STYLE_DIM, "signed");
                table_put(t, STYLE_NONE, "by nobody");
        }
        for (size_t i = 0; i < x->n_signatures; i++) {
                const struct api_signature *s = &x->signatures[i];

                buf_clear(&name);
                text_put_safe(&name, s->name);
                buf_put_byte(&name, '+');
                put_hex(s->keyid, NOTE_KEYID, &name);
                buf_printf(&name, ", %s", state_word(s->state));
                if (s->state == API_SIGNATURE_UNJUDGED)
                        buf_put_str(&name, ": no --key of it was given");
                table_put(t, STYLE_DIM, i == 0 ? "signed by" : "");
                table_put_safe(t, styles[s->state], buf_cstr(&name));
        }
}

static void put_text(const struct inspected *x, struct buf *out)
{
        const struct package_file *f = &x->package.file;
        CLEANUP(table_done) struct table t;
        CLEANUP(buf_done) struct buf cell = BUF_INIT(TABLE_CELL_MAX);

        table_init(&t, 2);
        api_package_put_title(f, &cell);
        screen_put(&x->in->out, out, STYLE_BOLD, buf_cstr(&cell));
        buf_put_byte(out, '\n');
        buf_clear(&cell);
        buf_put(&cell, x->api->title);
        put_row(&t, "title", &cell);
        put_hex(f->sha256, PACKAGE_HASH, &cell);
        put_row(&t, "sha256", &cell);
        put_signatures(x, &t);
        screen_put_bytes(&cell, f->body.n + f->note.n);
        put_row(&t, "size", &cell);
        buf_put(&cell, x->config.base.n ? x->config.base : SPAN("/"));
        put_row(&t, "base", &cell);
        config_put_backend(&x->config.backend, &cell);
        put_row(&t, "back-end", &cell);
        config_put_caps(&x->config, &cell);
        put_row(&t, "caps", &cell);
        if (x->config.replay) {
                buf_put_str(&cell, "what policies ask for is recorded as digest");
                put_row(&t, "replay", &cell);
        }
        table_print(&t, &x->in->out, 2, out);
        api_show_text(x->in, f, x->api, &x->config, out);
}

static enum status inspect(struct inspected *x, const struct inspect_options *o)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };

        if (o->schema || o->policy || o->source)
                return print_part(x->in, o, &x->package.file);
        if (model_get(x->package.file.section[PACKAGE_API], &x->api, &x->config, &err) < 0)
                return complain(x->in, STATUS_PROBLEM, "%s: section api: %s", x->in->operands[0],
                                err_text(&err));
        if (api_package_signatures(&x->package.file, &o->keys, x->signatures, &x->n_signatures,
                                   &err) < 0)
                return complain_err(x->in, &err);
        for (size_t i = 0; i < x->n_signatures; i++) {
                x->trusted |= x->signatures[i].state == API_SIGNATURE_GOOD;
                x->bad |= x->signatures[i].state == API_SIGNATURE_BAD;
        }
        if (x->in->json)
                put_json(x, &out);
        else
                put_text(x, &out);
        if (command_print(x->in, &out, STATUS_GOOD) != STATUS_GOOD)
                return STATUS_UNSURE;
        if (x->bad)
                return complain(x->in, STATUS_PROBLEM, "%s: a signature does not hold",
                                x->in->operands[0]);
        if (o->keys.n && !x->trusted)
                return complain(x->in, STATUS_PROBLEM, "%s: none of these keys has signed it",
                                x->in->operands[0]);
        return STATUS_GOOD;
}

/* ---- again ---- */

/* Which part is another, for who looks for the reason. */
static const char *what_differs(const struct package_file *a, const struct package_file *b)
{
        if (!span_eq(a->api, b->api) || !span_eq(a->version, b->version))
                return "its name or version";
        for (unsigned s = 0; s < PACKAGE_SECTIONS; s++)
                if (!span_eq(a->section[s], b->section[s]))
                        return package_section_name((enum package_section)s);
        return "the order or spelling of its parts";
}

static enum status say_rebuilt(const struct inspected *x, const struct api_built *b)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        const struct package_file *f = &x->package.file;
        bool same = b->whole && span_eq(f->body, buf_span(&b->body));
        struct json_writer w;

        if (x->in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                api_put_faults_json(b, &w);
                json_member_bool(&w, "same", same);
                json_member_u64(&w, "warnings", b->lint.warnings);
                json_end_object(&w);
                buf_put_byte(&out, '\n');
        } else if (!b->whole) {
                api_put_faults(x->in, b, NULL, &out);
        } else if (same) {
                api_package_put_title(f, &out);
                buf_put_str(&out, ": ");
                screen_put(&x->in->out, &out, STYLE_GOOD, "the same");
                buf_put_str(&out, ", byte for byte, when it is built again\n");
        }
        if (command_print(x->in, &out, STATUS_GOOD) != STATUS_GOOD)
                return STATUS_UNSURE;
        if (!b->whole)
                return complain(x->in, STATUS_PROBLEM, "%s: its sources have errors",
                                x->in->operands[0]);
        return same ? STATUS_GOOD
                    : complain(x->in, STATUS_PROBLEM,
                               "%s: built again from its sources it is another one: %s differs.  "
                               "Either another version of Assay has built it, or it was not made "
                               "of these sources",
                               x->in->operands[0], what_differs(f, &b->file));
}

static enum status rebuild(struct inspected *x, const struct inspect_options *o)
{
        static struct api_built b; /* too large for a stack */
        enum status status;
        struct err err = { 0 };

        if (o->schema || o->policy || o->source || o->keys.n)
                return complain(x->in, STATUS_USAGE, "--rebuild goes with no other option");
        if (api_build_again(&x->package.file, x->in->clock, &b, &err) < 0)
                return complain_err(x->in, &err);
        status = say_rebuilt(x, &b);
        api_built_done(&b);
        return status;
}

static enum status run(struct invocation *in)
{
        const struct inspect_options *o = in->options;
        static struct inspected x; /* too large for a stack */
        enum status status;
        struct err err = { 0 };

        x = (struct inspected){ .in = in };
        if (api_package_read(in->operands[0], &x.package, &err) < 0)
                return complain_err(in, &err);
        status = o->rebuild ? rebuild(&x, o) : inspect(&x, o);
        x.api = api_free(x.api);
        api_package_done(&x.package);
        return status;
}

const struct command command_api_inspect = {
        .name = "inspect",
        .operands = "FILE",
        .about = "what is in a package, and who has signed it",
        .help = "Exit status 1 when a signature does not hold, or when --key is given and none of\n"
                "these keys has signed.  Sizes and hashes of all parts are checked before anything\n"
                "is shown.",
        .options = inspect_specs,
        .options_size = sizeof(struct inspect_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
