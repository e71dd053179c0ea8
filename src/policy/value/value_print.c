/* SPDX-License-Identifier: Apache-2.0 */
/* value_print.c - values as expressions that make them.  Floor 2, pure. */
#include <inttypes.h>

#include "policy/parse/token.h"
#include "policy/print/print.h"
#include "policy/value/extension.h"

static void put_items(const struct cedar_value *v, struct buf *out)
{
        buf_put_byte(out, '[');
        for (uint32_t i = 0; i < v->n; i++) {
                if (i > 0)
                        buf_put_str(out, ", ");
                cedar_value_print(&v->items[i], out);
        }
        buf_put_byte(out, ']');
}

static void put_fields(const struct cedar_value *v, struct buf *out)
{
        buf_put_byte(out, '{');
        for (uint32_t i = 0; i < v->n; i++) {
                if (i > 0)
                        buf_put_str(out, ", ");
                if (cedar_is_ident(v->fields[i].key))
                        buf_put(out, v->fields[i].key);
                else
                        cedar_print_string(v->fields[i].key, out);
                buf_put_str(out, ": ");
                cedar_value_print(&v->fields[i].value, out);
        }
        buf_put_byte(out, '}');
}

static void put_extension(const struct cedar_value *v, struct buf *out)
{
        switch ((enum cedar_kind)v->kind) {
        case CEDAR_DECIMAL:
                buf_put_str(out, "decimal(\"");
                cedar_decimal_print(v->number, out);
                break;
        case CEDAR_IP:
                buf_put_str(out, "ip(\"");
                cedar_ip_print(v->ip, out);
                break;
        case CEDAR_DATETIME:
                buf_put_str(out, "datetime(\"");
                if (cedar_datetime_has_spelling(v->number)) {
                        cedar_datetime_print(v->number, out);
                        break;
                }
                buf_put_str(out, "1970-01-01\").offset(duration(\"");
                cedar_duration_print(v->number, out);
                buf_put_str(out, "\"))");
                return;
        default:
                buf_put_str(out, "duration(\"");
                cedar_duration_print(v->number, out);
        }
        buf_put_str(out, "\")");
}

void cedar_value_print(const struct cedar_value *v, struct buf *out)
{
        switch ((enum cedar_kind)v->kind) {
        case CEDAR_BOOL:
                buf_put_str(out, v->boolean ? "true" : "false");
                break;
        case CEDAR_LONG:
                buf_printf(out, "%" PRId64, v->number);
                break;
        case CEDAR_STRING:
                cedar_print_string(cedar_string_span(v), out);
                break;
        case CEDAR_ENTITY:
                cedar_print_uid(v->uid, out);
                break;
        case CEDAR_SET:
                put_items(v, out);
                break;
        case CEDAR_RECORD:
                put_fields(v, out);
                break;
        case CEDAR_DECIMAL:
        case CEDAR_IP:
        case CEDAR_DATETIME:
        case CEDAR_DURATION:
                put_extension(v, out);
                break;
        }
}
