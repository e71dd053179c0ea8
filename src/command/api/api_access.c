/* SPDX-License-Identifier: Apache-2.0 */
/* api_access.c - words that all forms of api_access.h share, and the table for people. */
#include "command/api/api_access.h"

#include <stdlib.h>

#include "base/text.h"

enum {
        CELL_MAX = 64 * 1024,
        TABLE_TEXT = 512 * 1024, /* bytes, beyond which the next rows are a table of their own */
};

/* ---- words ---- */

static void put_groups(const struct access_who *who, struct buf *out)
{
        buf_put_str(out, who->n_groups > 1 ? "groups " : "group ");
        for (uint32_t i = 0; i < who->n_groups; i++) {
                buf_put_str(out, i == 0 ? "" : " and ");
                text_put_quoted(out, who->groups[i]);
        }
}

static void put_asked(const struct access_who *who, struct buf *out)
{
        if (who->id.p) {
                buf_put_str(out, "caller ");
                text_put_quoted(out, who->id);
                buf_put_str(out, who->n_groups ? ", in " : "");
        }
        if (who->n_groups)
                put_groups(who, out);
        else if (who->any_groups)
                buf_put_str(out, ", in whatever groups");
}

void api_access_put_who(const struct access_who *who, struct buf *out)
{
        switch (who->kind) {
        case ACCESS_NAMED:
                buf_put_str(out, "caller ");
                text_put_quoted(out, who->id);
                buf_put_str(out, who->any_groups ? ", with groups of his token" : "");
                break;
        case ACCESS_MEMBER:
                put_groups(who, out);
                break;
        case ACCESS_OTHER:
                buf_put_str(out, "callers in no group");
                break;
        case ACCESS_SEVERAL:
                buf_put_str(out, "callers in several groups");
                break;
        case ACCESS_UNVERIFIED:
                buf_put_str(out, "callers that only the back-end verifies");
                break;
        case ACCESS_NOBODY:
                buf_put_str(out, "callers without a credential");
                break;
        case ACCESS_ASKED:
        case ACCESS_KINDS:
                put_asked(who, out);
        }
}

void api_access_put_sees(const struct access_row *r, struct buf *out)
{
        static const struct {
                unsigned bit;
                const char *read, *write;
        } words[] = {
                { ACCESS_CLEAR, "in clear", "send" },
                { ACCESS_MASKED, "masked", "" },
                { ACCESS_WITHHELD, "nothing", "be refused" },
        };
        unsigned left = r->sees;

        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
                if (!(left & words[i].bit))
                        continue;
                left &= ~words[i].bit;
                if (left != (r->sees & ~words[i].bit))
                        buf_put_str(out, left ? ", " : " or ");
                buf_put_str(out, r->writes ? words[i].write : words[i].read);
        }
}

void api_access_place(const struct package *p, const struct cedar_policy *policy,
                      struct span *ret_file, uint32_t *ret_line)
{
        if (package_policy_place(&p->file, policy->pos.line, ret_file, ret_line))
                return;
        *ret_file = SPAN("policies");
        *ret_line = policy->pos.line;
}

void api_access_put_policy(const struct package *p, const struct cedar_policy *policy,
                           struct buf *out)
{
        struct span id = policy->id, file;
        uint32_t line;

        if (cedar_policy_annotation(policy, "id", &id))
                text_put_quoted(out, id);
        if (out->n && out->p[out->n - 1] == '"')
                buf_put_byte(out, ' ');
        api_access_place(p, policy, &file, &line);
        buf_put_byte(out, '(');
        text_put_safe(out, file);
        buf_printf(out, ":%u)", line);
}

const char *api_access_mask(const struct package *p, uint32_t class)
{
        return mask_name(p->config.classes[class].mask);
}

/* ---- why ---- */

/* "[3]": policies are told once, below all tables. */
static void put_number(struct api_access *a, const struct cedar_policy *p, struct buf *out)
{
        uint32_t *number = &a->numbers[p - a->package->policies->policies];

        if (*number == 0)
                *number = ++a->n_numbers;
        buf_printf(out, "[%u]", *number);
}

static void put_on(const struct cedar_partial_policy *p, struct buf *out)
{
        for (uint32_t i = 0; i < p->n_on; i++) {
                buf_put_str(out, i == 0 ? " (" : ", ");
                text_put_safe(out, p->on[i]);
        }
        buf_put_str(out, p->n_on ? ")" : "");
}

/* Permits, or forbids, that stand so. */
static uint32_t put_some(struct api_access *a, const struct cedar_partial_answer *p,
                         enum cedar_effect effect, enum cedar_stand stand, const char *before,
                         struct buf *out)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < p->n_policies; i++) {
                const struct cedar_partial_policy *one = &p->policies[i];

                if (one->policy->effect != effect || one->stand != stand)
                        continue;
                buf_put_str(out, n++ == 0 ? before : ", ");
                put_number(a, one->policy, out);
                put_on(one, out);
        }
        return n;
}

/* `call [1] unless [7] (context.time)` */
static void put_let(struct api_access *a, const char *what, const struct cedar_partial_answer *p,
                    struct buf *out)
{
        uint32_t n;

        if (p->decision == PARTIAL_DENY)
                return;
        buf_put_str(out, out->n ? "; " : "");
        buf_put_str(out, what);
        n = put_some(a, p, CEDAR_PERMIT, STAND_HOLDS, " ", out);
        if (n == 0)
                put_some(a, p, CEDAR_PERMIT, STAND_DEPENDS, " if ", out);
        if (p->decision == PARTIAL_DEPENDS)
                put_some(a, p, CEDAR_FORBID, STAND_DEPENDS, " unless ", out);
}

/* Why not: the policies that forbid, or that there is none that permits. */
static void put_refused(struct api_access *a, const char *what,
                        const struct cedar_partial_answer *p, struct buf *out)
{
        uint32_t n;

        buf_put_str(out, what);
        n = put_some(a, p, CEDAR_FORBID, STAND_HOLDS, " forbidden by ", out);
        n += put_some(a, p, CEDAR_FORBID, STAND_FAULT,
                      n ? ", which err "
                        : " forbidden, since it "
                          "errs, by ",
                      out);
        if (n == 0)
                buf_put_str(out, " permitted by none");
}

static void put_why(struct api_access *a, const struct access_row *r, struct buf *out)
{
        if (r->call.decision == PARTIAL_DENY) {
                put_refused(a, "call", &r->call, out);
                return;
        }
        put_let(a, "call", &r->call, out);
        if (r->writes)
                return;
        put_let(a, "clear", &r->clear, out);
        if (r->clear.decision != PARTIAL_ALLOW)
                put_let(a, "masked", &r->masked, out);
        if (r->clear.decision == PARTIAL_DENY && r->masked.decision == PARTIAL_DENY) {
                buf_put_str(out, "; ");
                put_refused(a, "reading", &r->clear, out);
        }
}

/* ---- the table ---- */

static void begin_table(struct api_access *a)
{
        table_init(&a->table, 4);
        table_put(&a->table, STYLE_DIM, "caller");
        table_put(&a->table, STYLE_DIM, "operation");
        table_put(&a->table, STYLE_DIM, a->writes ? "may" : "sees");
        table_put(&a->table, STYLE_DIM, "by");
}

static void end_table(struct api_access *a)
{
        table_print(&a->table, &a->in->out, 2, a->out);
        table_done(&a->table);
}

static void end_nothing(struct api_access *a)
{
        if (a->nothing.n == 0)
                return;
        buf_put_str(a->out, "  ");
        screen_put(&a->in->out, a->out, STYLE_DIM, a->writes ? "never: " : "nothing: ");
        screen_put_wrapped(&a->in->out, a->out, buf_cstr(&a->nothing), 11, 11);
        buf_put_byte(a->out, '\n');
}

/* Who was last in the class, if all that they have is nothing. */
static void end_who(struct api_access *a)
{
        if (a->last_who.p && !a->last_has_row) {
                buf_put_str(&a->nothing, a->nothing.n ? ", " : "");
                buf_put(&a->nothing, a->last_who);
        }
        a->last_who = SPAN_NONE;
}

static void end_class(struct api_access *a)
{
        if (a->class == API_NONE)
                return;
        end_who(a);
        if (a->n_rows == 0) {
                buf_printf(a->out, "  nobody%s may %s it\n",
                           a->only ? ", of the callers and operations that were asked about," : "",
                           a->writes ? "send" : "read");
                table_done(&a->table);
        } else {
                end_table(a);
        }
        end_nothing(a);
}

static void begin_class(struct api_access *a, uint32_t class)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(64 * 1024);

        end_class(a);
        a->class = class;
        a->n_rows = 0;
        buf_clear(&a->nothing);
        text_put_safe(&name, a->package->api->classes[class]);
        buf_put_byte(a->out, '\n');
        screen_put(&a->in->out, a->out, STYLE_BOLD, buf_cstr(&name));
        if (!a->writes)
                buf_printf(a->out, ", masked as %s", api_access_mask(a->package, class));
        buf_put_byte(a->out, '\n');
        begin_table(a);
}

static enum style style_of(const struct access_row *r)
{
        if (r->sees & ACCESS_CLEAR)
                return r->sees == ACCESS_CLEAR ? STYLE_WARN : STYLE_NONE;
        return r->sees & ACCESS_MASKED ? STYLE_GOOD : STYLE_DIM;
}

static void put_row(struct api_access *a, const struct access_row *r)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(CELL_MAX);

        if (a->n_rows % (TABLE_ROWS_MAX - 1) == TABLE_ROWS_MAX - 2 ||
            a->table.text.n > TABLE_TEXT) {
                end_table(a);
                begin_table(a);
        }
        a->n_rows++;
        table_put_safe(&a->table, STYLE_NAME, buf_cstr(&a->who));
        text_put_safe(&text, r->operation->id);
        table_put_safe(&a->table, STYLE_NONE, buf_cstr(&text));
        buf_clear(&text);
        api_access_put_sees(r, &text);
        table_put_safe(&a->table, style_of(r), buf_cstr(&text));
        buf_clear(&text);
        put_why(a, r, &text);
        table_put_safe(&a->table, STYLE_NONE,
                       buf_status(&text) < 0 ? "(too long: --json has it)" : buf_cstr(&text));
}

static int take_text(void *ctx, const struct access_row *r, struct err *err)
{
        CLEANUP(buf_done) struct buf who = BUF_INIT(CELL_MAX);
        struct api_access *a = ctx;

        if (r->implied)
                return 0;
        if (a->class != r->class)
                begin_class(a, r->class);
        api_access_put_who(r->who, &who);
        if (!span_eq(buf_span(&who), a->last_who)) {
                end_who(a);
                buf_clear(&a->who);
                buf_put(&a->who, buf_span(&who));
                a->last_who = buf_span(&a->who);
                a->last_has_row = false;
        }
        if (r->sees != ACCESS_WITHHELD || a->all) {
                a->last_has_row = true;
                put_row(a, r);
        }
        if (buf_status(&who) < 0 || buf_status(&a->who) < 0 || buf_status(&a->nothing) < 0 ||
            buf_status(a->out) < 0)
                return err_set(err, -E2BIG, "too much for one answer: ask for one class");
        return 0;
}

/* The policies that were told by number, in the order of these. */
static void put_legend(struct api_access *a)
{
        CLEANUP(buf_done) struct buf line = BUF_INIT(1 << 20);
        const struct cedar_policies *all = a->package->policies;

        if (a->n_numbers)
                buf_put_byte(a->out, '\n');
        for (uint32_t n = 1; n <= a->n_numbers; n++)
                for (uint32_t i = 0; i < all->n; i++) {
                        if (a->numbers[i] != n)
                                continue;
                        buf_clear(&line);
                        buf_printf(&line, "[%u]%s", n, n < 10 ? "  " : " ");
                        buf_put_str(&line, all->policies[i].effect == CEDAR_FORBID ? "forbid "
                                                                                   : "permit ");
                        api_access_put_policy(a->package, &all->policies[i], &line);
                        buf_put(a->out, buf_span(&line));
                        buf_put_byte(a->out, '\n');
                        break;
                }
}

static int begin_text(struct api_access *a)
{
        CLEANUP(buf_done) struct buf title = BUF_INIT(TABLE_CELL_MAX);

        a->who = BUF_INIT(CELL_MAX);
        a->nothing = BUF_INIT(4 << 20);
        a->numbers = calloc((size_t)a->package->policies->n + 1, sizeof *a->numbers);
        if (!a->numbers)
                return -ENOMEM;
        buf_put(&title, a->package->file.api);
        buf_put_byte(&title, ' ');
        buf_put(&title, a->package->file.version);
        screen_put(&a->in->out, a->out, STYLE_BOLD, buf_cstr(&title));
        buf_put_str(a->out,
                    a->writes ? ": who may send which data\n" : ": who may read which data\n");
        screen_put(&a->in->out, a->out, STYLE_DIM, "sha256 ");
        screen_put(&a->in->out, a->out, STYLE_DIM, a->sha256);
        buf_put_byte(a->out, '\n');
        return 0;
}

static void end_text(struct api_access *a)
{
        if (a->class == API_NONE)
                buf_put_str(a->out, a->writes ? "\nno operation takes such data of such callers\n"
                                              : "\nno operation has such data for such callers\n");
        end_class(a);
        put_legend(a);
        free(a->numbers);
        buf_done(&a->who);
        buf_done(&a->nothing);
}

const struct api_access_form api_access_text = { begin_text, take_text, end_text };
