/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sink.h"

static const struct sink_ops *const sinks[DELIVER_TYPES] = {
        [DELIVER_JOURNAL] = &sink_journal,
        [DELIVER_SYSLOG] = &sink_syslog,
        [DELIVER_COMMAND] = &sink_command,
        [DELIVER_MAIL] = &sink_mail,
};

int sink_open(const struct deliver_sink *config, const char *host, const struct clock *clock,
              int runner, struct sink **ret, struct err *err)
{
        struct sink *s = NULL;
        int rc = sinks[config->type]->open(config, runner, &s, err);

        if (rc < 0)
                return rc;
        s->ops = sinks[config->type];
        s->config = config;
        s->host = host;
        s->clock = clock;
        *ret = s;
        return 0;
}

struct sink *sink_free(struct sink *s)
{
        return s ? s->ops->free(s) : NULL;
}

int sink_deliver(struct sink *s, struct message *const *m, size_t n, size_t *ret_done,
                 struct err *err)
{
        *ret_done = 0;
        *s->note = '\0';
        return s->ops->deliver(s, m, n, ret_done, err);
}

size_t sink_batch(const struct deliver_sink *config)
{
        return sinks[config->type]->batch;
}
