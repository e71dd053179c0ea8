/* SPDX-License-Identifier: Apache-2.0 */
/* config_priv.h - what readers of gateway.yaml and backend.yaml share.  Floor 2, pure.
 *
 * A reader says what is wrong and goes on; false, or nothing taken, after a fault. */
#ifndef PACKAGE_CONFIG_PRIV_H
#define PACKAGE_CONFIG_PRIV_H

#include "package/config/config.h"

struct config_reader {
        const struct api *api; /* NULL: nothing is known of the document */
        struct arena *arena;
        struct lint *l;
        int rc; /* -ENOMEM, for what gives none back */
        struct config *out;
};

/* A span of a source within a message, for "%.*s". */
#define SHOWN(s) (int)MIN_OF((s).n, (size_t)60), (const char *)(s).p

/* ---- keys ---- */

struct config_key {
        const char *name;
        void (*take)(struct config_reader *r, const struct source_node *n, void *into);
        bool required;
};

enum { CONFIG_KEYS_MAX = 16 };

/* Each member of a map to its function; unknown and missing ones are faults.  what: "a limit". */
void config_take_keys(struct config_reader *r, const struct source_node *map,
                      const struct config_key *keys, size_t n, void *into, const char *what);

/* It must be a map with something in it; wanted: "masks by data class". */
bool config_is_map(struct config_reader *r, const struct source_node *n, const char *wanted);

/* `: did you mean "mask"?` or, where nothing is near, nothing: for the end of a message. */
enum { CONFIG_MEANT_MAX = 160 };
const char *config_meant(struct span name, const struct span *names, size_t n,
                         char out[CONFIG_MEANT_MAX]);

/* A text of the source or of ours, copied into the arena; false without memory. */
bool config_keep(struct config_reader *r, struct span s, struct span *ret);

/* ---- values; wanted says what should stand there, with an example ---- */

/* Of 1 to max bytes without control characters, in the arena. */
bool config_get_text(struct config_reader *r, const struct source_node *n, const char *wanted,
                     size_t max, struct span *ret);
bool config_get_path(struct config_reader *r, const struct source_node *n, const char *wanted,
                     struct span *ret);
/* One of n names, which the fault lists; *ret is its place. */
bool config_get_word(struct config_reader *r, const struct source_node *n, const char *wanted,
                     const char *const *names, size_t n_names, size_t *ret);
bool config_get_ms(struct config_reader *r, const struct source_node *n, const char *wanted,
                   uint64_t min_ms, uint64_t max_ms, uint64_t *ret);
/* In whole seconds. */
bool config_get_seconds(struct config_reader *r, const struct source_node *n, const char *wanted,
                        uint64_t min_s, uint64_t max_s, uint32_t *ret);
bool config_get_bytes(struct config_reader *r, const struct source_node *n, const char *wanted,
                      uint64_t min, uint64_t max, uint32_t *ret);
bool config_get_count(struct config_reader *r, const struct source_node *n, const char *wanted,
                      uint64_t min, uint64_t max, uint32_t *ret);
/* 10/s: 10 and 1. */
bool config_get_rate(struct config_reader *r, const struct source_node *n, const char *wanted,
                     uint64_t max, uint32_t *ret, uint32_t *ret_per_s);
/* A list of texts, no two the same; *ret lies in the arena. */
bool config_get_texts(struct config_reader *r, const struct source_node *n, const char *wanted,
                      size_t max, const struct span **ret, uint32_t *ret_n);
/* A list of IPv4 and IPv6 addresses. */
void config_take_addresses(struct config_reader *r, const struct source_node *n,
                           const struct span **ret, uint32_t *ret_n);
bool config_is_address(struct span text);

/* ---- a URL: http[s]://host[:port][/path] and nothing else ---- */

struct config_url {
        bool tls;
        struct span host; /* a name, or an address without brackets */
        bool is_address;
        uint16_t port;
        struct span path; /* without a slash at its end */
};
bool config_get_url(struct config_reader *r, const struct source_node *n, const char *wanted,
                    struct config_url *ret);
/* Words between single slashes, none of them "." or "..": "/bank/v1". */
bool config_path_ok(struct span path);

/* ---- parts ---- */

void config_take_identities(struct config_reader *r, const struct source_node *n, void *into);
void config_take_classes(struct config_reader *r, const struct source_node *n, void *into);
void config_take_limits(struct config_reader *r, const struct source_node *n, void *into);
/* Once identities are taken. */
void config_take_cache(struct config_reader *r, const struct source_node *n, void *into);
void config_take_backend(struct config_reader *r, const struct source_node *root);

#endif
