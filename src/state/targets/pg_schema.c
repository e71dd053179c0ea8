/* SPDX-License-Identifier: Apache-2.0 */
/* What a PostgreSQL database holds, who owns it and who may do what, as monitor/pg_schema.sql asks.
 *
 * A rule of pg_hba.conf is named by itself and tells the rule before it, for the first that fits
 * decides: one that moves is a change, and one that is put in between changes its neighbour only.
 */
#include "base/text.h"
#include "crypto/sha256.h"
#include "state/reading/fields.h"
#include "state/tables.h"
#include "state/targets/copytext.h"
#include "state/targets/pg_settings.h"

enum { SHOWN = 2048, RULE_MAX = 2048, ITEMS_SHOWN = 64 };

static const struct state_column columns[] = {
        { "definition", STATE_TEXT, 0,
          "what it is, cut where long, with SHA-256; of a rule the one before" },
        { "grants", STATE_LIST, 0, "who may what, as an aclitem: role=rights/grantor" },
        { "kind", STATE_TEXT, STATE_KEY,
          "database, schema, table, column, policy, setting, hba..." },
        { "name", STATE_TEXT, STATE_KEY, "its name, or a rule of pg_hba.conf" },
        { "owner", STATE_TEXT, 0, "role that owns it" },
};

enum { TAG, KIND, NAME, OWNER, DEFINITION, GRANTS, OBJECT_FIELDS };
enum { RULE = 1, FAULT, HBA_FIELDS };

struct reading {
        struct state_out *out;
        struct buf before, text;
        uint32_t same; /* rules that are as the one before */
};

static void put_long(struct reading *r, const char *column, struct span s)
{
        char hex[2 * SHA256_LEN + 1];
        uint8_t digest[SHA256_LEN];
        size_t n = SHOWN;

        if (s.n <= SHOWN) {
                state_text(r->out, column, s);
                return;
        }
        while (n && (s.p[n] & 0xc0) == 0x80) /* not within a character */
                n--;
        sha256(s, digest);
        text_hex(span_of(digest, sizeof digest), hex);
        buf_clear(&r->text);
        buf_put(&r->text, span_of(s.p, n));
        buf_printf(&r->text, "... sha256:%s", hex);
        state_text(r->out, column, buf_span(&r->text));
}

/* Each item is at most some hundred bytes; what does not fit is one digest. */
static void put_grants(struct reading *r, struct span field)
{
        struct span item, rest = field;
        char hex[2 * SHA256_LEN + 1];
        uint8_t digest[SHA256_LEN];
        size_t n = 0;

        if (field.n <= SHOWN) {
                copy_put_items(r->out, "grants", field);
                return;
        }
        while (n++ < ITEMS_SHOWN / 4 && field_cut(&rest, 0x1f, &item) && item.n < SHOWN / 8)
                state_item(r->out, "grants", item);
        sha256(field, digest);
        text_hex(span_of(digest, sizeof digest), hex);
        buf_clear(&r->text);
        buf_printf(&r->text, "and more, sha256:%s over all", hex);
        state_item(r->out, "grants", buf_span(&r->text));
}

static int put_object(struct reading *r, const struct copy_line *l)
{
        if (l->n != OBJECT_FIELDS || l->field[KIND].n == 0)
                return -EBADMSG;
        state_begin(r->out);
        state_text(r->out, "kind", l->field[KIND]);
        state_text(r->out, "name", l->field[NAME]);
        if (l->field[OWNER].p)
                state_text(r->out, "owner", l->field[OWNER]);
        if (l->field[DEFINITION].n)
                put_long(r, "definition", l->field[DEFINITION]);
        put_grants(r, l->field[GRANTS]);
        return state_end(r->out);
}

static int put_rule(struct reading *r, const struct copy_line *l)
{
        struct span rule = l->n == HBA_FIELDS ? l->field[RULE] : SPAN_NONE;
        CLEANUP(buf_done) struct buf name = BUF_INIT(2 * RULE_MAX);

        if (l->n != HBA_FIELDS)
                return -EBADMSG;
        if (l->field[FAULT].n) /* the server cannot read that line */
                rule = l->field[FAULT];
        buf_put(&name, span_of(rule.p, MIN_OF(rule.n, (size_t)RULE_MAX)));
        r->same = span_eq(buf_span(&name), buf_span(&r->before)) ? r->same + 1 : 0;
        state_begin(r->out);
        state_str(r->out, "kind", l->field[FAULT].n ? "hba fault" : "hba");
        if (r->same)
                buf_printf(&name, " (again, %u)", r->same);
        state_text(r->out, "name", buf_span(&name));
        put_long(r, "definition", r->before.n ? buf_span(&r->before) : SPAN("the first one"));
        buf_clear(&r->before);
        buf_put(&r->before, span_of(rule.p, MIN_OF(rule.n, (size_t)RULE_MAX)));
        return state_end(r->out);
}

static int take(void *ctx, const struct copy_line *l)
{
        if (span_eq_str(l->field[TAG], "object"))
                return put_object(ctx, l);
        return span_eq_str(l->field[TAG], "hba") ? put_rule(ctx, l) : -EBADMSG;
}

static int read_schema(struct state_in *in, struct state_out *out, struct err *err)
{
        struct reading r = { .out = out,
                             .before = BUF_INIT(2 * RULE_MAX),
                             .text = BUF_INIT(4 * RULE_MAX) };
        int rc = copy_read(in, take, &r, err);

        if (rc == 0 && out->rows == 0)
                rc = err_set(err, -EIO, "the server shows nothing");
        buf_done(&r.before);
        buf_done(&r.text);
        return rc;
}

const struct state_table state_pg_schema = {
        .name = "pg_schema",
        .about = "what a PostgreSQL database holds, its grants, policies, rules and settings",
        STATE_COLUMNS(columns),
        STATE_SETTINGS(pg_settings),
        .every_s = 600,
        .read = read_schema,
};
