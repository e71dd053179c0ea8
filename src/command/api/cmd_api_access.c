/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_access.c - assay api access: who may read or send which data, through which operations,
 * by which policies. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "command/api/api_access.h"
#include "command/api/api_build.h"
#include "command/api/api_group.h"
#include "command/api/api_registry.h"
#include "package/call/caller.h"
#include "sys/io.h"

struct access_options {
        const char *api, *registry, *caller;
        struct option_texts classes, operations, groups;
        bool writes, all, csv;
};

static const struct option_spec access_specs[] = {
        { "api", 'a', OPTION_TEXT, offsetof(struct access_options, api), "API",
          "the package of this API that is deployed" },
        API_REGISTRY_OPTION(struct access_options),
        { "class", 'c', OPTION_TEXTS, offsetof(struct access_options, classes), "CLASS",
          "only this data class and those below it; may be given again" },
        { "operation", 'o', OPTION_TEXTS, offsetof(struct access_options, operations), "ID",
          "only this operation; may be given again" },
        { "caller", 0, OPTION_TEXT, offsetof(struct access_options, caller), "ID",
          "only this caller" },
        { "group", 'g', OPTION_TEXTS, offsetof(struct access_options, groups), "GROUP",
          "only a caller in this group; given again, in each of them" },
        { "writes", 'w', OPTION_FLAG, offsetof(struct access_options, writes), NULL,
          "who may send data, not who may read it" },
        { "all", 0, OPTION_FLAG, offsetof(struct access_options, all), NULL,
          "also who sees nothing, and why" },
        { "csv", 0, OPTION_FLAG, offsetof(struct access_options, csv), NULL, "for a spreadsheet" },
        { 0 },
};

struct accessing {
        const struct invocation *in;
        const struct access_options *o;
        struct api_built built; /* of a directory */
        uint8_t *bytes;         /* of a file */
        struct package *package;
};

/* ---- which package ---- */

static int open_directory(struct accessing *x, const char *path, struct err *err)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        int rc = api_build_dir(path, x->in->clock, &x->built, err);

        if (rc < 0)
                return rc;
        if (x->built.whole)
                return package_open_bytes(buf_span(&x->built.body), NULL, 0, &x->package, err);
        if (!x->in->json && !x->o->csv)
                api_put_faults(x->in, &x->built, path, &out);
        (void)command_print(x->in, &out, STATUS_GOOD);
        return err_set(err, -ENOENT, "%s: it has errors, so it is no package yet", path);
}

static int open_file(struct accessing *x, const char *path, struct err *err)
{
        const bool input = strcmp(path, "-") == 0;
        size_t n;
        int rc = io_read_given(input ? "/dev/stdin" : path, PACKAGE_FILE_MAX, &x->bytes, &n, err);

        if (rc < 0)
                return rc;
        rc = package_open_bytes(span_of(x->bytes, n), NULL, 0, &x->package, err);
        return rc < 0 ? err_wrap(err, "%s", input ? "standard input" : path) : 0;
}

static int open_live(struct accessing *x, const struct registry *r, struct err *err)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        CLEANUP(registry_live_done) struct registry_live live = { 0 };
        const struct live_api *api;
        struct package_file file;
        int rc = registry_live(r, &live, err);

        if (rc < 0)
                return rc;
        api = registry_live_api(&live, x->o->api);
        if (!api)
                return err_set(err, -ENOENT, "no API \"%s\" is deployed", x->o->api);
        rc = registry_package(r, api->sha256, &x->bytes, &arena, &file, err);
        if (rc < 0)
                return rc;
        return package_open_bytes(span_of(x->bytes, file.body.n + file.note.n), NULL, 0,
                                  &x->package, err);
}

static enum status open_deployed(struct accessing *x)
{
        struct api_registry registry;
        enum status status = api_registry_open(x->in, x->o->registry, API_REGISTRY_LOOK, &registry);
        struct err err = { 0 };

        if (status == STATUS_GOOD && open_live(x, &registry.r, &err) < 0)
                status = complain_err(x->in, &err);
        api_registry_close(&registry);
        return status;
}

static enum status open_package(struct accessing *x)
{
        const char *path = x->in->n_operands ? x->in->operands[0] : NULL;
        struct err err = { 0 };
        struct stat st;
        int rc;

        if (!path == !x->o->api)
                return complain(x->in, STATUS_USAGE,
                                "of which package? A file, a directory, or --api");
        if (!path)
                return open_deployed(x);
        rc = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? open_directory(x, path, &err)
                                                         : open_file(x, path, &err);
        return rc < 0 ? complain(x->in, STATUS_UNSURE, "%s", err_text(&err)) : STATUS_GOOD;
}

/* ---- what is asked ---- */

static uint32_t take_texts(const struct option_texts *texts, struct span *ret)
{
        for (size_t i = 0; i < texts->n; i++)
                ret[i] = span_str(texts->at[i]);
        return (uint32_t)texts->n;
}

static bool text_ok(struct span s)
{
        return s.n <= CALLER_TEXT_MAX && text_is_utf8(s, NULL);
}

static bool names_ok(const struct access_options *o)
{
        bool ok = !o->caller || text_ok(span_str(o->caller));

        for (size_t i = 0; i < o->groups.n; i++)
                ok = ok && text_ok(span_str(o->groups.at[i]));
        return ok;
}

static int show(struct accessing *x, struct buf *out, struct err *err)
{
        struct span classes[OPTION_TEXTS_MAX], operations[OPTION_TEXTS_MAX],
                groups[OPTION_TEXTS_MAX];
        const struct access_options *o = x->o;
        const struct api_access_form *form = o->csv        ? &api_access_csv
                                             : x->in->json ? &api_access_json
                                                           : &api_access_text;
        const struct access_who who = { .kind = ACCESS_ASKED,
                                        .id = o->caller ? span_str(o->caller) : SPAN_NONE,
                                        .groups = groups,
                                        .n_groups = take_texts(&o->groups, groups),
                                        .any_groups = o->groups.n == 0 };
        const struct access_asked asked = {
                .classes = classes,
                .n_classes = take_texts(&o->classes, classes),
                .operations = operations,
                .n_operations = take_texts(&o->operations, operations),
                .who = o->caller || o->groups.n ? &who : NULL,
                .writes = o->writes,
        };
        static struct api_access a; /* too large for a stack */
        int rc;

        a = (struct api_access){ .in = x->in,
                                 .package = x->package,
                                 .writes = o->writes,
                                 .all = o->all,
                                 .only = asked.who || asked.n_operations,
                                 .out = out,
                                 .class = API_NONE };
        text_hex(span_of(x->package->file.sha256, PACKAGE_HASH), a.sha256);
        rc = form->begin(&a);
        if (rc < 0)
                (void)!err_sys(err, rc, "access");
        else
                rc = package_access(x->package, &asked, form->take, &a, err);
        form->end(&a);
        return rc;
}

static enum status answer(struct accessing *x)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };
        enum status status;
        int rc;

        if (x->o->csv && x->in->json)
                return complain(x->in, STATUS_USAGE, "--csv or --json, not both");
        if (!names_ok(x->o))
                return complain(x->in, STATUS_USAGE,
                                "a caller or a group that there cannot be: it is too long, or no "
                                "UTF-8");
        status = open_package(x);
        if (status != STATUS_GOOD)
                return status;
        rc = show(x, &out, &err);
        if (rc < 0)
                return complain(x->in, rc == -EINVAL ? STATUS_USAGE : STATUS_UNSURE, "%s",
                                err_text(&err));
        return command_print(x->in, &out, STATUS_GOOD);
}

static enum status run(struct invocation *in)
{
        static struct accessing x; /* too large for a stack */
        enum status status;

        x = (struct accessing){ .in = in, .o = in->options };
        status = answer(&x);
        x.package = package_unref(x.package);
        api_built_done(&x.built);
        free(x.bytes);
        return status;
}

const struct command command_api_access = {
        .name = "access",
        .operands = "[FILE|DIR]",
        .about = "who may read which data, through which operations, by which policies",
        .help = "For each data class, kind of caller and operation: in clear, masked or nothing, by\n"
                "which policies, and what it hangs on where it is not sure without a call at hand.\n"
                "The questions are those that the gateway asks.  Kinds of callers: those that\n"
                "entities.yaml names, with groups of a token as well where these may change something,\n"
                "and others in one group, in none, or in several where that may open more.",
        .options = access_specs,
        .options_size = sizeof(struct access_options),
        .max_operands = 1,
        .run = run,
};
