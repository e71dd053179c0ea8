/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_priv.h - reading deliver.yaml(5), its parts to each other.  Floor 3.
 *
 *   deliver.c         keys, sinks, the file
 *   deliver_value.c   what may stand behind a key
 *
 * A mistake is one of the faults, with its place, and the reading goes on. */
#ifndef JOB_DELIVER_PRIV_H
#define JOB_DELIVER_PRIV_H

#include "base/arena.h"
#include "job/faults.h"
#include "wire/deliver_fact.h"

struct deliver_file {
        struct arena arena;
        struct faults faults;
        int rc; /* -ENOMEM, for what gives none back */
        struct deliver_sink *sink[DELIVER_SINKS_MAX];
        size_t n_sinks;
        /* of the sink that is read */
        bool has_tls;
};

/* Between least seconds and DELIVER_TIME_MAX_S.  As all of these, true: *ret is set. */
bool deliver_get_time(struct deliver_file *d, const struct yaml_node *n, uint32_t least,
                      uint32_t *ret);
/* s, of 1 to max bytes, into out with a NUL; n says where a mistake is. */
bool deliver_copy(struct deliver_file *d, const struct yaml_node *n, struct span s, char *out,
                  size_t max);
/* An absolute path; out is left alone where there is none. */
void deliver_get_path(struct deliver_file *d, const struct yaml_node *n, char *out, size_t max);
/* One of the names: its number, or -1; wanted says in words which there are. */
int deliver_get_name_of(struct deliver_file *d, const struct yaml_node *n, const char *const *names,
                        int count, const char *wanted);
/* Each item of a list, or the one text that stands for a list of one. */
void deliver_each(struct deliver_file *d, const struct yaml_node *n,
                  void (*take)(struct deliver_file *, const struct yaml_node *));

/* "name:514", "192.0.2.1", "[2001:db8::1]:514"; *port is the default before. */
bool deliver_split_host(struct span s, char host[DELIVER_HOST_MAX + 1], uint16_t *port);
/* Does it start so?  Then that is taken off. */
bool deliver_starts(struct span *s, const char *scheme);

#endif
