/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - see reader.h. */
#include "ledger/read/reader.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "crypto/sha256.h"
#include "ledger/signing/signer.h"
#include "ledger/upkeep/upkeep.h"
#include "sys/io.h"
#include "wire/tile.h"
#include "wire/tlogproof.h"

enum { READER_TILES = 64, PRUNED_MAX = 32 };

void reader_done(struct reader *r)
{
        r->tree = tree_free(r->tree);
        r->source = source_free(r->source);
        buf_done(&r->note);
        if (r->fd > 0)
                fd_close(&r->fd);
}

/* Through the source: an archive and a web server have it as well. */
static int read_pruned(struct reader *r, struct err *err)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(PRUNED_MAX);
        int status = r->source->read(r->source, "pruned", &file, err);

        if (status == -ENOENT) {
                r->pruned = 0;
                return 0;
        }
        if (status == 0)
                status = prune_parse(buf_span(&file), &r->pruned, err);
        return status < 0 ? err_wrap(err, "%s", r->source->name) : 0;
}

static int parse_checkpoint(const struct reader *r, struct checkpoint *ret, struct err *err)
{
        struct note note;
        int status;

        if (r->key)
                return verifier_open_checkpoint(r->key, buf_span(&r->note), ret, err);
        status = note_parse(buf_span(&r->note), &note, err);
        return status < 0 ? status : checkpoint_parse(note.text, ret, err);
}

int reader_refresh(struct reader *r, struct err *err)
{
        CLEANUP(tree_freep) struct tree *tree = NULL;
        struct checkpoint c;
        int status;

        buf_clear(&r->note);
        status = r->source->read(r->source, "checkpoint", &r->note, err);
        if (status == -ENOENT)
                return err_set(err, -ENOENT, "%s is not a ledger: it has no checkpoint",
                               r->source->name);
        if (status < 0)
                return status;
        status = parse_checkpoint(r, &c, err);
        if (status < 0)
                return err_wrap(err, "%s: checkpoint", r->source->name);
        if (r->tree && c.size == r->checkpoint.size)
                return 0;
        status = read_pruned(r, err);
        if (status < 0)
                return status;
        status = tree_new(r->source, c.size, READER_TILES, &tree, err);
        if (status < 0)
                return status;
        tree_free(r->tree);
        r->tree = tree;
        tree = NULL;
        r->checkpoint = c;
        r->bound = 0;
        return 0;
}

int reader_advance(struct reader *r, const struct checkpoint *to, struct err *err)
{
        CLEANUP(tree_freep) struct tree *tree = NULL;
        struct hash root;
        int status = tree_new(r->source, to->size, READER_TILES, &tree, err);

        if (status == 0)
                status = tree_root(tree, &root, err);
        if (status == -ENOENT || (status == 0 && !hash_eq(&root, &to->root)))
                return err_set(err, -EBADMSG, "%s does not have the %" PRIu64 " entries",
                               r->source->name, to->size);
        if (status < 0)
                return status;
        tree_free(r->tree);
        r->tree = tree;
        tree = NULL;
        r->checkpoint = *to;
        return 0;
}

bool reader_is_succeeded(const struct reader *r, const char *dir)
{
        struct stat ours, there;

        return r->fd > 0 && fstat(r->fd, &ours) == 0 && stat(dir, &there) == 0 &&
               (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino);
}

int reader_open(const char *dir, struct reader *ret, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { .note = BUF_INIT(NOTE_MAX) };
        int status;

        r.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r.fd < 0)
                return err_sys(err, -errno, "%s", dir);
        status = source_dir(r.fd, dir, &r.source, err);
        if (status == 0)
                status = reader_refresh(&r, err);
        if (status < 0)
                return status;
        *ret = r;
        r = (struct reader){ 0 };
        return 0;
}

/* It may have been pruned since the checkpoint was read. */
static int not_there(struct reader *r, uint64_t index, struct err *err)
{
        const struct err gone = err ? *err : (struct err){ 0 };
        int status = index >= r->pruned ? read_pruned(r, err) : 0;

        if (status < 0)
                return status;
        if (index < r->pruned)
                return err_set(err, -ENODATA, "entry %" PRIu64 " is not here any more (pruned)",
                               index);
        return err_set(err, -ENOMSG, "%s: %s, and was not pruned: the ledger is damaged",
                       r->source->name, err_text(&gone));
}

int reader_entry(struct reader *r, uint64_t index, struct span *ret, struct err *err)
{
        int status;

        if (index >= r->checkpoint.size)
                return err_set(err, -ERANGE,
                               "there is no entry %" PRIu64 ": the ledger has %" PRIu64, index,
                               r->checkpoint.size);
        status = tree_entry(r->tree, index, ret, err);
        if (status == -ENOENT)
                return not_there(r, index, err);
        return status < 0 ? err_wrap(err, "%s", r->source->name) : 0;
}

static void node(const struct hash *l, const struct hash *r, struct hash *out)
{
        sha256_node(l->b, r->b, out->b);
}

int reader_bind(struct reader *r, uint64_t index, struct err *err)
{
        struct hash path[PROOF_MAX], leaf;
        size_t n;
        int status;

        if (r->bound == index / TILE_WIDTH + 1)
                return 0;
        status = tree_range(r->tree, (struct proof_range){ index, index + 1 }, &leaf, err);
        if (status == 0)
                status = tree_prove_inclusion(r->tree, index, path, &n, err);
        if (status < 0)
                return err_wrap(err, "%s", r->source->name);
        status = proof_check_inclusion(index, r->checkpoint.size, &leaf, path, n,
                                       &r->checkpoint.root, node, err);
        if (status < 0)
                return err_set(err, -EBADMSG, "%s: the tiles do not lead to the checkpoint's root",
                               r->source->name);
        r->bound = index / TILE_WIDTH + 1;
        return 0;
}

int reader_prove(struct reader *r, uint64_t index, struct span extra, struct buf *out,
                 struct err *err)
{
        struct tlog_proof p = { .has_extra = extra.n > 0, .extra = extra, .index = index };
        struct span entry;
        struct hash leaf;
        int status;

        status = reader_entry(r, index, &entry, err);
        if (status < 0)
                return status;
        sha256_leaf(entry, leaf.b);
        status = tree_prove_inclusion(r->tree, index, p.hash, &p.n, err);
        if (status < 0)
                return err_wrap(err, "%s", r->source->name);
        status = proof_check_inclusion(index, r->checkpoint.size, &leaf, p.hash, p.n,
                                       &r->checkpoint.root, node, err);
        if (status < 0)
                return err_wrap(err, "%s: the tiles do not lead to the checkpoint's root",
                                r->source->name);
        p.checkpoint = buf_span(&r->note);
        tlog_proof_put(out, &p);
        return buf_status(out) < 0 ? err_sys(err, buf_status(out), "proof") : 0;
}
