/* SPDX-License-Identifier: Apache-2.0 */
#include "command/running/status_lines.h"

#include "base/text.h"
#include "command/alert/sinks.h"
#include "command/running/status_gateway.h"
#include "command/screen.h"
#include "sys/sandbox.h"

enum { LINE_MAX_BYTES = 128 * 1024 };

bool status_int(struct json_value state, const char *path, int64_t *ret)
{
        struct json_value v;

        return json_get_path(state, path, &v) && json_value_int(v, ret);
}

void status_begin_line(const char *name, struct buf *out)
{
        buf_printf(out, "  %-9s", name);
}

/* A line of words of ours and a text of the state's. */
static void put_line(const char *name, const char *words, const struct buf *text, struct buf *out)
{
        status_begin_line(name, out);
        buf_put_str(out, words);
        text_put_safe(out, buf_span(text));
        buf_put_byte(out, '\n');
}

/* [step, result, note]: "landlock applied (version 7)". */
static void put_step(struct json_value step, struct buf *out)
{
        struct json_iter it = json_iter_of(step);
        struct json_value v;

        for (int i = 0; i < 3 && json_next(&it, NULL, &v); i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_MAX_BYTES);

                if (!json_value_text(v, &text) || text.n == 0)
                        continue;
                buf_put_str(out, i == 0 ? "" : i == 1 ? " " : " (");
                text_put_safe(out, buf_span(&text));
                if (i == 2)
                        buf_put_byte(out, ')');
        }
}

/* A step that was not asked for is news only when it says why. */
static bool is_news(struct json_value step)
{
        const char *quiet = sandbox_result_name(SANDBOX_NOT_ASKED);
        struct json_iter it = json_iter_of(step);
        struct span result = SPAN_NONE, note = SPAN_NONE;
        struct json_value v;

        for (int i = 0; i < 3 && json_next(&it, NULL, &v); i++)
                if (i > 0 && !json_value_plain(v, i == 1 ? &result : &note))
                        return true;
        return !span_eq_str(result, quiet) || note.n > 0;
}

static void put_sandbox(struct json_value state, struct buf *out)
{
        struct json_value list, step;
        struct json_iter it;
        bool first = true;

        if (!json_get(state, "sandbox", &list) || list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &step);) {
                if (step.type != JSON_ARRAY || !is_news(step))
                        continue;
                status_begin_line(first ? "rights" : "", out);
                first = false;
                put_step(step, out);
                buf_put_byte(out, '\n');
        }
}

/* Items of a list, one a line; [path, how] pairs as "path: how". */
static void put_items(struct json_value state, const char *path, const char *name, struct buf *out)
{
        struct json_value list, item;
        struct json_iter it;
        bool first = true;

        if (!json_get_path(state, path, &list) || list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &item); first = false) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_MAX_BYTES);

                status_begin_line(first ? name : "", out);
                if (item.type == JSON_ARRAY)
                        put_step(item, out);
                else if (json_value_text(item, &text))
                        text_put_safe(out, buf_span(&text));
                else
                        text_put_safe(out, item.raw);
                buf_put_byte(out, '\n');
        }
}

static bool state_text(struct json_value state, const char *path, struct buf *out)
{
        struct json_value v;

        return json_get_path(state, path, &v) && json_value_text(v, out);
}

/* Where the sensor's authors come from, why not from a better source, and what it never heard. */
static void put_authors(struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf by = BUF_INIT(LINE_MAX_BYTES);
        CLEANUP(buf_done) struct buf why = BUF_INIT(LINE_MAX_BYTES);
        int64_t known, lost;

        if (!state_text(state, "more.who", &by) || !status_int(state, "more.who_known", &known) ||
            !status_int(state, "more.who_lost", &lost))
                return;
        status_begin_line("who", out);
        text_put_safe(out, buf_span(&by));
        buf_put_str(out, ", ");
        screen_put_count(out, (uint64_t)MAX_OF(known, 0));
        buf_put_str(out, " processes known");
        if (lost > 0) {
                buf_put_str(out, ", ");
                screen_put_count(out, (uint64_t)lost);
                buf_put_str(out, " events lost");
        }
        buf_put_byte(out, '\n');
        if (state_text(state, "more.who_refused", &why))
                put_line("", "", &why, out);
}

/* Connections that logged in, or tried to, and those whose address was not to be had. */
static void put_logins(struct json_value state, struct buf *out)
{
        int64_t read, missed, forgotten;

        if (!status_int(state, "more.who_logins", &read) ||
            !status_int(state, "more.who_logins_missed", &missed) ||
            !status_int(state, "more.who_logins_forgotten", &forgotten))
                return;
        status_begin_line("logins", out);
        screen_put_count(out, (uint64_t)MAX_OF(read, 0));
        buf_put_str(out, " connections followed");
        if (missed > 0) {
                buf_put_str(out, ", ");
                screen_put_count(out, (uint64_t)missed);
                buf_put_str(out, " over before they were read");
        }
        if (forgotten > 0) {
                buf_put_str(out, ", ");
                screen_put_count(out, (uint64_t)forgotten);
                buf_put_str(out, " forgotten to make room");
        }
        buf_put_byte(out, '\n');
}

/* Where it has from what to watch, and what it would not take. */
static void put_config(struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_MAX_BYTES);

        if (state_text(state, "more.config.from", &text))
                put_line("config", "", &text, out);
        buf_clear(&text);
        if (state_text(state, "more.config.refused", &text))
                put_line("refused", "", &text, out);
}

/* Who tries to change what is denied: why that is not seen, or not by the best means. */
static void put_attempts(struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf why = BUF_INIT(LINE_MAX_BYTES);
        struct json_value v;
        const char *words = NULL;

        if (state_text(state, "more.attempts.why_not", &why))
                words = "attempts are not seen: ";
        else if (state_text(state, "more.attempts.no_ebpf", &why))
                words = json_get_path(state, "more.attempts.only_new", &v)
                                ? "attempts are seen by audit rules, of processes begun since "
                                  "auditing is on; no eBPF: "
                                : "attempts are seen by audit rules; no eBPF: ";
        if (words)
                put_line("", words, &why, out);
}

/* Mode deny: what is frozen, and what is not although it should be. */
static void put_denied(struct json_value state, struct buf *out)
{
        static const struct {
                const char *path, *words;
        } rest[] = { { "more.deny.withheld", " not, for they are not what is trusted" },
                     { "more.deny.foreign", " by a flag that somebody else has set" },
                     { "more.deny.stalled", " not yet, for somebody keeps them locked" },
                     { "more.deny.unable", " not, see the log" } };
        struct json_value v;
        int64_t n;

        if (!status_int(state, "more.deny.frozen", &n))
                return;
        status_begin_line("denies", out);
        screen_put_count(out, (uint64_t)MAX_OF(n, 0));
        buf_put_str(out, " frozen");
        for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
                if (!status_int(state, rest[i].path, &n) || n <= 0)
                        continue;
                buf_put_str(out, ", ");
                screen_put_count(out, (uint64_t)n);
                buf_put_str(out, rest[i].words);
        }
        if (json_get_path(state, "more.deny.suspended", &v) && span_eq_str(v.raw, "true"))
                buf_put_str(out, ", suspended");
        if (json_get_path(state, "more.deny.broken", &v))
                buf_put_str(out, ", its list of flags cannot be kept: none is set");
        buf_put_byte(out, '\n');
        put_items(state, "more.deny_not", "", out);
        put_attempts(state, out);
}

/* Execution control: whether it decides, and what it does not reach. */
static void put_executes(struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_MAX_BYTES);
        int64_t files;

        if (!state_text(state, "more.execute.state", &text) ||
            !status_int(state, "more.execute.files", &files))
                return;
        status_begin_line("executes", out);
        text_put_safe(out, buf_span(&text));
        buf_put_str(out, ", ");
        screen_put_count(out, (uint64_t)MAX_OF(files, 0));
        buf_put_str(out, " files known\n");
        buf_clear(&text);
        if (state_text(state, "more.execute.why", &text))
                put_line("", "nothing is judged: ", &text, out);
        buf_clear(&text);
        if (state_text(state, "more.execute.no_filesystem", &text))
                put_line("", "a directory that has just come is not judged at once: ", &text, out);
}

/* What is trusted, and whether a kill would take any of it. */
static void put_files(const struct invocation *in, struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf why = BUF_INIT(LINE_MAX_BYTES);
        CLEANUP(buf_done) struct buf unproven = BUF_INIT(LINE_MAX_BYTES);
        int64_t n;

        if (!status_int(state, "more.files", &n))
                return;
        status_begin_line("files", out);
        screen_put_count(out, (uint64_t)MAX_OF(n, 0));
        buf_put_str(out, " in the trusted state\n");
        if (state_text(state, "more.baseline.unproven", &unproven)) {
                status_begin_line("", out);
                screen_put(&in->out, out, STYLE_BAD, "not to be trusted: ");
                text_put_safe(out, buf_span(&unproven));
                buf_put_str(out,
                            ".  Look what differs (assay check), then assay baseline create\n");
        }
        if (state_text(state, "more.broken", &why))
                put_line("", "what it knows cannot be kept: ", &why, out);
}

/* What somebody keeps from being put back. */
static void put_stalled(const struct invocation *in, struct json_value state, struct buf *out)
{
        struct json_value paths, path;
        struct json_iter it;

        if (!json_get_path(state, "more.restore.stalled", &paths))
                return;
        for (it = json_iter_of(paths); json_next(&it, NULL, &path);) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_MAX_BYTES);

                if (!json_value_text(path, &text))
                        continue;
                status_begin_line("", out);
                screen_put(&in->out, out, STYLE_BAD,
                           "not put back, for somebody keeps it locked: ");
                buf_put(out, buf_span(&text));
                buf_put_byte(out, '\n');
        }
}

/* What was put back, and what was put away for it; nothing where neither ever was. */
static void put_restore(struct json_value state, struct buf *out)
{
        int64_t restored, failed, waiting, items, bytes, max;

        if (!status_int(state, "more.restore.restored", &restored) ||
            !status_int(state, "more.restore.failed", &failed) ||
            !status_int(state, "more.restore.waiting", &waiting) ||
            !status_int(state, "more.quarantine.items", &items) ||
            !status_int(state, "more.quarantine.bytes", &bytes) ||
            !status_int(state, "more.quarantine.bytes_max", &max))
                return;
        if (restored > 0 || failed > 0 || waiting > 0) {
                status_begin_line("put back", out);
                screen_put_count(out, (uint64_t)MAX_OF(restored, 0));
                buf_put_str(out, restored == 1 ? " path, " : " paths, ");
                screen_put_count(out, (uint64_t)MAX_OF(failed, 0));
                buf_put_str(out, " could not be, ");
                screen_put_count(out, (uint64_t)MAX_OF(waiting, 0));
                buf_put_str(out, " wait\n");
        }
        if (items > 0) {
                status_begin_line("put away", out);
                screen_put_count(out, (uint64_t)items);
                buf_put_str(out, " in quarantine, ");
                screen_put_bytes(out, (uint64_t)MAX_OF(bytes, 0));
                buf_put_str(out, " of ");
                screen_put_bytes(out, (uint64_t)MAX_OF(max, 0));
                buf_put_byte(out, '\n');
        }
}

/* What was told together, and whether somebody is that fast now. */
static void put_folded(struct json_value state, struct buf *out)
{
        int64_t changes, now;

        if (!status_int(state, "more.folded.changes", &changes) ||
            !status_int(state, "more.folded.now", &now) || changes <= 0)
                return;
        status_begin_line("together", out);
        screen_put_count(out, (uint64_t)changes);
        buf_put_str(out, " changes, too fast to be told one by one");
        buf_put_str(out, now > 0 ? "; they go on\n" : "\n");
}

/* Where alerts go, or that they go nowhere. */
static void put_sinks(const struct invocation *in, struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf why = BUF_INIT(LINE_MAX_BYTES);

        if (sinks_put_refused(state, &why)) {
                status_begin_line("delivers", out);
                screen_put(&in->out, out, STYLE_BAD, "nothing");
                buf_put_str(out, ": ");
                buf_put(out, buf_span(&why));
                buf_put_byte(out, '\n');
        } else if (!sinks_have_config(state)) {
                status_begin_line("delivers", out);
                buf_put_str(out, "nothing: there is no deliver.yaml\n");
        }
        sinks_put(in, state, 2, out);
}

/* Key sets of issuers: those that could not be had, and since when. */
static void put_key_set(const struct invocation *in, struct json_value set, struct buf *out)
{
        CLEANUP(buf_done) struct buf url = BUF_INIT(LINE_MAX_BYTES);
        CLEANUP(buf_done) struct buf why = BUF_INIT(LINE_MAX_BYTES);
        CLEANUP(buf_done) struct buf time = BUF_INIT(LINE_MAX_BYTES);
        int64_t had;

        if (!state_text(set, "failed", &why) || !state_text(set, "url", &url))
                return;
        status_begin_line("", out);
        text_put_safe(out, buf_span(&url));
        buf_put_str(out, ": ");
        screen_put(&in->out, out, STYLE_WARN, "not to be had");
        buf_put_str(out, ": ");
        text_put_safe(out, buf_span(&why));
        if (!state_text(set, "had", &time) || text_to_time(buf_span(&time), &had) < 0) {
                buf_put_str(out, "; it never was\n");
                return;
        }
        buf_put_str(out, "; the one in use is ");
        screen_put_duration(out, MAX_OF(clock_wall(in->clock) - had, INT64_C(0)));
        buf_put_str(out, " old\n");
}

static void put_key_sets(const struct invocation *in, struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf why = BUF_INIT(LINE_MAX_BYTES);
        struct json_value list, set;
        struct json_iter it;
        int64_t urls, failing;

        if (!status_int(state, "more.urls", &urls) || !status_int(state, "more.failing", &failing))
                return;
        status_begin_line("issuers", out);
        screen_put_count(out, (uint64_t)MAX_OF(urls, 0));
        buf_put_str(out, urls == 1 ? " key set" : " key sets");
        if (failing > 0) {
                buf_put_str(out, ", of which ");
                screen_put_count(out, (uint64_t)failing);
                buf_put_str(out, " could not be had anew");
        }
        buf_put_byte(out, '\n');
        if (state_text(state, "more.refused", &why))
                put_line("", "what is deployed cannot be read: ", &why, out);
        if (!json_get_path(state, "more.sets", &list) || list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &set);)
                put_key_set(in, set, out);
}

void status_put_lines(const struct invocation *in, bool delivers, struct json_value state,
                      struct buf *out)
{
        struct json_value v;
        int64_t n;

        put_sandbox(state, out);
        if (delivers)
                put_sinks(in, state, out);
        put_key_sets(in, state, out);
        status_put_gateway(in, state, out);
        put_config(state, out);
        put_items(state, json_get_path(state, "more.paths", &v) ? "more.paths" : "more.profiles",
                  "watches", out);
        put_items(state, "more.filesystems", "by", out);
        put_items(state, "more.approvals_wide", "approved", out);
        put_denied(state, out);
        put_executes(state, out);
        put_authors(state, out);
        put_logins(state, out);
        put_files(in, state, out);
        put_restore(state, out);
        put_stalled(in, state, out);
        put_folded(state, out);
        if (status_int(state, "more.pending", &n)) {
                status_begin_line("pending", out);
                screen_put_count(out, (uint64_t)MAX_OF(n, 0));
                buf_put_str(out, n == 1 ? " entry" : " entries");
                buf_put_str(out, " not yet durable\n");
        }
}
