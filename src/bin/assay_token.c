/* SPDX-License-Identifier: Apache-2.0 */
/* assay_token.c - assay token: opaque tokens of callers of APIs.
 *
 * The ledger has it first: a creation that is killed behind its entry leaves a token that is good
 * for nothing, a revocation one that is still good, and is run again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "bin/assay_commands.h"
#include "bin/assay_token_file.h"
#include "command/running/admin.h"
#include "command/when.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"
#include "gateway/authentication/caller_id.h"
#include "wire/json.h"

enum {
        ENTRY_ROOM = 64 * 1024,
        REPLY_MAX = 16 * 1024,
        ID_BYTES = 10,
        CALLER_MAX = 100, /* as a subject of the vault it has room, as it is */
        GROUP_MAX = 255,
};

/* ---- the ledger ---- */

static void put_groups(struct json_writer *w, const struct token *t)
{
        json_put_key(w, "groups");
        json_begin_array(w);
        for (uint32_t i = 0; i < t->n_groups; i++)
                json_put_string(w, t->groups[i]);
        json_end_array(w);
}

/* [[subject, "what.caller", caller]]: a caller is somebody, so the ledger has a digest. */
static void put_sensitive(struct json_writer *w, const struct token *t)
{
        char subject[sizeof "caller:" + CALLER_MAX];

        snprintf(subject, sizeof subject, "caller:%.*s", (int)t->caller.n,
                 (const char *)t->caller.p);
        json_put_key(w, "sensitive");
        json_begin_array(w);
        json_begin_array(w);
        json_put_string(w, span_str(subject));
        json_put_string(w, SPAN("what.caller"));
        json_put_string(w, t->caller);
        json_end_array(w);
        json_end_array(w);
}

static int tell(const struct invocation *in, const char *kind, const struct token *t,
                struct err *err)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(ENTRY_ROOM);
        CLEANUP(buf_done) struct buf reply = BUF_INIT(REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        json_member_text(&w, "kind", kind);
        put_sensitive(&w, t);
        json_put_key(&w, "what");
        json_begin_object(&w);
        put_groups(&w, t);
        json_member_string(&w, "id", t->id);
        json_member_time(&w, "until", t->until_s * NS_PER_S);
        json_end_object(&w);
        json_end_object(&w);
        if (buf_status(&args) < 0)
                return err_sys(err, buf_status(&args), "entry");
        return admin_command(in, "api", buf_span(&args), &reply, err);
}

/* ---- create ---- */

struct create_options {
        const char *caller, *until;
        struct option_texts groups;
};

static const struct option_spec create_specs[] = {
        { "caller", 'c', OPTION_TEXT, offsetof(struct create_options, caller), "NAME",
          "whom the token is of, as policies know them; required" },
        { "group", 'g', OPTION_TEXTS, offsetof(struct create_options, groups), "NAME",
          "a group of the caller's; repeatable" },
        { "until", 'u', OPTION_TEXT, offsetof(struct create_options, until), "TIME",
          "how long it is good: 12h, 30d, \"2026-11-25 18:00\"; 90 days unless said" },
        { 0 },
};

/* A new one: its text is as long as it says, and nobody else has it. */
struct made {
        struct token token;
        struct span groups[OPTION_TEXTS_MAX];
        char id[TOKEN_ID + 1];
        uint8_t secret[TOKEN_SECRET];
};

static int by_bytes(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* As the file has them: ascending, each once. */
static int take_groups(const struct option_texts *from, struct made *m, struct err *err)
{
        uint32_t n = 0;

        for (size_t i = 0; i < from->n; i++) {
                m->groups[i] = span_str(from->at[i]);
                if (m->groups[i].n > GROUP_MAX || !caller_group_fits(m->groups[i]))
                        return err_set(err, -EINVAL, "--group: 1 to %d bytes of text, not \"%s\"",
                                       GROUP_MAX, CALLER_UNVERIFIED_GROUP);
        }
        qsort(m->groups, from->n, sizeof m->groups[0], by_bytes);
        for (size_t i = 0; i < from->n; i++)
                if (n == 0 || !span_eq(m->groups[n - 1], m->groups[i]))
                        m->groups[n++] = m->groups[i];
        m->token.groups = m->groups;
        m->token.n_groups = n;
        return 0;
}

/* RFC 4648, section 6, in lower case: 80 bits are sixteen characters and nothing over. */
static void put_id(const uint8_t bytes[ID_BYTES], char out[TOKEN_ID + 1])
{
        static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

        for (size_t i = 0; i < TOKEN_ID; i++) {
                size_t bit = 5 * i;
                unsigned two = (unsigned)bytes[bit / 8] << 8;

                if (bit / 8 + 1 < ID_BYTES)
                        two |= bytes[bit / 8 + 1];
                out[i] = digits[two >> (11 - bit % 8) & 31];
        }
        out[TOKEN_ID] = '\0';
}

static int make_random(struct made *m, struct err *err)
{
        uint8_t id[ID_BYTES];

        if (getrandom(id, sizeof id, 0) != sizeof id ||
            getrandom(m->secret, sizeof m->secret, 0) != sizeof m->secret)
                return err_sys(err, -errno, "random bytes");
        put_id(id, m->id);
        m->token.id = span_str(m->id);
        sha256(span_of(m->secret, sizeof m->secret), m->token.sha256);
        return 0;
}

static int make(const struct invocation *in, struct made *m, struct err *err)
{
        const struct create_options *o = in->options;
        int64_t until;
        int r = when_until(o->until ? o->until : "90d", clock_wall(in->clock), &until, err);

        if (r < 0)
                return err_wrap(err, "--until");
        m->token.until_s = until / NS_PER_S;
        m->token.caller = span_str(o->caller);
        if (m->token.caller.n > CALLER_MAX || !caller_id_fits(m->token.caller) ||
            strpbrk(o->caller, "\"\\"))
                return err_set(err, -EINVAL,
                               "--caller: 1 to %d bytes of text without quotes and backslashes, "
                               "not beginning with \"%s\"",
                               CALLER_MAX, CALLER_UNVERIFIED);
        r = take_groups(&o->groups, m, err);
        return r < 0 ? r : make_random(m, err);
}

/* The secret goes to standard output and nowhere else. */
static enum status show_made(const struct invocation *in, const struct made *m)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * TOKEN_TEXT);
        CLEANUP(buf_done) struct buf out = BUF_INIT(ENTRY_ROOM);
        struct json_writer w;
        enum status status;

        buf_printf(&text, "as1_%s_", m->id);
        text_put_base64url(&text, span_of(m->secret, sizeof m->secret));
        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_string(&w, "caller", m->token.caller);
                put_groups(&w, &m->token);
                json_member_text(&w, "id", m->id);
                json_member_string(&w, "token", buf_span(&text));
                json_member_time(&w, "until", m->token.until_s * NS_PER_S);
                json_end_object(&w);
        } else {
                buf_put(&out, buf_span(&text));
        }
        buf_put_byte(&out, '\n');
        status = command_print(in, &out, STATUS_GOOD);
        if (out.p)
                wipe(out.p, out.n);
        if (text.p)
                wipe(text.p, text.n);
        return status;
}

static enum status run_create(struct invocation *in)
{
        const struct create_options *o = in->options;
        struct token_file f = TOKEN_FILE_NONE;
        struct err err = { 0 };
        enum status status;
        struct made m = { 0 };
        int r;

        if (!o->caller)
                return complain(in, STATUS_USAGE, "--caller NAME is needed");
        if (make(in, &m, &err) < 0)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        r = token_file_open(in, true, &f, &err);
        if (r == 0 && tokens_count(f.tokens) == TOKENS_MAX)
                r = err_set(&err, -E2BIG, "there are %d tokens already", TOKENS_MAX);
        if (r == 0)
                r = tell(in, "token.created", &m.token, &err);
        if (r == 0)
                r = token_file_write(&f, NULL, &m.token, &err);
        status = r < 0 ? complain_err(in, &err) : show_made(in, &m);
        if (status == STATUS_GOOD && !in->json)
                complain(in, STATUS_GOOD, "token %s of %s; it is shown this once", m.id, o->caller);
        token_file_close(&f);
        wipe(m.secret, sizeof m.secret);
        return status;
}

static const struct command token_create = {
        .name = "create",
        .operands = "",
        .about = "make a token for a caller, and print it once",
        .help = "The token goes to standard output and is kept nowhere: the file that gateways read\n"
                "has its digest.  The ledger has that it was made, as token.created.",
        .options = create_specs,
        .options_size = sizeof(struct create_options),
        .run = run_create,
};

/* ---- list ---- */

static void put_listed(const struct invocation *in, const struct token *t, struct buf *out)
{
        bool over = t->until_s <= clock_wall(in->clock) / NS_PER_S;

        buf_put(out, t->id);
        buf_put_str(out, "  ");
        text_put_safe(out, t->caller);
        for (uint32_t i = 0; i < t->n_groups; i++) {
                buf_put_str(out, i ? ", " : "  in ");
                text_put_safe(out, t->groups[i]);
        }
        buf_put_str(out, over ? "  " : "  until ");
        if (over)
                screen_put(&in->out, out, STYLE_WARN, "over since ");
        screen_put_time(&in->out, out, t->until_s * NS_PER_S);
        buf_put_byte(out, '\n');
}

static void put_json(const struct token_file *f, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "tokens");
        json_begin_array(&w);
        for (uint32_t i = 0; i < tokens_count(f->tokens); i++) {
                const struct token *t = tokens_at(f->tokens, i);

                json_begin_object(&w);
                json_member_string(&w, "caller", t->caller);
                put_groups(&w, t);
                json_member_string(&w, "id", t->id);
                json_member_time(&w, "until", t->until_s * NS_PER_S);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status run_list(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct token_file f = TOKEN_FILE_NONE;
        struct err err = { 0 };

        if (token_file_open(in, false, &f, &err) < 0)
                return complain_err(in, &err);
        if (in->json)
                put_json(&f, &out);
        else if (tokens_count(f.tokens) == 0)
                buf_put_str(&out, "there are no tokens\n");
        for (uint32_t i = 0; !in->json && i < tokens_count(f.tokens); i++)
                put_listed(in, tokens_at(f.tokens, i), &out);
        token_file_close(&f);
        return command_print(in, &out, STATUS_GOOD);
}

static const struct command token_list = {
        .name = "list",
        .operands = "",
        .about = "show whose tokens there are",
        .run = run_list,
};

/* ---- revoke ---- */

static enum status run_revoke(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(ENTRY_ROOM);
        struct token_file f = TOKEN_FILE_NONE;
        const struct token *t = NULL;
        struct err err = { 0 };
        struct json_writer w;
        int r = token_file_open(in, true, &f, &err);

        if (r == 0) {
                t = token_file_find(&f, span_str(in->operands[0]));
                if (!t)
                        r = err_set(&err, -EINVAL, "there is no token %s", in->operands[0]);
        }
        if (r == 0)
                r = tell(in, "token.revoked", t, &err);
        if (r == 0)
                r = token_file_write(&f, t, NULL, &err);
        if (r == 0 && in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_string(&w, "caller", t->caller);
                json_member_string(&w, "id", t->id);
                json_end_object(&w);
        } else if (r == 0) {
                buf_put_str(&out, "revoked ");
                buf_put(&out, t->id);
                buf_put_str(&out, " of ");
                text_put_safe(&out, t->caller);
        }
        buf_put_byte(&out, '\n');
        token_file_close(&f);
        return r < 0 ? complain_err(in, &err) : command_print(in, &out, STATUS_GOOD);
}

static const struct command token_revoke = {
        .name = "revoke",
        .operands = "ID",
        .about = "have a token no longer taken",
        .help = "Gateways take it for at most a second more.  The ledger has it as token.revoked; if\n"
                "this was interrupted, run it again.",
        .min_operands = 1,
        .max_operands = 1,
        .run = run_revoke,
};

static const struct command *const token_commands[] = {
        &token_create,
        &token_list,
        &token_revoke,
        NULL,
};

const struct command command_token = {
        .name = "token",
        .operands = "[OPTION]... [OPERAND]...",
        .about = "tokens that callers of APIs show",
        .help = "Opaque tokens, for identities that gateway.yaml has as { opaque: true }.",
        .sub = token_commands,
};
