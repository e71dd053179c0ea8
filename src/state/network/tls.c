/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration of OpenSSL and of servers says of TLS: config(5) of OpenSSL with
 * SSL_CONF_cmd(3), nginx (its "Beginner's Guide": directives end in ';' or have a block), Apache's
 * httpd ("Configuration Files": a directive a line, sections in <>), and name = value of Postfix,
 * PostgreSQL and Dovecot.  What is in none of them is the default of OpenSSL or of the program. */
#include "state/reading/fields.h"
#include "state/reading/mask.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <stdio.h>
#include <strings.h>

enum { SCOPE_MAX = 300, WORDS_MAX = 4096 };

static const struct state_column columns[] = {
        { "file", STATE_TEXT, STATE_KEY, "where it stands" },
        { "line", STATE_INT, STATE_LOOSE, "and its line" },
        { "program", STATE_TEXT, 0, "whose it is: openssl, nginx, apache, postfix, ..." },
        { "scope", STATE_TEXT, STATE_KEY, "section or host it is for; empty: all" },
        { "setting", STATE_TEXT, STATE_KEY, "its name, as written there" },
        { "value", STATE_TEXT, 0, "what it is set to" },
};

static const struct state_source sources[] = {
        { STATE_FILE, 0, "/etc/ssl/openssl.cnf" },
        { STATE_FILE, 0, "/etc/nginx/nginx.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/nginx/conf.d/*.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/nginx/sites-enabled/*" },
        { STATE_FILES, STATE_FOLLOW, "/etc/nginx/snippets/*.conf" },
        { STATE_FILE, 0, "/etc/apache2/apache2.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/apache2/conf-enabled/*.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/apache2/mods-enabled/*.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/apache2/sites-enabled/*.conf" },
        { STATE_FILE, 0, "/etc/postfix/main.cf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/postgresql/*/*/postgresql.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/postgresql/*/*/conf.d/*.conf" },
        { STATE_FILE, 0, "/etc/dovecot/dovecot.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/dovecot/conf.d/*.conf" },
};

struct reading;

struct program {
        const char *name, *dir;
        int (*read)(struct reading *r);
        const char *starts[8]; /* of settings that are about TLS, in any case; ends with NULL */
};

struct reading {
        struct state_out *out;
        const struct state_part *part;
        const struct program *program;
        char scope[SCOPE_MAX];
};

static bool starts_with(struct span s, const char *start)
{
        size_t n = strlen(start);

        return s.n >= n && strncasecmp((const char *)s.p, start, n) == 0;
}

static bool is_about_tls(const struct program *p, struct span setting)
{
        for (size_t i = 0; p->starts[i]; i++)
                if (starts_with(setting, p->starts[i]))
                        return true;
        return false;
}

static int put(struct reading *r, uint32_t line, struct span setting, struct span value)
{
        if (setting.n == 0 || !is_about_tls(r->program, setting))
                return 0;
        state_begin(r->out);
        state_text(r->out, "file", r->part->name);
        state_u64(r->out, "line", line);
        state_str(r->out, "program", r->program->name);
        state_str(r->out, "scope", r->scope);
        state_text(r->out, "setting", setting);
        mask_text(r->out, "value", value);
        return state_end(r->out);
}

static void set_scope(struct reading *r, struct span s)
{
        s = field_trim(s);
        snprintf(r->scope, sizeof r->scope, "%.*s", (int)MIN_OF(s.n, sizeof r->scope - 1),
                 (const char *)s.p);
}

static struct span until(struct span s, char c)
{
        const uint8_t *at = s.n ? memchr(s.p, c, s.n) : NULL;

        return at ? span_of(s.p, (size_t)(at - s.p)) : s;
}

static struct span unquoted(struct span s)
{
        s = field_trim(s);
        if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
                return span_of(s.p + 1, s.n - 2);
        return s;
}

/* ---- name = value ---- */

/* A comment begins with '#', in a value too unless it is quoted. */
static struct span value_of(struct span s)
{
        const uint8_t *end;

        s = field_trim(s);
        if (s.n && (s.p[0] == '"' || s.p[0] == '\'')) {
                end = memchr(s.p + 1, s.p[0], s.n - 1);
                return end ? span_of(s.p + 1, (size_t)(end - s.p) - 1) : s;
        }
        return field_trim(until(s, '#'));
}

static int read_equals(struct reading *r)
{
        struct field_lines lines = { .rest = r->part->bytes };
        struct span line, name;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                line = field_trim(line);
                if (line.n == 0 || line.p[0] == '#')
                        continue;
                if (line.p[0] == '[')
                        set_scope(r, until(span_from(line, 1), ']'));
                else if (memchr(line.p, '=', line.n) && field_cut(&line, '=', &name))
                        rc = put(r, lines.number, field_trim(name), value_of(line));
        }
        return rc;
}

/* ---- Apache ---- */

static int read_apache_line(struct reading *r, uint32_t number, struct span line)
{
        struct span word;

        if (line.p[0] == '<') {
                struct span section = field_trim(until(span_from(line, 1), '>'));

                if (starts_with(section, "VirtualHost"))
                        set_scope(r, section);
                else if (starts_with(section, "/VirtualHost"))
                        set_scope(r, SPAN(""));
                return 0;
        }
        return field_word(&line, &word) ? put(r, number, word, unquoted(line)) : 0;
}

static int read_apache(struct reading *r)
{
        struct field_lines lines = { .rest = r->part->bytes };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                line = field_trim(line);
                if (line.n && line.p[0] != '#')
                        rc = read_apache_line(r, lines.number, line);
        }
        return rc;
}

/* ---- nginx ---- */

struct nginx {
        struct span rest;
        uint32_t line;
        unsigned depth, server, server_depth; /* depth of the server block at hand; 0: in none */
};

static bool is_space(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void nginx_skip(struct nginx *n)
{
        while (n->rest.n && (is_space(n->rest.p[0]) || n->rest.p[0] == '#')) {
                size_t skip = n->rest.p[0] == '#' ? until(n->rest, '\n').n : 1;

                n->line += n->rest.p[0] == '\n';
                n->rest = span_from(n->rest, skip);
        }
}

/* A word, or one in quotes; empty before ';', '{' and '}'. */
static struct span nginx_word(struct nginx *n)
{
        struct span word;
        size_t i = 0;

        nginx_skip(n);
        if (n->rest.n && (n->rest.p[0] == '"' || n->rest.p[0] == '\'')) {
                for (i = 1; i < n->rest.n && n->rest.p[i] != n->rest.p[0]; i++) {
                        n->line += n->rest.p[i] == '\n';
                        i += n->rest.p[i] == '\\';
                }
                word = span_of(n->rest.p + 1, MIN_OF(i, n->rest.n) - 1);
                n->rest = span_from(n->rest, i + 1);
                return word;
        }
        while (i < n->rest.n && n->rest.p[i] && !strchr(" \t\r\n;{}", n->rest.p[i]))
                i++;
        if (i < n->rest.n && n->rest.p[i] == 0) /* no text at all: a word of its own */
                i++;
        word = span_of(n->rest.p, i);
        n->rest = span_from(n->rest, i);
        return word;
}

static void nginx_open(struct reading *r, struct nginx *n, struct span name)
{
        n->depth++;
        if (!span_eq_str(name, "server") || n->server_depth)
                return;
        n->server_depth = n->depth;
        snprintf(r->scope, sizeof r->scope, "server %u", ++n->server);
}

static void nginx_close(struct reading *r, struct nginx *n)
{
        if (n->server_depth && n->depth == n->server_depth) {
                n->server_depth = 0;
                set_scope(r, SPAN(""));
        }
        n->depth -= n->depth > 0;
}

/* One directive with what it is given, or the beginning of a block. */
static int nginx_directive(struct reading *r, struct nginx *n, struct span name)
{
        struct buf value = BUF_INIT(WORDS_MAX);
        uint32_t line = n->line;
        struct span word;
        int rc = 0;

        while ((word = nginx_word(n)).n) {
                if (value.n)
                        buf_put_byte(&value, ' ');
                buf_put(&value, word);
        }
        if (n->rest.n && n->rest.p[0] == '{')
                nginx_open(r, n, name);
        else if (buf_status(&value) == 0)
                rc = put(r, line, name, buf_span(&value));
        else if (is_about_tls(r->program, name))
                rc = state_fault(r->out, r->part, line, "a value that is too long");
        state_memory(r->out, &value);
        buf_done(&value);
        n->rest = span_from(n->rest, n->rest.n && n->rest.p[0] != '}');
        return rc;
}

static int read_nginx(struct reading *r)
{
        struct nginx n = { .rest = r->part->bytes, .line = 1 };
        struct span name;
        int rc = 0;

        for (nginx_skip(&n); n.rest.n && rc == 0; nginx_skip(&n)) {
                name = nginx_word(&n);
                if (name.n) {
                        rc = nginx_directive(r, &n, name);
                        continue;
                }
                if (n.rest.n && n.rest.p[0] == '}')
                        nginx_close(r, &n);
                n.rest = span_from(n.rest, 1);
        }
        return rc;
}

/* ---- files ---- */

static const struct program programs[] = {
        { "openssl",
          "/etc/ssl/",
          read_equals,
          { "openssl_conf", "ssl_conf", "system_default", "MinProtocol", "MaxProtocol", "Cipher",
            "Options" } },
        { "nginx", "/etc/nginx/", read_nginx, { "ssl_", "proxy_ssl_", "grpc_ssl_" } },
        { "apache", "/etc/apache2/", read_apache, { "SSL" } },
        { "postfix",
          "/etc/postfix/",
          read_equals,
          { "smtp_tls_", "smtpd_tls_", "lmtp_tls_", "tls_", "smtpd_use_tls", "smtp_use_tls" } },
        { "postgresql", "/etc/postgresql/", read_equals, { "ssl" } },
        { "dovecot", "/etc/dovecot/", read_equals, { "ssl" } },
};

static int read_tls(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p)) {
                struct reading r = { .out = out, .part = &p };

                if (!state_readable(out, &p, STATE_MAY_BE_ABSENT))
                        continue;
                for (size_t i = 0; i < ARRAY_LEN(programs) && !r.program; i++)
                        if (span_starts(p.name, span_str(programs[i].dir)))
                                r.program = &programs[i];
                if (r.program)
                        rc = r.program->read(&r);
        }
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_tls = {
        .name = "tls",
        .alert = "yes",
        .about = "what configurations say of TLS: protocols, ciphers, certificates",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 5,
        .read = read_tls,
};
