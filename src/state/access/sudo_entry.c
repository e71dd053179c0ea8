/* SPDX-License-Identifier: Apache-2.0 */
#include "state/access/sudo_entry.h"

#include "state/reading/fields.h"

enum {
        ALIAS_DEPTH_MAX = 16,
        ITEMS_MAX = 4000, /* of one list with its aliases resolved */
        OPTIONS_MAX = 12,
        TAGS_MAX = 12,
};

/* What a rule's commands share. */
struct group {
        struct span users, hosts, run_as;
        bool has_run_as;
        struct span tags[TAGS_MAX];
        size_t n_tags;
        struct span options[OPTIONS_MAX]; /* NAME=value as written */
        size_t n_options;
        struct span commands;
        uint32_t line;
};

int sudo_fault(struct sudo_reading *r, uint32_t line, const char *what)
{
        return r->out ? state_fault(r->out, r->part, line, "%s", what) : 0;
}

/* The rest of the line is not looked at. */
static int broken(struct sudo_reading *r, struct sudoers *s, uint32_t line, const char *what)
{
        while (!sudoers_at_end(s))
                s->rest = span_from(s->rest, 1);
        return sudo_fault(r, line, what);
}

/* ---- values ---- */

static void put_item(struct sudo_reading *r, const char *column, struct span text, bool negated)
{
        struct buf b = BUF_INIT(STATE_ROW_MAX);

        if (negated)
                buf_put_byte(&b, '!');
        sudoers_put(&b, text);
        state_item(r->out, column, buf_span(&b));
        state_memory(r->out, &b);
        buf_done(&b);
}

/* Each item of a list, for an alias what it stands for.  False: more than ITEMS_MAX, or aliases
 * that go round in circles. */
static bool put_list(struct sudo_reading *r, const char *column, enum sudoers_sort sort,
                     struct span list, bool negated, unsigned depth, unsigned *items)
{
        struct sudoers s = { .rest = list };
        struct sudoers_list l = { .s = &s, .commands = sort == SUDOERS_COMMANDS };
        struct sudoers_item item;

        if (depth > ALIAS_DEPTH_MAX)
                return false;
        while (sudoers_item(&l, &item)) {
                const struct sudoers_alias *a = sudoers_alias_of(&r->aliases, sort, item.text);
                bool no = negated != item.negated;

                if (++*items > ITEMS_MAX)
                        return false;
                if (!a)
                        put_item(r, column, item.text, no);
                else if (!put_list(r, column, sort, a->list, no, depth + 1, items))
                        return false;
        }
        return true;
}

static bool resolve(struct sudo_reading *r, const char *column, enum sudoers_sort sort,
                    struct span list)
{
        unsigned items = 0;

        state_no_items(r->out, column);
        return put_list(r, column, sort, list, false, 0, &items);
}

/* (users:groups), either of which may be missing; nothing at all is root. */
static bool put_run_as(struct sudo_reading *r, const struct group *g)
{
        struct sudoers s = { .rest = g->run_as };
        struct span users = SPAN_NONE, groups = SPAN_NONE;

        if (!g->has_run_as) {
                state_item(r->out, "run_as", SPAN("root"));
                return true;
        }
        (void)sudoers_list(&s, false, &users);
        if (sudoers_take(&s, ':'))
                (void)sudoers_list(&s, false, &groups);
        return sudoers_at_end(&s) && resolve(r, "run_as", SUDOERS_RUNAS, users) &&
               resolve(r, "groups", SUDOERS_RUNAS, groups);
}

static void put_spec(struct sudo_reading *r, const struct group *g)
{
        struct buf b = BUF_INIT(STATE_ROW_MAX);

        sudoers_put(&b, g->hosts);
        buf_put_str(&b, " = ");
        if (g->has_run_as) {
                buf_put_byte(&b, '(');
                sudoers_put(&b, g->run_as);
                buf_put_str(&b, ") ");
        }
        sudoers_put(&b, g->commands);
        state_text(r->out, "spec", buf_span(&b));
        state_memory(r->out, &b);
        buf_done(&b);
}

static void put_text(struct sudo_reading *r, const char *column, struct span text)
{
        struct buf b = BUF_INIT(STATE_ROW_MAX);

        sudoers_put(&b, text);
        state_text(r->out, column, buf_span(&b));
        state_memory(r->out, &b);
        buf_done(&b);
}

static void begin(struct sudo_reading *r, const char *kind, uint32_t line)
{
        state_begin(r->out);
        state_str(r->out, "kind", kind);
        state_text(r->out, "file", r->part->name);
        state_u64(r->out, "line", line);
}

/* ---- rules ---- */

static const char *const tag_names[] = { "EXEC",      "NOEXEC",      "FOLLOW",     "NOFOLLOW",
                                         "MAIL",      "NOMAIL",      "INTERCEPT",  "NOINTERCEPT",
                                         "PASSWD",    "NOPASSWD",    "SETENV",     "NOSETENV",
                                         "LOG_INPUT", "NOLOG_INPUT", "LOG_OUTPUT", "NOLOG_OUTPUT" };
static const char *const option_names[] = { "ROLE",     "TYPE",       "APPARMOR_PROFILE",
                                            "PRIVS",    "LIMITPRIVS", "NOTBEFORE",
                                            "NOTAFTER", "TIMEOUT",    "CWD",
                                            "CHROOT" };

static bool is_one_of(struct span s, const char *const *names, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (span_eq_str(s, names[i]))
                        return true;
        return false;
}

static struct span tag_subject(struct span tag)
{
        return span_starts(tag, SPAN("NO")) ? span_from(tag, 2) : tag;
}

/* A tag takes the place of its opposite. */
static void set_tag(struct group *g, struct span tag)
{
        size_t i = 0;

        while (i < g->n_tags && !span_eq(tag_subject(g->tags[i]), tag_subject(tag)))
                i++;
        assert(i < TAGS_MAX);
        g->tags[i] = tag;
        g->n_tags = MAX_OF(g->n_tags, i + 1);
}

static struct span option_name(struct span option)
{
        struct span name = option;

        (void)field_cut(&option, '=', &name);
        return field_trim(name);
}

static void set_option(struct group *g, struct span option)
{
        size_t i = 0;

        while (i < g->n_options && !span_eq(option_name(g->options[i]), option_name(option)))
                i++;
        assert(i < OPTIONS_MAX);
        g->options[i] = option;
        g->n_options = MAX_OF(g->n_options, i + 1);
}

/* What is before a command: NAME=value, TAG:.  False: neither; nothing is taken then. */
static bool take_prefix(struct sudoers *s, struct group *g)
{
        struct sudoers before;
        struct span word, value;

        sudoers_skip(s);
        before = *s;
        if (!sudoers_word(s, &word)) {
                *s = before;
                return false;
        }
        if (is_one_of(word, tag_names, ARRAY_LEN(tag_names)) && sudoers_take(s, ':')) {
                set_tag(g, word);
                return true;
        }
        if (is_one_of(word, option_names, ARRAY_LEN(option_names)) && sudoers_take(s, '=') &&
            sudoers_word(s, &value)) {
                set_option(g, span_of(word.p, (size_t)(value.p + value.n - word.p)));
                return true;
        }
        *s = before;
        return false;
}

static int put_rule(struct sudo_reading *r, const struct group *g)
{
        bool nopasswd = false;

        if (!r->out)
                return 0;
        begin(r, "rule", g->line);
        put_text(r, "name", g->users);
        put_spec(r, g);
        for (size_t i = 0; i < g->n_tags; i++) {
                state_item(r->out, "tags", g->tags[i]);
                nopasswd |= span_eq_str(g->tags[i], "NOPASSWD");
        }
        state_bool(r->out, "nopasswd", nopasswd);
        for (size_t i = 0; i < g->n_options; i++)
                put_item(r, "options", g->options[i], false);
        if (!put_run_as(r, g) || !resolve(r, "users", SUDOERS_USERS, g->users) ||
            !resolve(r, "hosts", SUDOERS_HOSTS, g->hosts) ||
            !resolve(r, "commands", SUDOERS_COMMANDS, g->commands))
                return sudo_fault(r, g->line, "a list that cannot be resolved");
        return state_end(r->out);
}

/* (users:groups): 1 taken, 0 there is none, -EINVAL. */
static int take_run_as(struct sudoers *s, struct group *g)
{
        const uint8_t *start;
        struct span list;

        if (!sudoers_take(s, '('))
                return 0;
        start = s->rest.p;
        (void)sudoers_list(s, false, &list);
        if (sudoers_take(s, ':'))
                (void)sudoers_list(s, false, &list);
        if (!sudoers_take(s, ')'))
                return -EINVAL;
        g->run_as = span_of(start, (size_t)(s->rest.p - start) - 1);
        g->has_run_as = true;
        return 1;
}

/* Commands of one host list, a row for each run of them that shares what is before it. */
static int read_commands(struct sudo_reading *r, struct sudoers *s, struct group *g)
{
        const uint8_t *from = NULL;
        struct sudoers_item item;
        int rc = 0;

        do {
                struct group next = *g;
                int run_as = take_run_as(s, &next);
                bool other = run_as > 0;
                struct sudoers_list one = { .s = s, .commands = true };

                if (run_as < 0)
                        return broken(r, s, s->line, "users to run as that are not understood");
                while (take_prefix(s, &next))
                        other = true;
                if (other && from)
                        rc = put_rule(r, g);
                if (rc < 0)
                        return rc;
                if (other || !from) {
                        *g = next;
                        sudoers_skip(s);
                        from = s->rest.p;
                        g->line = s->line;
                }
                if (!sudoers_item(&one, &item))
                        return broken(r, s, s->line, "no command where one must be");
                g->commands = span_of(from, (size_t)(item.text.p + item.text.n - from));
                if (one.ended)
                        break;
        } while (1);
        return put_rule(r, g);
}

static int read_rule(struct sudo_reading *r, struct sudoers *s)
{
        uint32_t line = s->line;
        struct span users, hosts;
        int rc;

        if (!sudoers_list(s, false, &users))
                return broken(r, s, line, "neither a rule nor anything else");
        do {
                struct group g = { .users = users };

                if (!sudoers_list(s, false, &hosts) || !sudoers_take(s, '='))
                        return broken(r, s, line, "a rule without hosts and '='");
                g.hosts = hosts;
                rc = read_commands(r, s, &g);
        } while (rc == 0 && sudoers_take(s, ':'));
        if (rc == 0 && !sudoers_at_end(s))
                rc = broken(r, s, s->line, "more than a rule");
        return rc;
}

/* ---- aliases ---- */

static const struct {
        const char *word, *kind;
        enum sudoers_sort sort;
} alias_words[] = {
        { "User_Alias", "user_alias", SUDOERS_USERS },
        { "Runas_Alias", "runas_alias", SUDOERS_RUNAS },
        { "Host_Alias", "host_alias", SUDOERS_HOSTS },
        { "Cmnd_Alias", "cmnd_alias", SUDOERS_COMMANDS },
        { "Cmd_Alias", "cmnd_alias", SUDOERS_COMMANDS },
};

static int put_alias(struct sudo_reading *r, const char *kind, const struct sudoers_alias *a,
                     uint32_t line)
{
        struct sudoers s = { .rest = a->list };
        struct sudoers_list l = { .s = &s, .commands = a->sort == SUDOERS_COMMANDS };
        struct sudoers_item item;

        if (!r->out)
                return sudoers_alias_add(&r->aliases, a);
        begin(r, kind, line);
        state_text(r->out, "name", a->name);
        state_str(r->out, "spec", "");
        while (sudoers_item(&l, &item))
                put_item(r, "members", item.text, item.negated);
        return state_end(r->out);
}

/* NAME = list : NAME = list ... */
static int read_alias(struct sudo_reading *r, struct sudoers *s, size_t word)
{
        struct sudoers_alias a = { .sort = alias_words[word].sort };
        int rc = 0;

        do {
                uint32_t line = s->line;

                if (!sudoers_word(s, &a.name) || !sudoers_take(s, '=') ||
                    !sudoers_list(s, a.sort == SUDOERS_COMMANDS, &a.list))
                        return broken(r, s, line, "an alias without a name, '=' and a list");
                rc = put_alias(r, alias_words[word].kind, &a, line);
        } while (rc == 0 && sudoers_take(s, ':'));
        return rc < 0 || sudoers_at_end(s) ? rc : broken(r, s, s->line, "more than an alias");
}

/* ---- defaults ---- */

static const struct span defaults_word = SPAN_INIT("Defaults");

bool sudo_take_run(struct sudoers *s, const char *ends, struct span *ret)
{
        size_t n = 0;

        sudoers_skip(s);
        while (n < s->rest.n && s->rest.p[n] && !strchr(ends, s->rest.p[n]))
                n += s->rest.p[n] == '\\' && n + 1 < s->rest.n && s->rest.p[n + 1] != '\n' ? 2 : 1;
        *ret = span_of(s->rest.p, n);
        s->rest = span_from(s->rest, n);
        return n > 0;
}

/* "", "+= ", "-= "; NULL: the setting has no value. */
static const char *take_sign(struct sudoers *s)
{
        const char *sign = "";

        if (sudoers_take(s, '+'))
                sign = "+= ";
        else if (sudoers_take(s, '-'))
                sign = "-= ";
        return sudoers_take(s, '=') ? sign : NULL;
}

static bool take_value(struct sudoers *s, struct span *ret)
{
        sudoers_skip(s);
        if (s->rest.n && s->rest.p[0] == '"')
                return sudoers_word(s, ret);
        return sudo_take_run(s, ", \t\r\n", ret);
}

static int put_setting(struct sudo_reading *r, uint32_t line, struct span scope, struct span name,
                       const char *sign, struct span value)
{
        struct buf b = BUF_INIT(STATE_ROW_MAX);

        if (!r->out)
                return 0;
        begin(r, "defaults", line);
        put_text(r, "name", scope);
        state_text(r->out, "spec", name);
        buf_put_str(&b, sign);
        sudoers_put(&b, value);
        state_text(r->out, "value", buf_span(&b));
        state_memory(r->out, &b);
        buf_done(&b);
        return state_end(r->out);
}

static int read_setting(struct sudo_reading *r, struct sudoers *s, struct span scope)
{
        struct span name, value = SPAN_NONE;
        uint32_t line = s->line;
        bool negated = false;
        const char *sign;

        while (sudoers_take(s, '!'))
                negated = !negated;
        if (!sudo_take_run(s, "+-=,!\" \t\r\n", &name))
                return broken(r, s, line, "no setting where one must be");
        sign = take_sign(s);
        if (!sign)
                return put_setting(r, line, scope, name, negated ? "off" : "on", SPAN_NONE);
        if (!take_value(s, &value))
                return broken(r, s, line, "a setting without a value");
        return put_setting(r, line, scope, name, sign, value);
}

/* Defaults, Defaults@hosts, Defaults:users, Defaults!commands (which have no arguments here),
 * Defaults>run_as; then settings. */
static int read_defaults(struct sudo_reading *r, struct sudoers *s)
{
        struct span scope = SPAN_NONE, list;
        int rc;

        s->rest = span_from(s->rest, defaults_word.n);
        if (s->rest.n && s->rest.p[0] && strchr("@:!>", s->rest.p[0])) {
                scope = span_of(s->rest.p, 1);
                s->rest = span_from(s->rest, 1);
                if (!sudoers_list(s, false, &list))
                        return broken(r, s, s->line, "defaults for nobody");
                scope.n = (size_t)(list.p + list.n - scope.p);
        }
        do
                rc = read_setting(r, s, scope);
        while (rc == 0 && sudoers_take(s, ','));
        return rc < 0 || sudoers_at_end(s) ? rc : broken(r, s, s->line, "more than a setting");
}

static bool is_defaults(struct span s)
{
        return span_starts(s, defaults_word) && s.n > defaults_word.n && s.p[defaults_word.n] &&
               strchr("@:!> \t\\", s.p[defaults_word.n]);
}

int sudo_read_entry(struct sudo_reading *r, struct sudoers *s)
{
        struct sudoers before = *s;
        struct span word;

        if (is_defaults(s->rest))
                return read_defaults(r, s);
        if (sudoers_word(s, &word))
                for (size_t i = 0; i < ARRAY_LEN(alias_words); i++)
                        if (span_eq_str(word, alias_words[i].word))
                                return read_alias(r, s, i);
        *s = before;
        return read_rule(r, s);
}
