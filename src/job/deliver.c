/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.yaml(5): where alerts are delivered.  Told are its faults (faults.h), or the facts of
 * wire/deliver_fact.h. */
#include "job/deliver_priv.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

enum {
        ARENA_BYTES = 16 << 20,
        DOWN_AFTER_S = 300,
        RETRY_MAX_S = 300,
        TIMEOUT_S = 60,
        GATHER_S = 10,
        EVERY_S = 300,
        FACILITY_AUTHPRIV = 10,
        PORT_SYSLOG = 514,
        PORT_SYSLOG_TLS = 6514,
        PORT_SMTP = 25,
        PORT_SMTPS = 465,
};

static struct deliver_sink *this_sink(struct deliver_file *d)
{
        return d->sink[d->n_sinks];
}

/* ---- every sink's ---- */

static void take_type(void *ctx, const struct yaml_node *n)
{
        (void)ctx; /* it was read first */
        (void)n;
}

static void take_kind(struct deliver_file *d, const struct yaml_node *n)
{
        struct deliver_sink *s = this_sink(d);
        struct span kind;

        if (!yaml_get_text(&d->faults, n, "a kind", &kind) ||
            !yaml_check_kind(&d->faults, n->mark, kind))
                return;
        if (s->n_kinds == DELIVER_KINDS_MAX)
                faults_add(&d->faults, n->mark, "more than %d kinds", DELIVER_KINDS_MAX);
        else if (deliver_copy(d, n, kind, s->kinds[s->n_kinds], DELIVER_KIND_MAX))
                s->n_kinds++;
}

static void take_kinds(void *ctx, const struct yaml_node *n)
{
        deliver_each(ctx, n, take_kind);
}

static void take_severity(void *ctx, const struct yaml_node *n)
{
        struct deliver_file *d = ctx;
        int i = deliver_get_name_of(d, n, deliver_severity_name, DELIVER_SEVERITIES,
                                    "info, high or critical");

        if (i >= 0)
                this_sink(d)->severity = (enum deliver_severity)i;
}

static void take_history(void *ctx, const struct yaml_node *n)
{
        static const char *const names[] = { "none", "all" };
        struct deliver_file *d = ctx;

        this_sink(d)->history =
                deliver_get_name_of(d, n, names, ARRAY_LEN(names), "none or all") == 1;
}

static void take_down_after(void *ctx, const struct yaml_node *n)
{
        (void)!deliver_get_time(ctx, n, 0, &this_sink(ctx)->down_after_s);
}

static void take_retry_max(void *ctx, const struct yaml_node *n)
{
        (void)!deliver_get_time(ctx, n, 1, &this_sink(ctx)->retry_max_s);
}

static void take_timeout(void *ctx, const struct yaml_node *n)
{
        (void)!deliver_get_time(ctx, n, 1, &this_sink(ctx)->timeout_s);
}

static void take_ca(void *ctx, const struct yaml_node *n)
{
        deliver_get_path(ctx, n, this_sink(ctx)->ca, DELIVER_PATH_MAX);
}

/* ---- syslog ---- */

static void take_syslog_to(void *ctx, const struct yaml_node *n)
{
        static const char wanted[] = "udp://, tcp:// or tls:// and a host, or a socket's path,";
        struct deliver_file *d = ctx;
        struct deliver_sink *s = this_sink(d);
        struct span text, rest;

        if (!yaml_get_text(&d->faults, n, wanted, &text))
                return;
        rest = text;
        s->port = PORT_SYSLOG;
        if (text.n && text.p[0] == '/') {
                s->way = DELIVER_UNIX;
                (void)!deliver_copy(d, n, text, s->path, DELIVER_SOCKET_MAX);
                return;
        }
        s->way = deliver_starts(&rest, "udp://")   ? DELIVER_UDP
                 : deliver_starts(&rest, "tcp://") ? DELIVER_TCP
                 : deliver_starts(&rest, "tls://") ? DELIVER_TLS
                                                   : DELIVER_UNIX;
        if (s->way == DELIVER_TLS)
                s->port = PORT_SYSLOG_TLS;
        if (s->way == DELIVER_UNIX || !deliver_split_host(rest, s->host, &s->port))
                faults_add(&d->faults, n->mark, "%s should stand here, not \"%.*s\"", wanted,
                           SHOWN(text));
}

static void take_facility(void *ctx, const struct yaml_node *n)
{
        static const char *const names[] = { "kern",     "user",   "mail",   "daemon", "auth",
                                             "syslog",   "lpr",    "news",   "uucp",   "cron",
                                             "authpriv", "ftp",    "ntp",    "audit",  "alert",
                                             "clock",    "local0", "local1", "local2", "local3",
                                             "local4",   "local5", "local6", "local7" };
        struct deliver_file *d = ctx;
        int i = deliver_get_name_of(d, n, names, ARRAY_LEN(names),
                                    "a facility, as authpriv or local0,");

        if (i >= 0)
                this_sink(d)->facility = (uint8_t)i;
}

static void take_cert(void *ctx, const struct yaml_node *n)
{
        deliver_get_path(ctx, n, this_sink(ctx)->cert, DELIVER_PATH_MAX);
}

static void take_key(void *ctx, const struct yaml_node *n)
{
        deliver_get_path(ctx, n, this_sink(ctx)->key, DELIVER_PATH_MAX);
}

static void take_tls_name(void *ctx, const struct yaml_node *n)
{
        struct deliver_file *d = ctx;
        struct span s;

        if (!yaml_get_text(&d->faults, n, "the name in the server's certificate", &s))
                return;
        if (deliver_host_ok(s))
                (void)!deliver_copy(d, n, s, this_sink(d)->tls_name, DELIVER_HOST_MAX);
        else
                faults_add(&d->faults, n->mark, "\"%.*s\" is no host's name", SHOWN(s));
}

static void check_syslog(struct deliver_file *d, const struct yaml_node *n)
{
        struct deliver_sink *s = this_sink(d);

        if (!*s->cert != !*s->key)
                faults_add(&d->faults, n->mark, "cert and key go together");
        if (s->way != DELIVER_TLS && (*s->ca || *s->cert || *s->key || *s->tls_name))
                faults_add(&d->faults, n->mark, "ca, cert, key and tls_name go with tls:// only");
        if (s->way == DELIVER_TLS && !*s->tls_name)
                memcpy(s->tls_name, s->host, sizeof s->tls_name);
}

/* ---- command ---- */

static void take_arg(struct deliver_file *d, const struct yaml_node *n)
{
        struct deliver_sink *s = this_sink(d);
        struct span arg;

        if (!yaml_get_text(&d->faults, n, "an argument", &arg))
                return;
        if (s->n_args == DELIVER_ARGS_MAX)
                faults_add(&d->faults, n->mark, "more than %d arguments", DELIVER_ARGS_MAX);
        else if (deliver_copy(d, n, arg, s->args[s->n_args], DELIVER_ARG_MAX))
                s->n_args++;
}

static void take_run(void *ctx, const struct yaml_node *n)
{
        struct deliver_file *d = ctx;

        deliver_each(d, n, take_arg);
        if (this_sink(d)->n_args && this_sink(d)->args[0][0] != '/')
                faults_add(
                        &d->faults, n->mark,
                        "the absolute path of a program should stand here; no shell reads it, so "
                        "arguments are items of a list");
}

/* ---- mail ---- */

static void take_server(void *ctx, const struct yaml_node *n)
{
        static const char wanted[] = "smtp:// or smtps:// and a host";
        struct deliver_file *d = ctx;
        struct deliver_sink *s = this_sink(d);
        struct span text, rest;
        bool smtps;

        if (!yaml_get_text(&d->faults, n, wanted, &text))
                return;
        rest = text;
        smtps = deliver_starts(&rest, "smtps://");
        s->port = smtps ? PORT_SMTPS : PORT_SMTP;
        if ((!smtps && !deliver_starts(&rest, "smtp://")) ||
            !deliver_split_host(rest, s->host, &s->port))
                faults_add(&d->faults, n->mark, "%s should stand here, not \"%.*s\"", wanted,
                           SHOWN(text));
        if (smtps)
                s->tls = DELIVER_SMTPS;
}

static bool get_address(struct deliver_file *d, const struct yaml_node *n,
                        char out[DELIVER_ADDRESS_MAX + 1])
{
        struct span s;

        if (!yaml_get_text(&d->faults, n, "a mail address", &s))
                return false;
        if (deliver_address_ok(s))
                return deliver_copy(d, n, s, out, DELIVER_ADDRESS_MAX);
        faults_add(&d->faults, n->mark, "\"%.*s\" is no mail address, as alerts@example.com",
                   SHOWN(s));
        return false;
}

static void take_from(void *ctx, const struct yaml_node *n)
{
        (void)!get_address(ctx, n, this_sink(ctx)->from);
}

static void take_recipient(struct deliver_file *d, const struct yaml_node *n)
{
        struct deliver_sink *s = this_sink(d);

        if (s->n_to == DELIVER_TO_MAX)
                faults_add(&d->faults, n->mark, "more than %d recipients", DELIVER_TO_MAX);
        else if (get_address(d, n, s->to[s->n_to]))
                s->n_to++;
}

static void take_mail_to(void *ctx, const struct yaml_node *n)
{
        deliver_each(ctx, n, take_recipient);
}

static void take_tls(void *ctx, const struct yaml_node *n)
{
        static const char *const names[] = { "never", "required" };
        struct deliver_file *d = ctx;
        int i = deliver_get_name_of(d, n, names, ARRAY_LEN(names), "never or required");

        if (i < 0)
                return;
        d->has_tls = true;
        if (this_sink(d)->tls != DELIVER_SMTPS)
                this_sink(d)->tls = i ? DELIVER_STARTTLS : DELIVER_PLAIN;
        else if (i == 0)
                faults_add(&d->faults, n->mark, "smtps:// is never without TLS");
}

static void take_user(void *ctx, const struct yaml_node *n)
{
        struct deliver_file *d = ctx;
        struct span s;

        if (yaml_get_text(&d->faults, n, "a user's name", &s))
                (void)!deliver_copy(d, n, s, this_sink(d)->user, DELIVER_USER_MAX);
}

static void take_password_file(void *ctx, const struct yaml_node *n)
{
        deliver_get_path(ctx, n, this_sink(ctx)->password_file, DELIVER_PATH_MAX);
}

static void take_gather(void *ctx, const struct yaml_node *n)
{
        (void)!deliver_get_time(ctx, n, 0, &this_sink(ctx)->gather_s);
}

static void take_every(void *ctx, const struct yaml_node *n)
{
        (void)!deliver_get_time(ctx, n, 0, &this_sink(ctx)->every_s);
}

/* By its number, or the one name that stands for it: what else begins with "127." is others'. */
static bool is_this_host(const char *host)
{
        struct in_addr a;

        if (inet_pton(AF_INET, host, &a) == 1)
                return ntohl(a.s_addr) >> 24 == IN_LOOPBACKNET;
        return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

static void check_mail(struct deliver_file *d, const struct yaml_node *n)
{
        struct deliver_sink *s = this_sink(d);

        if (!d->has_tls && s->tls != DELIVER_SMTPS)
                s->tls = is_this_host(s->host) ? DELIVER_PLAIN : DELIVER_STARTTLS;
        if (!*s->user != !*s->password_file)
                faults_add(&d->faults, n->mark, "user and password_file go together");
        if (*s->user && s->tls == DELIVER_PLAIN && !is_this_host(s->host))
                faults_add(&d->faults, n->mark,
                           "the password would cross the network in clear: tls: required");
}

/* ---- the file ---- */

#define EVERY_SINKS                                                                                \
        { "type", take_type, true }, { "kinds", take_kinds, false },                               \
                { "severity", take_severity, false }, { "history", take_history, false },          \
                { "down_after", take_down_after, false },                                          \
        {                                                                                          \
                "retry_max", take_retry_max, false                                                 \
        }

static const struct yaml_key journal_keys[] = { EVERY_SINKS };
static const struct yaml_key syslog_keys[] = { EVERY_SINKS,
                                               { "to", take_syslog_to, true },
                                               { "facility", take_facility, false },
                                               { "ca", take_ca, false },
                                               { "cert", take_cert, false },
                                               { "key", take_key, false },
                                               { "tls_name", take_tls_name, false } };
static const struct yaml_key command_keys[] = { EVERY_SINKS,
                                                { "run", take_run, true },
                                                { "timeout", take_timeout, false } };
static const struct yaml_key mail_keys[] = { EVERY_SINKS,
                                             { "server", take_server, true },
                                             { "from", take_from, true },
                                             { "to", take_mail_to, true },
                                             { "tls", take_tls, false },
                                             { "ca", take_ca, false },
                                             { "user", take_user, false },
                                             { "password_file", take_password_file, false },
                                             { "timeout", take_timeout, false },
                                             { "gather", take_gather, false },
                                             { "every", take_every, false } };

static const struct {
        const struct yaml_key *keys;
        size_t n;
        void (*check)(struct deliver_file *d, const struct yaml_node *n);
} types[DELIVER_TYPES] = {
        [DELIVER_JOURNAL] = { journal_keys, ARRAY_LEN(journal_keys), NULL },
        [DELIVER_SYSLOG] = { syslog_keys, ARRAY_LEN(syslog_keys), check_syslog },
        [DELIVER_COMMAND] = { command_keys, ARRAY_LEN(command_keys), NULL },
        [DELIVER_MAIL] = { mail_keys, ARRAY_LEN(mail_keys), check_mail },
};

/* What the other keys mean hangs on it. */
static int find_type(struct deliver_file *d, const struct yaml_node *sink, struct yaml_mark at)
{
        for (const struct yaml_node *k = sink->child; k; k = k->next)
                if (span_eq_str(k->text, "type"))
                        return deliver_get_name_of(d, k->value, deliver_type_name, DELIVER_TYPES,
                                                   "journal, syslog, command or mail");
        faults_add(&d->faults, at, "the sink has no type");
        return -1;
}

static void take_sink(void *ctx, const struct yaml_node *k)
{
        struct deliver_file *d = ctx;
        struct deliver_sink *s;
        int type;

        if (d->n_sinks == DELIVER_SINKS_MAX) {
                faults_add(&d->faults, k->mark, "more than %d sinks", DELIVER_SINKS_MAX);
                return;
        }
        if (!deliver_name_ok(k->text)) {
                faults_add(&d->faults, k->mark,
                           "\"%.*s\" is no sink's name: 1 to %d of a-z, 0-9, - and _",
                           SHOWN(k->text), DELIVER_NAME_MAX);
                return;
        }
        if (k->value->type != YAML_MAP) {
                faults_add(&d->faults, k->value->mark, "the keys of a sink should stand here");
                return;
        }
        type = find_type(d, k->value, k->mark);
        if (type < 0)
                return;
        s = d->sink[d->n_sinks] = arena_alloc(&d->arena, sizeof *s);
        if (!s) {
                d->rc = -ENOMEM;
                return;
        }
        *s = (struct deliver_sink){ .type = (enum deliver_type)type,
                                    .line = k->mark.line,
                                    .down_after_s = DOWN_AFTER_S,
                                    .retry_max_s = RETRY_MAX_S,
                                    .timeout_s = TIMEOUT_S,
                                    .gather_s = GATHER_S,
                                    .every_s = EVERY_S,
                                    .facility = FACILITY_AUTHPRIV };
        d->has_tls = false;
        snprintf(s->name, sizeof s->name, "%.*s", (int)k->text.n, (const char *)k->text.p);
        yaml_take_keys(&d->faults, k->value, types[type].keys, types[type].n, d, "the sink",
                       k->mark);
        if (types[type].check)
                types[type].check(d, k);
        if (s->n_kinds == 0)
                snprintf(s->kinds[s->n_kinds++], sizeof s->kinds[0], "alert.*");
        d->n_sinks++;
}

static void take_sinks(void *ctx, const struct yaml_node *n)
{
        struct deliver_file *d = ctx;

        if (n->type != YAML_MAP || !n->child) {
                faults_add(&d->faults, n->mark, "sinks by their names should stand here");
                return;
        }
        yaml_take_each(&d->faults, n, take_sink, d);
}

static void take_version(void *ctx, const struct yaml_node *n)
{
        struct deliver_file *d = ctx;
        struct span s;

        if (yaml_get_text(&d->faults, n, "the version, 1,", &s) &&
            !(n->plain && span_eq_str(s, "1")))
                faults_add(&d->faults, n->mark, "this is version 1, not \"%.*s\"", SHOWN(s));
}

static const struct yaml_key keys[] = { { "version", take_version, true },
                                        { "sinks", take_sinks, true } };

static void read_file(struct deliver_file *d, const struct yaml_node *root)
{
        static const struct yaml_mark top = { 1, 1 };

        if (!root || root->type != YAML_MAP)
                faults_add(&d->faults, root ? root->mark : top,
                           "the keys version and sinks should stand here");
        else
                yaml_take_keys(&d->faults, root, keys, ARRAY_LEN(keys), d, "the file", root->mark);
}

static int tell_all(struct job_out *out, const struct deliver_file *d)
{
        int rc = 0;

        for (size_t i = 0; i < d->n_sinks && rc == 0; i++) {
                deliver_fact_put(job_out_begin(out), d->sink[i]);
                rc = job_out_end(out);
        }
        return rc;
}

static int read_and_tell(struct job_out *out, struct deliver_file *d, struct span input)
{
        struct yaml_node *root = NULL;
        int rc = faults_read(&d->faults, input, &d->arena, &root);

        if (rc < 0)
                return rc;
        if (rc > 0)
                read_file(d, root);
        if (d->rc < 0)
                return d->rc;
        return d->faults.n ? faults_tell(&d->faults, out) : tell_all(out, d);
}

int job_deliver(struct job_out *out, struct span input, struct err *err)
{
        struct arena arena = ARENA_INIT(ARENA_BYTES);
        struct deliver_file *d = arena_alloc(&arena, sizeof *d);
        int rc = -ENOMEM;

        if (d) {
                d->arena = ARENA_INIT(ARENA_BYTES);
                rc = read_and_tell(out, d, input);
                arena_done(&d->arena);
        }
        arena_done(&arena);
        return rc < 0 ? err_sys(err, rc, "deliver.yaml") : 0;
}
