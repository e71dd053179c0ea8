/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/commit_fact.h"

#include "base/text.h"
#include "wire/fact.h"

enum { ID_BYTES = COMMIT_ID_MAX / 2 };

static const char *const kinds[] = {
        [COMMIT_FACT_COMMIT] = "commit",   [COMMIT_FACT_BRANCH] = "branch",
        [COMMIT_FACT_PAYLOAD] = "payload", [COMMIT_FACT_SIGNATURE] = "signature",
        [COMMIT_FACT_FILE] = "file",       [COMMIT_FACT_LINK] = "link",
        [COMMIT_FACT_SKIPPED] = "skipped",
};

static const char *const signings[] = {
        [COMMIT_UNSIGNED] = "none",
        [COMMIT_OPENPGP] = "openpgp",
        [COMMIT_SSH] = "ssh",
        [COMMIT_OTHER] = "other",
};

bool commit_path_ok(struct span path)
{
        while (path.n > 0) {
                const uint8_t *slash = memchr(path.p, '/', path.n);
                struct span name = span_of(path.p, slash ? (size_t)(slash - path.p) : path.n);

                if (name.n == 0 || span_eq_str(name, ".") || span_eq_str(name, "..") ||
                    memchr(name.p, '\0', name.n))
                        return false;
                path = span_from(path, name.n + 1);
                if (!slash)
                        return true;
        }
        return false;
}

/* ---- the job's side ---- */

static void put_commit(struct json_writer *w, const struct commit_fact *f)
{
        json_member_int(w, "author_time", f->author_time);
        json_member_text(w, "commit", f->commit);
        json_member_int(w, "committer_time", f->committer_time);
        json_member_text(w, "fact", kinds[f->kind]);
        json_put_key(w, "on");
        json_begin_array(w);
        for (size_t i = 0; i < f->n_on; i++)
                json_put_string(w, span_str(f->on[i]));
        json_end_array(w);
        json_member_text(w, "signed", signings[f->signing]);
}

static void put_branch(struct json_writer *w, const struct commit_fact *f)
{
        json_member_text(w, "fact", kinds[f->kind]);
        json_member_bool(w, "had", f->had);
        json_member_text(w, "ref", f->ref);
        if (f->tip[0])
                json_member_text(w, "tip", f->tip);
}

static void put_piece(struct json_writer *w, const struct commit_fact *f)
{
        fact_put_data(w, "data", span_of(f->data, f->data_n));
        json_member_text(w, "fact", kinds[f->kind]);
}

static void put_file(struct json_writer *w, const struct commit_fact *f)
{
        char hex[2 * COMMIT_HASH + 1];

        text_hex(span_of(f->sha256, COMMIT_HASH), hex);
        json_member_text(w, "fact", kinds[f->kind]);
        json_member_u64(w, "mode", f->mode);
        json_put_bytes(w, "path", span_str(f->path));
        json_member_text(w, "sha256", hex);
        json_member_u64(w, "size", f->size);
        json_member_u64(w, "sub", f->sub);
}

void commit_fact_put(struct json_writer *w, const struct commit_fact *f)
{
        switch (f->kind) {
        case COMMIT_FACT_COMMIT:
                put_commit(w, f);
                break;
        case COMMIT_FACT_BRANCH:
                put_branch(w, f);
                break;
        case COMMIT_FACT_PAYLOAD:
        case COMMIT_FACT_SIGNATURE:
                put_piece(w, f);
                break;
        case COMMIT_FACT_FILE:
                put_file(w, f);
                break;
        case COMMIT_FACT_LINK:
                json_member_text(w, "fact", kinds[f->kind]);
                json_put_bytes(w, "path", span_str(f->path));
                json_member_u64(w, "sub", f->sub);
                json_put_bytes(w, "target", span_str(f->target));
                break;
        case COMMIT_FACT_SKIPPED:
                json_member_text(w, "fact", kinds[f->kind]);
                json_put_bytes(w, "path", span_str(f->path));
                json_member_u64(w, "sub", f->sub);
                json_member_text(w, "why", f->why);
                break;
        }
}

/* ---- the parent's side ---- */

static void get_refs(struct fact *f, struct commit_fact *c)
{
        struct json_value list, item;
        struct json_iter it;

        if (!json_get(f->object, "on", &list) || list.type != JSON_ARRAY) {
                f->missing = "on";
                return;
        }
        it = json_iter_of(list);
        while (json_next(&it, NULL, &item)) {
                if (c->n_on == COMMIT_REFS_MAX ||
                    !fact_copy(item, c->on[c->n_on], COMMIT_REF_MAX)) {
                        f->missing = "on";
                        return;
                }
                c->n_on++;
        }
}

static void get_id(struct fact *f, const char *key, char out[COMMIT_ID_MAX + 1])
{
        uint8_t id[ID_BYTES];

        fact_text(f, key, out, COMMIT_ID_MAX);
        if (text_from_hex(span_str(out), id, sizeof id) < 0 && !f->missing)
                f->missing = key;
}

static void get_branch(struct fact *f, struct commit_fact *c)
{
        c->had = fact_bool(f, "had");
        fact_text(f, "ref", c->ref, COMMIT_REF_MAX);
        if (fact_has(f, "tip"))
                get_id(f, "tip", c->tip);
}

static void get_commit(struct fact *f, struct commit_fact *c)
{
        get_id(f, "commit", c->commit);
        c->author_time = (int64_t)fact_number(f, "author_time", JSON_INT_MAX);
        c->committer_time = (int64_t)fact_number(f, "committer_time", JSON_INT_MAX);
        c->signing = (enum commit_signing)fact_enum(f, "signed", signings, ARRAY_LEN(signings));
        if (!f->missing)
                get_refs(f, c);
}

static void get_path(struct fact *f, struct commit_fact *c)
{
        fact_bytes(f, "path", "path_b64", c->path, COMMIT_PATH_MAX);
        if (!f->missing && !commit_path_ok(span_str(c->path)))
                f->missing = "path";
        c->sub = (unsigned)fact_number(f, "sub", COMMIT_SUBS_MAX - 1);
}

int commit_fact_parse(struct span fact, struct commit_fact *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct commit_fact c = { .kind = (enum commit_fact_kind)fact_enum(&f, "fact", kinds,
                                                                          ARRAY_LEN(kinds)) };
        int r;

        switch (f.missing ? COMMIT_FACT_PAYLOAD : c.kind) {
        case COMMIT_FACT_COMMIT:
                get_commit(&f, &c);
                break;
        case COMMIT_FACT_BRANCH:
                get_branch(&f, &c);
                break;
        case COMMIT_FACT_PAYLOAD:
        case COMMIT_FACT_SIGNATURE:
                fact_data(&f, "data", c.data, sizeof c.data, &c.data_n);
                break;
        case COMMIT_FACT_FILE:
                get_path(&f, &c);
                c.mode = (uint32_t)fact_number(&f, "mode", 07777);
                c.size = fact_number(&f, "size", JSON_INT_MAX);
                fact_hex(&f, "sha256", c.sha256, COMMIT_HASH);
                break;
        case COMMIT_FACT_LINK:
                get_path(&f, &c);
                fact_bytes(&f, "target", "target_b64", c.target, COMMIT_PATH_MAX);
                break;
        case COMMIT_FACT_SKIPPED:
                get_path(&f, &c);
                fact_text(&f, "why", c.why, COMMIT_WHY_MAX);
                break;
        }
        r = fact_status(&f, err);
        if (r == 0)
                *ret = c;
        return r;
}
