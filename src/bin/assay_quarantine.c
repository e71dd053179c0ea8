/* SPDX-License-Identifier: Apache-2.0 */
/* assay_quarantine.c - assay quarantine: what was put away when something else was put back. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "bin/assay_commands.h"
#include "bin/assay_files.h"
#include "command/places.h"
#include "command/running/sensor_ask.h"
#include "integrity/restoring/quarantine.h"
#include "sys/io.h"
#include "wire/json.h"

enum { LISTED_MAX = 65536, ARGS_MAX = 8192, STATE_MAX = 256 * 1024 };

/* ---- list ---- */

struct listed {
        int64_t at_ns;
        char id[QUARANTINE_ID + 1];
        char reason[QUARANTINE_REASON_MAX + 1];
        const char *type;
        uint64_t size;
        enum quarantine_kept kept;
        char *path; /* made safe */
        bool known;
};

struct list {
        struct listed *at;
        size_t n, max, unreadable;
};

static int add(void *ctx, const char *id, const struct quarantine_item *item, const struct err *why)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * QUARANTINE_ITEM_MAX);
        struct list *l = ctx;
        struct listed *x;

        if (l->n == l->max) {
                size_t max = l->max ? 2 * l->max : 64;

                x = max > LISTED_MAX ? NULL : realloc(l->at, max * sizeof(*x));
                if (!x)
                        return -ENOMEM;
                l->at = x;
                l->max = max;
        }
        x = &l->at[l->n++];
        *x = (struct listed){ .known = item != NULL };
        snprintf(x->id, sizeof(x->id), "%s", id);
        l->unreadable += !item;
        if (item)
                text_put_safe(&safe, item->path);
        else
                buf_put_str(&safe, err_text(why));
        x->path = strdup(buf_cstr(&safe));
        if (!x->path)
                return -ENOMEM;
        if (!item)
                return 0;
        x->at_ns = item->at_ns;
        x->type = record_type_name(item->record.type);
        x->size = item->record.type == RECORD_FILE ? item->record.size : 0;
        x->kept = item->kept;
        snprintf(x->reason, sizeof(x->reason), "%s", item->reason);
        return 0;
}

static int oldest_first(const void *a, const void *b)
{
        const struct listed *x = a, *y = b;

        return x->at_ns != y->at_ns ? (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns)
                                    : strcmp(x->id, y->id);
}

static void put_listed(const struct screen *s, const struct listed *x, struct buf *out)
{
        buf_printf(out, "%s  ", x->id);
        if (!x->known) {
                screen_put(s, out, STYLE_BAD, "unreadable");
                buf_printf(out, "  %s\n", x->path);
                return;
        }
        screen_put_time(s, out, x->at_ns);
        buf_printf(out, "  %-7s  %s  %s", x->reason, x->path, x->type);
        if (strcmp(x->type, "file") == 0) {
                buf_put_str(out, ", ");
                screen_put_bytes(out, x->size);
        }
        if (x->kept != QUARANTINE_WHOLE)
                buf_printf(out, ", kept: %s", quarantine_kept_name(x->kept));
        buf_put_byte(out, '\n');
}

static void put_list(const struct invocation *in, const struct list *l, struct buf *out)
{
        struct json_writer w;

        if (!in->json) {
                for (size_t i = 0; i < l->n; i++)
                        put_listed(&in->out, &l->at[i], out);
                if (l->n == 0)
                        buf_put_str(out, "nothing is in quarantine\n");
                return;
        }
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "items");
        json_begin_array(&w);
        for (size_t i = 0; i < l->n; i++) {
                const struct listed *x = &l->at[i];

                json_begin_object(&w);
                if (x->known)
                        json_member_time(&w, "at", x->at_ns);
                json_member_text(&w, "id", x->id);
                if (x->known)
                        json_member_text(&w, "kept", quarantine_kept_name(x->kept));
                json_member_text(&w, x->known ? "path" : "problem", x->path);
                if (x->known) {
                        json_member_text(&w, "reason", x->reason);
                        json_member_u64(&w, "size", x->size);
                        json_member_text(&w, "type", x->type);
                }
                json_end_object(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status run_list(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP_FD int fd = -1;
        struct list l = { 0 };
        struct err err = { 0 };
        enum status result;
        int rc = places_open_state(in, "sensor", &fd, &err);

        if (rc == 0)
                rc = quarantine_each(&io_kernel, fd, add, &l, &err);
        if (rc < 0) {
                result = complain_err(in, &err);
        } else {
                if (l.n)
                        qsort(l.at, l.n, sizeof(*l.at), oldest_first);
                put_list(in, &l, &out);
                result = command_print(in, &out, l.unreadable ? STATUS_UNSURE : STATUS_GOOD);
        }
        for (size_t i = 0; i < l.n; i++)
                free(l.at[i].path);
        free(l.at);
        return result;
}

static const struct command quarantine_list = {
        .name = "list",
        .operands = "",
        .about = "what is there, oldest first",
        .run = run_list,
};

/* ---- show ---- */

static void put_kept_json(struct json_writer *w, const struct quarantine_item *i)
{
        char hex[2 * SHA256_LEN + 1];

        json_member_text(w, "kept", quarantine_kept_name(i->kept));
        if (i->kept == QUARANTINE_WHOLE)
                return;
        text_hex(span_of(i->part.sha256, SHA256_LEN), hex);
        json_member_u64(w, "kept_bytes", i->part.bytes);
        if (i->part.n)
                json_member_text(w, "kept_sha256", hex);
        json_member_text(w, "kept_why", i->why);
}

static void put_kept(const struct quarantine_item *i, struct buf *out)
{
        static const char *const words[QUARANTINE_KEPT_END] = {
                [QUARANTINE_DATA] = "all but its holes",
                [QUARANTINE_PART] = "the first of its data",
                [QUARANTINE_NOTHING] = "nothing of the content",
        };

        if (i->kept == QUARANTINE_WHOLE)
                return;
        buf_printf(out, "kept          %s, ", words[i->kept]);
        screen_put_bytes(out, i->part.bytes);
        buf_put_str(out, ": ");
        text_put_safe(out, span_str(i->why));
        buf_put_byte(out, '\n');
        for (unsigned k = 0; k < i->part.n; k++)
                buf_printf(out, "%-14s%" PRIu64 " bytes at %" PRIu64 "\n", k ? "" : "extents",
                           i->part.extent[k].bytes, i->part.extent[k].at);
}

static void put_item(const struct invocation *in, const struct quarantine_item *i, struct buf *out)
{
        CLEANUP(buf_done) struct buf state = BUF_INIT(STATE_MAX);
        struct json_writer w;

        if (in->json) {
                files_put_state_json(&i->record, &state);
                json_writer_init(&w, out);
                json_begin_object(&w);
                json_member_time(&w, "at", i->at_ns);
                json_member_text(&w, "id", i->id);
                put_kept_json(&w, i);
                json_member_bool(&w, "moment", i->moment);
                json_put_bytes(&w, "path", i->path);
                json_member_text(&w, "reason", i->reason);
                json_member_raw(&w, "state", buf_span(&state));
                json_end_object(&w);
                buf_put_byte(out, '\n');
                return;
        }
        buf_put_str(out, "path          ");
        text_put_safe(out, i->path);
        buf_put_str(out, "\nput away      ");
        screen_put_time(&in->out, out, i->at_ns);
        buf_printf(out, ", because %s\n", i->reason);
        if (i->moment)
                buf_put_str(out, "content       of one moment: it was being written\n");
        put_kept(i, out);
        files_put_state(&in->out, &i->record, out);
}

static enum status run_show(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        CLEANUP_FD int fd = -1;
        struct quarantine_item item;
        struct err err = { 0 };
        int rc = places_open_state(in, "sensor", &fd, &err);

        if (rc == 0)
                rc = quarantine_read(&io_kernel, fd, in->operands[0], &text, &item, &err);
        if (rc == -EINVAL)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        if (rc < 0)
                return complain_err(in, &err);
        put_item(in, &item, &out);
        return command_print(in, &out, STATUS_GOOD);
}

static const struct command quarantine_show = {
        .name = "show",
        .operands = "ID",
        .about = "all that is known of one item",
        .min_operands = 1,
        .max_operands = 1,
        .run = run_show,
};

/* ---- export and remove: told to the sensor, and so to the ledger ---- */

static int tell_sensor(const struct invocation *in, const char *verb, const char *reason,
                       struct err *err)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(ARGS_MAX);
        CLEANUP(buf_done) struct buf body = BUF_INIT(ARGS_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        command_put_json_text(&w, "id", in->operands[0]);
        if (reason)
                command_put_json_text(&w, "reason", reason);
        json_end_object(&w);
        return sensor_ask(in, verb, buf_span(&args), NULL, NULL, &body, err);
}

static enum status run_export(struct invocation *in)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        const char *to = in->operands[1];
        CLEANUP_FD int fd = -1;
        CLEANUP_FD int out = -1;
        struct quarantine_item item;
        struct err err = { 0 };
        int rc = places_open_state(in, "sensor", &fd, &err);

        if (rc == 0)
                rc = quarantine_read(&io_kernel, fd, in->operands[0], &text, &item, &err);
        if (rc == -EINVAL)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        if (rc == 0)
                rc = tell_sensor(in, "quarantine.export", NULL, &err);
        if (rc == 0) {
                out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
                rc = out < 0 ? err_sys(&err, -errno, "%s", to) : 0;
        }
        if (rc < 0)
                return complain_err(in, &err);
        rc = quarantine_copy(fd, &item, out, &err);
        if (rc == 0 && fsync(out) < 0)
                rc = err_sys(&err, -errno, "%s", to);
        if (rc < 0) {
                (void)unlink(to);
                return complain_err(in, &err);
        }
        if (item.kept == QUARANTINE_PART)
                fprintf(stderr,
                        "assay quarantine: only the first %" PRIu64
                        " bytes of its data were kept: %s\n",
                        item.part.bytes, item.why);
        return STATUS_GOOD;
}

static const struct command quarantine_export = {
        .name = "export",
        .operands = "ID FILE",
        .about = "write an item's content to a new file, for root alone",
        .help = "FILE must not be there; it gets mode 0600 and belongs to root, whatever the item's\n"
                "own mode and owner were.  It is hostile: look at it on another machine.  Who took it\n"
                "out is an entry of the ledger, so the sensor must run.",
        .min_operands = 2,
        .max_operands = 2,
        .run = run_export,
};

struct remove_options {
        const char *reason;
};

static const struct option_spec remove_specs[] = {
        { "reason", 0, OPTION_TEXT, offsetof(struct remove_options, reason), "TEXT",
          "why; goes into the ledger.  Required" },
        { 0 },
};

static enum status run_remove(struct invocation *in)
{
        const struct remove_options *o = in->options;
        struct err err = { 0 };

        if (!o->reason)
                return complain(in, STATUS_USAGE, "--reason is missing: evidence goes for good");
        return tell_sensor(in, "quarantine.remove", o->reason, &err) < 0 ? complain_err(in, &err)
                                                                         : STATUS_GOOD;
}

static const struct command quarantine_remove_command = {
        .name = "remove",
        .operands = "ID",
        .about = "remove an item for good, to make room",
        .options = remove_specs,
        .options_size = sizeof(struct remove_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_remove,
};

static const struct command *const quarantine_commands[] = { &quarantine_list, &quarantine_show,
                                                             &quarantine_export,
                                                             &quarantine_remove_command, NULL };

const struct command command_quarantine = {
        .name = "quarantine",
        .operands = "[OPTION]...",
        .about = "look at what was put away when files were put back",
        .sub = quarantine_commands,
        .usual = &quarantine_list,
};
