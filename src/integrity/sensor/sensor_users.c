/* SPDX-License-Identifier: Apache-2.0 */
/* Names of users, read by a job without rights: the name service would load foreign code here. */
#include "integrity/sensor/sensor_priv.h"

#include "loop/jobrun.h"
#include "loop/log.h"
#include "sys/io.h"
#include "wire/json.h"

#include <fcntl.h>
#include <unistd.h>

enum { USERS_BYTES = 4 << 20, USERS_FACTS = 65536, USERS_S = 10 };

static const char users_file[] = "/etc/passwd";

static int on_fact(void *ctx, struct span json)
{
        struct sensor *s = ctx;
        struct json_value v;
        struct span name;
        int64_t uid;

        if (!json_get(json_value_of(json), "uid", &v) || !json_value_int(v, &uid) ||
            !json_get(json_value_of(json), "name", &v) || !json_value_plain(v, &name))
                return 0; /* a line that is none, or a name that is no UTF-8 */
        buf_printf(&s->users, "%lld ", (long long)uid);
        buf_put(&s->users, name);
        buf_put_byte(&s->users, '\n');
        return buf_status(&s->users);
}

static void on_end(void *ctx, int result, const struct err *job_err)
{
        struct sensor *s = ctx;
        struct err err = { 0 };

        s->users_job = NULL;
        if (result == 0 && who_set_users(s->who, buf_span(&s->users), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.users", log_err(&err));
        if (result < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.users", log_err(job_err));
        buf_done(&s->users);
}

void users_read(struct sensor *s)
{
        CLEANUP_FD int fd = -1;
        struct job_spec spec = { .program = s->o.job_program,
                                 .job = "passwd",
                                 .timeout_ns = USERS_S * NS_PER_S,
                                 .facts_max = USERS_FACTS,
                                 .clock = s->o.clock };
        struct err err = { 0 };

        s->users_old = false;
        if (!s->o.job_program || s->users_job) {
                s->users_old = s->users_job != NULL; /* it may have read the old file */
                return;
        }
        fd = open(users_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return;
        spec.input = fd;
        s->users = BUF_INIT(USERS_BYTES);
        if (job_start(s->o.loop, &spec, on_fact, on_end, s, &s->users_job, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.users", log_err(&err));
}

void users_seen(struct sensor *s, struct span path)
{
        if (span_eq_str(path, users_file))
                s->users_old = true;
}

void users_done(struct sensor *s)
{
        if (s->users_job)
                s->users_job = job_cancel(s->users_job);
        buf_done(&s->users);
}
