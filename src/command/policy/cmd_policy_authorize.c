/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_authorize.c - assay policy authorize: what policies say to one request, and why. */
#include "base/text.h"
#include "command/policy/cedar_files.h"
#include "command/policy/policy_group.h"
#include "policy/evaluate/program.h"
#include "policy/parse/parse.h"
#include "wire/json.h"

enum { REQUEST_ARENA_MAX = 64 * 1024 * 1024 };

struct authorize_options {
        const char *policies, *entities, *schema, *links;
        const char *principal, *action, *resource, *context;
};

#define TEXT(name, letter, member, value, about)                                                   \
        {                                                                                          \
                name, letter, OPTION_TEXT, offsetof(struct authorize_options, member), value,      \
                        about                                                                      \
        }

static const struct option_spec authorize_specs[] = {
        TEXT("policies", 'p', policies, "FILE", "the policies and templates"),
        TEXT("entities", 'e', entities, "FILE", "the entities, a JSON array; without it none"),
        TEXT("schema", 's', schema, "FILE",
             "hold the entities and the request against this schema"),
        TEXT("links", 'k', links, "FILE", "policies made of the templates, a JSON array"),
        TEXT("principal", 'l', principal, "UID", "who asks: 'User::\"alice\"'"),
        TEXT("action", 'a', action, "UID", "for what: 'Action::\"view\"'"),
        TEXT("resource", 'r', resource, "UID", "on what: 'Photo::\"sunset.jpg\"'"),
        TEXT("context", 'c', context, "FILE", "the context, a JSON object; without it {}"),
        { 0 },
};

/* Everything a decision is made of. */
struct asked {
        struct cedar_policies *policies;
        struct cedar_schema *schema;
        struct cedar_entities *entities;
        struct cedar_program *program;
        struct cedar_bench *bench;
        struct arena arena;
        struct cedar_request request;
};

static void asked_done(struct asked *a)
{
        a->bench = cedar_bench_free(a->bench);
        a->program = cedar_program_free(a->program);
        a->entities = cedar_entities_free(a->entities);
        a->schema = cedar_schema_free(a->schema);
        a->policies = cedar_policies_free(a->policies);
        arena_done(&a->arena);
}

/* ---- what was asked ---- */

static int read_uids(const struct authorize_options *o, struct asked *a, struct err *err)
{
        const struct {
                const char *name, *text;
                struct cedar_uid *uid;
        } uids[] = { { "principal", o->principal, &a->request.principal },
                     { "action", o->action, &a->request.action },
                     { "resource", o->resource, &a->request.resource } };

        for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
                if (!uids[i].text)
                        return err_set(err, -EINVAL, "--%s UID is missing", uids[i].name);
                if (cedar_parse_uid(span_str(uids[i].text), &a->arena, uids[i].uid, err) < 0)
                        return err_wrap(err, "--%s", uids[i].name);
        }
        return o->policies ? 0 : err_set(err, -EINVAL, "--policies FILE is missing");
}

static int read_context(const char *path, struct asked *a, struct err *err)
{
        CLEANUP(cedar_text_done) struct cedar_text text = { 0 };
        struct span json = SPAN("{}");
        int r = path ? cedar_text_read(path, CEDAR_FILE_MAX, &text, err) : 0;

        if (r < 0)
                return r;
        if (path)
                json = span_of(text.p, text.n);
        r = a->schema ? cedar_context_read(json, a->schema, &a->request.action, &a->arena,
                                           &a->request.context, err)
                      : cedar_context_read_trusted(json, &a->arena, &a->request.context, err);
        return r < 0 ? err_wrap(err, "%s", path ? cedar_file_name(path) : "context") : 0;
}

static int read_entities(const char *path, struct asked *a, struct err *err)
{
        int r;

        if (path)
                return cedar_files_entities(path, a->schema, &a->entities, err);
        r = cedar_entities_new(&a->entities);
        if (r < 0)
                return err_sys(err, r, "entities");
        r = cedar_entities_read(SPAN("[]"), a->schema, a->entities, err);
        return r < 0 ? r : cedar_entities_seal(a->entities, err);
}

static int read_files(const struct authorize_options *o, struct asked *a, struct err *err)
{
        int r = cedar_files_policies(o->policies, &a->policies, err);

        if (r == 0 && o->links)
                r = cedar_files_link(o->links, a->policies, err);
        if (r == 0 && o->schema)
                r = cedar_files_schema(o->schema, &a->schema, err);
        if (r == 0)
                r = read_entities(o->entities, a, err);
        if (r == 0)
                r = read_context(o->context, a, err);
        if (r == 0 && a->schema && cedar_schema_check_request(a->schema, &a->request, err) < 0)
                r = err_wrap(err, "the request");
        if (r == 0)
                r = cedar_program_new(a->policies, &a->program, err);
        if (r < 0)
                return r;
        r = cedar_bench_new(a->program, &a->bench);
        return r < 0 ? err_sys(err, r, "bench") : 0;
}

/* ---- what is answered ---- */

static void put_policy(struct json_writer *w, const struct cedar_policy *p)
{
        struct span name;

        json_member_string(w, "id", p->id);
        if (cedar_policy_annotation(p, "id", &name))
                json_member_string(w, "name", name);
}

static void put_json(const struct cedar_answer *answer, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "decision", answer->decision == CEDAR_PERMIT ? "allow" : "deny");
        json_put_key(&w, "errors");
        json_begin_array(&w);
        for (uint32_t i = 0; i < answer->n_faults; i++) {
                json_begin_object(&w);
                put_policy(&w, answer->faults[i].policy);
                buf_clear(&text);
                cedar_fault_print(&answer->faults[i], &text);
                command_put_json_text(&w, "text", buf_cstr(&text));
                json_end_object(&w);
        }
        json_end_array(&w);
        json_put_key(&w, "reasons");
        json_begin_array(&w);
        for (uint32_t i = 0; i < answer->n_reasons; i++) {
                json_begin_object(&w);
                put_policy(&w, answer->reasons[i]);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_line(struct buf *out, const char *before, struct buf *text)
{
        buf_put_str(out, before);
        text_put_safe(out, buf_span(text));
        buf_put_byte(out, '\n');
        buf_clear(text);
}

static void put_text(const struct invocation *in, const struct cedar_answer *answer,
                     struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(COMMAND_OUTPUT_MAX);
        bool allow = answer->decision == CEDAR_PERMIT;

        screen_put(&in->out, out, allow ? STYLE_GOOD : STYLE_BAD, allow ? "allow" : "deny");
        buf_put_byte(out, '\n');
        for (uint32_t i = 0; i < answer->n_reasons; i++) {
                cedar_put_policy_name(&text, answer->reasons[i]);
                put_line(out, "because of ", &text);
        }
        if (answer->n_reasons == 0)
                buf_put_str(out, "because no policy permits it\n");
        for (uint32_t i = 0; i < answer->n_faults; i++) {
                cedar_fault_print(&answer->faults[i], &text);
                put_line(out, "not counting ", &text);
        }
}

static enum status run(struct invocation *in)
{
        CLEANUP(asked_done) struct asked a = { .arena = ARENA_INIT(REQUEST_ARENA_MAX) };
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct cedar_answer answer;
        struct err err = { 0 };

        if (read_uids(in->options, &a, &err) < 0)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        /* Nothing was decided: never 1, which would read as a denial. */
        if (read_files(in->options, &a, &err) < 0)
                return complain(in, STATUS_UNSURE, "%s", err_text(&err));
        cedar_decide(a.program, a.entities, &a.request, a.bench, &answer);
        if (in->json)
                put_json(&answer, &out);
        else
                put_text(in, &answer, &out);
        return command_print(in, &out,
                             answer.decision == CEDAR_PERMIT ? STATUS_GOOD : STATUS_PROBLEM);
}

const struct command command_policy_authorize = {
        .name = "authorize",
        .operands = "",
        .about = "what policies say to one request, and why",
        .help = "Prints the decision, the policies it is because of, and those that erred and so did\n"
                "not count.  Exit status 0 when the request is allowed, 1 when it is denied, 3 when\n"
                "nothing could be decided.\n"
                "\n"
                "With --schema, entities and request must be what it allows, and it says how values\n"
                "of the context are read.  One of the files may be \"-\", standard input.  A link is\n"
                "  {\"template_id\": \"policy0\", \"link_id\": \"one\",\n"
                "   \"args\": {\"?principal\": \"User::\\\"alice\\\"\"}}",
        .options = authorize_specs,
        .options_size = sizeof(struct authorize_options),
        .run = run,
};
