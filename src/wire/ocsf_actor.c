/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_actor.c - attributes that are about who did it. */
#include "base/text.h"
#include "wire/ocsf_priv.h"

#define NO_LOGIN 4294967295LL /* (uid_t)-1, and the same for sessions: none */

static bool number_of(const struct ocsf_value *v, int64_t *ret)
{
        return v && json_value_int(v->json, ret);
}

/* ---- programs ---- */

OCSF_PUT(program)
{
        const struct ocsf_value *proc = ocsf_find(e, "src.proc");
        struct span name;

        (void)ocsf_scratch(e);
        buf_put(e->scratch, SPAN("assay"));
        if (proc && json_value_plain(proc->json, &name)) {
                buf_put_byte(e->scratch, '-');
                buf_put(e->scratch, name);
        }
        json_put_quoted(e->out, buf_span(e->scratch));
        return OCSF_PARTLY;
}

/* A kind without authors tells of what the program itself did; of the others the author may not be
 * known. */
OCSF_PUT(app)
{
        bool b64;

        if (v)
                return ocsf_put_text(e, row, v);
        if (ocsf_find(e, "who.pid") || ocsf_find(e, "who.uid"))
                return OCSF_NOTHING;
        if (!e->in->kind)
                return OCSF_NOTHING;
        if (!kind_field_find(e->in->kind, SPAN("who"), SPAN("pid"), &b64))
                return ocsf_put_program(e, row, v);
        buf_put(e->out, SPAN("\"unknown\""));
        return OCSF_PARTLY;
}

OCSF_PUT(without_pid)
{
        if (ocsf_find(e, "who.pid"))
                return OCSF_NOTHING;
        return ocsf_put_const(e, row, v);
}

/* ---- parents ---- */

/* [pid, executable or name or null, user id or null] */
struct kin {
        struct json_value pid, name, uid;
};

static bool read_kin(struct json_value item, struct kin *ret)
{
        struct json_iter it;

        if (item.type != JSON_ARRAY)
                return false;
        it = json_iter_of(item);
        return json_next(&it, NULL, &ret->pid) && json_next(&it, NULL, &ret->name) &&
               json_next(&it, NULL, &ret->uid) && ret->pid.type == JSON_INT;
}

static bool is_path(struct json_value name)
{
        return name.type == JSON_STRING && name.raw.n > 2 && name.raw.p[1] == '/';
}

OCSF_PUT(ancestry)
{
        struct json_value item;
        struct json_iter it;
        bool first = true;
        struct kin k;

        buf_put_byte(e->out, '[');
        for (it = json_iter_of(v->json); json_next(&it, NULL, &item);) {
                if (!read_kin(item, &k))
                        continue;
                buf_put(e->out, first ? SPAN("{") : SPAN(",{"));
                if (k.name.type == JSON_STRING) {
                        buf_put(e->out, is_path(k.name) ? SPAN("\"path\":") : SPAN("\"name\":"));
                        buf_put(e->out, k.name.raw);
                        buf_put_byte(e->out, ',');
                }
                buf_put(e->out, SPAN("\"pid\":"));
                buf_put(e->out, k.pid.raw);
                buf_put_byte(e->out, '}');
                first = false;
        }
        buf_put_byte(e->out, ']');
        return OCSF_PARTLY; /* a process of this form has no user */
}

static void put_parent_file(struct ocsf_event *e, struct json_value name)
{
        struct ocsf_value v = { .json = name, .there = true };

        buf_put(e->out, SPAN("\"file\":{\"name\":"));
        (void)ocsf_put_base(e, &(struct ocsf_row){ .text = "" }, &v);
        buf_put(e->out, SPAN(",\"path\":"));
        buf_put(e->out, name.raw);
        buf_put(e->out, SPAN(",\"type\":\"Executable File\",\"type_id\":8},"));
}

/* The nearest one; without a list there is at least its number. */
OCSF_PUT(parent)
{
        const struct ocsf_value *ppid = ocsf_find(e, "who.ppid");
        struct kin k = { 0 };
        struct json_value item;
        struct json_iter it;

        if (v) {
                it = json_iter_of(v->json);
                if (!json_next(&it, NULL, &item) || !read_kin(item, &k))
                        k = (struct kin){ 0 };
        }
        if (!k.pid.raw.n && ppid)
                k.pid = ppid->json;
        if (!k.pid.raw.n)
                return OCSF_NOTHING;
        buf_put_byte(e->out, '{');
        if (is_path(k.name)) {
                put_parent_file(e, k.name);
        } else if (k.name.raw.n && k.name.type == JSON_STRING) {
                buf_put(e->out, SPAN("\"name\":"));
                buf_put(e->out, k.name.raw);
                buf_put_byte(e->out, ',');
        }
        buf_put(e->out, SPAN("\"pid\":"));
        buf_put(e->out, k.pid.raw);
        if (k.uid.raw.n && k.uid.type == JSON_INT) {
                buf_put(e->out, SPAN(",\"user\":{\"uid\":\""));
                buf_put(e->out, k.uid.raw);
                buf_put(e->out, SPAN("\"}"));
        }
        buf_put_byte(e->out, '}');
        return OCSF_PARTLY;
}

/* ---- users and sessions ---- */

/* Whoever logged in, kept over su and sudo; of what no login began, the user it runs as. */
static const struct ocsf_value *initiator(const struct ocsf_event *e, bool *ret_same)
{
        const struct ocsf_value *login = ocsf_find(e, "who.auid"), *uid = ocsf_find(e, "who.uid");
        int64_t a, u;

        *ret_same = true;
        if (!number_of(login, &a) || a == NO_LOGIN)
                return uid;
        *ret_same = number_of(uid, &u) && u == a;
        return login;
}

OCSF_PUT(login_user)
{
        bool same;
        const struct ocsf_value *user = initiator(e, &same);

        if (!user)
                return OCSF_NOTHING;
        if (ocsf_put_string(e, row, user) == OCSF_EXACTLY)
                e->claimed[user->claims] = true;
        return OCSF_PARTLY;
}

/* The name is that of who.uid. */
OCSF_PUT(login_name)
{
        bool same;

        (void)initiator(e, &same);
        return same ? ocsf_put_text(e, row, v) : OCSF_NOTHING;
}

OCSF_PUT(session)
{
        int64_t n;

        return number_of(v, &n) && n != NO_LOGIN ? ocsf_put_string(e, row, v) : OCSF_NOTHING;
}

OCSF_PUT(remote)
{
        static const struct {
                const char *login, *says;
        } t[] = { { "ssh", "true" },   { "remote", "true" },   { "console", "false" },
                  { "cron", "false" }, { "service", "false" }, { "kernel", "false" } };
        struct span text;

        for (size_t i = 0; json_value_plain(v->json, &text) && i < ARRAY_LEN(t); i++) {
                if (!span_eq_str(text, t[i].login))
                        continue;
                buf_put_str(e->out, t[i].says);
                return OCSF_PARTLY;
        }
        return OCSF_NOTHING;
}

/* ---- addresses: "192.0.2.1:50000", "[2001:db8::1]:50000", or without a port ---- */

static bool split_address(const struct ocsf_value *v, struct span *ret_ip, struct span *ret_port)
{
        struct span text;
        const uint8_t *end;

        if (!v || v->b64 || !json_value_plain(v->json, &text) || !text.n)
                return false;
        *ret_ip = text;
        *ret_port = SPAN_NONE;
        if (text.p[0] == '[') {
                end = memchr(text.p, ']', text.n);
                if (!end)
                        return false;
                *ret_ip = span_of(text.p + 1, (size_t)(end - text.p) - 1);
                *ret_port = span_from(text, (size_t)(end - text.p) + 2);
        } else {
                end = memchr(text.p, ':', text.n);
                if (end && !memchr(end + 1, ':', text.n - (size_t)(end - text.p) - 1)) {
                        *ret_ip = span_of(text.p, (size_t)(end - text.p));
                        *ret_port = span_from(text, (size_t)(end - text.p) + 1);
                }
        }
        return ret_ip->n > 0;
}

static bool looks_like_ip(struct span s)
{
        size_t colons = 0, dots = 0;

        for (size_t i = 0; i < s.n && s.p[i] != '%'; i++) {
                bool hex = (s.p[i] >= '0' && s.p[i] <= '9') ||
                           ((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'f');

                colons += s.p[i] == ':';
                dots += s.p[i] == '.';
                if (!hex && s.p[i] != ':' && s.p[i] != '.')
                        return false;
        }
        return (colons >= 2 || (colons == 0 && dots == 3)) && s.n <= 40;
}

OCSF_PUT(ip)
{
        struct span ip, port;

        if (!split_address(v, &ip, &port) || !looks_like_ip(ip))
                return OCSF_NOTHING;
        json_put_quoted(e->out, ip);
        return OCSF_PARTLY;
}

OCSF_PUT(port)
{
        struct span ip, port;
        uint64_t n;

        if (!split_address(v, &ip, &port) || text_to_u64(port, &n) < 0 || n > 65535)
                return OCSF_NOTHING;
        buf_printf(e->out, "%u", (unsigned)n);
        return OCSF_PARTLY;
}
