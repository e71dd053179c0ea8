/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_check.c - assay policy check: do policies parse, and do they fit their schema? */
#include "base/text.h"
#include "command/policy/cedar_files.h"
#include "command/policy/policy_group.h"
#include "policy/validate/validate.h"
#include "wire/json.h"

enum { FINDINGS_ARENA_MAX = 16 * 1024 * 1024, FILES_MAX = 1024 };

struct check_options {
        const char *schema, *links;
};

static const struct option_spec check_specs[] = {
        { "schema", 's', OPTION_TEXT, offsetof(struct check_options, schema), "FILE",
          "hold them against this schema, in Cedar's form or in JSON" },
        { "links", 'k', OPTION_TEXT, offsetof(struct check_options, links), "FILE",
          "and policies made of the file's templates, a JSON array" },
        { 0 },
};

/* What came out so far, text or JSON. */
struct report {
        const struct invocation *in;
        struct buf out;
        struct json_writer w;
        uint64_t n_policies, n_errors, n_warnings;
        enum status status;
};

/* That something could not be told is worse than that something is wrong. */
static void worsen(struct report *r, enum status by)
{
        r->status = MAX_OF(r->status, by);
}

static void put_finding(struct report *r, const char *file, const struct cedar_finding *f)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(CEDAR_FILE_MAX);
        struct json_writer *w = &r->w;

        if (r->in->json) {
                struct span id = SPAN_NONE;
                bool named = cedar_policy_annotation(f->policy, "id", &id);

                json_begin_object(w);
                json_member_u64(w, "column", f->pos.column);
                command_put_json_text(w, "file", file);
                json_member_u64(w, "line", f->pos.line);
                if (named)
                        json_member_string(w, "name", id);
                json_member_string(w, "policy", f->policy->id);
                json_member_text(w, "severity", f->warning ? "warning" : "error");
                command_put_json_text(w, "text", f->text);
                json_end_object(w);
                return;
        }
        text_put_safe(&r->out, span_str(file));
        buf_printf(&r->out, ": line %u, column %u: ", f->pos.line, f->pos.column);
        cedar_put_policy_name(&name, f->policy);
        text_put_safe(&r->out, buf_span(&name));
        buf_put_str(&r->out, f->warning ? ": warning: " : ": ");
        text_put_safe(&r->out, span_str(f->text));
        buf_put_byte(&r->out, '\n');
}

/* "FILE: line 3, column 14: ..."; false where the text names no place. */
static bool place_in(const char *text, uint64_t *ret_line, uint64_t *ret_column)
{
        const char *line = strstr(text, ": line "),
                   *column = line ? strstr(line, ", column ") : NULL;
        const char *end = column ? strchr(column, ':') : NULL;

        if (!end)
                return false;
        line += strlen(": line ");
        if (text_to_u64(span_of(line, (size_t)(column - line)), ret_line) < 0)
                return false;
        column += strlen(", column ");
        return text_to_u64(span_of(column, (size_t)(end - column)), ret_column) == 0;
}

/* What has no policy: the file does not parse, or could not be read. */
static void put_failure(struct report *r, const char *file, const struct err *err)
{
        uint64_t line = 0, column = 0;
        bool placed;

        worsen(r, status_of_error(err->code));
        r->n_errors++;
        if (!r->in->json) {
                text_put_safe(&r->out, span_str(err_text(err)));
                buf_put_byte(&r->out, '\n');
                return;
        }
        placed = place_in(err_text(err), &line, &column);
        json_begin_object(&r->w);
        if (placed)
                json_member_u64(&r->w, "column", column);
        command_put_json_text(&r->w, "file", file);
        if (placed)
                json_member_u64(&r->w, "line", line);
        json_member_text(&r->w, "severity", "error");
        command_put_json_text(&r->w, "text", err_text(err));
        json_end_object(&r->w);
}

static int check_policies(struct report *r, const char *file, const struct cedar_policies *p,
                          const struct cedar_schema *schema, struct err *err)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(FINDINGS_ARENA_MAX);
        struct cedar_findings found = { 0 };
        int status = schema ? cedar_validate(p, schema, &arena, &found, err) : 0;

        if (status < 0)
                return err_wrap(err, "%s", file);
        for (uint32_t i = 0; i < found.n; i++)
                put_finding(r, file, &found.list[i]);
        r->n_policies += p->n;
        r->n_errors += found.n_errors;
        r->n_warnings += found.n - found.n_errors;
        if (found.n_errors)
                worsen(r, STATUS_PROBLEM);
        return 0;
}

static void check_file(struct report *r, const char *path, const char *links,
                       const struct cedar_schema *schema)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
        const char *file = cedar_file_name(path);
        struct err err = { 0 };
        int status = cedar_files_policies(path, &p, &err);

        if (status == 0 && links)
                status = cedar_files_link(links, p, &err);
        if (status == 0)
                status = check_policies(r, file, p, schema, &err);
        if (status < 0)
                put_failure(r, file, &err);
}

static void put_sum(struct report *r)
{
        if (r->in->json) {
                json_end_array(&r->w);
                json_member_u64(&r->w, "policies", r->n_policies);
                json_member_u64(&r->w, "warnings", r->n_warnings);
                json_end_object(&r->w);
                buf_put_byte(&r->out, '\n');
                return;
        }
        buf_printf(&r->out, "%llu polic%s, %llu error%s, %llu warning%s\n",
                   (unsigned long long)r->n_policies, r->n_policies == 1 ? "y" : "ies",
                   (unsigned long long)r->n_errors, r->n_errors == 1 ? "" : "s",
                   (unsigned long long)r->n_warnings, r->n_warnings == 1 ? "" : "s");
}

static enum status run(struct invocation *in)
{
        const struct check_options *o = in->options;
        CLEANUP(cedar_schema_freep) struct cedar_schema *schema = NULL;
        struct report r = { .in = in, .out = BUF_INIT(COMMAND_OUTPUT_MAX) };
        struct err err = { 0 };
        enum status status;

        if (o->links && in->n_operands > 1)
                return complain(in, STATUS_USAGE, "--links goes with one file of policies");
        if (o->schema && cedar_files_schema(o->schema, &schema, &err) < 0)
                return complain_err(in, &err);
        if (in->json) {
                json_writer_init(&r.w, &r.out);
                json_begin_object(&r.w);
                json_put_key(&r.w, "findings");
                json_begin_array(&r.w);
        }
        for (size_t i = 0; i < in->n_operands; i++)
                check_file(&r, in->operands[i], o->links, schema);
        put_sum(&r);
        status = command_print(in, &r.out, r.status);
        buf_done(&r.out);
        return status;
}

const struct command command_policy_check = {
        .name = "check",
        .operands = "FILE...",
        .about = "do policies parse, and do they fit their schema?",
        .help = "Each finding is a line: the file, the place, the policy (by its order in the file\n"
                "and its @id) and what is wrong.  Without --schema only the syntax is checked; with\n"
                "one, what validates cannot err for entities and requests the schema allows, but for\n"
                "numbers that overflow and entities that are not there.  A warning is a policy that\n"
                "never decides anything.  \"-\" is standard input.",
        .options = check_specs,
        .options_size = sizeof(struct check_options),
        .min_operands = 1,
        .max_operands = FILES_MAX,
        .run = run,
};
