/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_approve.c - assay api approve: sign that a version be deployed. */
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/api/api_group.h"
#include "command/api/api_registry.h"
#include "command/when.h"
#include "ledger/signing/keys.h"
#include "sys/io.h"

struct approve_options {
        const char *registry, *change, *key, *until, *output;
};

#define AT(member) offsetof(struct approve_options, member)

static const struct option_spec approve_specs[] = {
        API_REGISTRY_OPTION(struct approve_options),
        { "change", 'c', OPTION_TEXT, AT(change), "ID", "the change that it is for; required" },
        { "key", 'k', OPTION_TEXT, AT(key), "FILE",
          "your private key, as assay change key made it; required" },
        { "until", 'u', OPTION_TEXT, AT(until), "TIME",
          "how long it is good: 12h, 3d, \"2026-11-25 18:00\"; a week unless said" },
        { "output", 'o', OPTION_TEXT, AT(output), "FILE",
          "where the approval goes instead of the registry: needs no right there, and no recorder" },
        { 0 },
};

struct approving {
        struct api_registry x;
        const struct approve_options *o;
        struct registry_record *pushed;
        struct approval approval;
        struct buf note;
};

/* ---- signing ---- */

/* The key is read when all foreign bytes have been. */
static int sign(struct approving *a, struct err *err)
{
        CLEANUP(signer_freep) struct signer *signer = NULL;
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
        struct registry_record *r = a->x.record;
        struct note_vkey vkey;
        int rc = keys_load_file(AT_FDCWD, &io_kernel, a->o->key, &signer, err);

        if (rc < 0)
                return rc;
        signer_vkey(signer, &vkey);
        note_vkey_put(&text, &vkey);
        if (buf_status(&text) < 0)
                return err_sys(err, buf_status(&text), "key");
        rc = registry_judge_approver(&a->x.config, a->pushed, buf_cstr(&text), r, err);
        if (rc < 0)
                return rc;
        memcpy(a->approval.api, r->api, sizeof a->approval.api);
        memcpy(a->approval.version, r->version, sizeof a->approval.version);
        memcpy(a->approval.sha256, r->sha256, PACKAGE_HASH);
        rc = approval_sign(&a->approval, signer, &a->note, err);
        if (rc < 0)
                return rc;
        memcpy(r->approval, a->approval.digest, PACKAGE_HASH);
        memcpy(r->change, a->approval.change, sizeof r->change);
        memcpy(r->note, buf_cstr(&a->note), a->note.n + 1);
        r->until_ns = a->approval.until_ns;
        return 0;
}

static int judge(struct approving *a, struct err *err)
{
        const struct invocation *in = a->x.in;
        int rc = api_registry_version(&a->x, in->operands[0], in->operands[1], a->pushed, err);

        return rc < 0 ? rc : sign(a, err);
}

/* ---- where it goes ---- */

static int write_note(const struct approving *a, struct err *err)
{
        CLEANUP_FD int dir = -1;
        const char *path = a->o->output;
        char *dir_part = strdup(path);
        int rc;

        if (!dir_part)
                return err_sys(err, -ENOMEM, "%s", path);
        dir = open(dirname(dir_part), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = dir < 0 ? err_sys(err, -errno, "%s", path)
                     : io_replace_file(&io_kernel, AT_FDCWD, path, dir, 0644, buf_span(&a->note),
                                       err);
        free(dir_part);
        return rc;
}

static enum status report(const struct approving *a)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        const struct registry_record *r = a->x.record;
        char hex[2 * PACKAGE_HASH + 1];
        struct json_writer w;

        if (a->x.in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_text(&w, "api", r->api);
                api_registry_put_hash(&w, "approval", r->approval);
                json_member_text(&w, "change", r->change);
                api_registry_put_hash(&w, "sha256", r->sha256);
                json_member_time(&w, "until", r->until_ns);
                json_member_text(&w, "version", r->version);
                json_end_object(&w);
        } else {
                text_hex(span_of(r->sha256, PACKAGE_HASH), hex);
                buf_printf(&out, "approved %s %s for ", r->api, r->version);
                text_put_safe(&out, span_str(r->change));
                buf_put_str(&out, ", good until ");
                screen_put_time(&a->x.in->out, &out, r->until_ns);
                buf_printf(&out, "\ncommit  %s of %s, signed by ", a->pushed->commit,
                           a->pushed->repository);
                text_put_safe(&out, span_str(a->pushed->signer));
                buf_printf(&out, "\nsha256  %s", hex);
        }
        buf_put_byte(&out, '\n');
        return command_print(a->x.in, &out, STATUS_GOOD);
}

static enum status approve(struct approving *a)
{
        struct err err = { 0 };
        enum status status;

        api_registry_begin(&a->x, "approve");
        status = api_registry_end(&a->x, judge(a, &err), &err);
        if (status != STATUS_GOOD)
                return status;
        if (a->o->output && write_note(a, &err) < 0)
                return complain_err(a->x.in, &err);
        a->x.record->kind = REGISTRY_APPROVED;
        if (!a->o->output)
                status = api_registry_act(&a->x);
        return status == STATUS_GOOD ? report(a) : status;
}

static enum status run(struct invocation *in)
{
        const struct approve_options *o = in->options;
        struct approving *a;
        struct err err = { 0 };
        enum status status;

        if (!o->change || !o->key)
                return complain(in, STATUS_USAGE, "--change ID and --key FILE are both needed");
        if (!approval_change_ok(span_str(o->change)))
                return complain(in, STATUS_USAGE, "--change: 1 to %d bytes on one line",
                                APPROVAL_CHANGE_MAX);
        a = calloc(1, sizeof *a);
        if (!a)
                return complain(in, STATUS_UNSURE, "out of memory");
        a->o = o;
        a->note = BUF_INIT(APPROVAL_MAX);
        a->pushed = malloc(sizeof *a->pushed);
        a->x.r = (struct registry)REGISTRY_INIT;
        memcpy(a->approval.change, o->change, strlen(o->change) + 1);
        if (!a->pushed)
                status = complain(in, STATUS_UNSURE, "out of memory");
        else if (when_until(o->until ? o->until : "1w", clock_wall(in->clock),
                            &a->approval.until_ns, &err) < 0)
                status = complain(in, STATUS_USAGE, "--until: %s", err_text(&err));
        else
                status = api_registry_open(in, o->registry,
                                           o->output ? API_REGISTRY_CONFIG : API_REGISTRY_CHANGE,
                                           &a->x);
        if (status == STATUS_GOOD)
                status = approve(a);
        api_registry_close(&a->x);
        buf_done(&a->note);
        free(a->pushed);
        free(a);
        return status;
}

const struct command command_api_approve = {
        .name = "approve",
        .operands = "API VERSION",
        .about = "sign that a version of an API be deployed",
        .help = "The approval names the package by its SHA-256, the change that it is for and a time\n"
                "until which it is good, for one deployment.  The key must be an approver's in\n"
                "registry.yaml(5), who is neither the author of the commit nor the builder.",
        .options = approve_specs,
        .options_size = sizeof(struct approve_options),
        .min_operands = 2,
        .max_operands = 2,
        .run = run,
};
