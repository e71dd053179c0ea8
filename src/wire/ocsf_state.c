/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_state.c - what changes of a table of the host's state are told as, where the schema has more
 * to say of them than that a configuration changed: an account that was made, a module loaded, a
 * port opened.
 *
 * A table is one block at its place in the alphabet; all others are of the kind's own class.  Rows
 * are filled from columns of the row as it is, else as it was; those of tables that name people are
 * sealed, and told only when they are disclosed. */
#include "wire/ocsf_priv.h"

/* ---- columns ---- */

/* A list of [column, value]. */
static bool find_pair(struct json_value list, const char *column, struct json_value *ret)
{
        struct json_iter pairs = json_iter_of(list), pair;
        struct json_value item, name;
        struct span text;

        if (list.type != JSON_ARRAY)
                return false;
        while (json_next(&pairs, NULL, &item)) {
                if (item.type != JSON_ARRAY)
                        continue;
                pair = json_iter_of(item);
                if (json_next(&pair, NULL, &name) && json_value_plain(name, &text) &&
                    span_eq_str(text, column))
                        return json_next(&pair, NULL, ret);
        }
        return false;
}

static bool find_column(const struct ocsf_event *e, const char *column, struct json_value *ret)
{
        static const char *const states[] = { "new", "old" };
        const struct ocsf_value *open[] = { ocsf_find(e, "what.new"), ocsf_find(e, "what.old") };
        const struct ocsf_value *sealed = ocsf_find(e, "what.row");
        struct json_value list;

        for (size_t i = 0; i < ARRAY_LEN(states); i++) {
                if (open[i] && find_pair(open[i]->json, column, ret))
                        return true;
                if (sealed && sealed->json.type == JSON_OBJECT &&
                    json_get(sealed->json, states[i], &list) && find_pair(list, column, ret))
                        return true;
        }
        return false;
}

/* Of a column that row->text names, as text; where it cannot be told and the schema wants one
 * (row->number), "unknown".  All of it is in unmapped as well. */
static enum ocsf_said put_column(struct ocsf_event *e, const struct ocsf_row *row,
                                 const struct ocsf_value *v)
{
        struct ocsf_value column = { .there = true };
        (void)v;

        if (find_column(e, row->text, &column.json) &&
            ocsf_put_string(e, row, &column) != OCSF_NOTHING)
                return OCSF_PARTLY;
        if (!row->number)
                return OCSF_NOTHING;
        buf_put(e->out, SPAN("\"unknown\""));
        return OCSF_PARTLY;
}

static enum ocsf_said put_base_of(struct ocsf_event *e, const struct ocsf_row *row,
                                  const struct ocsf_value *v)
{
        static const struct ocsf_row unknown = { .text = "unknown" };
        struct ocsf_value column = { .there = true };
        (void)v;

        return ocsf_put_base(e, &unknown, find_column(e, row->text, &column.json) ? &column : NULL);
}

static enum ocsf_said put_ip_of(struct ocsf_event *e, const struct ocsf_row *row,
                                const struct ocsf_value *v)
{
        struct ocsf_value column = { .there = true };
        (void)v;

        return find_column(e, row->text, &column.json) ? ocsf_put_ip(e, row, &column)
                                                       : OCSF_NOTHING;
}

static enum ocsf_said put_port_of(struct ocsf_event *e, const struct ocsf_row *row,
                                  const struct ocsf_value *v)
{
        struct json_value port;
        int64_t n;
        (void)v;

        if (!find_column(e, row->text, &port) || !json_value_int(port, &n) || n < 0 || n > 65535)
                return OCSF_NOTHING;
        buf_printf(e->out, "%d", (int)n);
        return OCSF_PARTLY;
}

/* ---- tables ---- */

/* clang-format off */

#define COLUMN(at, name) { .path = (at), .put = put_column, .text = (name) }
#define NEEDED(at, name) { .path = (at), .put = put_column, .text = (name), .number = 1 }
#define ACTS(added, changed, removed) \
        { .field = "what.change", \
          .words = (const struct ocsf_word[]){ { "added", (added), NULL }, \
                                               { "changed", (changed), NULL }, \
                                               { "removed", (removed), NULL }, \
                                               { NULL, 99, NULL } } }
#define LOW ALWAYS(2)
#define ALWAYS(id) \
        { .words = (const struct ocsf_word[]){ { NULL, (id), NULL } } }
#define HERE(at) FROM(at, text, "src.host", .when = OCSF_EVEN_ABSENT, .text = "unknown")
#define RUNS(name) \
        COLUMN("job.job_actions[].cmd_line", (name)), \
        SAYS("job.job_actions[].type", "Execute"), \
        IS("job.job_actions[].type_id", 2)
#define USER(name) NEEDED("user.name", (name))

const struct ocsf_map ocsf_state_maps[] = {
        { .kind = "authorized_keys", .class_uid = 3007, .activity = ACTS(18, 2, 19),
          .severity = LOW, .rows = OCSF_ROWS(USER("user")) },

        { .kind = "cron", .class_uid = 1006, .activity = ACTS(1, 2, 3), .severity = LOW,
          .rows = OCSF_ROWS(RUNS("command"), NEEDED("job.name", "command"),
                            COLUMN("job.user.name", "user")) },

        { .kind = "groups", .class_uid = 3006, .activity = ACTS(6, 9, 5), .severity = LOW,
          .rows = OCSF_ROWS(NEEDED("group.name", "name"), COLUMN("group.uid", "gid")) },

        { .kind = "hardware", .class_uid = 1010, .activity = ACTS(1, 99, 2), .severity = LOW,
          .rows = OCSF_ROWS(COLUMN("peripheral_device.model", "model"),
                            NEEDED("peripheral_device.name", "slot"),
                            COLUMN("peripheral_device.serial_number", "serial"),
                            COLUMN("peripheral_device.uid", "id"),
                            COLUMN("peripheral_device.vendor_name", "vendor")) },

        { .kind = "logins", .class_uid = 3002, .activity = ACTS(1, 99, 2), .severity = LOW,
          .rows = OCSF_ROWS(HERE("dst_endpoint.hostname"),
                            { .path = "src_endpoint.ip", .put = put_ip_of, .text = "from",
                              .observable = 2 },
                            USER("user")) },

        { .kind = "modules", .class_uid = 1002, .activity = ACTS(1, 99, 2), .severity = LOW,
          .rows = OCSF_ROWS(NEEDED("driver.file.name", "name"),
                            SAYS("driver.file.type", "Unknown"),
                            IS("driver.file.type_id", 0)) },

        { .kind = "namespace_ports", .class_uid = 4001, .activity = ACTS(7, 99, 2), .severity = LOW,
          .rows = OCSF_ROWS(HERE("dst_endpoint.hostname"),
                            { .path = "dst_endpoint.ip", .put = put_ip_of, .text = "address",
                              .observable = 2 },
                            { .path = "dst_endpoint.port", .put = put_port_of, .text = "port" }) },

        { .kind = "packages", .class_uid = 6002, .activity = ACTS(1, 8, 2), .severity = LOW,
          .rows = OCSF_ROWS(NEEDED("app.name", "name"),
                            SAYS("app.vendor_name", "Debian package"),
                            COLUMN("app.version", "version")) },

        { .kind = "passwords", .class_uid = 3007, .activity = ACTS(2, 2, 2), .severity = LOW,
          .rows = OCSF_ROWS(USER("user")) },

        { .kind = "pg_roles", .class_uid = 3007, .activity = ACTS(1, 2, 3), .severity = LOW,
          .rows = OCSF_ROWS(USER("name")) },

        { .kind = "ports", .class_uid = 4001, .activity = ACTS(7, 99, 2), .severity = LOW,
          .rows = OCSF_ROWS(HERE("dst_endpoint.hostname"),
                            { .path = "dst_endpoint.ip", .put = put_ip_of, .text = "address",
                              .observable = 2 },
                            { .path = "dst_endpoint.port", .put = put_port_of, .text = "port" }) },

        { .kind = "suid", .class_uid = 1001, .activity = ACTS(7, 7, 7), .severity = LOW,
          .rows = OCSF_ROWS({ .path = "file.name", .put = put_base_of, .text = "path",
                              .observable = 7 },
                            { .path = "file.path", .put = put_column, .text = "path",
                              .observable = 45 },
                            SAYS("file.type", "Regular File"),
                            IS("file.type_id", 1)) },

        { .kind = "timers", .class_uid = 1006, .activity = ACTS(1, 2, 3), .severity = LOW,
          .rows = OCSF_ROWS(RUNS("executes"), NEEDED("job.name", "name")) },

        { .kind = "users", .class_uid = 3007, .activity = ACTS(1, 2, 3), .severity = LOW,
          .rows = OCSF_ROWS(USER("name"), COLUMN("user.uid", "uid")) },
};
/* clang-format on */

const size_t ocsf_state_count = ARRAY_LEN(ocsf_state_maps);

/* A table of a target has its name behind a dot: pg_roles.orders. */
const struct ocsf_map *ocsf_state_find(const struct ocsf_event *e)
{
        const struct ocsf_value *v = ocsf_find(e, "what.table");
        const uint8_t *dot;
        struct span name;

        if (!v || v->b64 || !json_value_plain(v->json, &name))
                return NULL;
        dot = name.n ? memchr(name.p, '.', name.n) : NULL;
        if (dot)
                name.n = (size_t)(dot - name.p);
        for (size_t i = 0; i < ARRAY_LEN(ocsf_state_maps); i++)
                if (span_eq_str(name, ocsf_state_maps[i].kind))
                        return &ocsf_state_maps[i];
        return NULL;
}
