/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_change_resolve.c - assay change resolve: a commit as a signed list of paths. */
#include "base/text.h"
#include "command/change/change_list.h"
#include "command/change/resolve.h"
#include "command/places.h"
#include "command/when.h"
#include "ledger/signing/keys.h"
#include "ledger/signing/pathlist_seal.h"
#include "wire/json.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct resolve_options {
        const char *repo, *commit, *key, *output, *origin, *lasts, *signers;
        struct option_texts maps, refs, keyrings, hosts;
};

#define AT(member) offsetof(struct resolve_options, member)

static const struct option_spec resolve_specs[] = {
        { "repo", 'r', OPTION_TEXT, AT(repo), "DIR", "the git repository; required" },
        { "commit", 'c', OPTION_TEXT, AT(commit), "COMMIT",
          "its full id, a branch or a tag; required" },
        { "map", 'm', OPTION_TEXTS, AT(maps), "SUB=/PATH",
          "directory SUB of the commit lies at /PATH; required, several times" },
        { "key", 'k', OPTION_TEXT, AT(key), "FILE", "private key to sign with; required" },
        { "output", 'o', OPTION_TEXT, AT(output), "FILE", "where the list goes; required" },
        { "protected", 'p', OPTION_TEXTS, AT(refs), "REF",
          "refuse unless this branch, or another one given, has it: refs/heads/main" },
        { "signers", 's', OPTION_TEXT, AT(signers), "FILE",
          "refuse unless it is signed by one of these (ssh's allowed signers)" },
        { "keyring", 'g', OPTION_TEXTS, AT(keyrings), "FILE",
          "refuse unless it is signed by a key in one of these (OpenPGP)" },
        { "for-host", 0, OPTION_TEXTS, AT(hosts), "NAME",
          "only this host is to take it for true; several times; every host else" },
        { "origin", 'n', OPTION_TEXT, AT(origin), "NAME",
          "what to call the repository; its directory's name else" },
        { "for", 'f', OPTION_TEXT, AT(lasts), "DURATION",
          "how long the list explains changes: 90m, 2h, 3d; a day else" },
        { 0 },
};

/* ---- what was asked ---- */

static int parse_map(const char *text, struct pathlist_map *ret, struct err *err)
{
        const char *at = strstr(text, "=/");
        size_t n = at ? (size_t)(at - text) : 0;

        if (!at || n > PATHLIST_PATH_MAX || strlen(at + 1) > PATHLIST_PATH_MAX ||
            (n > 0 && (!commit_path_ok(span_of(text, n)) || text[n - 1] == '/')) ||
            (strcmp(at, "=/") != 0 && !pathlist_path_ok(at + 1)))
                return err_set(
                        err, -EINVAL,
                        "--map \"%s\": a directory of the commit, or nothing for its top, \"=\" "
                        "and an absolute path, as in etc=/etc",
                        text);
        memcpy(ret->sub, text, n);
        ret->sub[n] = '\0';
        memcpy(ret->at, at + 1, strlen(at + 1) + 1);
        return 0;
}

static int parse_duration(const char *text, int64_t *ret_ns, struct err *err)
{
        static const int64_t now = 1000000 * 3600LL * NS_PER_S;
        int64_t then;

        if (!text)
                text = "1d";
        if (strspn(text, "0123456789") + 1 != strlen(text) ||
            when_parse(text, now, &then, NULL) < 0 || then >= now)
                return err_set(err, -EINVAL, "--for \"%s\": 90s, 30m, 2h, 3d or 1w", text);
        *ret_ns = now - then;
        return 0;
}

static int parse_options(const struct resolve_options *o, struct resolve_spec *s, struct err *err)
{
        int r = 0;

        if (!o->repo || !o->commit || !o->key || !o->output || o->maps.n == 0)
                return err_set(err, -EINVAL,
                               "--repo, --commit, --map, --key and --output are required");
        if (o->maps.n > PATHLIST_MAPS_MAX || o->refs.n > COMMIT_REFS_MAX)
                return err_set(err, -EINVAL, "at most %d maps and %d protected branches",
                               PATHLIST_MAPS_MAX, COMMIT_REFS_MAX);
        for (size_t i = 0; r == 0 && i < o->maps.n; i++)
                r = parse_map(o->maps.at[i], &s->map[s->n_maps++], err);
        for (size_t i = 0; r == 0 && i < o->refs.n; i++) {
                if (strncmp(o->refs.at[i], "refs/", 5) != 0)
                        r = err_set(err, -EINVAL,
                                    "--protected \"%s\": its full name, refs/heads/...",
                                    o->refs.at[i]);
                s->refs[s->n_refs++] = o->refs.at[i];
        }
        for (size_t i = 0; i < o->keyrings.n; i++)
                s->keyrings[s->n_keyrings++] = o->keyrings.at[i];
        s->commit = o->commit;
        s->signers = o->signers;
        return r;
}

/* ---- what came of it ---- */

/* What was asked of the commit must hold. */
static int check_resolved(const struct resolve_spec *s, const struct resolved *r, struct err *err)
{
        if (s->n_refs > 0 && r->header.n_on == 0)
                return err_set(err, -EKEYREJECTED, "commit %s is on no protected branch",
                               r->header.commit);
        if ((s->signers || s->n_keyrings > 0) && r->header.signing != SIGNATURE_GOOD)
                return err_set(err, -EKEYREJECTED, "commit %s has no good signature: %s",
                               r->header.commit, signature_status_name(r->header.signing));
        return 0;
}

static int write_list(const char *path, struct span bytes, struct err *err)
{
        CLEANUP_FD int dir = -1;
        char *dir_part = strdup(path);
        int r;

        if (!dir_part)
                return err_sys(err, -ENOMEM, "%s", path);
        dir = open(dirname(dir_part), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = dir < 0 ? err_sys(err, -errno, "%s", path)
                    : io_replace_file(&io_kernel, AT_FDCWD, path, dir, 0644, bytes, err);
        free(dir_part);
        return r;
}

/* The key is read when all foreign bytes have been. */
static int seal(const struct resolve_options *o, const struct resolved *r, struct err *err)
{
        CLEANUP(signer_freep) struct signer *signer = NULL;
        CLEANUP(buf_done) struct buf out = BUF_INIT(PATHLIST_MAX);
        int e = keys_load_file(AT_FDCWD, &io_kernel, o->key, &signer, err);

        if (e == 0)
                e = pathlist_seal(&r->header, buf_span(&r->entries), r->n_entries, signer, &out,
                                  err);
        return e < 0 ? e : write_list(o->output, buf_span(&out), err);
}

static void put_json(const struct resolved *r, struct buf *out)
{
        const struct pathlist_header *h = &r->header;
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "commit", h->commit);
        json_member_u64(&w, "entries", r->n_entries);
        json_member_time(&w, "expires", h->expires_ns);
        json_put_key(&w, "on");
        json_begin_array(&w);
        for (size_t i = 0; i < h->n_on; i++)
                json_put_string(&w, span_str(h->on[i]));
        json_end_array(&w);
        json_member_text(&w, "origin", h->origin);
        json_member_text(&w, "signed", signature_status_name(h->signing));
        if (h->signer[0])
                json_put_bytes(&w, "signer", span_str(h->signer));
        json_put_key(&w, "skipped");
        json_begin_array(&w);
        for (size_t i = 0; i < r->n_skipped; i++) {
                json_begin_object(&w);
                json_put_bytes(&w, "path", span_str(r->skipped[i].path));
                command_put_json_text(&w, "why", r->skipped[i].why);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_words(const struct invocation *in, const struct resolved *r, struct buf *out)
{
        const struct pathlist_header *h = &r->header;

        buf_printf(out, "commit   %s\norigin   ", h->commit);
        text_put_safe(out, span_str(h->origin));
        buf_printf(out, "\nfiles    %u\nlinks    %u\nsigned   %s", r->n_entries - r->n_links,
                   r->n_links, signature_status_name(h->signing));
        if (h->signer[0]) {
                buf_put_str(out, ", by ");
                text_put_safe(out, span_str(h->signer));
        }
        for (size_t i = 0; i < h->n_on; i++) {
                buf_put_str(out, "\non       ");
                text_put_safe(out, span_str(h->on[i]));
        }
        buf_put_str(out, "\nexpires  ");
        screen_put_time(&in->out, out, h->expires_ns);
        for (size_t i = 0; i < r->n_skipped; i++) {
                buf_put_str(out, "\nwithout  ");
                text_put_safe(out, span_str(r->skipped[i].path));
                buf_put_str(out, ": ");
                text_put_safe(out, span_str(r->skipped[i].why));
        }
        buf_put_byte(out, '\n');
}

/* ---- the command ---- */

static int set_origin(const struct resolve_options *o, const char *repo, struct pathlist_header *h,
                      struct err *err)
{
        const char *name = o->origin ? o->origin : strrchr(repo, '/') + 1;
        size_t n = strlen(name);

        if (n == 0 || n > PATHLIST_ORIGIN_MAX || !text_is_utf8(span_of(name, n), NULL))
                return err_set(err, -EINVAL, "--origin: 1 to %d bytes of UTF-8",
                               PATHLIST_ORIGIN_MAX);
        memcpy(h->origin, name, n + 1);
        return 0;
}

static int set_hosts(const struct resolve_options *o, struct pathlist_header *h, struct err *err)
{
        if (o->hosts.n > PATHLIST_HOSTS_MAX)
                return err_set(err, -EINVAL, "at most %d hosts", PATHLIST_HOSTS_MAX);
        for (size_t i = 0; i < o->hosts.n; i++) {
                size_t n = strlen(o->hosts.at[i]);

                if (!entry_host_ok(span_of(o->hosts.at[i], n)))
                        return err_set(
                                err, -EINVAL,
                                "--for-host \"%s\": letters, digits, dot and hyphen, at most "
                                "%d bytes",
                                o->hosts.at[i], ENTRY_HOST_MAX);
                memcpy(h->host[i], o->hosts.at[i], n + 1);
        }
        h->n_hosts = o->hosts.n;
        return 0;
}

static int resolve(const struct invocation *in, const struct resolve_options *o,
                   struct resolve_spec *s, struct resolved *r, struct err *err)
{
        char program[PLACES_PATH_MAX];
        char *real = realpath(o->repo, NULL);
        int64_t lasts = 0;
        int e = real ? 0 : err_sys(err, -errno, "%s", o->repo);

        if (e == 0)
                e = parse_duration(o->lasts, &lasts, err);
        if (e == 0)
                e = places_program("assay-job", program, err);
        s->job_program = program;
        s->clock = in->clock;
        s->repo = real;
        if (e == 0)
                e = resolve_commit(s, r, err);
        if (e == 0)
                e = set_origin(o, real, &r->header, err);
        if (e == 0)
                e = set_hosts(o, &r->header, err);
        if (e == 0) {
                r->header.issued_ns = clock_wall(in->clock);
                r->header.expires_ns = r->header.issued_ns + lasts;
                e = check_resolved(s, r, err);
        }
        s->repo = s->job_program = NULL;
        free(real);
        return e;
}

static enum status run(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        const struct resolve_options *o = in->options;
        struct resolve_spec *s = calloc(1, sizeof *s);
        struct resolved *r = calloc(1, sizeof *r);
        struct err err = { 0 };
        enum status status;
        int e = s && r ? parse_options(o, s, &err) : err_sys(&err, -ENOMEM, "resolve");

        if (e == 0)
                e = resolve(in, o, s, r, &err);
        if (e == 0)
                e = seal(o, r, &err);
        if (e < 0) {
                status = e == -EINVAL ? complain(in, STATUS_USAGE, "%s", err_text(&err))
                                      : complain_err(in, &err);
        } else {
                if (in->json)
                        put_json(r, &out);
                else
                        put_words(in, r, &out);
                status = command_print(in, &out, STATUS_GOOD);
        }
        if (r)
                resolved_done(r);
        free(r);
        free(s);
        return status;
}

const struct command command_change_resolve = {
        .name = "resolve",
        .operands = "",
        .about = "make a signed list of the files of a commit",
        .help = "Reads a git repository, without rights, and writes down what a commit makes of a\n"
                "host: path, mode and SHA-256 of each file below the directories that --map names.\n"
                "A host that believes the key takes a change for explained while its content is\n"
                "what such a list has, until it expires.",
        .options = resolve_specs,
        .options_size = sizeof(struct resolve_options),
        .run = run,
};
