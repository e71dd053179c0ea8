/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pathlist.h"

#include "base/text.h"
#include "wire/fact.h"

static const char title[] = "assay path list v1\n";
static const char sig_start[] = "\u2014 ";

enum { MODE_MAX = 07777, ID_BYTES = COMMIT_ID_MAX / 2 };

bool pathlist_path_ok(const char *path)
{
        struct span s = span_str(path);

        return s.n <= PATHLIST_PATH_MAX && s.n > 1 && s.p[0] == '/' && s.p[s.n - 1] != '/' &&
               commit_path_ok(span_from(s, 1));
}

static bool sub_ok(const char *sub)
{
        size_t n = strlen(sub);

        return n == 0 || (commit_path_ok(span_of(sub, n)) && sub[n - 1] != '/');
}

/* Up to its newline, which is taken off with it; false when there is none. */
static bool cut_line(struct span *s, struct span *ret)
{
        const uint8_t *nl = s->n ? memchr(s->p, '\n', s->n) : NULL;

        if (!nl)
                return false;
        *ret = span_of(s->p, (size_t)(nl - s->p));
        *s = span_from(*s, ret->n + 1);
        return true;
}

/* ---- entries ---- */

static int parse_entry(struct span line, struct pathlist_entry *ret, struct err *err)
{
        struct pathlist_entry e = { 0 };
        struct fact f;
        int r = json_check(line, err);

        if (r < 0)
                return -EBADMSG;
        f = fact_of(line);
        e.link = !fact_has(&f, "sha256");
        fact_bytes(&f, "path", "path_b64", e.path, PATHLIST_PATH_MAX);
        if (!f.missing && !pathlist_path_ok(e.path))
                f.missing = "path";
        if (e.link) {
                fact_bytes(&f, "target", "target_b64", e.target, PATHLIST_PATH_MAX);
                if (!f.missing && (!e.target[0] || fact_has(&f, "mode")))
                        f.missing = "target";
        } else {
                e.mode = (uint32_t)fact_number(&f, "mode", MODE_MAX);
                fact_hex(&f, "sha256", e.sha256, PATHLIST_HASH);
        }
        r = fact_status(&f, err);
        if (r == 0)
                *ret = e;
        return r;
}

static int check_body(struct span body, uint32_t entries, struct err *err)
{
        struct pathlist_entry e[2]; /* this one and the one before, by turns */
        struct span line;
        uint32_t n = 0;
        int r;

        while (body.n > 0) {
                if (!cut_line(&body, &line))
                        return err_set(err, -EBADMSG, "path list: entry %u has no end", n + 1);
                r = parse_entry(line, &e[n % 2], err);
                if (r < 0) {
                        err_wrap(err, "path list: entry %u", n + 1);
                        return -EBADMSG;
                }
                if (n > 0 && strcmp(e[n % 2].path, e[(n + 1) % 2].path) <= 0)
                        return err_set(err, -EBADMSG, "path list: entry %u is out of order", n + 1);
                if (++n > PATHLIST_ENTRIES_MAX)
                        return err_set(err, -EBADMSG, "path list: more than %d entries",
                                       PATHLIST_ENTRIES_MAX);
        }
        return n == entries ? 0
                            : err_set(err, -EBADMSG, "path list: %u entries where %u are said", n,
                                      entries);
}

bool pathlist_next(struct span *rest, struct pathlist_entry *ret)
{
        struct span line;
        int r;

        if (!cut_line(rest, &line))
                return false;
        r = parse_entry(line, ret, NULL);
        assert(r == 0); /* pathlist_parse() took it */
        return true;
}

/* How path stands to what an entry is about: negative before it, 0 it is this one. */
typedef int order_fn(const char *path, const char *entry);

/* The entry whose order is 0, or the first one behind where it would be; its place in the body, or
 * the body's end. */
static size_t seek(const struct pathlist *l, const char *path, order_fn *order, bool *ret_there,
                   struct pathlist_entry *e)
{
        size_t low = 0, high = l->body.n; /* both at the front of a line */

        *ret_there = false;
        while (low < high) {
                size_t at = low + (high - low) / 2;
                struct span rest;
                int c;

                while (at > low && l->body.p[at - 1] != '\n')
                        at--;
                rest = span_from(l->body, at);
                pathlist_next(&rest, e);
                c = order(path, e->path);
                if (c == 0) {
                        *ret_there = true;
                        return at;
                }
                if (c < 0)
                        high = at;
                else
                        low = l->body.n - rest.n;
        }
        return low;
}

bool pathlist_find(const struct pathlist *l, const char *path, struct pathlist_entry *ret)
{
        bool there;

        seek(l, path, strcmp, &there, ret);
        return there;
}

/* As "<dir>/" before all that is below dir. */
static int order_dir(const char *dir, const char *entry)
{
        size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
        int c = strncmp(dir, entry, n);

        if (c != 0)
                return c;
        return entry[n] == '/' ? 0 : '/' - (int)(unsigned char)entry[n];
}

bool pathlist_below(const struct pathlist *l, const char *dir, struct pathlist_entry *ret)
{
        bool there;

        seek(l, dir, order_dir, &there, ret);
        return there;
}

bool pathlist_is_for(const struct pathlist_header *h, struct span host)
{
        for (size_t i = 0; i < h->n_hosts; i++)
                if (span_eq_str(host, h->host[i]))
                        return true;
        return h->n_hosts == 0;
}

void pathlist_put_entry(struct buf *out, const struct pathlist_entry *e)
{
        char hex[2 * PATHLIST_HASH + 1];
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        if (!e->link)
                json_member_u64(&w, "mode", e->mode);
        json_put_bytes(&w, "path", span_str(e->path));
        if (e->link) {
                json_put_bytes(&w, "target", span_str(e->target));
        } else {
                text_hex(span_of(e->sha256, PATHLIST_HASH), hex);
                json_member_text(&w, "sha256", hex);
        }
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* ---- the header ---- */

static int64_t get_time(struct fact *f, const char *key)
{
        char text[TEXT_TIME_LEN + 1];
        int64_t ns = 0;

        fact_text(f, key, text, TEXT_TIME_LEN);
        if (!f->missing && text_to_time(span_str(text), &ns) < 0)
                f->missing = key;
        return ns;
}

/* Items of an array go through one of these; false: not what it has to be. */
typedef bool item_fn(struct json_value item, struct pathlist_header *h);

static bool get_map(struct json_value item, struct pathlist_header *h)
{
        struct fact f = { .object = item };
        struct pathlist_map *m = &h->map[h->n_maps];

        if (item.type != JSON_OBJECT || h->n_maps == PATHLIST_MAPS_MAX)
                return false;
        fact_bytes(&f, "at", "at_b64", m->at, PATHLIST_PATH_MAX);
        fact_bytes(&f, "sub", "sub_b64", m->sub, PATHLIST_PATH_MAX);
        h->n_maps++;
        return !f.missing && sub_ok(m->sub) && (pathlist_path_ok(m->at) || strcmp(m->at, "/") == 0);
}

static bool get_ref(struct json_value item, struct pathlist_header *h)
{
        return h->n_on < COMMIT_REFS_MAX && fact_copy(item, h->on[h->n_on++], COMMIT_REF_MAX);
}

static bool get_host(struct json_value item, struct pathlist_header *h)
{
        return h->n_hosts < PATHLIST_HOSTS_MAX &&
               fact_copy(item, h->host[h->n_hosts], ENTRY_HOST_MAX) &&
               entry_host_ok(span_str(h->host[h->n_hosts++]));
}

static void get_items(struct fact *f, const char *key, item_fn *get, struct pathlist_header *h)
{
        struct json_value list, item;
        struct json_iter it;

        if (f->missing)
                return;
        if (!json_get(f->object, key, &list) || list.type != JSON_ARRAY) {
                f->missing = key;
                return;
        }
        it = json_iter_of(list);
        while (json_next(&it, NULL, &item))
                if (!get(item, h)) {
                        f->missing = key;
                        return;
                }
}

static enum signature_status get_signing(struct fact *f)
{
        const char *names[SIGNATURE_STATUSES];

        for (int i = 0; i < SIGNATURE_STATUSES; i++)
                names[i] = signature_status_name((enum signature_status)i);
        return (enum signature_status)fact_enum(f, "signed", names, SIGNATURE_STATUSES);
}

static int parse_header(struct span line, struct pathlist_header *h, struct err *err)
{
        uint8_t id[ID_BYTES];
        struct fact f;

        if (json_check(line, err) < 0) {
                err_wrap(err, "path list: line 2");
                return -EBADMSG;
        }
        f = fact_of(line);
        fact_text(&f, "origin", h->origin, PATHLIST_ORIGIN_MAX);
        fact_text(&f, "commit", h->commit, COMMIT_ID_MAX);
        if (!f.missing && text_from_hex(span_str(h->commit), id, sizeof id) < 0)
                f.missing = "commit";
        h->issued_ns = get_time(&f, "issued");
        h->expires_ns = get_time(&f, "expires");
        if (fact_has(&f, "hosts")) {
                get_items(&f, "hosts", get_host, h);
                if (!f.missing && h->n_hosts == 0) /* one spelling for "every host" */
                        f.missing = "hosts";
        }
        get_items(&f, "maps", get_map, h);
        get_items(&f, "on", get_ref, h);
        h->signing = get_signing(&f);
        if (fact_has(&f, "signer") || fact_has(&f, "signer_b64"))
                fact_bytes(&f, "signer", "signer_b64", h->signer, SIGNATURE_SIGNER_MAX);
        h->entries = (uint32_t)fact_number(&f, "entries", PATHLIST_ENTRIES_MAX);
        fact_hex(&f, "body", h->body, PATHLIST_HASH);
        if (fact_status(&f, err) < 0) {
                err_wrap(err, "path list: line 2");
                return -EBADMSG;
        }
        return 0;
}

static void put_hosts(struct json_writer *w, const struct pathlist_header *h)
{
        json_put_key(w, "hosts");
        json_begin_array(w);
        for (size_t i = 0; i < h->n_hosts; i++)
                json_put_string(w, span_str(h->host[i]));
        json_end_array(w);
}

static void put_maps(struct json_writer *w, const struct pathlist_header *h)
{
        json_put_key(w, "maps");
        json_begin_array(w);
        for (size_t i = 0; i < h->n_maps; i++) {
                json_begin_object(w);
                json_put_bytes(w, "at", span_str(h->map[i].at));
                json_put_bytes(w, "sub", span_str(h->map[i].sub));
                json_end_object(w);
        }
        json_end_array(w);
}

void pathlist_put_text(struct buf *out, const struct pathlist_header *h)
{
        char hex[2 * PATHLIST_HASH + 1];
        struct json_writer w;

        text_hex(span_of(h->body, PATHLIST_HASH), hex);
        buf_put_str(out, title);
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "body", hex);
        json_member_text(&w, "commit", h->commit);
        json_member_u64(&w, "entries", h->entries);
        json_member_time(&w, "expires", h->expires_ns);
        if (h->n_hosts > 0)
                put_hosts(&w, h);
        json_member_time(&w, "issued", h->issued_ns);
        put_maps(&w, h);
        json_put_key(&w, "on");
        json_begin_array(&w);
        for (size_t i = 0; i < h->n_on; i++)
                json_put_string(&w, span_str(h->on[i]));
        json_end_array(&w);
        json_member_text(&w, "origin", h->origin);
        json_member_text(&w, "signed", signature_status_name(h->signing));
        if (h->signer[0])
                json_put_bytes(&w, "signer", span_str(h->signer));
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* ---- the file ---- */

int pathlist_split(struct span file, struct pathlist *ret, struct err *err)
{
        struct span rest = file, header, line;

        if (file.n > PATHLIST_MAX)
                return err_set(err, -EBADMSG, "path list: more than %d bytes", PATHLIST_MAX);
        if (!span_starts(file, SPAN(title)))
                return err_set(err, -EBADMSG, "path list: not one, or of another version");
        rest = span_from(file, sizeof title - 1);
        if (!cut_line(&rest, &header) || !cut_line(&rest, &line) || line.n > 0)
                return err_set(err, -EBADMSG, "path list: no header, or no empty line behind it");
        while (span_starts(rest, SPAN(sig_start)))
                if (!cut_line(&rest, &line))
                        return err_set(err, -EBADMSG, "path list: a signature has no end");
        memset(ret, 0, sizeof *ret);
        ret->note = span_of(file.p, file.n - rest.n);
        ret->text = header;
        ret->body = rest;
        return 0;
}

int pathlist_parse(struct pathlist *l, struct err *err)
{
        int r = parse_header(l->text, &l->header, err);

        return r < 0 ? r : check_body(l->body, l->header.entries, err);
}
