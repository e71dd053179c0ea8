/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/settings.h"

#include "base/text.h"
#include "state/reading/fields.h"

extern const uint8_t state_yaml[]; /* packaging/state.yaml */
extern const size_t state_yaml_n;

struct span state_file_shipped(void)
{
        return span_of(state_yaml, state_yaml_n);
}

bool state_given_text_ok(struct span text)
{
        for (size_t i = 0; i < text.n; i++)
                if (text.p[i] < ' ' || text.p[i] == 0x7f)
                        return false;
        return text.n > 0 && text.n <= STATE_SETTING_MAX && text_is_utf8(text, NULL);
}

static bool is_one_of(const char *choices, struct span value)
{
        struct span rest = span_str(choices), one;

        while (field_cut(&rest, '|', &one))
                if (span_eq(one, value))
                        return true;
        return false;
}

/* No dash in front, for it would be an option of the program that gets it. */
static const char *text_wrong(struct span value)
{
        if (!state_given_text_ok(value))
                return "a text of 1 to 1024 bytes without control characters";
        return value.p[0] == '-' ? "a text that does not begin with a dash" : NULL;
}

const char *state_setting_wrong(const struct state_setting *s, struct span value)
{
        const char *wrong = text_wrong(value);
        uint64_t n;

        if (wrong)
                return wrong;
        switch (s->type) {
        case SETTING_TEXT:
        case SETTING_TEXTS:
                return NULL;
        case SETTING_FILE:
                return value.p[0] == '/' ? NULL : "an absolute path";
        case SETTING_PORT:
                return field_number(value, &n) && n > 0 && n <= UINT16_MAX ? NULL
                                                                           : "a port, 1 to 65535";
        case SETTING_CHOICE:
                return is_one_of(s->choices, value) ? NULL : s->choices;
        }
        return NULL;
}

const struct state_setting *state_setting_by_name(const struct state_table *t, struct span name)
{
        for (size_t i = 0; i < t->n_settings; i++)
                if (span_eq_str(name, t->settings[i].name))
                        return &t->settings[i];
        return NULL;
}

const struct state_value *state_value_of(const struct state_value *values, size_t n,
                                         const char *key)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(values[i].setting->name, key) == 0)
                        return &values[i];
        return NULL;
}

const char *state_settings_wrong(const struct state_table *t, const struct state_value *values,
                                 size_t n, const struct state_value **ret_at)
{
        return t->settings_wrong ? t->settings_wrong(values, n, ret_at) : NULL;
}

bool state_target_name_ok(struct span name)
{
        for (size_t i = 0; i < name.n; i++) {
                uint8_t c = name.p[i];

                if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      (i > 0 && (c == '-' || c == '_'))))
                        return false;
        }
        return name.n > 0 && name.n <= STATE_TARGET_NAME_MAX;
}

bool state_is_given(const struct state_part *p)
{
        return span_eq_str(p->name, STATE_GIVEN_NAME);
}

bool state_given_next(struct span *rest, struct span *ret_key, struct span *ret_value)
{
        struct span line;

        if (!field_cut(rest, '\n', &line))
                return false;
        if (!field_cut(&line, '\t', ret_key))
                *ret_key = SPAN_NONE;
        *ret_value = line;
        return true;
}

struct span state_given(struct span text, const char *key)
{
        struct span k, v;

        while (state_given_next(&text, &k, &v))
                if (span_eq_str(k, key))
                        return v;
        return SPAN_NONE;
}
