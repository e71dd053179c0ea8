/* SPDX-License-Identifier: Apache-2.0 */
/* api_access_data.c - api_access.h for programs and spreadsheets. */
#include "base/text.h"
#include "command/api/api_access.h"

static const char *const decisions[] = {
        [PARTIAL_DENY] = "deny",
        [PARTIAL_ALLOW] = "allow",
        [PARTIAL_DEPENDS] = "depends",
};

static int full(const struct api_access *a, struct err *err)
{
        if (buf_status(a->out) < 0)
                return err_set(err, buf_status(a->out),
                               "too much for one answer: ask for one "
                               "class");
        return 0;
}

/* ---- JSON ---- */

static void put_policy(struct api_access *a, const struct cedar_partial_policy *p)
{
        static const char *const stands[] = {
                [STAND_NOT] = "not",
                [STAND_HOLDS] = "holds",
                [STAND_FAULT] = "errs",
                [STAND_DEPENDS] = "depends",
        };
        struct span id = SPAN_NONE, file;
        uint32_t line;

        api_access_place(a->package, p->policy, &file, &line);
        json_begin_object(&a->w);
        json_put_key(&a->w, "depends_on");
        json_begin_array(&a->w);
        for (uint32_t i = 0; i < p->n_on; i++)
                json_put_string(&a->w, p->on[i]);
        json_end_array(&a->w);
        json_member_text(&a->w, "effect", p->policy->effect == CEDAR_FORBID ? "forbid" : "permit");
        json_member_string(&a->w, "file", file);
        if (cedar_policy_annotation(p->policy, "id", &id))
                json_member_string(&a->w, "id", id);
        json_member_u64(&a->w, "line", line);
        json_member_text(&a->w, "stands", stands[p->stand]);
        json_end_object(&a->w);
}

static void put_answer(struct api_access *a, const char *key, const struct cedar_partial_answer *p)
{
        json_put_key(&a->w, key);
        json_begin_object(&a->w);
        json_member_text(&a->w, "decision", decisions[p->decision]);
        json_put_key(&a->w, "policies");
        json_begin_array(&a->w);
        for (uint32_t i = 0; i < p->n_policies; i++)
                put_policy(a, &p->policies[i]);
        json_end_array(&a->w);
        json_end_object(&a->w);
}

static void put_caller(struct api_access *a, const struct access_who *who)
{
        json_put_key(&a->w, "caller");
        json_begin_object(&a->w);
        json_member_bool(&a->w, "any_groups", who->any_groups);
        json_put_key(&a->w, "groups");
        json_begin_array(&a->w);
        for (uint32_t i = 0; i < who->n_groups; i++)
                json_put_string(&a->w, who->groups[i]);
        json_end_array(&a->w);
        if (who->id.n)
                json_member_string(&a->w, "id", who->id);
        json_member_text(&a->w, "kind", access_kind_name(who->kind));
        json_end_object(&a->w);
}

static void put_sees(struct api_access *a, const struct access_row *r)
{
        static const struct {
                unsigned bit;
                const char *read, *write;
        } words[] = {
                { ACCESS_CLEAR, "clear", "sends" },
                { ACCESS_MASKED, "masked", "" },
                { ACCESS_WITHHELD, "nothing", "refused" },
        };

        json_put_key(&a->w, "sees");
        json_begin_array(&a->w);
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (r->sees & words[i].bit)
                        json_put_string(&a->w,
                                        span_str(r->writes ? words[i].write : words[i].read));
        json_end_array(&a->w);
}

static int take_json(void *ctx, const struct access_row *r, struct err *err)
{
        struct api_access *a = ctx;

        json_begin_object(&a->w);
        put_answer(a, "call", &r->call);
        put_caller(a, r->who);
        json_member_string(&a->w, "class", a->package->api->classes[r->class]);
        if (!r->writes)
                put_answer(a, "clear", &r->clear);
        json_member_bool(&a->w, "implied", r->implied);
        if (!r->writes) {
                json_member_text(&a->w, "mask", api_access_mask(a->package, r->class));
                put_answer(a, "masked", &r->masked);
        }
        json_member_text(&a->w, "method", api_method_name(r->operation->method));
        json_member_string(&a->w, "operation", r->operation->id);
        json_member_string(&a->w, "path", r->operation->path);
        put_sees(a, r);
        json_end_object(&a->w);
        return full(a, err);
}

static int begin_json(struct api_access *a)
{
        json_writer_init(&a->w, a->out);
        json_begin_object(&a->w);
        json_put_key(&a->w, "access");
        json_begin_array(&a->w);
        return 0;
}

static void end_json(struct api_access *a)
{
        json_end_array(&a->w);
        json_member_string(&a->w, "api", a->package->file.api);
        json_member_text(&a->w, "sha256", a->sha256);
        json_member_string(&a->w, "version", a->package->file.version);
        json_member_text(&a->w, "what", a->writes ? "writes" : "reads");
        json_end_object(&a->w);
        buf_put_byte(a->out, '\n');
}

const struct api_access_form api_access_json = { begin_json, take_json, end_json };

/* ---- CSV (RFC 4180) ---- */

/* One cell, of what is fit to be shown.  A spreadsheet computes what begins with = + - @ or a tab:
 * an apostrophe keeps it a text. */
static void put_cell(struct api_access *a, struct span s, bool last)
{
        buf_put_byte(a->out, '"');
        if (s.n && memchr("=+-@", s.p[0], 4))
                buf_put_byte(a->out, '\'');
        for (size_t i = 0; i < s.n; i++) {
                if (s.p[i] == '"')
                        buf_put_byte(a->out, '"');
                buf_put_byte(a->out, s.p[i]);
        }
        buf_put_str(a->out, last ? "\"\r\n" : "\",");
}

/* Likewise, of any text: control characters are spelled out. */
static void put_text(struct api_access *a, struct span text)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(1 << 20);

        text_put_safe(&safe, text);
        put_cell(a, buf_status(&safe) < 0 ? SPAN("(too long)") : buf_span(&safe), false);
}

static void put_list(struct api_access *a, const struct cedar_partial_answer *p,
                     const char *question, bool on, struct buf *out)
{
        for (uint32_t i = 0; p->decision != PARTIAL_DENY && i < p->n_policies; i++) {
                const struct cedar_partial_policy *one = &p->policies[i];

                if (one->stand == STAND_FAULT ||
                    (one->policy->effect == CEDAR_FORBID && one->stand != STAND_DEPENDS))
                        continue;
                if (!on) {
                        buf_printf(out, "%s%s: %s", out->n ? "; " : "", question,
                                   one->policy->effect == CEDAR_FORBID ? "unless " : "");
                        api_access_put_policy(a->package, one->policy, out);
                }
                for (uint32_t k = 0; on && k < one->n_on; k++) {
                        buf_printf(out, "%s%s: ", out->n ? "; " : "", question);
                        text_put_safe(out, one->on[k]);
                }
        }
}

/* Of the questions that count: policies, or what they depend on. */
static void put_lists(struct api_access *a, const struct access_row *r, bool on)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);

        put_list(a, &r->call, "call", on, &text);
        if (!r->writes && r->call.decision != PARTIAL_DENY) {
                put_list(a, &r->clear, "clear", on, &text);
                if (r->clear.decision != PARTIAL_ALLOW)
                        put_list(a, &r->masked, "masked", on, &text);
        }
        put_cell(a, buf_status(&text) < 0 ? SPAN("(too long)") : buf_span(&text), false);
}

static int take_csv(void *ctx, const struct access_row *r, struct err *err)
{
        struct api_access *a = ctx;
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);

        if (r->implied || (r->sees == ACCESS_WITHHELD && !a->all))
                return 0;
        put_text(a, a->package->api->classes[r->class]);
        api_access_put_who(r->who, &text);
        put_cell(a, buf_status(&text) < 0 ? SPAN("(too long)") : buf_span(&text), false);
        put_text(a, r->operation->id);
        put_cell(a, span_str(api_method_name(r->operation->method)), false);
        put_text(a, r->operation->path);
        put_cell(a, span_str(decisions[r->call.decision]), false);
        buf_clear(&text);
        api_access_put_sees(r, &text);
        put_cell(a, buf_span(&text), false);
        put_cell(a, span_str(r->sees & ACCESS_MASKED ? api_access_mask(a->package, r->class) : ""),
                 false);
        put_lists(a, r, false);
        put_lists(a, r, true);
        put_cell(a, span_str(a->sha256), true);
        return full(a, err);
}

static int begin_csv(struct api_access *a)
{
        buf_printf(a->out,
                   "class,caller,operation,method,path,call,%s,mask,policies,depends on,sha256\r\n",
                   a->writes ? "may" : "sees");
        return 0;
}

static void end_csv(struct api_access *a)
{
        (void)a;
}

const struct api_access_form api_access_csv = { begin_csv, take_csv, end_csv };
