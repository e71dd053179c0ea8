/* SPDX-License-Identifier: Apache-2.0 */
/* content_priv.h - content.c (what there is) and content_pack.c (bytes in and out) to each other.
 * Floor 3. */
#ifndef INTEGRITY_CONTENT_PRIV_H
#define INTEGRITY_CONTENT_PRIV_H

#include "integrity/trusted/content.h"

#include <pthread.h>

enum { CONTENT_PATH_MAX = 2 + 1 + 2 * (SHA256_LEN - 1) + 1 };

struct content {
        const struct io *io;
        int dirfd;  /* -1: there was no room to make it */
        int parent; /* borrowed */
        struct content_limits limits;
        pthread_mutex_t lock; /* of all below */
        struct content_counts counts;
        struct content_packer *idle;
        uint64_t next_tmp;
        bool unsynced[256]; /* directories in which something was put */
        bool later;         /* content_sync_later(): nor were the files in them synced */
};

/* The store below dirfd, or a negative errno. */
int content_open_dir(int dirfd);
void content_path(const uint8_t sha256[SHA256_LEN], char out[CONTENT_PATH_MAX]);

typedef int content_hash_fn(void *ctx, const uint8_t sha256[SHA256_LEN]);
/* Call fn for each that is kept, in no order. */
MUST_USE int content_each(const struct content *c, content_hash_fn *fn, void *ctx);

void content_free_packers(struct content *c);

#endif
