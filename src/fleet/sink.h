/* SPDX-License-Identifier: Apache-2.0 */
/* sink.h - a place that takes alerts.  Floor 3, process assay-uplink, one process each.
 *
 * A new sort is a file, a line in sinks[] of sink.c and its keys in job/deliver.c.
 *
 * sink_deliver() blocks, each wait of it bounded; nothing else runs in its process. */
#ifndef FLEET_SINK_H
#define FLEET_SINK_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "fleet/message.h"
#include "wire/deliver_fact.h"

struct sink {
        const struct sink_ops *ops;
        const struct deliver_sink *config;
        const char *host; /* this one's name */
        const struct clock *clock;
        char note[ERR_TEXT_MAX]; /* of the last delivery: who else should have it and does not; or
                                    "" */
};

struct sink_ops {
        size_t batch; /* messages that go at once, at most */
        /* While rights are there: read certificates and passwords.  runner: of sink_command.c. */
        int (*open)(const struct deliver_sink *config, int runner, struct sink **ret,
                    struct err *err);
        int (*deliver)(struct sink *s, struct message *const *m, size_t n, size_t *ret_done,
                       struct err *err);
        struct sink *(*free)(struct sink *s);
};

extern const struct sink_ops sink_journal, sink_syslog, sink_command, sink_mail;

/* config, host and clock are borrowed; runner (or -1) becomes the sink's when that is opened. */
MUST_USE int sink_open(const struct deliver_sink *config, const char *host,
                       const struct clock *clock, int runner, struct sink **ret, struct err *err);
struct sink *sink_free(struct sink *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct sink, sink_free)

/* 0: the first *ret_done were accepted, one at least.  Else *ret_done were, and
 *   -EBADMSG         message *ret_done was refused for good: never again
 *   -EOWNERDEAD      what it works with has ended, and only a new start of the uplink brings it
 * back another errno    the sink is down: again later, from message *ret_done on. */
MUST_USE int sink_deliver(struct sink *s, struct message *const *m, size_t n, size_t *ret_done,
                          struct err *err);
size_t sink_batch(const struct deliver_sink *config);

#endif
