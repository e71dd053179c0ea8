/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/mount_list.h"

#include "monitor/builtin.h"
#include "state/reading/fields.h"

#include <stdlib.h>

void mount_list_done(struct mount_list *l)
{
        free(l->text);
        *l = (struct mount_list){ 0 };
}

void mount_list_take(struct mount_list *l, uint8_t *text, size_t n)
{
        struct field_lines lines = { .rest = span_of(text, n) };
        struct span line;

        mount_list_done(l);
        l->text = text;
        while (l->n < MOUNT_LIST_MAX && field_line(&lines, &line))
                l->n += mount_line_split(line, &l->at[l->n]);
        l->cut = lines.rest.n > 0;
}

/* ---- what is not as on the host ---- */

/* What of point lies below at: false when it does not.  *ret begins with a slash, or is empty. */
static bool is_below(struct span point, struct span at, struct span *ret)
{
        if (span_eq_str(at, "/")) {
                *ret = span_eq_str(point, "/") ? SPAN_NONE : point;
                return true;
        }
        if (!span_starts(point, at) || (point.n > at.n && point.p[at.n] != '/'))
                return false;
        *ret = span_from(point, at.n);
        return true;
}

/* The one that shows at this point: of the deepest the last. */
static const struct mount_line *covering(const struct mount_list *host, struct span point,
                                         struct span *ret_below)
{
        const struct mount_line *found = NULL;
        struct span below;

        for (const struct mount_line *m = host->at; m < host->at + host->n; m++) {
                if (!is_below(point, m->point, &below) || (found && m->point.n < found->point.n))
                        continue;
                found = m;
                *ret_below = below;
        }
        return found;
}

static bool has_option(struct span options, const char *name)
{
        struct span option;

        while (field_cut(&options, ',', &option))
                if (span_eq_str(option, name))
                        return true;
        return false;
}

static bool is_root_of(struct span root, struct span above, struct span below)
{
        if (span_eq_str(above, "/"))
                return below.n ? span_eq(root, below) : span_eq_str(root, "/");
        return root.n == above.n + below.n && span_starts(root, above) &&
               span_eq(span_from(root, above.n), below);
}

bool mount_list_shows(const struct mount_list *host, const struct mount_line *m)
{
        static const char *const taking[] = { "ro", "nosuid", "nodev", "noexec" };
        struct span below = SPAN_NONE;
        const struct mount_line *there = covering(host, m->point, &below);

        if (!there || !span_eq(there->dev, m->dev) || !is_root_of(m->root, there->root, below))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(taking); i++)
                if (has_option(there->options, taking[i]) && !has_option(m->options, taking[i]))
                        return false;
        return true;
}

/* ---- a line of it ---- */

static size_t layer_of(const struct mount_list *l, size_t i)
{
        size_t layer = 1;

        for (size_t k = 0; k < i; k++)
                layer += span_eq(l->at[k].point, l->at[i].point);
        return layer;
}

void mount_list_put(const struct mount_list *l, size_t i, const struct mount_owner *of,
                    struct buf *out)
{
        const struct mount_line *m = &l->at[i];

        builtin_field(out, SPAN("mount"));
        builtin_number(out, of->inode);
        builtin_field(out, of->name);
        builtin_number(out, of->nth);
        builtin_number(out, layer_of(l, i));
        builtin_number(out, of->pid);
        builtin_field(out, m->root);
        builtin_field(out, m->point);
        builtin_field(out, m->options);
        builtin_field(out, m->type);
        builtin_field(out, m->source);
        builtin_end(out);
}
