/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_alert_sinks.c - assay alert sinks: where alerts are delivered, and how that fares. */
#include "command/commands.h"

#include "command/alert/sinks.h"
#include "command/places.h"
#include "loop/presence.h"
#include "wire/json.h"

static void put_json(struct json_value state, bool lives, struct buf *out)
{
        CLEANUP(buf_done) struct buf refused = BUF_INIT(4096);
        struct json_writer w;
        struct json_value list;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_bool(&w, "config", sinks_have_config(state));
        if (sinks_put_refused(state, &refused))
                json_member_string(&w, "refused", buf_span(&refused));
        json_member_bool(&w, "running", lives);
        if (json_get_path(state, "more.sinks", &list))
                json_member_raw(&w, "sinks", list.raw);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_text(const struct invocation *in, struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf refused = BUF_INIT(4096);

        if (sinks_put_refused(state, &refused)) {
                screen_put(&in->out, out, STYLE_BAD, "Nothing is delivered");
                buf_put_str(out, ": ");
                buf_put(out, buf_span(&refused));
                buf_put_byte(out, '\n');
        } else if (!sinks_have_config(state)) {
                buf_put_str(out, "Nothing is delivered: there is no deliver.yaml.\n");
        }
        sinks_put(in, state, 0, out);
}

static enum status run(struct invocation *in)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_value state;
        struct err err = { 0 };
        bool lives = false;
        int rc = sinks_read(in, &text, &lives, &err);

        if (rc == -ENOENT)
                return complain(in, STATUS_UNSURE,
                                "the uplink does not run here: see assay status");
        if (rc < 0)
                return complain_err(in, &err);
        state = json_value_of(buf_span(&text));
        if (in->json)
                put_json(state, lives, &out);
        else
                put_text(in, state, &out);
        if (!lives)
                return command_print(
                        in, &out,
                        complain(in, STATUS_UNSURE,
                                 "the uplink does not run: this is what it said last"));
        return command_print(in, &out, sinks_have_trouble(state) ? STATUS_PROBLEM : STATUS_GOOD);
}

const struct command alert_sinks = {
        .name = "sinks",
        .operands = "",
        .about = "show where alerts are delivered, and which of these places is down",
        .help = "One line a sink of deliver.yaml: its type, whether it took the last thing it was\n"
                "given, and what waits for it.  What waits is not lost: it is in the ledger.  Exit\n"
                "status 1: one is down; 3: the uplink does not run.",
        .run = run,
};
