/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state_check.c - assay state check, default: judge a state.yaml, print the one that ships. */
#include "command/commands.h"

#include <limits.h>
#include <stdio.h>

#include "base/text.h"
#include "command/places.h"
#include "loop/conffile.h"
#include "loop/jobrun.h"
#include "state/reading/settings.h"
#include "sys/io.h"
#include "wire/fact.h"

enum { JOB_S = 30 };

#define FILE_NAME "state.yaml"
#define SHIPPED   "built-in state.yaml"

struct check_options {
        const char *config;
};

static const struct option_spec specs[] = {
        { "config", 0, OPTION_TEXT, offsetof(struct check_options, config), "DIR",
          "has state.yaml (" PLACES_CONFIG ")" },
        { 0 },
};

struct judged {
        struct conffile_faults faults;
        size_t tables, targets;
};

static int on_fact(void *ctx, struct span json)
{
        struct fact f = fact_of(json);
        struct judged *j = ctx;
        struct json_value text;

        if (json_get(f.object, "fault", &text))
                return conffile_take_fault(&j->faults, f.object, text);
        j->tables += span_eq_str(fact_kind(&f), "table");
        j->targets += span_eq_str(fact_kind(&f), "target");
        return 0;
}

/* The bytes of a file that is named, or of what the monitor would read. */
static int read_file(const struct invocation *in, char path[PLACES_PATH_MAX], struct buf *out,
                     struct err *err)
{
        const struct check_options *o = in->options;
        int rc = 0;

        if (in->n_operands) {
                snprintf(path, PLACES_PATH_MAX, "%s", in->operands[0]);
                return conffile_read(path, CONFFILE_ANYBODYS, out, err);
        }
        rc = places_join(o->config ? o->config : PLACES_CONFIG, FILE_NAME, path, err);
        if (rc == 0)
                rc = conffile_read(path, 0, out, err);
        if (rc != -ENOENT)
                return rc;
        snprintf(path, PLACES_PATH_MAX, "%s", SHIPPED);
        buf_put(out, state_file_shipped());
        return buf_status(out) < 0 ? err_sys(err, buf_status(out), SHIPPED) : 0;
}

static int judge(const struct invocation *in, const char *path, struct span text, struct judged *j,
                 struct err *err)
{
        char program[PATH_MAX];
        CLEANUP_FD int fd = -1;
        struct job_spec spec = { .program = program,
                                 .job = "statefile",
                                 .timeout_ns = JOB_S * NS_PER_S,
                                 .facts_max = STATE_FILE_FACTS_MAX + CONFFILE_FAULTS_MAX,
                                 .clock = in->clock };
        struct err job_err = { 0 };
        int rc = job_program(program, err);

        if (rc < 0)
                return rc;
        fd = spec.input = job_input(text, err);
        if (fd < 0)
                return fd;
        rc = job_run_wait(&spec, on_fact, j, &job_err);
        return conffile_end(path, &j->faults, rc, &job_err, err);
}

static void put_json(const struct judged *j, const char *path, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "faults");
        json_begin_array(&w);
        for (size_t i = 0; i < j->faults.n; i++) {
                json_begin_object(&w);
                json_member_u64(&w, "column", j->faults.at[i].column);
                json_member_u64(&w, "line", j->faults.at[i].line);
                json_member_text(&w, "text", j->faults.at[i].text);
                json_end_object(&w);
        }
        json_end_array(&w);
        command_put_json_text(&w, "file", path);
        json_member_bool(&w, "good", j->faults.n == 0);
        json_member_u64(&w, "tables", j->tables);
        json_member_u64(&w, "targets", j->targets);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_text(const struct screen *s, const struct judged *j, const char *path,
                     struct buf *out)
{
        for (size_t i = 0; i < j->faults.n; i++) {
                conffile_put_fault(path, &j->faults.at[i], out);
                buf_put_byte(out, '\n');
        }
        if (j->faults.n)
                return;
        screen_put(s, out, STYLE_GOOD, "GOOD");
        buf_put_str(out, "  ");
        text_put_safe(out, span_str(path));
        buf_printf(out, ": names %zu table%s, %zu target%s\n", j->tables, j->tables == 1 ? "" : "s",
                   j->targets, j->targets == 1 ? "" : "s");
}

static enum status run_check(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX), text = CONFFILE_BUF;
        char path[PLACES_PATH_MAX];
        struct judged j = { 0 };
        struct err err = { 0 };
        enum status status;
        int rc = read_file(in, path, &text, &err);

        if (rc == 0)
                rc = judge(in, path, buf_span(&text), &j, &err);
        if (rc < 0 && j.faults.n == 0) {
                status = complain_err(in, &err);
        } else {
                if (in->json)
                        put_json(&j, path, &out);
                else
                        put_text(&in->out, &j, path, &out);
                status = command_print(in, &out, j.faults.n ? STATUS_PROBLEM : STATUS_GOOD);
        }
        conffile_faults_done(&j.faults);
        return status;
}

const struct command command_state_check = {
        .name = "check",
        .operands = "[FILE]",
        .about = "judge a state.yaml and name every mistake with its line and column",
        .help = "Without FILE, the one that the monitor would read.  Exit status 1 when there are\n"
                "mistakes: the monitor would refuse the file as a whole and go on with what it has.",
        .options = specs,
        .options_size = sizeof(struct check_options),
        .max_operands = 1,
        .run = run_check,
};

static enum status run_default(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);

        buf_put(&out, state_file_shipped());
        return command_print(in, &out, STATUS_GOOD);
}

const struct command command_state_default = {
        .name = "default",
        .operands = "",
        .about = "print the state.yaml that is used where there is none, to begin one's own with",
        .run = run_default,
};
