/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded modules of the kernel: /proc/modules (proc(5)): name size users dependents state address,
 * and at times "(OE)"; /sys/module/NAME/taint and initstate (Documentation/ABI/testing/sysfs-module
 * and admin-guide/tainted-kernels.rst of the kernel).
 *
 * initstate is there for what was loaded and not for what is built in, so a module that has it and
 * is not in /proc/modules hides.  That list is read before and after, for one that comes or goes
 * meanwhile.  A kernel that can check signatures has sig_enforce, and marks with E what has none.
 */
#include "state/reading/fields.h"
#include "state/reading/index.h"
#include "state/rows/row.h"
#include "state/tables.h"

#define LIST     "/proc/modules"
#define SYS      "/sys/module/"
#define ENFORCED SYS "module/parameters/sig_enforce"

static const struct state_column columns[] = {
        { "listed", STATE_BOOL, 0, "false: the kernel has it, and its list of modules has not" },
        { "name", STATE_TEXT, STATE_KEY, "name of the module" },
        { "signed", STATE_BOOL, 0,
          "with a signature that the kernel knows; absent: it checks none" },
        { "size", STATE_INT, STATE_LOOSE, "bytes of memory" },
        { "taint", STATE_TEXT, 0, "what it taints the kernel with: P, O, E...; empty: nothing" },
        { "used_by", STATE_LIST, STATE_LOOSE, "modules that need it" },
};

static const struct state_source sources[] = {
        { STATE_KERNEL, 0, LIST },           { STATE_KERNELS, 0, SYS "*/initstate" },
        { STATE_KERNELS, 0, SYS "*/taint" }, { STATE_KERNEL, 0, ENFORCED },
        { STATE_KERNEL, 0, LIST },           { STATE_BUILTIN, STATE_WAKES, "devices" },
};

struct modules {
        struct index listed, loaded, taint; /* by name: line, nothing, letters */
        bool checks_signatures;
};

/* NAME of /sys/module/NAME/file. */
static bool name_below(struct span path, const char *file, struct span *ret)
{
        struct span base = field_base(path);

        if (!span_starts(path, SPAN(SYS)) || !span_eq_str(base, file))
                return false;
        path = span_from(path, strlen(SYS));
        *ret = span_of(path.p, path.n - base.n);
        if (ret->n < 2 || memchr(ret->p, '/', ret->n - 1))
                return false;
        ret->n--;
        return true;
}

static void note_list(struct modules *m, const struct state_part *p)
{
        struct field_lines lines = { .rest = p->bytes };
        struct span line, rest, name;

        while (field_line(&lines, &line)) {
                rest = line;
                if (field_word(&rest, &name))
                        index_add(&m->listed, name, rest);
        }
}

static void note(struct modules *m, const struct state_part *p)
{
        struct span name;

        if (span_eq_str(p->name, LIST))
                note_list(m, p);
        else if (name_below(p->name, "initstate", &name))
                index_add(&m->loaded, name, SPAN_NONE);
        else if (name_below(p->name, "taint", &name))
                index_add(&m->taint, name, p->bytes);
        else if (span_eq_str(p->name, ENFORCED))
                m->checks_signatures = true;
}

/* " size users a,b,[permanent], state address": what the list says besides the name. */
static bool put_line(struct state_out *out, struct span rest)
{
        struct span size, users, by, user;
        uint64_t n;

        if (!field_word(&rest, &size) || !field_number(size, &n) || !field_word(&rest, &users) ||
            !field_word(&rest, &by))
                return false;
        state_u64(out, "size", n);
        state_no_items(out, "used_by");
        while (field_cut(&by, ',', &user))
                if (user.n && !span_eq_str(user, "-") && user.p[0] != '[')
                        state_item(out, "used_by", user);
        return true;
}

static int put(struct state_out *out, const struct modules *m, struct span name, bool listed)
{
        static const struct state_part list = { .name = SPAN_INIT(LIST) };
        struct span taint = index_value(&m->taint, name);

        while (taint.n && (taint.p[taint.n - 1] == '\n' || taint.p[taint.n - 1] == ' '))
                taint.n--;
        state_begin(out);
        state_text(out, "name", name);
        state_bool(out, "listed", listed);
        if (index_has(&m->taint, name)) {
                state_text(out, "taint", taint);
                if (m->checks_signatures)
                        state_bool(out, "signed", !taint.n || !memchr(taint.p, 'E', taint.n));
        }
        if (listed && !put_line(out, index_value(&m->listed, name)))
                return state_fault(out, &list, 0, "a line is not name, size and users");
        return state_end(out);
}

static int put_all(struct state_out *out, struct modules *m)
{
        int rc = index_sort(&m->listed);

        if (rc == 0)
                rc = index_sort(&m->loaded);
        if (rc == 0)
                rc = index_sort(&m->taint);
        for (size_t i = 0; i < m->listed.n && rc == 0; i++)
                if (i == 0 || !span_eq(m->listed.at[i].key, m->listed.at[i - 1].key))
                        rc = put(out, m, m->listed.at[i].key, true);
        for (size_t i = 0; i < m->loaded.n && rc == 0; i++)
                if (!index_has(&m->listed, m->loaded.at[i].key) &&
                    (i == 0 || !span_eq(m->loaded.at[i].key, m->loaded.at[i - 1].key)))
                        rc = put(out, m, m->loaded.at[i].key, false);
        return rc;
}

/* A kernel without modules has no list of them. */
static int read_modules(struct state_in *in, struct state_out *out, struct err *err)
{
        struct modules m = { .listed = INDEX_INIT, .loaded = INDEX_INIT, .taint = INDEX_INIT };
        struct state_part p;
        int rc;

        while (state_next(in, &p))
                if (state_readable(out, &p, STATE_MAY_BE_ABSENT))
                        note(&m, &p);
        rc = put_all(out, &m);
        index_done(&m.listed);
        index_done(&m.loaded);
        index_done(&m.taint);
        if (rc < 0 && !out->failed)
                return err_sys(err, rc, "modules");
        return out->failed;
}

const struct state_table state_modules = {
        .name = "modules",
        .alert = "added signed taint",
        .about = "modules loaded into the kernel",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 10,
        .read = read_modules,
};
