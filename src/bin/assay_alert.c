/* SPDX-License-Identifier: Apache-2.0 */
/* assay_alert.c - assay alert: its parts, and the judging of a deliver.yaml. */
#include <stdio.h>

#include "bin/assay_commands.h"
#include "command/commands.h"
#include "command/places.h"
#include "fleet/deliver_config.h"
#include "wire/json.h"

struct check_options {
        const char *config;
};

static const struct option_spec check_specs[] = {
        { "config", 0, OPTION_TEXT, offsetof(struct check_options, config), "DIR",
          "has deliver.yaml (" PLACES_CONFIG ")" },
        { 0 },
};

static void put_faults(const struct deliver_config *c, const char *path, struct buf *out)
{
        for (size_t i = 0; i < c->faults.n; i++) {
                conffile_put_fault(path, &c->faults.at[i], out);
                buf_put_byte(out, '\n');
        }
}

static void put_json(const struct deliver_config *c, const char *path, struct buf *faults,
                     struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        command_put_json_text(&w, "faults", buf_cstr(faults));
        command_put_json_text(&w, "file", path);
        json_member_bool(&w, "good", c->faults.n == 0);
        json_put_key(&w, "sinks");
        json_begin_array(&w);
        for (size_t i = 0; i < c->n; i++)
                json_put_string(&w, span_str(c->sinks[i].name));
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_good(const struct screen *s, const struct deliver_config *c, const char *path,
                     struct buf *out)
{
        screen_put(s, out, STYLE_GOOD, "GOOD");
        buf_printf(out, "  %s:", path);
        for (size_t i = 0; i < c->n; i++)
                buf_printf(out, "%s %s (%s)", i ? "," : "", c->sinks[i].name,
                           deliver_type_name[c->sinks[i].type]);
        buf_put_byte(out, '\n');
}

static enum status run_check(struct invocation *in)
{
        const struct check_options *o = in->options;
        CLEANUP(deliver_config_done) struct deliver_config c = { 0 };
        CLEANUP(buf_done) struct buf faults = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        const char *path = in->n_operands ? in->operands[0] : NULL;
        char usual[PLACES_PATH_MAX];
        struct err err = { 0 };
        int rc = 0;

        deliver_config_init(&c);
        if (!path) {
                rc = places_join(o->config ? o->config : PLACES_CONFIG, DELIVER_FILE, usual, &err);
                path = usual;
        }
        if (rc == 0)
                rc = deliver_config_load(path, in->n_operands ? DELIVER_ANYBODYS : 0, in->clock, &c,
                                         &err);
        if (rc == -ENOENT && !in->n_operands)
                return complain(in, STATUS_UNSURE,
                                "%s; nothing is delivered without it: see deliver.yaml(5)",
                                err_text(&err));
        if (rc < 0 && c.faults.n == 0)
                return complain_err(in, &err);
        put_faults(&c, path, &faults);
        if (in->json)
                put_json(&c, path, &faults, &out);
        else if (c.faults.n)
                buf_put(&out, buf_span(&faults));
        else
                put_good(&in->out, &c, path, &out);
        return command_print(in, &out, c.faults.n ? STATUS_PROBLEM : STATUS_GOOD);
}

static const struct command alert_check = {
        .name = "check",
        .operands = "[FILE]",
        .about = "judge a deliver.yaml and name every mistake with its line and column",
        .help = "Without FILE, the one that the uplink would read.  Exit status 1 when there are\n"
                "mistakes: the uplink would deliver nothing until they are mended.",
        .options = check_specs,
        .options_size = sizeof(struct check_options),
        .max_operands = 1,
        .run = run_check,
};

static const struct command *const alert_commands[] = {
        &alert_list, &alert_show, &alert_explain, &alert_sinks, &alert_test, &alert_check, NULL,
};

const struct command command_alert = {
        .name = "alert",
        .operands = "[OPTION]... [OPERAND]...",
        .about = "what was changed and nothing explains, and where that is delivered",
        .sub = alert_commands,
        .usual = &alert_list,
};
