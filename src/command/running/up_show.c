/* SPDX-License-Identifier: Apache-2.0 */
/* up_show.c - what assay up says on its way. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "command/running/up_priv.h"
#include "loop/presence.h"
#include "loop/role.h"

enum { USERS_TEXT_MAX = 256 };

static void put_row(const struct screen *s, struct buf *out, const char *name, const char *text)
{
        buf_put_str(out, "  ");
        screen_put(s, out, STYLE_BOLD, name);
        for (size_t n = strlen(name); n < 10; n++)
                buf_put_byte(out, ' ');
        text_put_safe(out, span_str(text));
        buf_put_byte(out, '\n');
}

/* The command as it was typed, with the places it was given. */
static void put_typed(const struct up *u, const char *what, bool talks, struct buf *out)
{
        buf_put_str(out, getenv("SUDO_USER") ? "sudo " : "");
        text_put_safe(out, span_str(program_invocation_name));
        buf_printf(out, " %s", what);
        if (strcmp(u->in->state, PLACES_STATE) != 0) {
                buf_put_str(out, " --state ");
                text_put_safe(out, span_str(u->in->state));
        }
        if (talks && strcmp(u->in->run, PLACES_RUN) != 0) {
                buf_put_str(out, " --run ");
                text_put_safe(out, span_str(u->in->run));
        }
}

static void put_invitations(const struct up *u, struct buf *out)
{
        static const struct {
                const char *what;
                bool talks; /* to the processes */
                const char *why;
        } rows[] = { { "log --follow", false, "changes as they happen" },
                     { "status", true, "what runs, and how" },
                     { "verify", false, "read every byte again and judge it" } };
        CLEANUP(buf_done) struct buf typed = BUF_INIT(4 * PLACES_PATH_MAX);
        struct table *t = malloc(sizeof(*t));

        if (!t)
                return;
        table_init(t, 2);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                buf_clear(&typed);
                put_typed(u, rows[i].what, rows[i].talks, &typed);
                table_put_safe(t, STYLE_NAME, buf_cstr(&typed));
                table_put(t, STYLE_NONE, rows[i].why);
        }
        table_print(t, &u->in->out, 2, out);
        table_done(t);
        free(t);
}

static void put_ledger(const struct up *u, struct buf *out)
{
        const struct screen *s = &u->in->out;
        CLEANUP(buf_done) struct buf vkey = BUF_INIT(NOTE_MAX);
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };

        if (places_ledger(u->in, dir, &err) < 0)
                return;
        put_row(s, out, "ledger", dir);
        if (ledger_put_vkey(dir, &vkey, &err) == 0)
                put_row(s, out, "key", buf_cstr(&vkey));
        else
                put_row(s, out, "key", err_text(&err));
}

/* "recorder as uid 61184 (there is no user "assay")"; the new length. */
static size_t put_user(char *out, size_t at, size_t room, const char *what, enum role_id role,
                       const struct up_user *user)
{
        int n = snprintf(out + at, room - at, "%s as uid %u (%s%s%s)", what, (unsigned)user->uid,
                         user->transient ? "there is no user \"" : "", role_of(role)->user,
                         user->transient ? "\"" : "");

        return MIN_OF(at + (size_t)MAX_OF(n, 0), room - 1);
}

void up_show_start(const struct up *u)
{
        const struct screen *s = &u->in->out;
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        char who[USERS_TEXT_MAX];
        size_t n;

        screen_put(s, &out, STYLE_BOLD, "\nAssay " ASSAY_VERSION " keeps a ledger of this host.");
        buf_put_str(&out, "\n\n");
        put_ledger(u, &out);
        n = put_user(who, 0, sizeof(who), "recorder", ROLE_RECORDER, &u->users.recorder);
        n = put_user(who, n, sizeof(who), ", uplink", ROLE_UPLINK, &u->users.uplink);
        if (access(u->registry, F_OK) == 0)
                n = put_user(who, n, sizeof(who), ", keys and gateway", ROLE_KEYS,
                             &u->users.gateway);
        snprintf(who + n, sizeof(who) - n, ", the others as root");
        put_row(s, &out, "users", who);
        buf_put_str(&out, "\nIn another terminal:\n\n");
        put_invitations(u, &out);
        buf_put_str(&out, "\nCtrl-C stops it.\n\n");
        (void)!screen_flush(s, &out);
}

/* Texts of a list, or the first one of each list in it. */
static void put_names(struct json_value list, struct buf *out)
{
        struct json_iter it = json_iter_of(list), in;
        struct json_value item, first;
        const char *comma = "";

        for (; json_next(&it, NULL, &item); comma = ", ") {
                CLEANUP(buf_done) struct buf text = BUF_INIT(PRESENCE_MAX);

                if (item.type == JSON_ARRAY) {
                        in = json_iter_of(item);
                        item = json_next(&in, NULL, &first) ? first : item;
                }
                if (!json_value_text(item, &text))
                        buf_put(&text, item.raw);
                buf_put_str(out, comma);
                text_put_safe(out, buf_span(&text));
        }
}

static void put_refused(const struct up *u, struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(PRESENCE_MAX);
        struct json_value v;

        if (!json_get_path(state, "more.config.refused", &v) || !json_value_text(v, &text))
                return;
        screen_put(&u->in->out, out, STYLE_WARN, "Not as configured");
        buf_put_str(out, ": ");
        text_put_safe(out, buf_span(&text));
        buf_put_byte(out, '\n');
}

void up_show_watching(const struct up *u, struct json_value state)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_value v;
        int64_t files;

        screen_put(&u->in->out, &out, STYLE_GOOD, "Watching");
        if (json_get_path(state, "more.files", &v) && json_value_int(v, &files)) {
                buf_put_byte(&out, ' ');
                screen_put_count(&out, (uint64_t)MAX_OF(files, 0));
                buf_put_str(&out, files == 1 ? " file" : " files");
        }
        if (json_get_path(state, "more.paths", &v) && v.type == JSON_ARRAY) {
                buf_put_str(&out, " below ");
                put_names(v, &out);
        } else if (json_get_path(state, "more.profiles", &v) && v.type == JSON_ARRAY) {
                buf_put_str(&out, " of the profiles ");
                put_names(v, &out);
        }
        buf_put_str(&out, ".\n");
        put_refused(u, state, &out);
        (void)!screen_flush(&u->in->out, &out);
}

void up_show_begun(const struct up *u, size_t writer)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);

        if (writer == KEYS)
                buf_put_str(&out,
                            "There is a registry of APIs: what fetches issuers' keys begins.\n");
        else if (writer == GATEWAY)
                buf_printf(&out, "APIs are served by nginx, as %s has it.\n", u->gateway_conf);
        (void)!screen_flush(&u->in->out, &out);
}
