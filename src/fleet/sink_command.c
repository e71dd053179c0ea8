/* SPDX-License-Identifier: Apache-2.0 */
/* sink_command.c - a program that gets one alert as JSON on standard input.
 *
 * Exit status 0: accepted.  65 (EX_DATAERR of sysexits.h): refused for good.  Anything else, a
 * signal and its time included: later again. */
#include "base/text.h"
#include "fleet/runner.h"
#include "fleet/sink.h"
#include "sys/io.h"

#include <stdlib.h>

enum { COMMAND_BATCH = 1, STATUS_REFUSED = 65, SIGNALLED = 256 };

struct command_sink {
        struct sink s;
        int runner; /* ours */
        uint64_t asked;
};

static struct sink *command_free(struct sink *s)
{
        struct command_sink *c = CONTAINER_OF(s, struct command_sink, s);

        fd_close(&c->runner);
        free(c);
        return NULL;
}

static int command_open(const struct deliver_sink *config, int runner, struct sink **ret,
                        struct err *err)
{
        struct command_sink *c = calloc(1, sizeof *c);

        (void)config;
        if (!c)
                return err_sys(err, -ENOMEM, "command");
        c->runner = runner;
        *ret = &c->s;
        return 0;
}

static int judge(const char *program, uint32_t status, const char *words, struct err *err)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(8 * RUNNER_WORDS_MAX);
        size_t n = strcspn(words, "\n");

        if (status == 0)
                return 0;
        text_put_safe(&safe, span_of(words, n));
        if (status == RUNNER_FAILED)
                return err_set(err, -EIO, "%s", buf_cstr(&safe));
        if (status >= SIGNALLED)
                return err_set(err, -EIO, "%s: killed by signal %u", program, status - SIGNALLED);
        return err_set(err, status == STATUS_REFUSED ? -EBADMSG : -EIO, "%s: exit status %u%s%s",
                       program, status, n ? ": " : "", buf_cstr(&safe));
}

static int command_deliver(struct sink *s, struct message *const *m, size_t n, size_t *ret_done,
                           struct err *err)
{
        struct command_sink *c = CONTAINER_OF(s, struct command_sink, s);
        CLEANUP(buf_done) struct buf json = BUF_INIT(RUNNER_ASK_MAX);
        char words[RUNNER_WORDS_MAX + 1];
        uint32_t status = RUNNER_FAILED;
        int rc;

        assert(n == 1);
        message_put_json(m[0], s->config->name, &json);
        buf_put_byte(&json, '\n');
        rc = buf_status(&json);
        if (rc < 0)
                return err_sys(err, rc, "entry %llu", (unsigned long long)m[0]->index);
        rc = runner_ask(c->runner, ++c->asked, buf_span(&json), s->config->timeout_s, &status,
                        words, err);
        if (rc == 0)
                rc = judge(s->config->args[0], status, words, err);
        *ret_done = rc == 0;
        return rc;
}

const struct sink_ops sink_command = { COMMAND_BATCH, command_open, command_deliver, command_free };
