/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/deliver_fact.h"

#include "wire/fact.h"
#include "wire/retention_fact.h"

const char *const deliver_type_name[DELIVER_TYPES] = { "journal", "syslog", "command", "mail" };
const char *const deliver_severity_name[DELIVER_SEVERITIES] = { "info", "high", "critical" };
static const char *const deliver_way_name[DELIVER_WAYS] = { "unix", "udp", "tcp", "tls" };

static const char *const tls_name[DELIVER_TLS_SORTS] = { "plain", "starttls", "smtps" };

/* ---- what names may be ---- */

static bool is_alnum(uint8_t c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool deliver_name_ok(struct span name)
{
        for (size_t i = 0; i < name.n; i++) {
                uint8_t c = name.p[i];

                if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
                        return false;
        }
        return name.n > 0 && name.n <= DELIVER_NAME_MAX;
}

bool deliver_address_ok(struct span address)
{
        size_t at = 0;

        for (size_t i = 0; i < address.n; i++) {
                uint8_t c = address.p[i];

                if (c <= ' ' || c > '~' || strchr("<>\"\\(),;:", c))
                        return false;
                at += c == '@';
        }
        return at == 1 && address.n <= DELIVER_ADDRESS_MAX && address.p[0] != '@' &&
               address.p[0] != '-' && address.p[address.n - 1] != '@';
}

bool deliver_host_ok(struct span host)
{
        for (size_t i = 0; i < host.n; i++)
                if (!is_alnum(host.p[i]) && !strchr(".-:_", host.p[i]))
                        return false;
        return host.n > 0 && host.n <= DELIVER_HOST_MAX && host.p[0] != '-';
}

/* ---- writing ---- */

static void put_text(struct json_writer *w, const char *key, const char *text)
{
        if (*text)
                json_member_text(w, key, text);
}

#define PUT_TEXTS(w, name, list, n)                                                                \
        do {                                                                                       \
                json_put_key(w, name);                                                             \
                json_begin_array(w);                                                               \
                for (size_t i_ = 0; i_ < (n); i_++)                                                \
                        json_put_string(w, span_str((list)[i_]));                                  \
                json_end_array(w);                                                                 \
        } while (0)

static bool has_timeout(const struct deliver_sink *s)
{
        return s->type == DELIVER_COMMAND || s->type == DELIVER_MAIL;
}

void deliver_fact_put(struct json_writer *w, const struct deliver_sink *s)
{
        bool mail = s->type == DELIVER_MAIL, syslog = s->type == DELIVER_SYSLOG;

        if (s->type == DELIVER_COMMAND)
                PUT_TEXTS(w, "args", s->args, s->n_args);
        put_text(w, "ca", s->ca);
        put_text(w, "cert", s->cert);
        json_member_u64(w, "down_after", s->down_after_s);
        if (mail)
                json_member_u64(w, "every", s->every_s);
        if (syslog)
                json_member_u64(w, "facility", s->facility);
        json_member_text(w, "fact", "sink");
        put_text(w, "from", s->from);
        if (mail)
                json_member_u64(w, "gather", s->gather_s);
        json_member_bool(w, "history", s->history);
        put_text(w, "host", s->host);
        put_text(w, "key", s->key);
        PUT_TEXTS(w, "kinds", s->kinds, s->n_kinds);
        json_member_u64(w, "line", s->line);
        json_member_text(w, "name", s->name);
        put_text(w, "password_file", s->password_file);
        put_text(w, "path", s->path);
        if (syslog || mail)
                json_member_u64(w, "port", s->port);
        json_member_u64(w, "retry_max", s->retry_max_s);
        json_member_text(w, "severity", deliver_severity_name[s->severity]);
        if (has_timeout(s))
                json_member_u64(w, "timeout", s->timeout_s);
        if (mail)
                json_member_text(w, "tls", tls_name[s->tls]);
        put_text(w, "tls_name", s->tls_name);
        if (mail)
                PUT_TEXTS(w, "to", s->to, s->n_to);
        json_member_text(w, "type", deliver_type_name[s->type]);
        put_text(w, "user", s->user);
        if (syslog)
                json_member_text(w, "way", deliver_way_name[s->way]);
}

/* ---- reading ---- */

static void need(struct fact *f, const char *key, bool good)
{
        if (!good)
                fact_miss(f, key);
}

/* Texts of a list into rows of `size` bytes each. */
static size_t get_texts(struct fact *f, const char *key, char *rows, size_t size, size_t max)
{
        struct json_value list, item;
        struct json_iter it;
        size_t n = 0;

        if (!json_get(f->object, key, &list) || list.type != JSON_ARRAY) {
                fact_miss(f, key);
                return 0;
        }
        for (it = json_iter_of(list); json_next(&it, NULL, &item) && !f->missing; n++)
                if (n == max || !fact_copy(item, rows + n * size, size - 1))
                        fact_miss(f, key);
        need(f, key, n > 0);
        return f->missing ? 0 : n;
}

static uint32_t get_time(struct fact *f, const char *key)
{
        return (uint32_t)fact_number(f, key, DELIVER_TIME_MAX_S);
}

static void get_host(struct fact *f, struct deliver_sink *s)
{
        fact_text(f, "host", s->host, DELIVER_HOST_MAX);
        need(f, "host", deliver_host_ok(span_str(s->host)));
        s->port = (uint16_t)fact_number(f, "port", UINT16_MAX);
        need(f, "port", s->port > 0);
        fact_maybe_text(f, "ca", s->ca, DELIVER_PATH_MAX);
}

static void get_syslog(struct fact *f, struct deliver_sink *s)
{
        s->way = (enum deliver_way)fact_enum(f, "way", deliver_way_name, DELIVER_WAYS);
        s->facility = (uint8_t)fact_number(f, "facility", 23);
        if (s->way == DELIVER_UNIX) {
                fact_text(f, "path", s->path, DELIVER_SOCKET_MAX);
                need(f, "path", s->path[0] == '/');
                return;
        }
        get_host(f, s);
        fact_maybe_text(f, "cert", s->cert, DELIVER_PATH_MAX);
        fact_maybe_text(f, "key", s->key, DELIVER_PATH_MAX);
        fact_maybe_text(f, "tls_name", s->tls_name, DELIVER_HOST_MAX);
        need(f, "key", !*s->cert == !*s->key);
        need(f, "tls_name", s->way != DELIVER_TLS || deliver_host_ok(span_str(s->tls_name)));
}

static void get_command(struct fact *f, struct deliver_sink *s)
{
        s->n_args = get_texts(f, "args", s->args[0], sizeof s->args[0], DELIVER_ARGS_MAX);
        need(f, "args", s->args[0][0] == '/');
        s->timeout_s = get_time(f, "timeout");
        need(f, "timeout", s->timeout_s > 0);
}

static void get_mail(struct fact *f, struct deliver_sink *s)
{
        get_host(f, s);
        s->tls = (enum deliver_tls)fact_enum(f, "tls", tls_name, DELIVER_TLS_SORTS);
        fact_text(f, "from", s->from, DELIVER_ADDRESS_MAX);
        need(f, "from", deliver_address_ok(span_str(s->from)));
        s->n_to = get_texts(f, "to", s->to[0], sizeof s->to[0], DELIVER_TO_MAX);
        for (size_t i = 0; i < s->n_to; i++)
                need(f, "to", deliver_address_ok(span_str(s->to[i])));
        fact_maybe_text(f, "user", s->user, DELIVER_USER_MAX);
        fact_maybe_text(f, "password_file", s->password_file, DELIVER_PATH_MAX);
        need(f, "password_file", !*s->user == !*s->password_file);
        s->gather_s = get_time(f, "gather");
        s->every_s = get_time(f, "every");
        s->timeout_s = get_time(f, "timeout");
        need(f, "timeout", s->timeout_s > 0);
}

static void get_common(struct fact *f, struct deliver_sink *s)
{
        need(f, "fact", span_eq_str(fact_kind(f), "sink"));
        s->type = (enum deliver_type)fact_enum(f, "type", deliver_type_name, DELIVER_TYPES);
        fact_text(f, "name", s->name, DELIVER_NAME_MAX);
        need(f, "name", deliver_name_ok(span_str(s->name)));
        s->line = (uint32_t)fact_number(f, "line", UINT32_MAX);
        s->severity = (enum deliver_severity)fact_enum(f, "severity", deliver_severity_name,
                                                       DELIVER_SEVERITIES);
        s->n_kinds = get_texts(f, "kinds", s->kinds[0], sizeof s->kinds[0], DELIVER_KINDS_MAX);
        for (size_t i = 0; i < s->n_kinds; i++)
                need(f, "kinds", retention_name_ok(span_str(s->kinds[i])));
        s->history = fact_bool(f, "history");
        s->down_after_s = get_time(f, "down_after");
        s->retry_max_s = get_time(f, "retry_max");
        need(f, "retry_max", s->retry_max_s > 0);
}

int deliver_fact_parse(struct span fact, struct deliver_sink *ret, struct err *err)
{
        static void (*const get[DELIVER_TYPES])(struct fact *, struct deliver_sink *) = {
                [DELIVER_SYSLOG] = get_syslog,
                [DELIVER_COMMAND] = get_command,
                [DELIVER_MAIL] = get_mail,
        };
        struct fact f = fact_of(fact);
        struct deliver_sink s = { 0 };
        int status;

        get_common(&f, &s);
        if (!f.missing && get[s.type])
                get[s.type](&f, &s);
        status = fact_status(&f, err);
        if (status == 0)
                *ret = s;
        return status;
}
