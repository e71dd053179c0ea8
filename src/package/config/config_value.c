/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.c - keys and values of gateway.yaml and backend.yaml.  Floor 2, pure. */
#include "package/config/config_priv.h"

#include "base/text.h"
#include "package/source/nearest.h"

#include <stdio.h>

/* ---- keys ---- */

const char *config_meant(struct span name, const struct span *names, size_t n,
                         char out[CONFIG_MEANT_MAX])
{
        size_t at = nearest_of(name, names, n);

        out[0] = '\0';
        if (at < n)
                snprintf(out, CONFIG_MEANT_MAX, ": did you mean \"%.*s\"?", SHOWN(names[at]));
        return out;
}

static void unknown_key(struct config_reader *r, const struct source_node *m,
                        const struct config_key *keys, size_t n, const char *what)
{
        struct span names[CONFIG_KEYS_MAX];
        char meant[CONFIG_MEANT_MAX], known[160];
        size_t used = 0;

        for (size_t i = 0; i < n; i++) {
                names[i] = span_str(keys[i].name);
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                         keys[i].name);
                assert(used < sizeof known);
        }
        if (*config_meant(m->key, names, n, meant))
                lint_error(r->l, &m->key_mark, "unknown key \"%.*s\"%s", SHOWN(m->key), meant);
        else
                lint_error(r->l, &m->key_mark, "unknown key \"%.*s\": %s has %s", SHOWN(m->key),
                           what, known);
}

void config_take_keys(struct config_reader *r, const struct source_node *map,
                      const struct config_key *keys, size_t n, void *into, const char *what)
{
        uint32_t seen = 0;

        assert(n <= CONFIG_KEYS_MAX);
        for (const struct source_node *m = map->child; m; m = m->next) {
                size_t i = 0;

                while (i < n && !span_eq_str(m->key, keys[i].name))
                        i++;
                if (i == n) {
                        unknown_key(r, m, keys, n, what);
                        continue;
                }
                seen |= 1u << i;
                keys[i].take(r, m, into);
        }
        for (size_t i = 0; i < n; i++)
                if (keys[i].required && !(seen >> i & 1))
                        lint_error(r->l, &map->mark, "%s needs \"%s\"", what, keys[i].name);
}

/* ---- kinds ---- */

static bool refuse(struct config_reader *r, const struct source_node *n, const char *wanted)
{
        bool shown = n->kind == SOURCE_STRING || n->kind == SOURCE_NUMBER ||
                     n->kind == SOURCE_ODD_NUMBER;

        if (shown)
                lint_error(r->l, &n->mark, "%s should stand here, not \"%.*s\"", wanted,
                           SHOWN(n->text));
        else
                lint_error(r->l, &n->mark, "%s should stand here, not %s", wanted,
                           n->kind == SOURCE_NULL ? "nothing" : source_kind_name(n->kind));
        return false;
}

bool config_is_map(struct config_reader *r, const struct source_node *n, const char *wanted)
{
        return (n->kind == SOURCE_MAP && n->child) || refuse(r, n, wanted);
}

bool config_keep(struct config_reader *r, struct span s, struct span *ret)
{
        const char *p = arena_copy(r->arena, s);

        if (!p) {
                r->rc = -ENOMEM;
                return false;
        }
        *ret = span_of(p, s.n);
        return true;
}

/* ---- texts ---- */

static bool is_line(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < ' ' || s.p[i] == 0x7f)
                        return false;
        return s.n > 0;
}

bool config_get_text(struct config_reader *r, const struct source_node *n, const char *wanted,
                     size_t max, struct span *ret)
{
        if (n->kind == SOURCE_NUMBER || n->kind == SOURCE_ODD_NUMBER || n->kind == SOURCE_BOOL) {
                lint_error(r->l, &n->mark, "%s should stand here: in quotes, when this is it",
                           wanted);
                return false;
        }
        if (n->kind != SOURCE_STRING || !is_line(n->text))
                return refuse(r, n, wanted);
        if (n->text.n > max) {
                lint_error(r->l, &n->mark, "%s should stand here, of %zu bytes at most", wanted,
                           max);
                return false;
        }
        return config_keep(r, n->text, ret);
}

bool config_get_path(struct config_reader *r, const struct source_node *n, const char *wanted,
                     struct span *ret)
{
        if (n->kind == SOURCE_STRING && n->text.n > 1 && n->text.p[0] == '/')
                return config_get_text(r, n, wanted, CONFIG_PATH_MAX, ret);
        return refuse(r, n, wanted);
}

bool config_get_word(struct config_reader *r, const struct source_node *n, const char *wanted,
                     const char *const *names, size_t n_names, size_t *ret)
{
        struct span list[CONFIG_KEYS_MAX];
        char meant[CONFIG_MEANT_MAX];

        assert(n_names <= CONFIG_KEYS_MAX);
        for (size_t i = 0; i < n_names; i++) {
                list[i] = span_str(names[i]);
                if (n->kind == SOURCE_STRING && span_eq(n->text, list[i])) {
                        *ret = i;
                        return true;
                }
        }
        if (n->kind != SOURCE_STRING || !*config_meant(n->text, list, n_names, meant))
                return refuse(r, n, wanted);
        lint_error(r->l, &n->mark, "unknown \"%.*s\"%s", SHOWN(n->text), meant);
        return false;
}

/* ---- numbers with a unit ---- */

struct unit {
        const char *name;
        uint64_t times;
};

static const struct unit times[] = {
        { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
        { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

static const struct unit sizes[] = { { "B", 1 }, { "KiB", 1024 }, { "MiB", 1 << 20 }, { NULL, 0 } };

static const struct unit rates[] = {
        { "/s", 1 }, { "/m", 60 }, { "/h", 3600 }, { "/d", 86400 }, { NULL, 0 },
};

/* What people write for a unit that is spelled otherwise here. */
static const char *other_unit(struct span unit)
{
        static const struct {
                const char *is, *meant;
        } others[] = {
                { "sec", "s" },      { "secs", "s" },  { "second", "s" },   { "seconds", "s" },
                { "min", "m" },      { "mins", "m" },  { "minute", "m" },   { "minutes", "m" },
                { "hour", "h" },     { "hours", "h" }, { "day", "d" },      { "days", "d" },
                { "k", "KiB" },      { "K", "KiB" },   { "KB", "KiB" },     { "kB", "KiB" },
                { "kb", "KiB" },     { "kib", "KiB" }, { "Ki", "KiB" },     { "M", "MiB" },
                { "m", "MiB" },      { "MB", "MiB" },  { "mb", "MiB" },     { "mib", "MiB" },
                { "Mi", "MiB" },     { "b", "B" },     { "bytes", "B" },    { "/sec", "/s" },
                { "/second", "/s" }, { "/min", "/m" }, { "/minute", "/m" }, { "/hour", "/h" },
                { "/day", "/d" },    { "r/s", "/s" },  { "r/m", "/m" },     { "rps", "/s" },
        };

        for (size_t i = 0; i < ARRAY_LEN(others); i++)
                if (span_eq_str(unit, others[i].is))
                        return others[i].meant;
        return NULL;
}

static const struct unit *unit_of(const struct unit *units, struct span name)
{
        for (; units->name; units++)
                if (span_eq_str(name, units->name))
                        return units;
        return NULL;
}

static bool wrong_unit(struct config_reader *r, const struct source_node *n, const char *wanted,
                       struct span digits, struct span unit, const struct unit *units)
{
        const char *other = other_unit(unit);

        if (unit.n == 0)
                lint_error(r->l, &n->mark, "%s should stand here: %.*s has no unit", wanted,
                           SHOWN(digits));
        else if (other && unit_of(units, span_str(other)))
                lint_error(r->l, &n->mark, "%s should stand here: did you mean %.*s%s?", wanted,
                           SHOWN(digits), other);
        else
                return refuse(r, n, wanted);
        return false;
}

/* Digits and a unit; *ret_times: what the unit stands for. */
static bool get_unit(struct config_reader *r, const struct source_node *n, const char *wanted,
                     const struct unit *units, uint64_t *ret, uint64_t *ret_times)
{
        const struct unit *u;
        struct span digits, unit;
        size_t at = 0;

        if (n->kind != SOURCE_STRING && n->kind != SOURCE_NUMBER)
                return refuse(r, n, wanted);
        while (at < n->text.n && n->text.p[at] >= '0' && n->text.p[at] <= '9')
                at++;
        digits = span_of(n->text.p, at);
        unit = span_from(n->text, at);
        if (at == 0 || text_to_u64(digits, ret) < 0)
                return refuse(r, n, wanted);
        u = unit_of(units, unit);
        if (!u)
                return wrong_unit(r, n, wanted, digits, unit, units);
        *ret_times = u->times;
        return true;
}

static bool in_range(struct config_reader *r, const struct source_node *n, const char *wanted,
                     bool fits, const char *min, const char *max)
{
        if (!fits)
                lint_error(r->l, &n->mark, "%s should stand here, from %s to %s", wanted, min, max);
        return fits;
}

/* With the largest unit that divides it. */
static void spell(uint64_t v, const struct unit *units, char out[32])
{
        const struct unit *best = units;

        for (; units->name; units++)
                if (v % units->times == 0 && v >= units->times)
                        best = units;
        snprintf(out, 32, "%llu%s", (unsigned long long)(v / best->times), best->name);
}

static bool get_scaled(struct config_reader *r, const struct source_node *n, const char *wanted,
                       const struct unit *units, uint64_t min, uint64_t max, uint64_t *ret)
{
        char least[32], most[32];
        uint64_t v, by;

        if (!get_unit(r, n, wanted, units, &v, &by))
                return false;
        spell(min, units, least);
        spell(max, units, most);
        if (!in_range(r, n, wanted, !__builtin_mul_overflow(v, by, &v) && v >= min && v <= max,
                      least, most))
                return false;
        *ret = v;
        return true;
}

bool config_get_ms(struct config_reader *r, const struct source_node *n, const char *wanted,
                   uint64_t min_ms, uint64_t max_ms, uint64_t *ret)
{
        return get_scaled(r, n, wanted, times, min_ms, max_ms, ret);
}

bool config_get_seconds(struct config_reader *r, const struct source_node *n, const char *wanted,
                        uint64_t min_s, uint64_t max_s, uint32_t *ret)
{
        uint64_t ms;

        if (!get_scaled(r, n, wanted, times, min_s * 1000, max_s * 1000, &ms))
                return false;
        if (ms % 1000) {
                lint_error(r->l, &n->mark, "%s should stand here, in whole seconds", wanted);
                return false;
        }
        *ret = (uint32_t)(ms / 1000);
        return true;
}

bool config_get_bytes(struct config_reader *r, const struct source_node *n, const char *wanted,
                      uint64_t min, uint64_t max, uint32_t *ret)
{
        uint64_t v;

        if (!get_scaled(r, n, wanted, sizes, min, max, &v))
                return false;
        *ret = (uint32_t)v;
        return true;
}

bool config_get_count(struct config_reader *r, const struct source_node *n, const char *wanted,
                      uint64_t min, uint64_t max, uint32_t *ret)
{
        char least[TEXT_U64_MAX + 1], most[TEXT_U64_MAX + 1];
        uint64_t v;

        if (n->kind != SOURCE_NUMBER || text_to_u64(n->text, &v) < 0)
                return refuse(r, n, wanted);
        text_u64(min, least);
        text_u64(max, most);
        if (!in_range(r, n, wanted, v >= min && v <= max, least, most))
                return false;
        *ret = (uint32_t)v;
        return true;
}

bool config_get_rate(struct config_reader *r, const struct source_node *n, const char *wanted,
                     uint64_t max, uint32_t *ret, uint32_t *ret_per_s)
{
        char most[TEXT_U64_MAX + 1];
        uint64_t v, per;

        if (!get_unit(r, n, wanted, rates, &v, &per))
                return false;
        text_u64(max, most);
        if (!in_range(r, n, wanted, v >= 1 && v <= max, "1", most))
                return false;
        *ret = (uint32_t)v;
        *ret_per_s = (uint32_t)per;
        return true;
}

/* ---- lists ---- */

static bool has(const struct span *list, uint32_t n, struct span s)
{
        for (uint32_t i = 0; i < n; i++)
                if (span_eq(list[i], s))
                        return true;
        return false;
}

bool config_get_texts(struct config_reader *r, const struct source_node *n, const char *wanted,
                      size_t max, const struct span **ret, uint32_t *ret_n)
{
        struct span *list;
        uint32_t have = 0;

        if (n->kind != SOURCE_LIST || n->n == 0)
                return refuse(r, n, wanted);
        if (n->n > max) {
                lint_error(r->l, &n->mark, "%s should stand here, %zu at most", wanted, max);
                return false;
        }
        list = arena_alloc(r->arena, n->n * sizeof *list);
        if (!list) {
                r->rc = -ENOMEM;
                return false;
        }
        for (const struct source_node *i = n->child; i; i = i->next) {
                struct span s;

                if (!config_get_text(r, i, wanted, CONFIG_TEXT_MAX, &s))
                        continue;
                if (has(list, have, s))
                        lint_error(r->l, &i->mark, "\"%.*s\" is there twice", SHOWN(s));
                else
                        list[have++] = s;
        }
        *ret = list;
        *ret_n = have;
        return have > 0;
}
