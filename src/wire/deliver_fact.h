/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_fact.h - what the job "deliver" tells of deliver.yaml(5): one fact a sink.  Floor 1,
 * pure.
 *
 *   {"down_after":300,"fact":"sink","history":false,"kinds":["alert.*"],"line":3,"name":"local",
 *    "retry_max":300,"severity":"info","type":"journal"}
 *
 * and besides, by type; what is empty or not of the type is absent:
 *   syslog   ca, cert, facility, host, key, path, port, tls_name, way
 *   command  args, timeout
 *   mail     ca, every, from, gather, host, password_file, port, timeout, tls, to, user
 *
 * Times are seconds.
 *
 * SECURITY: facts come from a process that has read somebody's YAML. */
#ifndef WIRE_DELIVER_FACT_H
#define WIRE_DELIVER_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        DELIVER_SINKS_MAX = 16,
        DELIVER_NAME_MAX = 32,
        DELIVER_KINDS_MAX = 16,
        DELIVER_KIND_MAX = 64,
        DELIVER_ARGS_MAX = 16,
        DELIVER_ARG_MAX = 512,
        DELIVER_TO_MAX = 16,
        DELIVER_HOST_MAX = 253,
        DELIVER_ADDRESS_MAX = 254,
        DELIVER_USER_MAX = 128,
        DELIVER_PATH_MAX = 512,
        DELIVER_TIME_MAX_S = 7 * 86400,
        DELIVER_SOCKET_MAX = 107, /* bytes of a unix socket's path */
};

enum deliver_type { DELIVER_JOURNAL, DELIVER_SYSLOG, DELIVER_COMMAND, DELIVER_MAIL, DELIVER_TYPES };
enum deliver_severity { DELIVER_INFO, DELIVER_HIGH, DELIVER_CRITICAL, DELIVER_SEVERITIES };
enum deliver_way { DELIVER_UNIX, DELIVER_UDP, DELIVER_TCP, DELIVER_TLS, DELIVER_WAYS };
enum deliver_tls { DELIVER_PLAIN, DELIVER_STARTTLS, DELIVER_SMTPS, DELIVER_TLS_SORTS };

extern const char *const deliver_type_name[DELIVER_TYPES];
extern const char *const deliver_severity_name[DELIVER_SEVERITIES];

struct deliver_sink {
        char name[DELIVER_NAME_MAX + 1];
        enum deliver_type type;
        uint32_t line;
        enum deliver_severity severity; /* the least */
        char kinds[DELIVER_KINDS_MAX][DELIVER_KIND_MAX + 1];
        size_t n_kinds;        /* at least one */
        bool history;          /* a new sink begins with the oldest entry, not with the next */
        uint32_t down_after_s; /* until that is told in the ledger */
        uint32_t retry_max_s;
        /* syslog and mail */
        char host[DELIVER_HOST_MAX + 1];
        uint16_t port;
        char ca[DELIVER_PATH_MAX + 1];
        /* syslog */
        enum deliver_way way;
        char path[DELIVER_SOCKET_MAX + 1];
        char tls_name[DELIVER_HOST_MAX + 1]; /* the server's, in its certificate */
        char cert[DELIVER_PATH_MAX + 1], key[DELIVER_PATH_MAX + 1];
        uint8_t facility;
        /* command and mail */
        uint32_t timeout_s;
        /* command */
        char args[DELIVER_ARGS_MAX][DELIVER_ARG_MAX + 1];
        size_t n_args;
        /* mail */
        enum deliver_tls tls;
        char from[DELIVER_ADDRESS_MAX + 1];
        char to[DELIVER_TO_MAX][DELIVER_ADDRESS_MAX + 1];
        size_t n_to;
        char user[DELIVER_USER_MAX + 1];
        char password_file[DELIVER_PATH_MAX + 1];
        uint32_t gather_s, every_s;
};

/* The object's members; what is in s has to be as above. */
void deliver_fact_put(struct json_writer *w, const struct deliver_sink *s);
/* -EBADMSG and the member.  *ret is untouched then. */
MUST_USE int deliver_fact_parse(struct span fact, struct deliver_sink *ret, struct err *err);

/* Letters a-z, digits, '-' and '_', 1 to DELIVER_NAME_MAX: it becomes a file's name. */
bool deliver_name_ok(struct span name);
/* Printable ASCII without blanks, angle brackets, quotes and backslashes, with one "@". */
bool deliver_address_ok(struct span address);
/* A host's name or address as it goes into a URL: letters, digits, dots, hyphens, colons. */
bool deliver_host_ok(struct span host);

#endif
