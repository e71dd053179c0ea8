/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_change_package.c - assay change package: apt's hooks.
 *
 * Whatever happens, apt goes on: there is a deadline for all of it, and the status is good.  But
 * where mode deny keeps files from dpkg, the status is 1 and apt stops before it begins, since dpkg
 * would stop in the middle. */
#include "base/text.h"
#include "command/change/apt_hook.h"
#include "command/change/change_list.h"
#include "command/running/sensor_ask.h"
#include "wire/json.h"

#include <signal.h>
#include <unistd.h>

enum {
        DEADLINE_S = 5,
        DENIED_S = 60,            /* to read the package files, where something is denied */
        DENIED_BYTES = 64 * 1024, /* of what is */
        BATCH_BYTES = 64 * 1024,  /* of one command to the sensor */
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
        struct buf args, answer;
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
        json_end_array(&b->w);
        json_member_bool(&b->w, "more", more);
        json_end_object(&b->w);
        b->open = false;
        if (buf_status(&b->args) < 0)
                return err_sys(err, buf_status(&b->args), "packages");
        buf_clear(&b->answer);
        return sensor_ask(b->in, "package.begin", buf_span(&b->args), NULL, NULL, &b->answer, err);
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

/* ---- what is denied ---- */

/* Whoever made the package chose its paths, and somebody will paste this into a shell. */
static bool is_harmless(struct span path)
{
        for (size_t i = 0; i < path.n; i++)
                if (!(path.p[i] >= 'a' && path.p[i] <= 'z') &&
                    !(path.p[i] >= 'A' && path.p[i] <= 'Z') &&
                    !memchr("0123456789/._+-:@", path.p[i], 17))
                        return false;
        return true;
}

static void put_one(struct json_value one, struct buf *paths, struct buf *out)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT(DENIED_BYTES), name = BUF_INIT(DENIED_BYTES);
        struct json_value v;

        if (json_get(one, "package", &v) && json_value_text(v, &name) &&
            json_get(one, "path", &v) && json_value_text(v, &path)) {
                buf_put_str(out, "  ");
                text_put_safe(out, buf_span(&path));
                buf_put_str(out, " (");
                text_put_safe(out, buf_span(&name));
                buf_put_str(out, ")\n");
                if (is_harmless(buf_span(&path))) {
                        buf_put_str(paths, " --path ");
                        buf_put(paths, buf_span(&path));
                }
        } else {
                buf_put_str(out, "  one whose name is no text\n");
        }
}

/* How many, and the words for them.  apt shows what comes to standard output. */
static size_t say_denied(struct span answer, struct buf *out)
{
        CLEANUP(buf_done) struct buf paths = BUF_INIT(DENIED_BYTES);
        struct json_value object = json_value_of(answer), list, one;
        struct json_iter it;
        size_t n = 0;

        if (!json_get(object, "denied", &list) || list.type != JSON_ARRAY)
                return 0;
        buf_put_str(out, "assay: mode deny keeps files of these packages from being changed:\n");
        for (it = json_iter_of(list); json_next(&it, NULL, &one); n++)
                put_one(one, &paths, out);
        if (json_get(object, "more", &one) && span_eq_str(one.raw, "true"))
                buf_put_str(out, "  and more\n");
        buf_put_str(out,
                    "dpkg would fail in the middle, so nothing was begun. Open a change for them "
                    "first, then again:\n  assay change open --for 1h --reason 'upgrade'");
        buf_put(out, buf_span(&paths));
        buf_put_str(out, " UPGRADE-1\n");
        return n;
}

static enum status ask_denied(const struct invocation *in, struct span begun, struct err *err)
{
        CLEANUP(buf_done)
        struct buf args = BUF_INIT(ANSWER_BYTES), out = BUF_INIT(2 * DENIED_BYTES);
        CLEANUP(buf_done) struct buf answer = BUF_INIT(DENIED_BYTES), id = BUF_INIT(ANSWER_BYTES);
        struct json_value v;
        struct json_writer w;

        if (!json_get(json_value_of(begun), "some_denied", &v) ||
            !json_get(json_value_of(begun), "id", &v) || !json_value_text(v, &id))
                return STATUS_GOOD;
        alarm(DENIED_S);
        json_writer_init(&w, &args);
        json_begin_object(&w);
        json_member_string(&w, "id", buf_span(&id));
        json_end_object(&w);
        if (sensor_ask(in, "package.denied", buf_span(&args), NULL, NULL, &answer, err) < 0 ||
            say_denied(buf_span(&answer), &out) == 0)
                return STATUS_GOOD;
        return command_print(in, &out, STATUS_PROBLEM);
}

static enum status begin(const struct invocation *in, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(APT_HOOK_BYTES_MAX);
        struct batch b = { .in = in,
                           .args = BUF_INIT(ARGS_BYTES),
                           .answer = BUF_INIT(ANSWER_BYTES) };
        enum status status = STATUS_GOOD;
        int rc = read_hook(&text, err);

        begin_batch(&b);
        if (rc == 0)
                rc = apt_hook_parse(buf_span(&text), on_package, &b, err);
        if (rc == 0 && b.open)
                rc = send_batch(&b, false, err);
        if (rc == 0)
                status = ask_denied(in, buf_span(&b.answer), err);
        buf_done(&b.args);
        buf_done(&b.answer);
        return status;
}

static enum status run(struct invocation *in)
{
        const struct package_options *o = in->options;
        CLEANUP(buf_done) struct buf answer = BUF_INIT(ANSWER_BYTES);
        enum status status = STATUS_GOOD;
        struct err err = { 0 };

        set_deadline();
        if (o->end)
                (void)!sensor_ask(in, "package.end", SPAN("{}"), NULL, NULL, &answer, &err);
        else
                status = begin(in, &err);
        alarm(0);
        if (err.code)
                (void)complain(in, STATUS_GOOD, "no package explains what dpkg does now: %s",
                               err_text(&err));
        return status;
}

const struct command command_change_package = {
        .name = "package",
        .operands = "",
        .about = "tell the sensor which packages are about to be unpacked: a hook of apt",
        .help = "Reads what apt gives a DPkg::Pre-Install-Pkgs hook of version 3 from standard input.\n"
                "The sensor reads the package files itself, and explains what becomes of the paths\n"
                "in them by what they hold, if they come from a signed archive.  Ends well whatever\n"
                "happens, within 5 seconds: without the sensor the changes are unexplained.  Status 1,\n"
                "at which apt stops before anything is unpacked, only where mode deny keeps files\n"
                "of the packages from being changed: which, and what to do, is said.",
        .options = specs,
        .options_size = sizeof(struct package_options),
        .run = run,
};
