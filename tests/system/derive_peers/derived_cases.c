/* SPDX-License-Identifier: Apache-2.0 */
/* derived_cases.c - derived_cases SEED COUNT DIR: models and calls made by chance, as tests for
 * Cedar's own engine: derived schemas, policies over them (a part of which is wrong), contexts of
 * calls.  Answers are the engine's to fill in. */
#include <stdio.h>
#include <stdlib.h>

#include "../../package/call/call_chance.h"
#include "../../package/model_package.h"
#include "base/text.h"
#include "policy/print/print.h"
#include "policy/value/extension.h"
#include "wire/json.h"

enum { CALLS = 40, REQUESTS = 6 };

static const char *const actions[] = { "op", "op.read", "op.readMasked" };

/* ---- values as Cedar's JSON ---- */

static void put_call(const char *fn, const struct buf *arg, struct buf *out)
{
        buf_printf(out, "{\"__extn\":{\"fn\":\"%s\",\"arg\":", fn);
        json_put_quoted(out, buf_span(arg));
        buf_put_str(out, "}}");
}

static void put_extension(const struct cedar_value *v, struct buf *out)
{
        struct buf arg = BUF_INIT(256);

        if (v->kind == CEDAR_DECIMAL)
                cedar_decimal_print(v->number, &arg);
        else if (v->kind == CEDAR_IP)
                cedar_ip_print(v->ip, &arg);
        else
                cedar_datetime_print(v->number, &arg);
        put_call(v->kind == CEDAR_DECIMAL ? "decimal"
                 : v->kind == CEDAR_IP    ? "ip"
                                          : "datetime",
                 &arg, out);
        buf_done(&arg);
}

static void put_uid(const struct cedar_uid *uid, struct buf *out)
{
        buf_put_str(out, "{\"type\":");
        json_put_quoted(out, uid->type);
        buf_put_str(out, ",\"id\":");
        json_put_quoted(out, uid->id);
        buf_put_byte(out, '}');
}

static void put_value(const struct cedar_value *v, struct buf *out)
{
        switch (v->kind) {
        case CEDAR_BOOL:
                buf_put_str(out, v->boolean ? "true" : "false");
                return;
        case CEDAR_LONG:
                buf_printf(out, "%lld", (long long)v->number);
                return;
        case CEDAR_STRING:
                json_put_quoted(out, cedar_string_span(v));
                return;
        case CEDAR_ENTITY:
                buf_put_str(out, "{\"__entity\":");
                put_uid(v->uid, out);
                buf_put_byte(out, '}');
                return;
        case CEDAR_SET:
        case CEDAR_RECORD:
                buf_put_byte(out, v->kind == CEDAR_SET ? '[' : '{');
                for (uint32_t i = 0; i < v->n; i++) {
                        buf_put_str(out, i ? "," : "");
                        if (v->kind == CEDAR_RECORD) {
                                json_put_quoted(out, v->fields[i].key);
                                buf_put_byte(out, ':');
                        }
                        put_value(v->kind == CEDAR_SET ? &v->items[i] : &v->fields[i].value, out);
                }
                buf_put_byte(out, v->kind == CEDAR_SET ? ']' : '}');
                return;
        default:
                put_extension(v, out);
        }
}

/* ---- policies ---- */

/* An expression on its way down a type: what must be asked first, and what it is. */
struct guarded {
        struct buf guard, path;
        bool wrong; /* something of it is to be wrong, now and then */
};

static void put_literal(struct chance *c, const struct model_package *x, const struct cedar_type *t,
                        bool wrong, struct buf *out)
{
        const struct cedar_entity_type *e;

        if (wrong && chance_below(c, 3) == 0) {
                buf_put_str(out, "User::\"a\"");
                return;
        }
        switch (t->kind) {
        case CEDAR_BOOL:
                buf_put_str(out, "true");
                return;
        case CEDAR_LONG:
                buf_put_str(out, wrong ? "\"1\"" : "1");
                return;
        case CEDAR_STRING:
                buf_put_str(out, wrong ? "1" : "\"x\"");
                return;
        case CEDAR_DECIMAL:
                buf_put_str(out, wrong ? "decimal(\"1\")" : "decimal(\"1.25\")");
                return;
        case CEDAR_ENTITY:
                e = cedar_schema_entity(x->schema, t->entity);
                buf_put(out, t->entity);
                buf_put_str(out, "::");
                cedar_print_string(
                        wrong || !e->n_ids ? SPAN("w") : e->ids[chance_below(c, e->n_ids)], out);
                return;
        case CEDAR_SET:
                buf_put_byte(out, '[');
                put_literal(c, x, t->item, wrong, out);
                buf_put_byte(out, ']');
                return;
        case CEDAR_IP:
                buf_put_str(out, "ip(\"10.0.0.1\")");
                return;
        case CEDAR_DATETIME:
                buf_put_str(out, "datetime(\"2024-10-15\")");
                return;
        default:
                buf_put_str(out, "{}");
        }
}

static void put_test(struct chance *c, const struct model_package *x, const struct cedar_type *t,
                     struct guarded *a, struct buf *out)
{
        bool wrong = a->wrong && chance_below(c, 4) == 0;

        buf_put(out, buf_span(&a->path));
        if (t->kind == CEDAR_DECIMAL)
                buf_put_str(out, ".lessThan(");
        else if (t->kind == CEDAR_SET)
                buf_put_str(out, ".contains(");
        else if (t->kind == CEDAR_IP && chance_below(c, 2))
                buf_put_str(out, ".isInRange(");
        else
                buf_put_str(out, (t->kind == CEDAR_LONG || t->kind == CEDAR_DATETIME) &&
                                                 chance_below(c, 2)
                                         ? " <= ("
                                         : " == (");
        put_literal(c, x, t->kind == CEDAR_SET ? t->item : t, wrong, out);
        buf_put_byte(out, ')');
}

/* Down to something that can be compared. */
static void put_question(struct chance *c, const struct model_package *x,
                         const struct cedar_type *t, struct guarded *a, struct buf *out)
{
        while (t->kind == CEDAR_RECORD && t->n) {
                const struct cedar_attr *attr = &t->attrs[chance_below(c, t->n)];

                if (!attr->required && !(a->wrong && chance_below(c, 6) == 0)) {
                        buf_put(&a->guard, buf_span(&a->path));
                        buf_put_str(&a->guard, " has ");
                        cedar_print_string(attr->name, &a->guard);
                        buf_put_str(&a->guard, " && ");
                }
                buf_put_byte(&a->path, '[');
                cedar_print_string(a->wrong && chance_below(c, 12) == 0 ? SPAN("no") : attr->name,
                                   &a->path);
                buf_put_byte(&a->path, ']');
                t = attr->type;
        }
        buf_put(out, buf_span(&a->guard));
        if (t->kind == CEDAR_RECORD)
                buf_put_str(out, "true");
        else
                put_test(c, x, t, a, out);
}

static const struct cedar_action *action_of(const struct model_package *x, const char *id)
{
        const struct cedar_uid uid = cedar_uid(SPAN("Action"), span_str(id));

        return cedar_schema_action(x->schema, &uid);
}

static void put_policies(struct chance *c, const struct model_package *x, struct buf *out)
{
        bool wrong = chance_below(c, 2);

        for (unsigned i = 0; i < 5; i++) {
                struct guarded a = { .guard = BUF_INIT(1 << 16),
                                     .path = BUF_INIT(1 << 16),
                                     .wrong = wrong };
                const char *id = actions[chance_below(c, 3)];

                buf_printf(out, "%s (principal, action %s Action::\"%s\", resource) when { ",
                           chance_below(c, 3) ? "permit" : "forbid",
                           chance_below(c, 2) ? "==" : "in", id);
                buf_put_str(&a.path, "context");
                put_question(c, x, action_of(x, id)->context, &a, out);
                buf_put_str(out, " };\n");
                buf_done(&a.guard);
                buf_done(&a.path);
        }
}

/* ---- requests ---- */

static void put_request(struct chance *c, const struct model_package *x, const struct call *call,
                        struct arena *arena, struct buf *out)
{
        const struct cedar_uid class = cedar_uid(SPAN("DataClass"), SPAN("c"));
        const char *id = actions[chance_below(c, 3)];
        struct cedar_value context;
        struct cedar_uid resource;
        struct err err = { 0 };

        MODEL_OK(call_context(&x->p, call, arena, &context, &resource, &err), err);
        if (strcmp(id, "op") != 0)
                MODEL_OK(call_read_context(&x->p, call, &context, &resource, arena, &context, &err),
                         err);
        buf_printf(out,
                   "%s{\"principal\":{\"type\":\"Caller\",\"id\":\"a\"},\"action\":{\"type\":"
                   "\"Action\",\"id\":\"%s\"},\"resource\":",
                   out->p[out->n - 1] == '[' ? "" : ",", id);
        put_uid(strcmp(id, "op") == 0 ? &resource : &class, out);
        buf_put_str(out, ",\"context\":");
        put_value(&context, out);
        buf_put_byte(out, '}');
}

static void put_requests(struct chance *c, const struct model_package *x, struct buf *out)
{
        for (unsigned i = 0, n = 0; i < CALLS && n < REQUESTS; i++) {
                struct arena arena = ARENA_INIT(16 << 20);
                struct call call;

                chance_call(c, &x->p, &arena, &call);
                if (call_check(&x->p, &call, NULL) == 0) {
                        put_request(c, x, &call, &arena, out);
                        n++;
                }
                arena_done(&arena);
        }
}

/* ---- files ---- */

static void write_file(const char *dir, unsigned i, const char *suffix, const struct buf *text)
{
        char path[4096];
        FILE *f;

        snprintf(path, sizeof path, "%s/%u%s", dir, i, suffix);
        f = fopen(path, "w");
        if (!f || fwrite(text->p, 1, text->n, f) != text->n || fclose(f) != 0) {
                perror(path);
                exit(1);
        }
}

static void write_case(struct chance *c, struct span model, const char *dir, unsigned i)
{
        struct buf policies = BUF_INIT(1 << 20), test = BUF_INIT(1 << 24), none = BUF_INIT(8);
        struct model_package x;

        model_package_init(&x, model, "", "", "[]");
        put_policies(c, &x, &policies);
        buf_printf(&test,
                   "{\"schema\":\"%u.cedarschema\",\"policies\":\"%u.cedar\",\"entities\":"
                   "\"%u.entities.json\",\"requests\":[",
                   i, i, i);
        put_requests(c, &x, &test);
        buf_put_str(&test, "]}");
        buf_put_str(&none, "[]");
        write_file(dir, i, ".cedarschema", &x.text);
        write_file(dir, i, ".cedar", &policies);
        write_file(dir, i, ".entities.json", &none);
        write_file(dir, i, ".json", &test);
        model_package_done(&x);
        buf_done(&policies);
        buf_done(&test);
        buf_done(&none);
}

int main(int argc, char **argv)
{
        struct buf model = BUF_INIT(16 << 20);
        uint64_t seed, count;

        if (argc != 4 || text_to_u64(span_str(argv[1]), &seed) < 0 ||
            text_to_u64(span_str(argv[2]), &count) < 0) {
                (void)fprintf(stderr, "usage: derived_cases SEED COUNT DIR\n");
                return 2;
        }
        for (unsigned i = 0; i < count;) {
                struct chance c = chance_of(seed++);

                buf_clear(&model);
                chance_model(&c, &model);
                if (model_package_can(buf_span(&model)))
                        write_case(&c, buf_span(&model), argv[3], i++);
        }
        buf_done(&model);
        return 0;
}
