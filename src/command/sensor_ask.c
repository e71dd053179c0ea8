/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_ask.c - see sensor_ask.h. */
#include "command/sensor_ask.h"

#include <poll.h>

#include "command/places.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "wire/json.h"
#include "wire/msg.h"

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
        return rc < 0 ? err_wrap(err, "the sensor does not answer") : 0;
}

bool sensor_answers(const struct invocation *in)
{
        CLEANUP_FD int fd = -1;

        return open_socket(in, &fd, NULL) == 0;
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
