/* SPDX-License-Identifier: Apache-2.0 */
/* The file "executable" of the state directory: SHA-256 digests, 32 bytes each, of contents that an
 * explained change put where only known ones may be executed.  The baseline has them only when they
 * are accepted; without this file an upgrade that was approved would be refused after a restart. */
#include "integrity/preventing/guard_priv.h"
#include "loop/log.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>

#define KNOWN_FILE "executable"

enum { KNOWN_BYTES_MAX = 2 * GUARD_KNOWN_MAX * RECORD_HASH };

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, RECORD_HASH);
}

/* Does the ledger have an explained change that brought it, or will it: its entry waits in the
 * journal of before? */
static bool is_told(const struct sensor *s, const uint8_t sha256[RECORD_HASH])
{
        struct span told = s->o.contents_told;

        if (told.n && bsearch(sha256, told.p, told.n / RECORD_HASH, RECORD_HASH, compare))
                return true;
        return state_found_brought(&s->found, sha256);
}

/* The file is root's to write: what the ledger does not know is refused, as it would be without. */
static void drop_unproven(struct sensor *s)
{
        struct guard *g = s->guard;
        size_t n = 0;

        for (size_t i = 0; i < g->n_known; i++)
                if (is_told(s, g->known[i]))
                        memmove(g->known[n++], g->known[i], RECORD_HASH);
        s->contents_forged = n < g->n_known && s->o.ledger_whole;
        g->n_kept = n < g->n_known ? SIZE_MAX : n; /* to be written anew */
        g->n_known = n;
}

int guard_known_open(struct sensor *s, struct err *err)
{
        struct guard *g = s->guard;
        uint8_t *text = NULL;
        size_t n = 0;
        int rc = io_read_file(&io_kernel, s->state.dirfd, KNOWN_FILE, KNOWN_BYTES_MAX, &text, &n,
                              err);

        if (rc == -ENOENT)
                rc = 0;
        g->n_known = MIN_OF(n / RECORD_HASH, (size_t)GUARD_KNOWN_MAX);
        g->max_known = g->n_known;
        if (rc == 0 && g->n_known) {
                g->known = calloc(g->max_known, sizeof *g->known);
                if (g->known) /* the newest */
                        memcpy(g->known, text + (n / RECORD_HASH - g->n_known) * RECORD_HASH,
                               g->n_known * RECORD_HASH);
                else
                        rc = err_set(err, -ENOMEM, "out of memory for known contents");
        }
        free(text);
        if (rc == -ENOMEM)
                return rc;
        if (rc < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.executable", log_err(err));
        drop_unproven(s);
        return 0;
}

bool guard_is_known(const struct guard *g, const uint8_t sha256[RECORD_HASH])
{
        for (size_t i = g->n_known; i > 0; i--) /* the newest is asked for most often */
                if (memcmp(g->known[i - 1], sha256, RECORD_HASH) == 0)
                        return true;
        return false;
}

static int keep(struct sensor *s)
{
        struct guard *g = s->guard;
        struct err err = { 0 };
        int rc = io_replace_file(&io_kernel, s->state.dirfd, KNOWN_FILE, s->state.dirfd, 0600,
                                 span_of(g->known, g->n_known * RECORD_HASH), &err);

        if (rc < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.executable", log_err(&err));
        fd_close(&g->known_fd);
        return rc;
}

/* Not synced: what a crash of the machine loses here is refused until it is accepted. */
static void append(struct sensor *s)
{
        struct guard *g = s->guard;
        size_t n = (g->n_known - g->n_kept) * RECORD_HASH;

        if (io_kernel.pwrite(io_kernel.ctx, g->known_fd, g->known[g->n_kept], n,
                             (off_t)(g->n_kept * RECORD_HASH)) != (ssize_t)n)
                log_event(LOG_LEVEL_ERROR, "sensor.executable", log_str("error", "not written"));
}

/* Each entry before the content that it tells of: a file that is ahead of the ledger looks forged.
 */
void guard_known_keep(struct sensor *s)
{
        struct guard *g = s->guard;

        if (g->n_kept == g->n_known || s->n_out)
                return;
        if (g->known_fd >= 0 && g->n_kept < g->n_known)
                append(s);
        else if (keep(s) == 0)
                g->known_fd = openat(s->state.dirfd, KNOWN_FILE, O_WRONLY | O_CLOEXEC);
        g->n_kept = g->n_known;
}

void guard_know(struct sensor *s, const uint8_t sha256[RECORD_HASH])
{
        struct guard *g = s->guard;
        size_t max = g->max_known ? 2 * g->max_known : 64;
        uint8_t(*more)[RECORD_HASH];

        if (guard_is_known(g, sha256))
                return;
        if (g->n_known == GUARD_KNOWN_MAX) { /* the older half goes */
                g->n_known /= 2;
                memmove(g->known, g->known + g->n_known, g->n_known * RECORD_HASH);
                g->n_kept = 0;
                fd_close(&g->known_fd);
        }
        if (g->n_known == g->max_known) {
                more = realloc(g->known, max * sizeof *g->known);
                if (!more) {
                        s->failed = -ENOMEM;
                        return;
                }
                g->known = more;
                g->max_known = max;
        }
        memcpy(g->known[g->n_known++], sha256, RECORD_HASH);
}
