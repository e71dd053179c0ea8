/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/sources.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "integrity/trusted/change.h"
#include "integrity/watching/dirty.h"
#include "integrity/watching/watchset.h"
#include "ledger/signing/pathlist_seal.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        WAY_SUFFIX = 16,
        SHORT_ID = 12,
        SHORT_DIGEST = 16,
        ORIGIN_SHOWN = 96,
        KEY_SHOWN = 96,
        REF_SHOWN = 64
};

/* ---- keys ---- */

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

static struct span trimmed(struct span s)
{
        while (s.n && is_blank(s.p[0]))
                s = span_from(s, 1);
        while (s.n && is_blank(s.p[s.n - 1]))
                s.n--;
        return s;
}

bool source_keys_have(const struct source_keys *keys, const struct note_vkey *k)
{
        for (size_t i = 0; i < keys->n; i++)
                if (strcmp(keys->key[i].name, k->name) == 0 &&
                    memcmp(keys->key[i].keyid, k->keyid, NOTE_KEYID) == 0 &&
                    keys->key[i].key_n == k->key_n &&
                    memcmp(keys->key[i].key, k->key, k->key_n) == 0)
                        return true;
        return false;
}

static int take_key(struct span line, struct source_keys *keys, struct err *err)
{
        struct note_vkey k;
        int rc = verifier_parse(line, &k, err);

        if (rc < 0)
                return rc;
        if (k.alg != NOTE_ED25519)
                return err_set(err, -EBADMSG,
                               "a key of another sort than those of assay change key");
        if (source_keys_have(keys, &k))
                return 0;
        if (keys->n == SOURCE_KEYS_MAX)
                return err_set(err, -E2BIG, "more than %d keys", SOURCE_KEYS_MAX);
        keys->key[keys->n++] = k;
        return 0;
}

int source_keys_parse(const char *name, struct span text, struct source_keys *ret, struct err *err)
{
        struct source_keys *keys = calloc(1, sizeof *keys);
        struct err why = { 0 };
        int rc = 0;

        if (!keys)
                return err_set(err, -ENOMEM, "out of memory for keys");
        for (size_t line = 1; text.n && rc == 0; line++) {
                const uint8_t *nl = memchr(text.p, '\n', text.n);
                size_t n = nl ? (size_t)(nl - text.p) : text.n;
                struct span s = trimmed(span_of(text.p, n));

                text = span_from(text, n + 1);
                if (s.n == 0 || s.p[0] == '#')
                        continue;
                rc = take_key(s, keys, &why);
                if (rc < 0)
                        rc = err_set(err, rc == -ENOMEM ? rc : -EBADMSG, "%s:%zu: %s", name, line,
                                     err_text(&why));
        }
        if (rc == 0)
                *ret = *keys;
        free(keys);
        return rc;
}

void source_key_text(const struct note_vkey *k, char ret[SOURCE_KEY_TEXT])
{
        char hex[2 * NOTE_KEYID + 1];

        text_hex(span_of(k->keyid, NOTE_KEYID), hex);
        snprintf(ret, SOURCE_KEY_TEXT, "%s+%s", k->name, hex);
}

/* ---- one list ---- */

struct source *source_free(struct source *s)
{
        if (!s)
                return NULL;
        free(s->file);
        free(s);
        return NULL;
}

/* Who signed it, for the one who wonders which key is missing. */
static int no_key(struct span file, const struct source_keys *keys, struct pathlist *l,
                  struct err *err)
{
        CLEANUP(buf_done) struct buf names = BUF_INIT(ERR_TEXT_MAX / 2);
        char hex[2 * NOTE_KEYID + 1];
        struct note_sig *sig = malloc(sizeof *sig);
        struct note note;
        struct span rest;

        if (sig && pathlist_split(file, l, NULL) == 0 && note_parse(l->note, &note, NULL) == 0)
                for (rest = note.sigs; note_next_sig(&rest, sig);) {
                        text_hex(span_of(sig->keyid, NOTE_KEYID), hex);
                        buf_put_str(&names, names.n ? ", " : "");
                        text_put_safe(&names, sig->name);
                        buf_printf(&names, "+%s", hex);
                }
        free(sig);
        return err_set(err, -ENOKEY, "signed by %.200s, which is none of the %zu keys trusted here",
                       names.n ? buf_cstr(&names) : "nobody", keys->n);
}

int source_open(uint8_t *file, size_t n, const struct source_keys *keys, struct span host,
                int64_t wall_ns, struct source **ret, struct err *err)
{
        CLEANUP(source_freep) struct source *s = calloc(1, sizeof *s);
        size_t key = 0;
        int rc;

        if (!s) {
                free(file);
                return err_set(err, -ENOMEM, "out of memory for a path list");
        }
        s->file = file;
        s->n = n;
        rc = pathlist_unseal(span_of(file, n), keys->key, keys->n, wall_ns, &s->list, &key, err);
        if (rc == -ENOKEY)
                return no_key(span_of(file, n), keys, &s->list, err);
        if (rc < 0)
                return rc;
        if (!pathlist_is_for(&s->list.header, host))
                return err_set(err, -EXDEV, "for other hosts than %.*s: %s%s", (int)host.n,
                               (const char *)host.p, s->list.header.host[0],
                               s->list.header.n_hosts > 1 ? " and more" : "");
        sha256(span_of(file, n), s->digest);
        s->key = keys->key[key];
        *ret = s;
        s = NULL;
        return 0;
}

/* ---- all of them ---- */

void sources_done(struct sources *s)
{
        while (s->n)
                source_free(sources_take(s, s->n - 1));
}

struct source *sources_take(struct sources *s, size_t i)
{
        struct source *x = s->of[i];

        s->n--;
        s->bytes -= x->n;
        memmove(&s->of[i], &s->of[i + 1], (s->n - i) * sizeof(struct source *));
        return x;
}

const struct source *sources_find(const struct sources *s, const uint8_t digest[SOURCE_DIGEST])
{
        for (size_t i = 0; i < s->n; i++)
                if (memcmp(s->of[i]->digest, digest, SOURCE_DIGEST) == 0)
                        return s->of[i];
        return NULL;
}

static bool same_maps(const struct pathlist_header *a, const struct pathlist_header *b)
{
        size_t found = 0;

        for (size_t i = 0; i < a->n_maps; i++)
                for (size_t k = 0; k < b->n_maps; k++)
                        if (strcmp(a->map[i].at, b->map[k].at) == 0 &&
                            strcmp(a->map[i].sub, b->map[k].sub) == 0) {
                                found++;
                                break;
                        }
        return a->n_maps == b->n_maps && found == a->n_maps;
}

/* Is a about what b is about, and by the same? */
static bool same_sort(const struct source *a, const struct source *b)
{
        return strcmp(a->list.header.origin, b->list.header.origin) == 0 &&
               memcmp(a->key.keyid, b->key.keyid, NOTE_KEYID) == 0 &&
               strcmp(a->key.name, b->key.name) == 0 && same_maps(&a->list.header, &b->list.header);
}

int sources_add(struct sources *s, struct source *x, struct source **ret_old, struct err *err)
{
        size_t old = SIZE_MAX, bytes = s->bytes, sum;

        if (sources_find(s, x->digest))
                return err_set(err, -EEXIST, "this list is there already");
        for (size_t i = 0; i < s->n; i++)
                if (same_sort(s->of[i], x))
                        old = i;
        if (old != SIZE_MAX) {
                if (s->of[old]->list.header.issued_ns >= x->list.header.issued_ns)
                        return err_set(err, -ESTALE,
                                       "issued before the list of commit %.12s, which is there "
                                       "already for the same origin and places",
                                       s->of[old]->list.header.commit);
                bytes -= s->of[old]->n;
        }
        if (old == SIZE_MAX && s->n == SOURCES_MAX)
                return err_set(err, -ENOSPC, "%d lists are there already", SOURCES_MAX);
        if (!size_add(bytes, x->n, &sum) || sum > SOURCES_BYTES_MAX)
                return err_set(err, -ENOSPC,
                               "it has %zu bytes, and of %d for all lists %zu are taken", x->n,
                               SOURCES_BYTES_MAX, bytes);
        *ret_old = old == SIZE_MAX ? NULL : sources_take(s, old);
        s->of[s->n++] = x;
        s->bytes += x->n;
        return 0;
}

/* ---- judging ---- */

void source_change_of(const struct change *c, struct source_change *ret)
{
        bool moved = c->from.n && !c->over; /* then c->was is the file itself */

        *ret = (struct source_change){ .path = c->path,
                                       .from = c->from,
                                       .wall_ns = c->wall_ns,
                                       .is = c->is,
                                       .was = c->is ? NULL : c->was,
                                       .moved_on = !c->is && !c->was &&
                                                   !(c->passed & (DIRTY_DELETED | DIRTY_LEFT)) };
        if (!c->was || !c->is || moved) {
                ret->fresh = true;
                return;
        }
        ret->differs = record_diff(c->was, c->is);
        ret->fresh = ret->differs & (RECORD_F_INODE | RECORD_F_TYPE);
}

static bool is_about(const struct pathlist_header *h, struct span path)
{
        for (size_t i = 0; i < h->n_maps; i++)
                if (path_within(path, span_str(h->map[i].at)))
                        return true;
        return false;
}

/* Paths of the kernel have no NUL; longer ones than a list can have are in none. */
static bool to_text(struct span path, char ret[PATHLIST_PATH_MAX + 1])
{
        if (path.n == 0 || path.n > PATHLIST_PATH_MAX || memchr(path.p, 0, path.n))
                return false;
        memcpy(ret, path.p, path.n);
        ret[path.n] = '\0';
        return true;
}

bool sources_expect(const struct sources *s, struct span path, int64_t wall_ns)
{
        char text[PATHLIST_PATH_MAX + 1];
        struct pathlist_entry e;

        for (size_t i = 0; i < s->n && to_text(path, text); i++)
                if (wall_ns < s->of[i]->list.header.expires_ns &&
                    pathlist_find(&s->of[i]->list, text, &e))
                        return true;
        return false;
}

struct step {
        enum source_fit fit;
        const char *text; /* behind "commit X of Y " */
};

static struct step judge_mode(const struct source_change *c, uint32_t listed)
{
        uint32_t mode = c->is->mode;

        if (mode == listed || (c->fresh && (mode & 07700) == (listed & 07700) && !(mode & ~listed)))
                return (struct step){ SOURCE_FITS, "" };
        return (struct step){ SOURCE_OTHER, "lists the path with another mode" };
}

/* The content is the listed one: did anything else change? */
static struct step judge_rest(const struct source_change *c)
{
        const unsigned content = RECORD_F_SHA256 | RECORD_F_SIZE | RECORD_F_LINK;
        const unsigned written = content | RECORD_F_MTIME | RECORD_F_MODE;

        if (record_has_more_rights(c->is))
                return (struct step){ SOURCE_MORE, "lists the content, but no access list and no "
                                                   "capabilities" };
        if (c->differs & (RECORD_F_UID | RECORD_F_GID))
                return (struct step){ SOURCE_MORE, "lists the content, and does not say whose it "
                                                   "is: it had another owner" };
        if (c->fresh)
                return (struct step){ SOURCE_FITS, "" };
        if (c->differs & ~written)
                return (struct step){ SOURCE_MORE, "lists the content, but other attributes "
                                                   "changed" };
        if (!(c->differs & (content | RECORD_F_MODE)) && c->is->type != RECORD_LINK)
                return (struct step){ SOURCE_MORE, "lists the content, which was there before" };
        return (struct step){ SOURCE_FITS, "" };
}

static struct step judge_entry(const struct source_change *c, const struct pathlist_entry *e)
{
        const struct record *is = c->is;
        struct step mode;

        if (e->link) {
                if (is->type != RECORD_LINK || !span_eq_str(is->link, e->target))
                        return (struct step){ SOURCE_OTHER, "has another link there" };
                return judge_rest(c);
        }
        if (is->type != RECORD_FILE)
                return (struct step){ SOURCE_OTHER, "has a file there" };
        if (is->hash != RECORD_HASH_KNOWN)
                return (struct step){ SOURCE_OTHER,
                                      "lists the path; its content now is not known" };
        if (memcmp(is->sha256, e->sha256, PATHLIST_HASH) != 0)
                return (struct step){ SOURCE_OTHER, "lists the path with other content" };
        mode = judge_mode(c, e->mode);
        return mode.fit == SOURCE_FITS ? judge_rest(c) : mode;
}

/* No list has directories; one that is new and holds what is listed is part of it. */
static struct step judge_dir(const struct source_change *c)
{
        const struct record *is = c->is;
        bool made = c->fresh && !c->differs && !c->from.n;

        if (!made && !(c->differs == RECORD_F_MODE && is->mode == 0755))
                return (struct step){ SOURCE_MORE, "has files below it, and says nothing of the "
                                                   "directory itself" };
        if (is->mode & 07022 || record_has_more_rights(is))
                return (struct step){ SOURCE_MORE, "has files below it, but others than its owner "
                                                   "may write there" };
        return (struct step){ SOURCE_FITS, "" };
}

/* What a rename took away. */
static struct step judge_from(const struct pathlist *l, const struct source_change *c,
                              struct pathlist_entry *e)
{
        char from[PATHLIST_PATH_MAX + 1];

        if (c->from.n == 0)
                return (struct step){ SOURCE_FITS, "" };
        if (!is_about(&l->header, c->from))
                return (struct step){ SOURCE_MORE,
                                      "lists the content, which was taken from a place "
                                      "it is not about" };
        if (!to_text(c->from, from) || pathlist_find(l, from, e))
                return (struct step){ SOURCE_MORE, "lists the content, and the file it was before, "
                                                   "which is gone" };
        return (struct step){ SOURCE_FITS, "" };
}

/* The listed file that a copying program makes under another name beside it first, as rsync does:
 * ".NAME.SUFFIX", and "NAME.SUFFIX" where NAME has a dot in front itself.  Cuts the path to that of
 * ".NAME" or NAME; false when it is no such name. */
static bool is_on_its_way(char *path, char **ret_name)
{
        char *name = strrchr(path, '/') + 1, *dot = strrchr(name, '.');
        size_t n = dot ? strlen(dot + 1) : 0;

        if (*name != '.' || dot < name + 2 || n == 0 || n > WAY_SUFFIX)
                return false;
        for (size_t i = 1; i <= n; i++)
                if (!(dot[i] >= '0' && dot[i] <= '9') &&
                    !((dot[i] | 0x20) >= 'a' && (dot[i] | 0x20) <= 'z'))
                        return false;
        *dot = '\0';
        *ret_name = name;
        return true;
}

static bool is_listed_as_way(const struct pathlist *l, char *path, struct pathlist_entry *e)
{
        char *name;

        if (!is_on_its_way(path, &name))
                return false;
        if (pathlist_find(l, path, e))
                return true;
        memmove(name, name + 1, strlen(name + 1) + 1);
        return pathlist_find(l, path, e);
}

/* It becomes NAME by a rename, and that is judged in full.  Until then nobody looks for it: only
 * content that is not listed, and more rights than it will have, are somebody else's. */
static struct step judge_way(const struct source_change *c, const struct pathlist_entry *e)
{
        struct record is = c->is ? *c->is : *c->was;
        struct source_change x = { .path = c->path, .is = &is, .fresh = true };

        if (is.type == RECORD_FILE && !(is.mode & ~e->mode))
                is.mode = e->mode; /* it has less as yet */
        return judge_entry(&x, e);
}

/* Is it, or was it, such a copy?  path is spoilt. */
static bool is_copy(const struct source *s, const struct source_change *c, char *path,
                    struct pathlist_entry *e)
{
        if (!is_listed_as_way(&s->list, path, e))
                return false;
        return c->is || c->was ? judge_way(c, e).fit == SOURCE_FITS : c->moved_on;
}

static struct step judge_one(const struct source *s, const struct source_change *c,
                             struct pathlist_entry *e)
{
        char path[PATHLIST_PATH_MAX + 1];
        bool about = is_about(&s->list.header, c->path);
        struct step step = { SOURCE_FITS, "" };

        if (c->wall_ns >= s->list.header.expires_ns)
                return (struct step){ SOURCE_ELSEWHERE, "" };
        if (!to_text(c->path, path))
                return (struct step){ about ? SOURCE_UNLISTED : SOURCE_ELSEWHERE,
                                      "cannot have such a path" };
        if (c->is && c->is->type == RECORD_DIR && pathlist_below(&s->list, path, e))
                return judge_dir(c);
        if (!about)
                return (struct step){ SOURCE_ELSEWHERE, "" };
        if (c->is && pathlist_find(&s->list, path, e))
                step = judge_entry(c, e);
        else if (!is_copy(s, c, path, e))
                step = c->is ? (struct step){ SOURCE_UNLISTED,
                                              "is about the place and does not have "
                                              "the path" }
                             : (struct step){ SOURCE_GONE, "is about the place, but does not say "
                                                           "what is not there" };
        return step.fit == SOURCE_FITS ? judge_from(&s->list, c, e) : step;
}

/* Bytes of s to show: no character is cut. */
static int shown(const char *s, size_t max)
{
        size_t n = strnlen(s, max + 1);

        if (n <= max)
                return (int)n;
        for (n = max; n > 0 && ((uint8_t)s[n] & 0xc0) == 0x80; n--)
                ;
        return (int)n;
}

static void put_proof(const struct source *s, char why[SOURCE_WHY_MAX])
{
        const struct pathlist_header *h = &s->list.header;
        char key[SOURCE_KEY_TEXT], digest[2 * SOURCE_DIGEST + 1];
        const char *on = h->n_on ? h->on[0] : "";

        source_key_text(&s->key, key);
        text_hex(span_of(s->digest, SOURCE_DIGEST), digest);
        snprintf(why, SOURCE_WHY_MAX,
                 "commit %s of %.*s%s%.*s, its signature: %s; list %.*s signed by %.*s", h->commit,
                 shown(h->origin, ORIGIN_SHOWN), h->origin, on[0] ? " on " : "",
                 shown(on, REF_SHOWN), on, signature_status_name(h->signing), SHORT_DIGEST, digest,
                 shown(key, KEY_SHOWN), key);
}

static void put_near(const struct source *s, const char *text, char why[SOURCE_WHY_MAX])
{
        snprintf(why, SOURCE_WHY_MAX, "commit %.*s of %.*s %s", SHORT_ID, s->list.header.commit,
                 shown(s->list.header.origin, ORIGIN_SHOWN), s->list.header.origin, text);
}

enum source_fit sources_judge(const struct sources *s, const struct source_change *c,
                              const struct source **ret, char why[SOURCE_WHY_MAX])
{
        struct step best = { SOURCE_ELSEWHERE, "" };
        const struct source *of = NULL;
        struct pathlist_entry e;

        for (size_t i = 0; i < s->n && best.fit != SOURCE_FITS; i++) {
                struct step step = judge_one(s->of[i], c, &e);

                if (step.fit > best.fit) {
                        best = step;
                        of = s->of[i];
                }
        }
        why[0] = '\0';
        if (best.fit == SOURCE_FITS)
                put_proof(of, why);
        else if (of)
                put_near(of, best.text, why);
        *ret = of;
        return best.fit;
}
