/* SPDX-License-Identifier: Apache-2.0 */
/* status_gateway.c - assay status: what the gateway says of itself (nginx/worker_say.c). */
#include "command/running/status_gateway.h"

#include "base/clock.h"
#include "base/text.h"
#include "command/running/status_lines.h"
#include "command/screen.h"
#include "loop/presence.h"

static bool get_text(struct json_value state, const char *path, struct buf *out)
{
        struct json_value v;

        return json_get_path(state, path, &v) && json_value_text(v, out);
}

static void put_count(struct buf *out, int64_t n)
{
        screen_put_count(out, (uint64_t)MAX_OF(n, INT64_C(0)));
}

static void put_served(const struct invocation *in, struct json_value state, int64_t workers,
                       struct buf *out)
{
        CLEANUP(buf_done) struct buf why = BUF_INIT(PRESENCE_MAX);
        int64_t generation, oldest;

        if (!status_int(state, "more.generation", &generation))
                return;
        status_begin_line("serves", out);
        if (generation > 0) {
                buf_put_str(out, "generation ");
                put_count(out, generation);
        } else {
                screen_put(&in->out, out, STYLE_WARN, "nothing");
        }
        buf_put_str(out, " by ");
        put_count(out, workers);
        buf_put_str(out, workers == 1 ? " worker" : " workers");
        if (status_int(state, "more.oldest", &oldest) && oldest < generation) {
                buf_put_str(out, ", one of them still generation ");
                put_count(out, oldest);
        }
        buf_put_byte(out, '\n');
        if (!get_text(state, "more.not_served", &why))
                return;
        status_begin_line("", out);
        screen_put(&in->out, out, STYLE_BAD, "what is deployed is not served");
        buf_put_str(out, ": ");
        text_put_safe(out, buf_span(&why));
        buf_put_byte(out, '\n');
}

static void put_recorder(const struct invocation *in, struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf why = BUF_INIT(PRESENCE_MAX);
        int64_t n, mean_us, most_us, waiting;

        if (get_text(state, "more.recorder", &why)) {
                status_begin_line("recorder", out);
                screen_put(&in->out, out, STYLE_BAD, "away");
                buf_put_str(out, ": ");
                text_put_safe(out, buf_span(&why));
                buf_put_str(out, "; no call is served\n");
        }
        if (!status_int(state, "more.wait.calls", &n) ||
            !status_int(state, "more.wait.mean_us", &mean_us) ||
            !status_int(state, "more.waiting", &waiting) || (n <= 0 && waiting <= 0))
                return;
        status_begin_line("lag", out);
        if (n > 0) {
                buf_put_str(out, "entries took ");
                screen_put_duration(out, mean_us * NS_PER_US);
                if (status_int(state, "more.wait.most_us", &most_us)) {
                        buf_put_str(out, ", 99 in 100 at most ");
                        screen_put_duration(out, most_us * NS_PER_US);
                }
                buf_put_str(out, "; ");
        }
        put_count(out, waiting);
        buf_put_str(out, waiting == 1 ? " waits now\n" : " wait now\n");
}

static void put_memory(const struct invocation *in, struct json_value state, struct buf *out)
{
        struct json_value locked;

        if (!json_get_path(state, "more.locked", &locked) || locked.type != JSON_FALSE)
                return;
        status_begin_line("memory", out);
        screen_put(&in->out, out, STYLE_WARN, "may be written to swap");
        buf_put_str(out, ": LimitMEMLOCK= is not infinity\n");
}

/* [reason, how often]. */
static bool put_reason(struct json_value pair, const char *before, struct buf *out)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(PRESENCE_MAX);
        struct json_iter it = json_iter_of(pair);
        struct json_value v;
        int64_t n;

        if (pair.type != JSON_ARRAY || !json_next(&it, NULL, &v) || !json_value_text(v, &name) ||
            !json_next(&it, NULL, &v) || !json_value_int(v, &n))
                return false;
        buf_put_str(out, before);
        put_count(out, n);
        buf_put_byte(out, ' ');
        text_put_safe(out, buf_span(&name));
        return true;
}

static void put_refused(struct json_value state, struct buf *out)
{
        struct json_value list, pair;
        struct json_iter it;
        bool any = false;

        if (!json_get_path(state, "more.refused", &list) || list.type != JSON_ARRAY)
                return;
        status_begin_line("refused", out);
        for (it = json_iter_of(list); json_next(&it, NULL, &pair);)
                any = put_reason(pair, any ? ", " : "", out) || any;
        buf_put_str(out, any ? " in the last hour\n" : "nobody in the last hour\n");
}

void status_put_gateway(const struct invocation *in, struct json_value state, struct buf *out)
{
        int64_t workers;

        if (!status_int(state, "more.workers", &workers))
                return;
        put_served(in, state, workers, out);
        put_recorder(in, state, out);
        put_memory(in, state, out);
        put_refused(state, out);
}
