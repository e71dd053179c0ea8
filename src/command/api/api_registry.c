/* SPDX-License-Identifier: Apache-2.0 */
/* api_registry.c - see api_registry.h. */
#include "command/api/api_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "command/log/reader.h"
#include "command/running/admin.h"
#include "package/registry/registry_load.h"
#include "sys/io.h"

enum { REPLY_MAX = 16 * 1024 };

/* ---- the recorder, and the ledger it writes ---- */

static int open_ledger(const struct invocation *in, struct reader *r, struct err *err)
{
        char dir[PLACES_PATH_MAX];
        int status = places_ledger(in, dir, err);

        return status < 0 ? status : reader_open(dir, r, err);
}

static int get_size(struct span reply, uint64_t *ret, struct err *err)
{
        struct json_value v;
        int64_t n;

        if (json_check(reply, NULL) < 0 || !json_get(json_value_of(reply), "size", &v) ||
            !json_value_int(v, &n) || n < 0)
                return err_set(err, -EBADMSG, "the recorder does not say how much there is");
        *ret = (uint64_t)n;
        return 0;
}

/* Everything durable is signed, and so in what is published. */
static int ask_size(const struct invocation *in, const char *verb, uint64_t *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf reply = BUF_INIT(REPLY_MAX);
        int rc = admin_command(in, verb, SPAN("{}"), &reply, err);

        return rc < 0 ? rc : get_size(buf_span(&reply), ret, err);
}

static int position(void *ctx, char origin[NOTE_NAME_MAX + 1], uint64_t *ret_from, struct err *err)
{
        const struct invocation *in = ctx;
        CLEANUP(reader_done) struct reader r = { 0 };
        int rc = ask_size(in, "status", ret_from, err);

        if (rc == 0)
                rc = open_ledger(in, &r, err);
        if (rc == 0)
                memcpy(origin, r.checkpoint.origin, sizeof r.checkpoint.origin);
        return rc;
}

static int record(void *ctx, const char *kind, struct span what, struct span sensitive,
                  struct err *err)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(4 * REGISTRY_RECORD_MAX);
        CLEANUP(buf_done) struct buf reply = BUF_INIT(REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        json_member_text(&w, "kind", kind);
        json_member_raw(&w, "sensitive", sensitive);
        json_member_raw(&w, "what", what);
        json_end_object(&w);
        if (buf_status(&args) < 0)
                return err_sys(err, buf_status(&args), "entry");
        return admin_command(ctx, "api", buf_span(&args), &reply, err);
}

static bool is_entry(struct span bytes, const char *kind, struct span what)
{
        struct json_value v, k;
        struct span name;

        return json_check(bytes, NULL) == 0 && json_get(json_value_of(bytes), "k", &k) &&
               json_value_plain(k, &name) && span_eq_str(name, kind) &&
               json_get(json_value_of(bytes), "what", &v) && span_eq(v.raw, what);
}

static int find(void *ctx, const char *origin, uint64_t from, const char *kind, struct span what,
                bool *ret, struct err *err)
{
        const struct invocation *in = ctx;
        CLEANUP(reader_done) struct reader r = { 0 };
        bool found = false;
        struct span bytes;
        uint64_t size;
        int rc = ask_size(in, "publish", &size, err);

        if (rc == 0)
                rc = open_ledger(in, &r, err);
        if (rc == 0 && strcmp(r.checkpoint.origin, origin) != 0)
                rc = err_set(err, -ESTALE,
                             "it was begun in ledger %s, which was succeeded by %s: look there for "
                             "an entry %s, and then remove the file `pending` if there is none",
                             origin, r.checkpoint.origin, kind);
        for (uint64_t i = from; rc == 0 && !found && i < reader_size(&r); i++) {
                rc = reader_entry(&r, i, &bytes, err);
                found = rc == 0 && is_entry(bytes, kind, what);
        }
        if (rc == 0)
                *ret = found;
        return rc;
}

/* ---- registry.yaml ---- */

static enum status complain_faults(const struct api_registry *x, const char *path,
                                   const struct conffile_faults *f, const struct err *err)
{
        if (f->n == 0)
                return complain_err(x->in, err);
        for (size_t i = 0; i < f->n; i++) {
                CLEANUP(buf_done) struct buf line = BUF_INIT(8 * ERR_TEXT_MAX);

                conffile_put_fault(path, &f->at[i], &line);
                complain(x->in, STATUS_PROBLEM, "%s", buf_cstr(&line));
        }
        return STATUS_PROBLEM;
}

static enum status load_config(struct api_registry *x)
{
        struct conffile_faults faults = { 0 };
        struct err err = { 0 };
        enum status status = STATUS_GOOD;
        char path[PLACES_PATH_MAX];
        int rc = places_join(x->path, "registry.yaml", path, &err);

        if (rc == 0)
                rc = registry_config_load(&x->config, path, x->job_program, x->in->clock, &faults,
                                          &err);
        if (rc < 0)
                status = complain_faults(x, path, &faults, &err);
        conffile_faults_done(&faults);
        return status;
}

/* ---- opening ---- */

/* What was pending; said, since it was somebody's. */
static int settle(struct api_registry *x, struct err *err)
{
        enum registry_settled settled;
        int rc;

        x->settled = calloc(1, sizeof *x->settled);
        if (!x->settled)
                return err_sys(err, -ENOMEM, "registry");
        rc = registry_settle(&x->r, &x->ledger, &settled, x->settled, err);
        if (rc == 0 && settled != REGISTRY_NOTHING)
                complain(x->in, STATUS_GOOD, "an act that was interrupted (%s of %s%s%s) %s",
                         registry_act_entry(x->settled->kind), x->settled->api,
                         x->settled->version[0] ? " " : "", x->settled->version,
                         settled == REGISTRY_FINISHED
                                 ? "is in the ledger, and was put in place now"
                                 : "is not in the ledger, and has not happened");
        if (rc < 0 || settled == REGISTRY_NOTHING) {
                free(x->settled);
                x->settled = NULL;
        }
        return rc;
}

static int begin_change(struct api_registry *x, struct err *err)
{
        char origin[NOTE_NAME_MAX + 1];
        uint64_t from;
        int rc = registry_lock(&x->r, err);

        if (rc == 0) /* without a recorder nothing is even tried */
                rc = position((void *)x->in, origin, &from, err);
        return rc < 0 ? rc : settle(x, err);
}

static int set_places(const struct invocation *in, const char *path, struct api_registry *x,
                      struct err *err)
{
        int rc = path ? 0 : places_join(in->state, "registry", x->path, err);

        if (path && snprintf(x->path, sizeof x->path, "%s", path) >= (int)sizeof x->path)
                rc = err_sys(err, -ENAMETOOLONG, "--registry");
        if (rc == 0)
                rc = places_program("assay-job", x->job_program, err);
        if (rc == 0)
                rc = registry_open(x->path, &io_kernel, &x->r, err);
        if (rc == -ENOENT)
                return err_set(err, rc,
                               "%s: there is no registry; registry.yaml(5) says how one begins",
                               x->path);
        return rc;
}

enum status api_registry_open(const struct invocation *in, const char *path,
                              enum api_registry_use use, struct api_registry *ret)
{
        struct err err = { 0 };
        int rc;

        *ret = (struct api_registry){ .in = in,
                                      .r = REGISTRY_INIT,
                                      .ledger = { position, record, find, (void *)in } };
        registry_config_init(&ret->config);
        ret->record = malloc(sizeof *ret->record);
        rc = ret->record ? set_places(in, path, ret, &err) : err_sys(&err, -ENOMEM, "registry");
        if (rc == 0)
                api_registry_begin(ret, "");
        if (rc == 0 && use == API_REGISTRY_CHANGE)
                rc = begin_change(ret, &err);
        if (rc < 0)
                return complain_err(in, &err);
        return use == API_REGISTRY_LOOK ? STATUS_GOOD : load_config(ret);
}

void api_registry_close(struct api_registry *x)
{
        registry_config_done(&x->config);
        registry_close(&x->r);
        free(x->record);
        free(x->settled);
        x->record = x->settled = NULL;
}

/* ---- acts ---- */

void api_registry_begin(struct api_registry *x, const char *act)
{
        *x->record = (struct registry_record){ .time_ns = clock_wall(x->in->clock),
                                               .by = (uint32_t)getuid() };
        memcpy(x->record->act, act, strlen(act) + 1);
}

enum status api_registry_end(struct api_registry *x, int rc, struct err *err)
{
        struct err second = { 0 };

        if (rc == 0)
                return STATUS_GOOD;
        if (rc == -EKEYREJECTED && x->record->kind == REGISTRY_REFUSED && x->r.lock >= 0 &&
            registry_tell(&x->ledger, x->record, &second) < 0) {
                complain_err(x->in, err);
                return complain(x->in, STATUS_UNSURE, "this could not be recorded: %s",
                                err_text(&second));
        }
        return complain_err(x->in, err);
}

enum status api_registry_act(struct api_registry *x)
{
        struct err err = { 0 };
        int rc = registry_act(&x->r, &x->ledger, x->record, &err);

        return rc < 0 ? complain_err(x->in, &err) : STATUS_GOOD;
}

int api_registry_version(struct api_registry *x, const char *api, const char *version,
                         struct registry_record *ret, struct err *err)
{
        int rc = registry_version(&x->r, api, version, ret, err);

        if (rc != -ENOENT)
                return rc;
        if (package_api_ok(span_str(api)))
                memcpy(x->record->api, api, strlen(api) + 1);
        if (package_version_ok(span_str(version)))
                memcpy(x->record->version, version, strlen(version) + 1);
        return registry_refuse(x->record, REGISTRY_NOT_PUSHED, err,
                               "%s %s was not pushed: assay api list shows what was", api, version);
}

/* ---- small things ---- */

bool api_registry_text_ok(const char *text, size_t max)
{
        size_t n = strlen(text);

        if (n == 0 || n > max || !text_is_utf8(span_of(text, n), NULL))
                return false;
        for (size_t i = 0; i < n; i++)
                if ((uint8_t)text[i] < ' ' || text[i] == 0x7f)
                        return false;
        return true;
}

void api_registry_put_hash(struct json_writer *w, const char *key,
                           const uint8_t sha256[PACKAGE_HASH])
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(sha256, PACKAGE_HASH), hex);
        json_member_text(w, key, hex);
}
