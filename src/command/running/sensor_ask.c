/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_ask.c - see sensor_ask.h. */
#include "command/running/sensor_ask.h"

#include <poll.h>

#include "base/text.h"
#include "command/places.h"
#include "command/running/unanswered.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "wire/json.h"
#include "wire/msg.h"

enum { PATH_TEXT_MAX = 128 * 1024 };

struct asking {
        int fd;
        struct buf packet;
        sensor_part_fn *fn;
        void *ctx;
        struct buf *ret;
        bool done;
};

static int open_socket(const struct invocation *in, int *ret_fd, struct err *err)
{
        char path[PLACES_PATH_MAX];
        int rc = places_join(in->run, "sensor.sock", path, err);

        if (rc == 0)
                rc = sock_connect(path, ret_fd, err);
        if (rc == 0)
                rc = sock_set_room(*ret_fd, MSG_MAX);
        return rc < 0 ? unanswered("sensor", rc, err) : 0;
}

int sensor_reach(const struct invocation *in, struct err *err)
{
        CLEANUP_FD int fd = -1;

        return open_socket(in, &fd, err);
}

static int wait_for(int fd, short events)
{
        struct pollfd p = { .fd = fd, .events = events };

        while (poll(&p, 1, -1) < 0)
                if (errno != EINTR)
                        return -errno;
        return 0;
}

static int send_command(struct asking *a, const char *verb, struct span args, struct err *err)
{
        size_t at = msg_begin(&a->packet, MSG_COMMAND);
        int rc;

        msg_put_bytes8(&a->packet, span_str(verb));
        msg_put_bytes32(&a->packet, args);
        msg_end(&a->packet, at);
        rc = buf_status(&a->packet);
        while (rc == 0 && (rc = sock_send(a->fd, buf_span(&a->packet))) == -EAGAIN)
                rc = wait_for(a->fd, POLLOUT);
        return rc < 0 ? err_sys(err, rc, "%s", verb) : 0;
}

/* A refusal's own words. */
static int refused(int code, struct span body, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(ERR_TEXT_MAX);
        struct json_value v;

        if (json_get(json_value_of(body), "error", &v))
                json_value_text(v, &text);
        return err_set(err, code < 0 ? code : -EPROTO, "%s", text.n ? buf_cstr(&text) : "failed");
}

static int take_packet(struct asking *a, struct span packet, struct err *err)
{
        struct msg_reader m;
        enum msg_type type;
        struct span body;
        int code = 0, rc = msg_open(packet, &m, &type, err);

        if (rc < 0)
                return rc;
        if (type != MSG_PART && type != MSG_REPLY)
                return err_set(err, -EPROTO, "the sensor answers with message type %u", type);
        if (type == MSG_REPLY)
                code = -(int)msg_get_u32(&m);
        body = msg_get_bytes32(&m);
        rc = msg_close(&m);
        if (rc == 0)
                rc = json_check(body, err);
        if (rc < 0)
                return rc;
        if (type == MSG_PART) {
                if (a->fn)
                        a->fn(a->ctx, body);
                return 0;
        }
        a->done = true;
        if (code)
                return refused(code, body, err);
        buf_put(a->ret, body);
        return buf_status(a->ret) < 0 ? err_sys(err, buf_status(a->ret), "the answer") : 0;
}

static int hear(struct asking *a, struct err *err)
{
        uint8_t *p;
        size_t n;
        int rc;

        buf_clear(&a->packet);
        p = buf_extend(&a->packet, MSG_MAX);
        if (!p)
                return err_set(err, -ENOMEM, "out of memory for an answer");
        rc = sock_recv(a->fd, p, MSG_MAX, &n);
        if (rc == -EAGAIN)
                return wait_for(a->fd, POLLIN);
        if (rc == 0 && n == 0)
                return err_set(err, -EPIPE, "the sensor ended before it answered");
        return rc < 0 ? err_sys(err, rc, "the sensor's answer")
                      : take_packet(a, span_of(p, n), err);
}

int sensor_ask(const struct invocation *in, const char *verb, struct span args, sensor_part_fn *fn,
               void *ctx, struct buf *ret, struct err *err)
{
        struct asking a = {
                .fd = -1, .packet = BUF_INIT(MSG_MAX), .fn = fn, .ctx = ctx, .ret = ret
        };
        int rc = open_socket(in, &a.fd, err);

        if (rc == 0)
                rc = send_command(&a, verb, args, err);
        while (rc == 0 && !a.done)
                rc = hear(&a, err);
        fd_close(&a.fd);
        buf_done(&a.packet);
        return rc;
}

/* ---- arguments and answers ---- */

int sensor_check_paths(const struct invocation *in, struct err *err)
{
        for (size_t i = 0; i < in->n_operands; i++)
                if (in->operands[i][0] != '/')
                        return err_set(err, -EINVAL, "%s: not an absolute path", in->operands[i]);
        return 0;
}

static struct span without_slash(const char *text)
{
        struct span p = span_str(text);

        while (p.n > 1 && p.p[p.n - 1] == '/')
                p.n--;
        return p;
}

static void put_paths(struct json_writer *w, const struct invocation *in, const char *key,
                      bool utf8)
{
        bool any = false;

        for (size_t i = 0; i < in->n_operands; i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(PATH_TEXT_MAX);
                struct span p = without_slash(in->operands[i]);

                if (text_is_utf8(p, NULL) != utf8)
                        continue;
                if (!any) {
                        json_put_key(w, key);
                        json_begin_array(w);
                }
                any = true;
                if (!utf8)
                        text_put_base64(&b, p);
                json_put_string(w, utf8 ? p : buf_span(&b));
        }
        if (any)
                json_end_array(w);
}

void sensor_put_paths(const struct invocation *in, struct json_writer *w)
{
        put_paths(w, in, "paths", true);
        put_paths(w, in, "paths_b64", false);
}

uint64_t sensor_count(struct span object, const char *key)
{
        struct json_value v;
        int64_t n;

        return json_get(json_value_of(object), key, &v) && json_value_int(v, &n) && n >= 0
                       ? (uint64_t)n
                       : 0;
}
