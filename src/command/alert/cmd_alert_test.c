/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_alert_test.c - assay alert test: an entry that goes to every sink, from end to end. */
#include "command/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "command/alert/sinks.h"
#include "command/places.h"
#include "command/running/admin.h"
#include "ledger/read/reader.h"
#include "loop/presence.h"
#include "wire/json.h"

enum { LOOK_US = 100 * 1000, WAIT_S = 30, NAMES_MAX = 2048 };

struct test_options {
        struct option_u64 wait;
};

static const struct option_spec test_specs[] = {
        { "wait", 0, OPTION_U64, offsetof(struct test_options, wait), "SECONDS",
          "for the sinks to have it; 30 by default, 0 does not wait" },
        { 0 },
};

struct trial {
        char origin[NOTE_NAME_MAX + 1]; /* of the ledger that has it */
        uint64_t index;
};

static int find_origin(const struct invocation *in, char out[NOTE_NAME_MAX + 1], struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        char dir[PLACES_PATH_MAX];
        int status = places_ledger_or(in, 0, dir, err);

        if (status == 0)
                status = reader_open(dir, &r, err);
        if (status == 0)
                memcpy(out, r.checkpoint.origin, sizeof(r.checkpoint.origin));
        return status;
}

static int append(const struct invocation *in, const char *test, struct trial *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(NAMES_MAX);
        CLEANUP(buf_done) struct buf body = BUF_INIT(NAMES_MAX);
        struct json_writer w;
        struct json_value v;
        int64_t index = -1;
        int status;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        json_member_text(&w, "test", test);
        json_end_object(&w);
        status = admin_command(in, "test", buf_span(&args), &body, err);
        if (status < 0)
                return status;
        if (!json_get(json_value_of(buf_span(&body)), "index", &v) || !json_value_int(v, &index) ||
            index < 0)
                return err_set(err, -EBADMSG, "the recorder does not say which entry it is");
        ret->index = (uint64_t)index;
        return find_origin(in, ret->origin, err);
}

/* ---- who has it ---- */

/* Numbers count anew in each ledger: one that is still in an older one does not have it. */
static bool has_it(struct json_value sink, const char *origin, uint64_t index)
{
        struct json_value v;
        struct span in;
        int64_t next;

        return json_get(sink, "origin", &v) && json_value_plain(v, &in) &&
               span_eq_str(in, origin) && json_get(sink, "next", &v) && json_value_int(v, &next) &&
               next >= 0 && (uint64_t)next > index;
}

/* How many of how many; the names of the others. */
static void count(struct json_value state, const struct trial *t, size_t *ret_have, size_t *ret_all,
                  struct buf *missing)
{
        struct json_iter it = sinks_iter(state);
        struct json_value sink, name;
        struct span text;

        *ret_have = *ret_all = 0;
        buf_clear(missing);
        for (; json_next(&it, NULL, &sink); (*ret_all)++) {
                if (has_it(sink, t->origin, t->index)) {
                        (*ret_have)++;
                        continue;
                }
                if (!json_get(sink, "name", &name) || !json_value_plain(name, &text))
                        continue;
                buf_put_str(missing, missing->n ? ", " : "");
                buf_put(missing, text); /* deliver_name_ok() */
        }
}

static enum status show(struct invocation *in, uint64_t index, size_t have, size_t all,
                        struct buf *missing)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_u64(&w, "delivered", have);
                json_member_u64(&w, "index", index);
                command_put_json_text(&w, "missing", buf_cstr(missing));
                json_member_u64(&w, "sinks", all);
                json_end_object(&w);
                buf_put_byte(&out, '\n');
        } else {
                buf_printf(&out, "Entry %" PRIu64 " is a trial: %zu of %zu sinks have it", index,
                           have, all);
                if (missing->n)
                        buf_printf(&out, ", not %s", buf_cstr(missing));
                buf_put_str(&out, all ? ".\n" : "; there is none.\n");
        }
        return command_print(in, &out,
                             all == 0      ? STATUS_UNSURE
                             : have == all ? STATUS_GOOD
                                           : STATUS_PROBLEM);
}

static enum status run(struct invocation *in)
{
        const struct test_options *o = in->options;
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP(buf_done) struct buf missing = BUF_INIT(NAMES_MAX);
        int64_t wait = (int64_t)(o->wait.given ? MIN_OF(o->wait.value, 3600u) : WAIT_S) * NS_PER_S;
        int64_t until = clock_mono(in->clock) + wait;
        size_t have = 0, all = 0;
        struct err err = { 0 };
        struct trial t = { 0 };
        bool lives = false;
        char test[64];

        snprintf(test, sizeof(test), "test-%" PRIx64 "-%ld",
                 (uint64_t)(clock_wall(in->clock) / NS_PER_MS), (long)getpid());
        if (append(in, test, &t, &err) < 0)
                return complain_err(in, &err);
        for (;;) {
                buf_clear(&text);
                if (sinks_read(in, &text, &lives, &err) < 0 || !lives)
                        return complain(in, STATUS_UNSURE,
                                        "entry %" PRIu64
                                        " is in the ledger, but the uplink does not run",
                                        t.index);
                count(json_value_of(buf_span(&text)), &t, &have, &all, &missing);
                if (have == all || clock_mono(in->clock) >= until)
                        break;
                usleep(LOOK_US);
        }
        return show(in, t.index, have, all, &missing);
}

const struct command alert_test = {
        .name = "test",
        .operands = "",
        .about = "send a trial to every sink and see whether it arrives",
        .help = "Puts an entry alert.test into the ledger, which every sink gets whatever it selects,\n"
                "and waits until each has taken it.  A mail waits for its \"gather\" and \"every\".\n"
                "Exit status 1: a sink has not taken it in time; 3: there is no sink, or no uplink.",
        .options = test_specs,
        .options_size = sizeof(struct test_options),
        .run = run,
};
