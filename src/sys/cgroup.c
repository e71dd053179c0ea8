/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cgroup.h"

#include "base/text.h"

enum { ID = 64 };

static bool ends_with(struct span s, struct span end)
{
        return s.n > end.n && span_eq(span_from(s, s.n - end.n), end);
}

/* What stands between them; empty: it does not begin and end so, or nothing is there. */
static struct span between(struct span s, struct span begin, struct span end)
{
        if (s.n <= begin.n + end.n || !span_starts(s, begin) || !ends_with(s, end))
                return SPAN_NONE;
        return span_of(s.p + begin.n, s.n - begin.n - end.n);
}

static bool is_one_of(struct span s, const struct span *of, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (span_eq(s, of[i]))
                        return true;
        return false;
}

/* ---- containers ---- */

static bool is_id(struct span s)
{
        if (s.n != ID)
                return false;
        for (size_t i = 0; i < ID; i++)
                if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
                        return false;
        return true;
}

static struct span by_id(struct span above, struct span part)
{
        static const struct span scope = SPAN_INIT(".scope"), conmon = SPAN_INIT("conmon");
        struct span engine, id;

        if (ends_with(part, scope))
                part.n -= scope.n;
        if (!part.p || part.n < ID)
                return SPAN_NONE;
        id = span_from(part, part.n - ID);
        engine = span_of(part.p, part.n - ID);
        if (!is_id(id))
                return SPAN_NONE;
        if (engine.n == 0) /* a pod, its containers are "libpod-ID" in it */
                return span_eq_str(above, "libpod_parent") ? SPAN_NONE : id;
        if (engine.p[engine.n - 1] != '-' && engine.p[engine.n - 1] != ':')
                return SPAN_NONE;
        engine.n--;
        return ends_with(engine, conmon) ? SPAN_NONE : id;
}

/* systemd.unit(5): what may not stand in a unit's name is "\xHH" there; machinectl(1) has the name
 * itself. */
static size_t unescape(uint8_t *p, size_t n)
{
        size_t to = 0;

        for (size_t i = 0; i < n; to++) {
                int high = -1, low = -1;

                if (n - i >= 4 && p[i] == '\\' && p[i + 1] == 'x') {
                        high = text_hex_digit(p[i + 2]);
                        low = text_hex_digit(p[i + 3]);
                }
                if (high >= 0 && low >= 0) {
                        p[to] = (uint8_t)(high << 4 | low);
                        i += 4;
                } else {
                        p[to] = p[i++];
                }
        }
        return to;
}

static struct span by_name(struct span above, struct span part, bool *ret_escaped)
{
        static const struct span makers[] = { SPAN_INIT("lxc"), SPAN_INIT("lxc.payload"),
                                              SPAN_INIT("buildkit") };
        static const struct {
                struct span begin, end;
                bool inside; /* the container is what lies in its group "payload" */
        } forms[] = {
                { SPAN_INIT("lxc.payload."), SPAN_INIT(""), false },
                { SPAN_INIT("runc-"), SPAN_INIT(".scope"), false },
                { SPAN_INIT("crun-"), SPAN_INIT(".scope"), false },
                { SPAN_INIT("systemd-nspawn@"), SPAN_INIT(".service"), true },
                { SPAN_INIT("machine-"), SPAN_INIT(".scope"), true },
        };
        bool is_payload = span_eq_str(part, "payload");
        struct span name = SPAN_NONE;

        *ret_escaped = false;
        if (is_one_of(above, makers, ARRAY_LEN(makers)))
                return part;
        for (size_t i = 0; i < ARRAY_LEN(forms) && name.n == 0; i++) {
                if (forms[i].inside && !is_payload)
                        continue;
                name = between(forms[i].inside ? above : part, forms[i].begin, forms[i].end);
                *ret_escaped = forms[i].inside;
        }
        return name;
}

/* The first one stays; of those in it the last. */
static void put_container(struct cgroup_names *n, struct span name, bool escaped)
{
        uint8_t *to = n->container + (n->outer_n ? n->outer_n + 1 : 0);
        size_t len = name.n;

        if (len == 0 || len > CGROUP_NAME_MAX || span_eq(name, span_of(n->container, n->outer_n)))
                return;
        memmove(to, name.p, len);
        if (escaped)
                len = unescape(to, len);
        if (!text_is_utf8(span_of(to, len), NULL)) { /* nothing that an entry could name */
                n->container_n = n->outer_n;
                return;
        }
        if (n->outer_n)
                n->container[n->outer_n] = '/';
        else
                n->outer_n = len;
        n->container_n = (size_t)(to - n->container) + len;
}

static void take_container(struct cgroup_names *n, struct span above, struct span part)
{
        struct span name = by_id(above, part);
        bool escaped = false;

        if (name.n == 0)
                name = by_name(above, part, &escaped);
        put_container(n, name, escaped);
}

void cgroup_within(struct cgroup_names *n, struct span container)
{
        const struct cgroup_names in = *n;
        struct span part, own = cgroup_container(&in);

        n->container_n = n->outer_n = 0;
        while (span_part(&container, &part))
                put_container(n, part, false);
        while (span_part(&own, &part))
                put_container(n, part, false);
}

/* ---- units ---- */

static bool is_unit(struct span part)
{
        static const struct span kinds[] = { SPAN_INIT(".service"), SPAN_INIT(".scope"),
                                             SPAN_INIT(".socket"), SPAN_INIT(".mount"),
                                             SPAN_INIT(".swap") };

        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                if (ends_with(part, kinds[i]))
                        return text_is_utf8(part, NULL);
        return false;
}

/* As much of it as may stand where a unit's name does. */
static struct span short_path(struct span path)
{
        if (path.n == 1)
                return SPAN_NONE;
        while (path.n > CGROUP_NAME_MAX) {
                const uint8_t *slash = memrchr(path.p, '/', path.n);

                path.n = slash ? (size_t)(slash - path.p) : 0;
        }
        return path;
}

void cgroup_names(struct span path, bool whole, struct cgroup_names *ret)
{
        static const struct span slice = SPAN_INIT(".slice");
        struct span rest = path, part, above = SPAN_NONE;
        bool in_other = !whole;

        ret->unit = SPAN_NONE;
        ret->nested = in_other;
        ret->container_n = ret->outer_n = 0;
        while (span_part(&rest, &part)) {
                take_container(ret, above, part);
                if (is_unit(part)) {
                        ret->unit = part;
                        ret->nested = in_other;
                }
                in_other = in_other || !ends_with(part, slice);
                above = part;
        }
        if (whole && ret->unit.n == 0 && ret->container_n == 0)
                ret->unit = short_path(path);
}
