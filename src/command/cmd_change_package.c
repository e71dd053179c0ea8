/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_change_package.c - assay change package: apt's hooks.
 *
 * Whatever happens, apt goes on: there is a deadline for all of it, and the status is good. */
#include "command/apt_hook.h"
#include "command/change_list.h"
#include "command/sensor_ask.h"
#include "wire/json.h"

#include <signal.h>
#include <unistd.h>

enum {
        DEADLINE_S = 5,
        BATCH_BYTES = 64 * 1024, /* of one command to the sensor */
        ARGS_BYTES = 128 * 1024,
        ANSWER_BYTES = 4096,
};

struct package_options {
        bool end;
};

static const struct option_spec specs[] = {
        { "end", 0, OPTION_FLAG, offsetof(struct package_options, end), NULL,
          "the run of dpkg is over" },
        { 0 },
};

/* A command to the sensor that is being put together. */
struct batch {
        const struct invocation *in;
        struct buf args;
        struct json_writer w;
        bool open;
};

static void on_deadline(int signo)
{
        (void)signo;
        _exit(STATUS_GOOD);
}

/* Nothing here may hang what it is called by, whoever does not answer. */
static void set_deadline(void)
{
        struct sigaction a = { .sa_handler = on_deadline };

        sigemptyset(&a.sa_mask);
        if (sigaction(SIGALRM, &a, NULL) == 0)
                alarm(DEADLINE_S);
}

static void begin_batch(struct batch *b)
{
        buf_clear(&b->args);
        json_writer_init(&b->w, &b->args);
        json_begin_object(&b->w);
        json_put_key(&b->w, "add");
        json_begin_array(&b->w);
        b->open = true;
}

static int send_batch(struct batch *b, bool more, struct err *err)
{
        CLEANUP(buf_done) struct buf answer = BUF_INIT(ANSWER_BYTES);

        json_end_array(&b->w);
        json_member_bool(&b->w, "more", more);
        json_end_object(&b->w);
        b->open = false;
        if (buf_status(&b->args) < 0)
                return err_sys(err, buf_status(&b->args), "packages");
        return sensor_ask(b->in, "package.begin", buf_span(&b->args), NULL, NULL, &answer, err);
}

static int on_package(void *ctx, const struct apt_hook_package *p)
{
        struct batch *b = ctx;
        struct json_writer *w = &b->w;
        struct err err = { 0 };

        if (b->args.n > BATCH_BYTES) {
                int rc = send_batch(b, true, &err);

                if (rc < 0)
                        return rc;
                begin_batch(b);
        }
        json_begin_object(w);
        json_member_text(w, "action", apt_hook_action_name(p->action));
        json_member_string(w, "arch", p->arch);
        json_member_string(w, "from", p->from);
        json_member_string(w, "name", p->name);
        if (p->path.n)
                json_put_bytes(w, "path", p->path);
        json_member_string(w, "to", p->to);
        json_end_object(w);
        return 0;
}

static int read_hook(struct buf *text, struct err *err)
{
        for (;;) {
                uint8_t *p = buf_extend(text, 64 * 1024);
                ssize_t n;

                if (!p)
                        return err_sys(err, buf_status(text), "standard input");
                n = read(STDIN_FILENO, p, 64 * 1024);
                if (n < 0 && errno != EINTR)
                        return err_sys(err, -errno, "standard input");
                text->n -= 64 * 1024 - (size_t)MAX_OF(n, (ssize_t)0);
                if (n == 0)
                        return 0;
        }
}

static int begin(const struct invocation *in, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(APT_HOOK_BYTES_MAX);
        struct batch b = { .in = in, .args = BUF_INIT(ARGS_BYTES) };
        int rc = read_hook(&text, err);

        begin_batch(&b);
        if (rc == 0)
                rc = apt_hook_parse(buf_span(&text), on_package, &b, err);
        if (rc == 0 && b.open)
                rc = send_batch(&b, false, err);
        buf_done(&b.args);
        return rc;
}

static enum status run(struct invocation *in)
{
        const struct package_options *o = in->options;
        CLEANUP(buf_done) struct buf answer = BUF_INIT(ANSWER_BYTES);
        struct err err = { 0 };
        int rc;

        set_deadline();
        rc = o->end ? sensor_ask(in, "package.end", SPAN("{}"), NULL, NULL, &answer, &err)
                    : begin(in, &err);
        alarm(0);
        if (rc < 0)
                (void)complain(in, STATUS_GOOD, "no package explains what dpkg does now: %s",
                               err_text(&err));
        return STATUS_GOOD;
}

const struct command command_change_package = {
        .name = "package",
        .operands = "",
        .about = "tell the sensor which packages are about to be unpacked: a hook of apt",
        .help = "Reads what apt gives a DPkg::Pre-Install-Pkgs hook of version 3 from standard input.\n"
                "The sensor reads the package files itself, and explains what becomes of the paths\n"
                "in them by what they hold, if they come from a signed archive.  Ends well whatever\n"
                "happens, within 5 seconds: without the sensor the changes are unexplained.",
        .options = specs,
        .options_size = sizeof(struct package_options),
        .run = run,
};
