/* SPDX-License-Identifier: Apache-2.0 */
/* Values as they stand in deliver.yaml(5). */
#include "job/deliver_priv.h"

#include "base/text.h"

#include <stdio.h>

bool deliver_get_time(struct deliver_file *d, const struct yaml_node *n, uint32_t least,
                      uint32_t *ret)
{
        static const struct yaml_unit units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 } };
        uint64_t s;

        if (!yaml_get_number(&d->faults, n, "a time, as 30s, 5m or 2h,", units, ARRAY_LEN(units),
                             &s))
                return false;
        if (s < least || s > DELIVER_TIME_MAX_S) {
                faults_add(&d->faults, n->mark, "a time here is between %us and %dh",
                           (unsigned)least, DELIVER_TIME_MAX_S / 3600);
                return false;
        }
        *ret = (uint32_t)s;
        return true;
}

bool deliver_copy(struct deliver_file *d, const struct yaml_node *n, struct span s, char *out,
                  size_t max)
{
        if (s.n == 0 || s.n > max) {
                faults_add(&d->faults, n->mark, "1 to %zu bytes should stand here", max);
                return false;
        }
        snprintf(out, max + 1, "%.*s", (int)s.n, (const char *)s.p);
        return true;
}

void deliver_get_path(struct deliver_file *d, const struct yaml_node *n, char *out, size_t max)
{
        struct span s;

        if (!yaml_get_text(&d->faults, n, "the absolute path of a file", &s))
                return;
        if (s.n && s.p[0] == '/')
                (void)!deliver_copy(d, n, s, out, max);
        else
                faults_add(&d->faults, n->mark,
                           "the absolute path of a file should stand here, not \"%.*s\"", SHOWN(s));
}

int deliver_get_name_of(struct deliver_file *d, const struct yaml_node *n, const char *const *names,
                        int count, const char *wanted)
{
        struct span s;

        if (!yaml_get_text(&d->faults, n, wanted, &s))
                return -1;
        for (int i = 0; i < count; i++)
                if (span_eq_str(s, names[i]))
                        return i;
        faults_add(&d->faults, n->mark, "%s should stand here, not \"%.*s\"", wanted, SHOWN(s));
        return -1;
}

void deliver_each(struct deliver_file *d, const struct yaml_node *n,
                  void (*take)(struct deliver_file *, const struct yaml_node *))
{
        if (n->type != YAML_LIST) {
                take(d, n);
                return;
        }
        if (!n->child)
                faults_add(&d->faults, n->mark, "an empty list says nothing: leave the key out");
        for (const struct yaml_node *i = n->child; i; i = i->next)
                take(d, i);
}

bool deliver_split_host(struct span s, char host[DELIVER_HOST_MAX + 1], uint16_t *port)
{
        const uint8_t *end = NULL;
        struct span name = s, rest;
        uint64_t number = *port;

        if (s.n && s.p[0] == '[') {
                end = memchr(s.p, ']', s.n);
                if (!end)
                        return false;
                name = span_of(s.p + 1, (size_t)(end - s.p) - 1);
                rest = span_from(s, (size_t)(end - s.p) + 1);
        } else {
                end = memchr(s.p, ':', s.n);
                name.n = end ? (size_t)(end - s.p) : s.n;
                rest = span_from(s, name.n);
        }
        if (rest.n && (rest.p[0] != ':' || text_to_u64(span_from(rest, 1), &number) < 0 ||
                       number == 0 || number > UINT16_MAX))
                return false;
        if (!deliver_host_ok(name))
                return false;
        snprintf(host, DELIVER_HOST_MAX + 1, "%.*s", (int)name.n, (const char *)name.p);
        *port = (uint16_t)number;
        return true;
}

bool deliver_starts(struct span *s, const char *scheme)
{
        if (!span_starts(*s, span_str(scheme)))
                return false;
        *s = span_from(*s, strlen(scheme));
        return true;
}
